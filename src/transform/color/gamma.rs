//! Powers of the bytes.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::op::Op;
use crate::transform::params::{Amount, Factor, Interval, Number, Probability};
use crate::transform::{SampleInfo, Transform};

/// Raises the bytes to a random power with a probability: below 1 the dark becomes brighter, above 1 darker.
///
/// The exponent is uniform over a range, 0.8 to 1.2 by default; `p` is 0.5 by default. torchvision has the operation (`adjust_gamma`) but no
/// transform that draws its exponent; name and defaults are those of Albumentations, whose limits are in percent.
///
/// ```
/// use candle_augment::RandomGamma;
///
/// let gamma = RandomGamma::new(0.5..=2.0)?.with_p(1.0)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGamma {
    gamma: Interval<Factor>,
    p: Number<Probability>,
}

impl RandomGamma {
    /// With exponents from a range, or from `max(0, 1 − v)` to `1 + v` for a number `v`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the range is reversed, below 0 or not finite.
    pub fn new(gamma: impl Into<Amount>) -> Result<Self> {
        Ok(Self { gamma: Interval::new("RandomGamma: gamma", gamma)?, ..Self::default() })
    }

    /// The probability; default: 0.5.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn with_p(self, p: f64) -> Result<Self> {
        Ok(Self { p: Number::new("RandomGamma: p", p)?, ..self })
    }
}

impl Default for RandomGamma {
    fn default() -> Self {
        Self { gamma: Interval::constant(0.8, 1.2), p: Number::constant(0.5) }
    }
}

impl Transform for RandomGamma {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if self.p.draw(rng) {
            ops.push(Op::Gamma { gamma: self.gamma.draw(rng), gain: 1.0 });
        }
    }
}
