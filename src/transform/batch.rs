//! Transforms of whole batches, which mix images and their labels: MixUp and CutMix.

use std::sync::Arc;

use rand_distr::{Beta, Distribution};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::image::Size;
use crate::rng::SampleRng;
use crate::transform::choice;

/// Draws the operation for one batch.
///
/// As a [`Transform`](crate::Transform) it has no state: everything random comes from `rng`.
///
/// ```
/// use candle_augment::{BatchOneOf, CutMix, DataLoader, MixUp, digits};
///
/// let mix = BatchOneOf::new().or(MixUp::new(0.2)?).or(CutMix::default());
/// let loader = DataLoader::builder(digits()?).batch_transform(mix).batch_size(50).build()?;
/// let batch = loader.epoch(0).next().expect("the set has images")?;
/// assert_eq!(batch.soft_labels.expect("the batch is mixed").dims(), [50, 10]);
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub trait BatchTransform: Send + Sync {
    /// The operation for a batch of images of `size`.
    fn draw(&self, size: Size, rng: &mut SampleRng) -> BatchOp;
}

impl<T: BatchTransform + ?Sized> BatchTransform for Box<T> {
    fn draw(&self, size: Size, rng: &mut SampleRng) -> BatchOp {
        (**self).draw(size, rng)
    }
}

impl<T: BatchTransform + ?Sized> BatchTransform for Arc<T> {
    fn draw(&self, size: Size, rng: &mut SampleRng) -> BatchOp {
        (**self).draw(size, rng)
    }
}

/// One deterministic operation on a batch: plain data to print, compare, store and replay.
///
/// Each sample is mixed with the one before it, the first with the last (`roll(1)` in torch), as in torchvision's `v2.MixUp` and `v2.CutMix`,
/// to the bit. A batch of one sample is mixed with itself.
///
/// ```
/// use candle_augment::{BatchOp, Size};
///
/// let op = BatchOp::MixUp { lambda: 0.75 };
/// let mut images = [0.0, 1.0];
/// op.mix_images(&mut images, 1, Size::square(1))?;
/// assert_eq!(images, [0.25, 0.75]);
/// assert_eq!(op.mix_labels(&[0, 2], 3)?, [0.75, 0.0, 0.25, 0.25, 0.0, 0.75]);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum BatchOp {
    /// Leaves images and labels as they are; labels become soft all the same.
    Keep,
    /// `lambda · x + (1 − lambda) · other`, for images and labels.
    MixUp {
        /// The weight of the sample itself, in [0, 1].
        lambda: f64,
    },
    /// Puts a rectangle of the other image in its place; labels are mixed as the areas are.
    CutMix {
        /// The first row.
        top: usize,
        /// The first column.
        left: usize,
        /// The size of the rectangle, which lies inside the image; it may be empty.
        size: Size,
        /// The weight of the sample's own label, in [0, 1]: the part of its image that is left.
        lambda: f64,
    },
}

impl BatchOp {
    /// Mixes normalised images `(N, C, H, W)` of `size` and `channels`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transform`] if `images` is not a whole number of images, the rectangle does not lie inside them, or lambda lies
    /// outside [0, 1].
    pub fn mix_images(&self, images: &mut [f32], channels: usize, size: Size) -> Result<()> {
        let length = [size.height, size.width].into_iter().try_fold(channels, usize::checked_mul);
        let Some(length) = length.filter(|length| *length > 0 && images.len().is_multiple_of(*length)) else {
            return self.refuse(format!(
                "{} values are not a whole number of images of {channels}×{}×{} (channels × height × width)",
                images.len(),
                size.height,
                size.width
            ));
        };
        match *self {
            Self::Keep => {}
            Self::MixUp { .. } => {
                let [own, other] = self.weights()?;
                with_previous(images, length, |image, previous| {
                    for (x, previous) in image.iter_mut().zip(previous) {
                        *x = previous * other + *x * own;
                    }
                });
            }
            Self::CutMix { top, left, size: part, .. } => {
                let fits = |first: usize, part: usize, side| first.checked_add(part).is_some_and(|end| end <= side);
                if !(fits(top, part.height, size.height) && fits(left, part.width, size.width)) {
                    return self.refuse(format!("the rectangle must lie inside the images of {size:?}"));
                }
                with_previous(images, length, |image, previous| {
                    let rows = image.chunks_exact_mut(size.width).zip(previous.chunks_exact(size.width));
                    let inside = |(n, _): &(usize, _)| (top..top + part.height).contains(&(n % size.height));
                    for (_, (row, previous)) in rows.enumerate().filter(inside) {
                        row[left..][..part.width].copy_from_slice(&previous[left..][..part.width]);
                    }
                });
            }
        }
        Ok(())
    }

    /// The labels as shares of the `classes`, `(N, classes)`, mixed as the images.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transform`] if a label is not below `classes`, or lambda lies outside [0, 1].
    pub fn mix_labels(&self, labels: &[u32], classes: usize) -> Result<Vec<f32>> {
        if let Some(label) = labels.iter().find(|label| **label as usize >= classes) {
            return self.refuse(format!("label {label} is not one of the {classes} classes"));
        }
        let [own, other] = self.weights()?;
        let mut shares = vec![0.0; labels.len() * classes];
        let previous = labels.iter().cycle().skip(labels.len().saturating_sub(1));
        for ((shares, label), previous) in shares.chunks_exact_mut(classes.max(1)).zip(labels).zip(previous) {
            shares[*previous as usize] += other;
            shares[*label as usize] += own;
        }
        Ok(shares)
    }

    /// The weights of a sample and of the one before it, rounded as torch rounds them.
    fn weights(&self) -> Result<[f32; 2]> {
        let lambda = match *self {
            Self::Keep => 1.0,
            Self::MixUp { lambda } | Self::CutMix { lambda, .. } => lambda,
        };
        if (0.0..=1.0).contains(&lambda) {
            Ok([lambda as f32, (1.0 - lambda) as f32])
        } else {
            self.refuse("lambda must lie in [0, 1]".to_owned())
        }
    }

    fn refuse<T>(&self, message: String) -> Result<T> {
        Err(Error::new(ErrorKind::Transform, message).with_op(self))
    }
}

/// Calls `mix` with each sample of `length` values and, unmixed, the one before it; the one before the first is the last.
fn with_previous(samples: &mut [f32], length: usize, mix: impl Fn(&mut [f32], &[f32])) {
    let count = samples.len() / length;
    let Some(last) = samples.chunks_exact(length).last().map(<[f32]>::to_vec) else { return };
    // From the last to the first: the one before is mixed after it was read.
    for n in (1..count).rev() {
        let (before, from) = samples.split_at_mut(n * length);
        mix(&mut from[..length], &before[(n - 1) * length..]);
    }
    mix(&mut samples[..length], &last);
}

/// Mixes each image of a batch, and its label, with another (torchvision's `v2.MixUp`; H. Zhang and others, "mixup: Beyond Empirical Risk
/// Minimization", 2018).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixUp {
    lambda: Weight,
}

impl MixUp {
    /// With lambda from Beta(`alpha`, `alpha`), one for each batch; default 1, which is the uniform distribution.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if `alpha` is not positive and finite.
    pub fn new(alpha: f64) -> Result<Self> {
        Ok(Self { lambda: Weight::new("MixUp", alpha)? })
    }
}

impl Default for MixUp {
    /// With alpha 1.
    fn default() -> Self {
        Self { lambda: Weight::Uniform }
    }
}

impl BatchTransform for MixUp {
    fn draw(&self, _size: Size, rng: &mut SampleRng) -> BatchOp {
        BatchOp::MixUp { lambda: self.lambda.sample(rng) }
    }
}

/// Replaces a rectangle of each image by the same part of another, and mixes their labels by the areas (torchvision's `v2.CutMix`; S. Yun and
/// others, "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CutMix {
    lambda: Weight,
}

impl CutMix {
    /// With 1 − lambda for the part of the area, before what reaches outside is cut off: lambda from Beta(`alpha`, `alpha`), one for each
    /// batch; default 1, which is the uniform distribution.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if `alpha` is not positive and finite.
    pub fn new(alpha: f64) -> Result<Self> {
        Ok(Self { lambda: Weight::new("CutMix", alpha)? })
    }
}

impl Default for CutMix {
    /// With alpha 1.
    fn default() -> Self {
        Self { lambda: Weight::Uniform }
    }
}

impl BatchTransform for CutMix {
    fn draw(&self, size: Size, rng: &mut SampleRng) -> BatchOp {
        let lambda = self.lambda.sample(rng);
        let (x, y) = (rng.below(size.width), rng.below(size.height));
        rectangle(size, lambda, x, y)
    }
}

/// The rectangle about column `x` and row `y` that takes 1 − lambda of the image, cut off at its sides; and the lambda that results.
fn rectangle(size: Size, lambda: f64, x: usize, y: usize) -> BatchOp {
    let radius = 0.5 * (1.0 - lambda).sqrt();
    let side = |center: usize, side: usize| {
        let half = (radius * side as f64) as usize;
        let first = center.saturating_sub(half);
        (first, (center + half).min(side) - first)
    };
    let ((left, width), (top, height)) = (side(x, size.width), side(y, size.height));
    let lambda = 1.0 - (width * height) as f64 / (size.width * size.height) as f64;
    BatchOp::CutMix { top, left, size: Size::new(height, width), lambda }
}

/// One of several transforms of batches (torchvision's `RandomChoice`), each as likely as the others unless weights are given; without any,
/// the batch keeps its images.
///
/// ```
/// use candle_augment::{BatchOneOf, CutMix, MixUp};
///
/// let mostly_cut = BatchOneOf::new().or(MixUp::new(0.2)?).or(CutMix::default()).with_weights(&[1.0, 3.0])?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct BatchOneOf {
    transforms: Vec<Arc<dyn BatchTransform>>,
    weights: Option<Vec<f64>>,
}

impl BatchOneOf {
    /// No transforms yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a transform to choose from. Weights given before are forgotten.
    #[must_use]
    pub fn or(mut self, transform: impl BatchTransform + 'static) -> Self {
        self.transforms.push(Arc::new(transform));
        Self { weights: None, ..self }
    }

    /// How likely each transform is, in proportion.
    ///
    /// # Errors
    ///
    /// As [`OneOf::with_weights`](crate::OneOf::with_weights).
    pub fn with_weights(self, weights: &[f64]) -> Result<Self> {
        let weights = choice::checked(weights.to_vec(), self.transforms.len())
            .map_err(|message| Error::config(format!("BatchOneOf: {message}")))?;
        Ok(Self { weights: Some(weights), ..self })
    }
}

impl BatchTransform for BatchOneOf {
    fn draw(&self, size: Size, rng: &mut SampleRng) -> BatchOp {
        match self.transforms.len() {
            0 => BatchOp::Keep,
            count => self.transforms[choice::choose(self.weights.as_deref(), count, rng)].draw(size, rng),
        }
    }
}

/// Beta(alpha, alpha).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Weight {
    /// Alpha is 1.
    Uniform,
    Beta(Beta<f64>),
}

impl Weight {
    fn new(name: &str, alpha: f64) -> Result<Self> {
        let refuse = || Error::config(format!("{name}: alpha must lie in (0, ∞), not {alpha}"));
        if !(alpha.is_finite() && alpha > 0.0) {
            return Err(refuse());
        }
        // Larger numbers overflow in the sampler; long before, lambda is ½ in 32 bits.
        let alpha = alpha.min(1e30);
        Beta::new(alpha, alpha).map(Self::Beta).map_err(|_| refuse())
    }

    /// In [0, 1]; a 32-bit number, as torch draws it.
    fn sample(self, rng: &mut SampleRng) -> f64 {
        let lambda = match self {
            Self::Uniform => rng.uniform(0.0, 1.0),
            Self::Beta(beta) => beta.sample(rng),
        };
        f64::from(lambda as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from torchvision's `CutMix.make_params` with these draws.
    #[test]
    fn rectangles_are_cut_off_at_the_sides() {
        let size = Size::new(20, 30);
        let cut =
            |top, left, height, width, lambda| BatchOp::CutMix { top, left, size: Size::new(height, width), lambda };
        assert_eq!(rectangle(size, 0.75, 15, 10), cut(5, 8, 10, 14, 1.0 - 140.0 / 600.0));
        assert_eq!(rectangle(size, 0.75, 0, 19), cut(14, 0, 6, 7, 1.0 - 42.0 / 600.0));
        assert_eq!(rectangle(size, 1.0, 29, 0), cut(0, 29, 0, 0, 1.0));
        assert_eq!(rectangle(size, 0.0, 15, 10), cut(0, 0, 20, 30, 0.0));
    }
}
