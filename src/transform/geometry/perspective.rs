//! Random perspective.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::kernels::warp::perspective::Perspective;
use crate::transform::params::{Number, Probability};
use crate::transform::{Fill, Interpolation, Op, SampleInfo, Transform};

/// Moves each corner inwards by a random way, with probability 0.5 unless another is given.
///
/// Where three corners would come to lie on one line, which takes a distortion near 1 or an image of few pixels, it stays as it is.
///
/// ```
/// use candle_augment::RandomPerspective;
///
/// let perspective = RandomPerspective::new(0.3, 1.0)?.with_fill(255);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomPerspective {
    distortion_scale: Number<Probability>,
    p: Number<Probability>,
    interpolation: Interpolation,
    fill: Fill,
}

impl Default for RandomPerspective {
    /// Half the way to the middle at most, with probability 0.5, bilinear, filled with black.
    fn default() -> Self {
        Self {
            distortion_scale: Number::constant(0.5),
            p: Number::constant(0.5),
            interpolation: Interpolation::Bilinear,
            fill: Fill::default(),
        }
    }
}

impl RandomPerspective {
    /// Corners move by at most the part `distortion_scale` of the way to the middle, with probability `p`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if one lies outside [0, 1].
    pub fn new(distortion_scale: f64, p: f64) -> Result<Self> {
        let distortion_scale = Number::new("RandomPerspective: distortion_scale", distortion_scale)?;
        Ok(Self { distortion_scale, p: Number::new("RandomPerspective: p", p)?, ..Self::default() })
    }

    /// The interpolation; default: bilinear.
    #[must_use]
    pub fn with_interpolation(self, interpolation: Interpolation) -> Self {
        Self { interpolation, ..self }
    }

    /// The colour outside of the source image; default: black.
    #[must_use]
    pub fn with_fill(self, fill: impl Into<Fill>) -> Self {
        Self { fill: fill.into(), ..self }
    }
}

impl Transform for RandomPerspective {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if !self.p.draw(rng) {
            return;
        }
        let (width, height) = (info.size.width, info.size.height);
        let within = |side: usize| (self.distortion_scale.get() * (side / 2) as f64) as usize + 1;
        let (x, y) = (within(width), within(height));
        let mut point = |right: bool, low: bool| {
            let column = rng.below(x) + if right { width - x } else { 0 };
            let row = rng.below(y) + if low { height - y } else { 0 };
            [column as f32, row as f32]
        };
        let end = [point(false, false), point(true, false), point(true, true), point(false, true)];
        let (right, bottom) = ((width - 1) as f32, (height - 1) as f32);
        let start = [[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]];
        if Perspective::new(info.size, start, end).is_some() {
            ops.push(Op::Perspective { start, end, interpolation: self.interpolation, fill: self.fill });
        }
    }
}
