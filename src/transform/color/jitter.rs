//! Brightness, contrast, saturation and hue, in random order.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::op::Op;
use crate::transform::params::{Amount, Domain, Factor, Hue, Interval};
use crate::transform::{SampleInfo, Transform};

/// Changes brightness, contrast, saturation and hue by random amounts, in random order.
///
/// An amount `v` means a factor from `max(0, 1 − v)` to `1 + v`; for the hue a shift from `−v` to `v` of a full turn. A range means
/// itself. The order is drawn first, then the four numbers. What is left out, or can only be neutral, is not applied; the default
/// does nothing, and each of the four can be used alone:
///
/// ```
/// use candle_augment::ColorJitter;
///
/// let all = ColorJitter::new(0.4, 0.4, 0.4, 0.1)?;
/// let darker = ColorJitter::default().with_brightness(0.5..=1.0)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColorJitter {
    brightness: Interval<Factor>,
    contrast: Interval<Factor>,
    saturation: Interval<Factor>,
    hue: Interval<Hue>,
}

impl ColorJitter {
    /// All four, in torchvision's order; 0 leaves one out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if an amount is negative or not finite, a range reversed or below 0, or a hue outside
    /// [−0.5, 0.5].
    pub fn new(
        brightness: impl Into<Amount>,
        contrast: impl Into<Amount>,
        saturation: impl Into<Amount>,
        hue: impl Into<Amount>,
    ) -> Result<Self> {
        Self::default().with_brightness(brightness)?.with_contrast(contrast)?.with_saturation(saturation)?.with_hue(hue)
    }

    /// The brightness; default: unchanged.
    ///
    /// # Errors
    ///
    /// As [`ColorJitter::new`].
    pub fn with_brightness(self, factor: impl Into<Amount>) -> Result<Self> {
        Ok(Self { brightness: Interval::new("ColorJitter: brightness", factor)?, ..self })
    }

    /// The contrast; default: unchanged.
    ///
    /// # Errors
    ///
    /// As [`ColorJitter::new`].
    pub fn with_contrast(self, factor: impl Into<Amount>) -> Result<Self> {
        Ok(Self { contrast: Interval::new("ColorJitter: contrast", factor)?, ..self })
    }

    /// The saturation; default: unchanged.
    ///
    /// # Errors
    ///
    /// As [`ColorJitter::new`].
    pub fn with_saturation(self, factor: impl Into<Amount>) -> Result<Self> {
        Ok(Self { saturation: Interval::new("ColorJitter: saturation", factor)?, ..self })
    }

    /// The hue; default: unchanged.
    ///
    /// # Errors
    ///
    /// As [`ColorJitter::new`].
    pub fn with_hue(self, shift: impl Into<Amount>) -> Result<Self> {
        Ok(Self { hue: Interval::new("ColorJitter: hue", shift)?, ..self })
    }
}

impl Default for ColorJitter {
    fn default() -> Self {
        let factor = Interval::neutral();
        Self { brightness: factor, contrast: factor, saturation: factor, hue: Interval::neutral() }
    }
}

impl Transform for ColorJitter {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let mut order = [0, 1, 2, 3];
        rng.shuffle(&mut order);
        let drawn = [
            drawn(self.brightness, rng, |factor| Op::Brightness { factor: factor.into() }),
            drawn(self.contrast, rng, |factor| Op::Contrast { factor: factor.into() }),
            drawn(self.saturation, rng, |factor| Op::Saturation { factor: factor.into() }),
            drawn(self.hue, rng, |shift| Op::Hue { shift }),
        ];
        ops.extend(order.into_iter().filter_map(|which| drawn[which].clone()));
    }
}

/// An op with a number from the interval, unless it could only change nothing.
fn drawn<D: Domain>(interval: Interval<D>, rng: &mut SampleRng, op: impl FnOnce(f32) -> Op) -> Option<Op> {
    (!interval.is_neutral()).then(|| op(interval.draw(rng)))
}
