//! Random perspective.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::image::Size;
use crate::rng::SampleRng;
use crate::transform::kernels::warp::perspective::Perspective;
use crate::transform::params::{Number, Probability};
use crate::transform::{Fill, Interpolation, Op, SampleInfo, Transform};

/// How often corners that no perspective shows are drawn again: on 2×2 pixels, the worst case, nine of ten are.
const TRIES: usize = 200;

/// Moves each corner inwards by a random way, with probability 0.5 unless another is given.
///
/// Corners of which three lie on one line, as they may for a distortion near 1, are drawn again: torchvision shows a smear then.
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

    /// Where the corners come to lie.
    fn corners(&self, Size { height, width }: Size, rng: &mut SampleRng) -> [[f32; 2]; 4] {
        let within = |side: usize| (self.distortion_scale.get() * (side / 2) as f64) as usize + 1;
        let (x, y) = (within(width), within(height));
        let mut point = |right: bool, low: bool| {
            let column = rng.below(x) + if right { width - x } else { 0 };
            let row = rng.below(y) + if low { height - y } else { 0 };
            [column as f32, row as f32]
        };
        [point(false, false), point(true, false), point(true, true), point(false, true)]
    }
}

impl Transform for RandomPerspective {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        // A line of pixels has no corners to move apart.
        if !self.p.draw(rng) || info.size.width < 2 || info.size.height < 2 {
            return;
        }
        let (right, bottom) = ((info.size.width - 1) as f32, (info.size.height - 1) as f32);
        let start = [[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]];
        let mut ends = (0..TRIES).map(|_| self.corners(info.size, rng));
        if let Some(end) = ends.find(|end| Perspective::new(info.size, start, *end).is_some()) {
            ops.push(Op::Perspective { start, end, interpolation: self.interpolation, fill: self.fill });
        }
    }
}
