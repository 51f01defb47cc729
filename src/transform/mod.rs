//! Transforms: a [`Transform`] *draws* concrete [`Op`]s, the ops are then *applied* to images.
//!
//! Names, parameters and results are torchvision's (`torchvision.transforms.v2`, version 0.29) in its **tensor** form on 8-bit images, which
//! differs in places from its PIL form: colour works in 32-bit floats that are truncated to 8 bits after every operation, hue does
//! not pass through an 8-bit hue, rotation samples on the grid of `grid_sample`. Flips, colour and nearest-neighbour rotation agree to the
//! bit; the docs of each [`Op`] say what holds. The kind and order of the draws are torchvision's too, the generator is this crate's.

mod batch;
mod chance;
mod check;
mod choice;
mod color;
mod combine;
mod custom;
mod executor;
mod filter;
mod geometry;
mod kernels;
mod normalize;
mod op;
mod params;
mod policy;
mod whole;

pub use batch::{BatchOneOf, BatchOp, BatchTransform, CutMix, MixUp};
pub use color::{
    ColorJitter, Grayscale, RandomAutocontrast, RandomChannelPermutation, RandomEqualize, RandomGamma, RandomGrayscale,
    RandomInvert, RandomPhotometricDistort, RandomPosterize, RandomSolarize,
};
pub use combine::{Compose, OneOf, PerClass, Pipeline, RandomApply, RandomOrder, Step};
pub use custom::{Custom, Lambda};
pub use executor::Executor;
pub(crate) use executor::at_op;
pub use filter::{GaussianBlur, GaussianNoise, Jpeg, RandomAdjustSharpness, RandomErasing};
pub use geometry::{
    CenterCrop, ElasticTransform, FiveCrop, Margins, Pad, RandomAffine, RandomCrop, RandomHorizontalFlip,
    RandomPerspective, RandomResize, RandomResizedCrop, RandomRotation, RandomVerticalFlip, RandomZoomOut, Resize,
    TenCrop,
};
pub use normalize::{Normalize, write_planar};
pub use op::{Fill, Interpolation, Op, Padding, Patch, apply_ops};
pub use params::Amount;
pub use policy::{AugMix, AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide};

use std::sync::Arc;

use crate::error::Result;
use crate::image::{Image, Size};
use crate::rng::SampleRng;

/// What a transform may know of the sample that it draws for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleInfo<'a> {
    /// The size of the image at this point.
    pub size: Size,
    /// Its channels, 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// The name of the sample's class, where it is known.
    pub class: Option<&'a str>,
}

impl<'a> SampleInfo<'a> {
    /// The shape of `image`; the class is not known.
    #[must_use]
    pub fn of(image: &Image) -> Self {
        Self { size: image.size(), channels: image.channels(), class: None }
    }

    /// With the name of the class.
    #[must_use]
    pub fn with_class(self, class: &'a str) -> Self {
        Self { class: Some(class), ..self }
    }

    /// What is known of the image after `ops`.
    #[must_use]
    pub fn after(self, ops: &[Op]) -> Self {
        ops.iter().fold(self, |info, op| Self {
            size: op.output_size(info.size),
            channels: op.output_channels(info.channels),
            ..info
        })
    }

    /// Lets `transform` draw, and returns what is known of the image after that.
    fn drawn(self, transform: &dyn Transform, rng: &mut SampleRng, ops: &mut Vec<Op>) -> Self {
        let before = ops.len();
        transform.draw(self, rng, ops);
        self.after(&ops[before..])
    }
}

/// Draws the operations for one sample.
///
/// A transform has no state: everything random comes from `rng`, so that the same generator and sample always give the same ops.
///
/// ```
/// use candle_augment::{Image, Pipeline, Purpose, RandomHorizontalFlip, RandomRotation, SampleInfo, SampleKey, Transform, apply_ops};
///
/// let transform = Pipeline::new().then(RandomHorizontalFlip::new(0.5)?).then(RandomRotation::new(15.0)?);
/// let key = SampleKey { seed: 0, epoch: 0, position: 3, purpose: Purpose::Transform };
/// let image = Image::filled(28, 28, &[200])?;
///
/// let mut ops = Vec::new();
/// transform.draw(SampleInfo::of(&image), &mut key.rng(), &mut ops);
/// assert_eq!(apply_ops(&ops, image.clone())?, transform.apply(image, &mut key.rng())?);
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub trait Transform: Send + Sync {
    /// Appends the operations for a sample like `info` to `ops`.
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>);

    /// Whether the transform suits a data set of these classes; a loader asks when it is built. By default it does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for the name of a class that is not among them.
    fn check_classes(&self, classes: &[String]) -> Result<()> {
        let _ = classes;
        Ok(())
    }

    /// Draws the operations for `image` and applies them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transform`](crate::ErrorKind::Transform), with the op, if one of them cannot be applied.
    fn apply(&self, image: Image, rng: &mut SampleRng) -> Result<Image> {
        let mut ops = Vec::new();
        self.draw(SampleInfo::of(&image), rng, &mut ops);
        apply_ops(&ops, image)
    }
}

impl<T: Transform + ?Sized> Transform for Box<T> {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        (**self).draw(info, rng, ops);
    }

    fn check_classes(&self, classes: &[String]) -> Result<()> {
        (**self).check_classes(classes)
    }
}

impl<T: Transform + ?Sized> Transform for Arc<T> {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        (**self).draw(info, rng, ops);
    }

    fn check_classes(&self, classes: &[String]) -> Result<()> {
        (**self).check_classes(classes)
    }
}
