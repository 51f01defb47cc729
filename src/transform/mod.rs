//! Transforms: a [`Transform`] *draws* concrete [`Op`]s, the ops are then *applied* to images.
//!
//! Names, parameters and results are torchvision's (`torchvision.transforms.v2`, version 0.29) in its **tensor** form on 8-bit images, which
//! differs in places from its PIL form: colour works in 32-bit floats that are truncated to 8 bits after every operation, hue does
//! not pass through an 8-bit hue, rotation samples on the grid of `grid_sample`. Flips, colour and nearest-neighbour rotation agree to the
//! bit; the docs of each [`Op`] say what holds. The kind and order of the draws are torchvision's too, the generator is this crate's.

mod color;
mod compose;
mod geometry;
mod kernels;
mod normalize;
mod op;
mod params;
mod resize;

pub use color::ColorJitter;
pub use compose::{Compose, OneOf, RandomApply};
pub use geometry::{RandomHorizontalFlip, RandomRotation, RandomVerticalFlip};
pub use normalize::{Normalize, write_planar};
pub use op::{Fill, Interpolation, Op, apply_ops};
pub use params::Amount;
pub use resize::Resize;

use std::sync::Arc;

use crate::error::Result;
use crate::image::{Image, Size};
use crate::rng::SampleRng;

/// Draws the operations for one sample.
///
/// A transform has no state: everything random comes from `rng`, so that the same generator and size always give the same ops.
///
/// ```
/// use candle_augment::{Compose, Image, Purpose, RandomHorizontalFlip, RandomRotation, SampleKey, Transform, apply_ops};
///
/// let transform = Compose::new().then(RandomHorizontalFlip::new(0.5)?).then(RandomRotation::new(15.0)?);
/// let key = SampleKey { seed: 0, epoch: 0, position: 3, purpose: Purpose::Transform };
/// let image = Image::filled(28, 28, &[200])?;
///
/// let mut ops = Vec::new();
/// transform.draw(image.size(), &mut key.rng(), &mut ops);
/// assert_eq!(apply_ops(&ops, image.clone())?, transform.apply(image, &mut key.rng())?);
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub trait Transform: Send + Sync {
    /// Appends the operations for an image of `size` to `ops`.
    fn draw(&self, size: Size, rng: &mut SampleRng, ops: &mut Vec<Op>);

    /// Draws the operations for `image` and applies them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transform`](crate::ErrorKind::Transform), with the op, if one of them cannot be applied.
    fn apply(&self, image: Image, rng: &mut SampleRng) -> Result<Image> {
        let mut ops = Vec::new();
        self.draw(image.size(), rng, &mut ops);
        apply_ops(&ops, image)
    }
}

impl<T: Transform + ?Sized> Transform for Box<T> {
    fn draw(&self, size: Size, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        (**self).draw(size, rng, ops);
    }
}

impl<T: Transform + ?Sized> Transform for Arc<T> {
    fn draw(&self, size: Size, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        (**self).draw(size, rng, ops);
    }
}
