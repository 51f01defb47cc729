//! What the loader delivers.

use std::ops::Range;

use candle_core::Tensor;

use crate::error::Result;
use crate::plan::{Origin, Slot};
use crate::transform::{BatchOp, Op};

/// One batch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The images, `(N, C, H, W)`; f32, normalised, or u8.
    pub images: Tensor,
    /// The labels, `(N)`, u32; of a mixed batch those of the samples themselves.
    pub labels: Tensor,
    /// The labels of a mixed batch as shares of the classes, `(N, classes)`, f32; each row sums to 1. None without a
    /// [batch transform](crate::DataLoaderBuilder::batch_transform).
    pub soft_labels: Option<Tensor>,
    /// For each sample its label, origin and key.
    pub slots: Vec<Slot>,
    /// The operation that mixed the batch, after those of its samples and after normalisation; see [`BatchOp::mix_images`].
    pub batch_op: Option<BatchOp>,
    pub(super) drawn: DrawnOps,
}

impl Batch {
    /// A batch that no loader made, of images `(N, C, H, W)` and labels `(N)`.
    #[must_use]
    pub fn new(images: Tensor, labels: Tensor) -> Self {
        Self { images, labels, soft_labels: None, slots: Vec::new(), drawn: DrawnOps::new(0), batch_op: None }
    }

    /// The number of samples, N.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.dims().first().copied().unwrap_or_default()
    }

    /// Whether there is no sample; never true of a loader's batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The weight of each sample in a loss, `(N)` f32 on the device of the labels: 1 for a real one, `synthetic` for a synthetic one.
    ///
    /// All are 1 in a batch that no loader made, whose samples have no origin.
    ///
    /// ```
    /// use candle_augment::{ClassMixture, DataLoader, SmoteSource, digits};
    ///
    /// let set = digits()?;
    /// let smote = SmoteSource::new(&set)?;
    /// let loader = DataLoader::builder(set).mixture(ClassMixture::Share(0.5)).synthetic(smote).build()?;
    /// let batch = loader.epoch(0).next().expect("the set has images")?;
    /// let weights: Vec<f32> = batch.sample_weights(0.25)?.to_vec1()?;
    /// assert!(weights.contains(&1.0) && weights.contains(&0.25));
    /// # Ok::<(), candle_augment::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Tensor`](crate::ErrorKind::Tensor) if the device has no room for them.
    pub fn sample_weights(&self, synthetic: f32) -> Result<Tensor> {
        let mut weights = vec![1.0; self.len()];
        for (weight, slot) in weights.iter_mut().zip(&self.slots) {
            if matches!(slot.origin, Origin::Synthetic(_)) {
                *weight = synthetic;
            }
        }
        Ok(Tensor::from_vec(weights, self.len(), self.labels.device())?)
    }

    /// The operations that made sample `n` of its image; applied to the image again they give the same pixels, unless it
    /// was [decoded at a smaller scale](crate::DataLoaderBuilder::scaled_decoding).
    ///
    /// ```
    /// use candle_augment::{DataLoader, Dataset, Executor, Origin, RandomRotation, digits};
    ///
    /// let set = digits()?;
    /// let loader = DataLoader::builder(set.clone()).transform(RandomRotation::new(10.0)?).build()?;
    /// let batch = loader.epoch(0).next().expect("the set has images")?;
    /// let Origin::Real(index) = batch.slots[0].origin else { unreachable!("the loader has no synthetic source") };
    /// let again = Executor::new().image(batch.ops(0), &set.load(index)?)?;
    /// # let pixels: Vec<f32> = batch.images.get(0)?.flatten_all()?.to_vec1()?;
    /// # assert!(again.data().iter().zip(pixels).all(|(a, b)| (f32::from(*a) / 255.0 - b).abs() < 1e-6));
    /// # Ok::<(), candle_augment::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the loader's batch has no sample `n`, and for a batch that no loader made.
    #[must_use]
    pub fn ops(&self, n: usize) -> &[Op] {
        self.drawn.of(n)
    }
}

/// The operations that were drawn for the samples of a batch.
#[derive(Clone, Debug, Default)]
pub(super) struct DrawnOps {
    /// Those of samples that were made one after the other, in one piece of memory.
    pieces: Vec<Vec<Op>>,
    /// For each sample its piece and its operations there.
    places: Vec<(usize, Range<usize>)>,
}

impl DrawnOps {
    /// None yet, of so many samples.
    pub(super) fn new(samples: usize) -> Self {
        Self { pieces: Vec::new(), places: vec![(0, 0..0); samples] }
    }

    /// Takes `ops`, of which those of each sample are where `places` says.
    pub(super) fn put(&mut self, ops: Vec<Op>, places: impl IntoIterator<Item = (usize, Range<usize>)>) {
        for (sample, range) in places {
            self.places[sample] = (self.pieces.len(), range);
        }
        self.pieces.push(ops);
    }

    /// Forgets the samples for which `kept` does not say that they stay.
    pub(super) fn keep(&mut self, kept: &[bool]) {
        let mut kept = kept.iter();
        self.places.retain(|_| kept.next() == Some(&true));
    }

    fn of(&self, sample: usize) -> &[Op] {
        let (piece, range) = self.places[sample].clone();
        &self.pieces[piece][range]
    }
}
