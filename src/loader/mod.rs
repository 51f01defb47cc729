//! The data loader.

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
