//! What the loader delivers.

use candle_core::Tensor;

use crate::plan::Slot;

/// One batch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The images, `(N, C, H, W)`; f32, normalised, or u8.
    pub images: Tensor,
    /// The labels, `(N)`, u32.
    pub labels: Tensor,
    /// For each sample its label, origin and key.
    pub slots: Vec<Slot>,
}

impl Batch {
    /// The number of samples, N.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no sample; never true of a loader's batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
