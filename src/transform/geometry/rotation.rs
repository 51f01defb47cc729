//! Random rotation.

use serde::{Deserialize, Serialize};

use super::params::Point;
use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::params::{Amount, Finite, Interval};
use crate::transform::{Fill, Interpolation, Op, SampleInfo, Transform};

/// Turns by a random angle, uniform over a range of degrees; positive is counter-clockwise.
///
/// ```
/// use candle_augment::{Interpolation, RandomRotation};
///
/// let rotation = RandomRotation::new(15.0)?.with_interpolation(Interpolation::Bilinear).with_fill(255);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomRotation {
    degrees: Interval<Finite>,
    #[serde(default)]
    interpolation: Interpolation,
    #[serde(default)]
    expand: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    center: Option<Point>,
    #[serde(default)]
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
            degrees: Interval::new("RandomRotation: degrees", degrees)?,
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
    pub fn with_center(self, x: f64, y: f64) -> Result<Self> {
        Ok(Self { center: Some(Point::new("RandomRotation: center", x, y)?), ..self })
    }

    /// The colour outside of the source image; default: black.
    #[must_use]
    pub fn with_fill(self, fill: impl Into<Fill>) -> Self {
        Self { fill: fill.into(), ..self }
    }
}

impl Transform for RandomRotation {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let Self { degrees, interpolation, expand, center, fill } = *self;
        ops.push(Op::Rotate {
            degrees: degrees.draw(rng),
            interpolation,
            expand,
            center: center.map(Point::get),
            fill,
        });
    }
}
