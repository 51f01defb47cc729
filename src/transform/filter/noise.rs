//! Noise.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::op::Op;
use crate::transform::params::{Factor, Finite, Number};
use crate::transform::{SampleInfo, Transform};

/// Adds normal noise to every byte; mean and deviation are in parts of the whole range.
///
/// By default the mean is 0, the deviation 0.1, and what leaves the range is cut off.
///
/// ```
/// use candle_augment::GaussianNoise;
///
/// let faint = GaussianNoise::default().with_sigma(0.02)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianNoise {
    mean: Number<Finite>,
    sigma: Number<Factor>,
    clip: bool,
}

impl GaussianNoise {
    /// The mean; default: 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is not finite.
    pub fn with_mean(self, mean: f64) -> Result<Self> {
        Ok(Self { mean: Number::new("GaussianNoise: mean", mean)?, ..self })
    }

    /// The standard deviation; default: 0.1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is negative or not finite.
    pub fn with_sigma(self, sigma: f64) -> Result<Self> {
        Ok(Self { sigma: Number::new("GaussianNoise: sigma", sigma)?, ..self })
    }

    /// Whether what leaves the range is cut off; otherwise it wraps around. Default: yes.
    #[must_use]
    pub fn with_clip(self, clip: bool) -> Self {
        Self { clip, ..self }
    }
}

impl Default for GaussianNoise {
    fn default() -> Self {
        Self { mean: Number::constant(0.0), sigma: Number::constant(0.1), clip: true }
    }
}

impl Transform for GaussianNoise {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let (mean, sigma) = (self.mean.get() as f32, self.sigma.get() as f32);
        ops.push(Op::GaussianNoise { mean, sigma, clip: self.clip, seed: rng.next_seed() });
    }
}
