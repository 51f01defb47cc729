//! The distortion that SSD trains with.

use serde::{Deserialize, Serialize};

use super::channels::permutation;
use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::op::Op;
use crate::transform::params::{Amount, Domain, Factor, Hue, Interval, Number, Probability};
use crate::transform::{SampleInfo, Transform};

/// Changes brightness, contrast, saturation, hue and the order of the channels, each with probability `p` (W. Liu et al., "SSD: Single Shot
/// MultiBox Detector", 2016).
///
/// By default `p` is 0.5, brightness lies in 0.875 to 1.125, contrast and saturation in 0.5 to 1.5, and the hue moves by −0.05 to 0.05 of a
/// full turn. Brightness comes first and the channels last; contrast comes before saturation and hue or after them, as likely. For a number
/// instead of a range see [`ColorJitter`](crate::ColorJitter).
///
/// ```
/// use candle_augment::RandomPhotometricDistort;
///
/// let distort = RandomPhotometricDistort::default().with_brightness(0.7..=1.3)?.with_p(0.8)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomPhotometricDistort {
    brightness: Interval<Factor>,
    contrast: Interval<Factor>,
    saturation: Interval<Factor>,
    hue: Interval<Hue>,
    p: Number<Probability>,
}

impl RandomPhotometricDistort {
    /// The factor of the brightness; default: 0.875 to 1.125.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the range is reversed, below 0 or not finite.
    pub fn with_brightness(self, factor: impl Into<Amount>) -> Result<Self> {
        Ok(Self { brightness: Interval::new("RandomPhotometricDistort: brightness", factor)?, ..self })
    }

    /// The factor of the contrast; default: 0.5 to 1.5.
    ///
    /// # Errors
    ///
    /// As [`RandomPhotometricDistort::with_brightness`].
    pub fn with_contrast(self, factor: impl Into<Amount>) -> Result<Self> {
        Ok(Self { contrast: Interval::new("RandomPhotometricDistort: contrast", factor)?, ..self })
    }

    /// The factor of the saturation; default: 0.5 to 1.5.
    ///
    /// # Errors
    ///
    /// As [`RandomPhotometricDistort::with_brightness`].
    pub fn with_saturation(self, factor: impl Into<Amount>) -> Result<Self> {
        Ok(Self { saturation: Interval::new("RandomPhotometricDistort: saturation", factor)?, ..self })
    }

    /// The shift of the hue; default: −0.05 to 0.05.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the range is reversed or leaves [−0.5, 0.5].
    pub fn with_hue(self, shift: impl Into<Amount>) -> Result<Self> {
        Ok(Self { hue: Interval::new("RandomPhotometricDistort: hue", shift)?, ..self })
    }

    /// The probability of each change; default: 0.5.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn with_p(self, p: f64) -> Result<Self> {
        Ok(Self { p: Number::new("RandomPhotometricDistort: p", p)?, ..self })
    }

    /// An op with a number from the interval, or none.
    fn maybe<D: Domain>(self, interval: Interval<D>, rng: &mut SampleRng, op: impl FnOnce(f32) -> Op) -> Option<Op> {
        self.p.draw(rng).then(|| op(interval.draw(rng)))
    }
}

impl Default for RandomPhotometricDistort {
    fn default() -> Self {
        Self {
            brightness: Interval::constant(0.875, 1.125),
            contrast: Interval::constant(0.5, 1.5),
            saturation: Interval::constant(0.5, 1.5),
            hue: Interval::constant(-0.05, 0.05),
            p: Number::constant(0.5),
        }
    }
}

impl Transform for RandomPhotometricDistort {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let brightness = self.maybe(self.brightness, rng, |factor| Op::Brightness { factor: factor.into() });
        let contrast = self.maybe(self.contrast, rng, |factor| Op::Contrast { factor: factor.into() });
        let saturation = self.maybe(self.saturation, rng, |factor| Op::Saturation { factor: factor.into() });
        let hue = self.maybe(self.hue, rng, |shift| Op::Hue { shift });
        let (before, after) = if rng.bernoulli(0.5) { (contrast, None) } else { (None, contrast) };
        let channels = if self.p.draw(rng) { permutation(info, rng) } else { None };
        ops.extend([brightness, before, saturation, hue, after, channels].into_iter().flatten());
    }
}
