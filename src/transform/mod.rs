//! Transforms: a [`Transform`] draws [`Op`]s, ops are applied to images.

mod op;

pub use op::Op;

use crate::image::Size;
use crate::rng::SampleRng;

/// Draws the operations for one sample.
///
/// A transform has no state: everything random comes from `rng`, so that the same generator and size always give the same ops.
pub trait Transform: Send + Sync {
    /// Appends the operations for an image of `size` to `ops`.
    fn draw(&self, size: Size, rng: &mut SampleRng, ops: &mut Vec<Op>);
}
