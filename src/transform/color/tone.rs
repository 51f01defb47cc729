//! Transforms of each byte by itself, or by the bytes of its channel.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::chance::{chance, half};
use crate::transform::op::Op;
use crate::transform::params::{Level, Number, Probability};
use crate::transform::whole::Whole;
use crate::transform::{SampleInfo, Transform};

chance! {
    /// Makes the negative with probability `p`, 0.5 by default.
    RandomInvert, 0.5, _ => Op::Invert
}

chance! {
    /// Stretches each channel to the whole range with probability `p`, 0.5 by default.
    RandomAutocontrast, 0.5, _ => Op::Autocontrast
}

chance! {
    /// Makes all levels of each channel equally frequent, with probability `p`, 0.5 by default.
    RandomEqualize, 0.5, _ => Op::Equalize
}

/// Keeps the highest bits of each byte and clears the others, with a probability, 0.5 by default.
///
/// ```
/// use candle_augment::RandomPosterize;
///
/// let sixteen_levels = RandomPosterize::new(4)?.with_p(0.2)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomPosterize {
    bits: Whole<0, 8>,
    #[serde(default = "half")]
    p: Number<Probability>,
}

impl RandomPosterize {
    /// Keeps `bits` bits, 0 to 8.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there are more than 8 bits.
    pub fn new(bits: usize) -> Result<Self> {
        Ok(Self { bits: Whole::new("RandomPosterize: bits", bits)?, p: half() })
    }

    /// The probability; default: 0.5.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn with_p(self, p: f64) -> Result<Self> {
        Ok(Self { p: Number::new("RandomPosterize: p", p)?, ..self })
    }
}

impl Transform for RandomPosterize {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if self.p.draw(rng) {
            ops.push(Op::Posterize { bits: self.bits.get() as u8 });
        }
    }
}

/// Inverts what is bright with a probability, 0.5 by default.
///
/// ```
/// use candle_augment::RandomSolarize;
///
/// let above_the_middle = RandomSolarize::new(128.0)?.with_p(0.2)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomSolarize {
    threshold: Number<Level>,
    #[serde(default = "half")]
    p: Number<Probability>,
}

impl RandomSolarize {
    /// Inverts bytes from `threshold` on, 0 to 255.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `threshold` lies outside [0, 255].
    pub fn new(threshold: f64) -> Result<Self> {
        Ok(Self { threshold: Number::new("RandomSolarize: threshold", threshold)?, p: half() })
    }

    /// The probability; default: 0.5.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn with_p(self, p: f64) -> Result<Self> {
        Ok(Self { p: Number::new("RandomSolarize: p", p)?, ..self })
    }
}

impl Transform for RandomSolarize {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if self.p.draw(rng) {
            ops.push(Op::Solarize { threshold: self.threshold.get() as f32 });
        }
    }
}
