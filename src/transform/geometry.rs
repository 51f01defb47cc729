//! Transforms that move pixels: flips and rotation.

use super::op::{Fill, Interpolation, Op};
use super::params::{Amount, Range, probability};
use super::{SampleInfo, Transform};
use crate::error::{Error, Result};
use crate::rng::SampleRng;

/// Mirrors left and right with probability `p`, 0.5 by default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomHorizontalFlip {
    p: f64,
}

impl RandomHorizontalFlip {
    /// A flip with probability `p`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn new(p: f64) -> Result<Self> {
        Ok(Self { p: probability("RandomHorizontalFlip", p)? })
    }
}

impl Default for RandomHorizontalFlip {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl Transform for RandomHorizontalFlip {
    fn draw(&self, _info: SampleInfo, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if rng.bernoulli(self.p) {
            ops.push(Op::HFlip);
        }
    }
}

/// Mirrors top and bottom with probability `p`, 0.5 by default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomVerticalFlip {
    p: f64,
}

impl RandomVerticalFlip {
    /// A flip with probability `p`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn new(p: f64) -> Result<Self> {
        Ok(Self { p: probability("RandomVerticalFlip", p)? })
    }
}

impl Default for RandomVerticalFlip {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl Transform for RandomVerticalFlip {
    fn draw(&self, _info: SampleInfo, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if rng.bernoulli(self.p) {
            ops.push(Op::VFlip);
        }
    }
}

/// Turns by a random angle, uniform over a range of degrees; positive is counter-clockwise.
///
/// ```
/// use candle_augment::{Interpolation, RandomRotation};
///
/// let rotation = RandomRotation::new(15.0)?.with_interpolation(Interpolation::Bilinear).with_fill(255);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomRotation {
    degrees: Range,
    interpolation: Interpolation,
    expand: bool,
    center: Option<[f32; 2]>,
    fill: Fill,
}

impl RandomRotation {
    /// By up to `degrees` either way, or by degrees from a range. Nearest pixel, around the middle, size unchanged, filled with black.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the degrees are negative, reversed or not finite.
    pub fn new(degrees: impl Into<Amount>) -> Result<Self> {
        Ok(Self {
            degrees: Range::of_angles("RandomRotation: degrees", degrees.into())?,
            interpolation: Interpolation::Nearest,
            expand: false,
            center: None,
            fill: Fill::default(),
        })
    }

    /// The interpolation; default: nearest.
    #[must_use]
    pub fn with_interpolation(self, interpolation: Interpolation) -> Self {
        Self { interpolation, ..self }
    }

    /// Whether the result grows to hold the whole rotated image; default: no.
    #[must_use]
    pub fn with_expand(self, expand: bool) -> Self {
        Self { expand, ..self }
    }

    /// The fixed point in pixels from the top left corner; default: the middle, (W / 2, H / 2).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a coordinate is not finite.
    pub fn with_center(self, x: f32, y: f32) -> Result<Self> {
        if !(x.is_finite() && y.is_finite()) {
            return Err(Error::config(format!("RandomRotation: the centre must lie in (−∞, ∞), got ({x}, {y})")));
        }
        Ok(Self { center: Some([x, y]), ..self })
    }

    /// The colour outside of the source image; default: black.
    #[must_use]
    pub fn with_fill(self, fill: impl Into<Fill>) -> Self {
        Self { fill: fill.into(), ..self }
    }
}

impl Transform for RandomRotation {
    fn draw(&self, _info: SampleInfo, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let Self { degrees, interpolation, expand, center, fill } = *self;
        ops.push(Op::Rotate { degrees: degrees.draw(rng), interpolation, expand, center, fill });
    }
}
