//! Sharper or softer.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::chance::half;
use crate::transform::op::Op;
use crate::transform::params::{Factor, Number, Probability};
use crate::transform::{SampleInfo, Transform};

/// Sharpens or smooths by a fixed factor with a probability, 0.5 by default.
///
/// ```
/// use candle_augment::RandomAdjustSharpness;
///
/// let sharper = RandomAdjustSharpness::new(2.0)?.with_p(0.3)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomAdjustSharpness {
    sharpness_factor: Number<Factor>,
    #[serde(default = "half")]
    p: Number<Probability>,
}

impl RandomAdjustSharpness {
    /// By `sharpness_factor`: 0 gives the smoothed image, 1 the image itself, 2 doubles the difference between them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the factor is negative or not finite.
    pub fn new(sharpness_factor: f64) -> Result<Self> {
        let sharpness_factor = Number::new("RandomAdjustSharpness: sharpness_factor", sharpness_factor)?;
        Ok(Self { sharpness_factor, p: half() })
    }

    /// The probability; default: 0.5.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn with_p(self, p: f64) -> Result<Self> {
        Ok(Self { p: Number::new("RandomAdjustSharpness: p", p)?, ..self })
    }
}

impl Transform for RandomAdjustSharpness {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if self.p.draw(rng) {
            ops.push(Op::Sharpness { factor: self.sharpness_factor.get() });
        }
    }
}
