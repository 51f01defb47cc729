//! The transform that changes colours.

use super::op::Op;
use super::params::{Amount, Range};
use super::{SampleInfo, Transform};
use crate::error::Result;
use crate::rng::SampleRng;

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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ColorJitter {
    brightness: Option<Range>,
    contrast: Option<Range>,
    saturation: Option<Range>,
    hue: Option<Range>,
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
        Ok(Self { brightness: factors("ColorJitter: brightness", factor.into())?, ..self })
    }

    /// The contrast; default: unchanged.
    ///
    /// # Errors
    ///
    /// As [`ColorJitter::new`].
    pub fn with_contrast(self, factor: impl Into<Amount>) -> Result<Self> {
        Ok(Self { contrast: factors("ColorJitter: contrast", factor.into())?, ..self })
    }

    /// The saturation; default: unchanged.
    ///
    /// # Errors
    ///
    /// As [`ColorJitter::new`].
    pub fn with_saturation(self, factor: impl Into<Amount>) -> Result<Self> {
        Ok(Self { saturation: factors("ColorJitter: saturation", factor.into())?, ..self })
    }

    /// The hue; default: unchanged.
    ///
    /// # Errors
    ///
    /// As [`ColorJitter::new`].
    pub fn with_hue(self, shift: impl Into<Amount>) -> Result<Self> {
        let range = Range::of_hues("ColorJitter: hue", shift.into())?;
        Ok(Self { hue: Some(range).filter(|range| !range.is_only(0.0)), ..self })
    }
}

fn factors(name: &str, amount: Amount) -> Result<Option<Range>> {
    Ok(Some(Range::of_factors(name, amount)?).filter(|range| !range.is_only(1.0)))
}

impl Transform for ColorJitter {
    fn draw(&self, _info: SampleInfo, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let mut order = [0, 1, 2, 3];
        rng.shuffle(&mut order);
        let mut number = |range: Option<Range>| range.map(|range| range.draw(rng));
        let drawn = [
            number(self.brightness).map(|factor| Op::Brightness { factor }),
            number(self.contrast).map(|factor| Op::Contrast { factor }),
            number(self.saturation).map(|factor| Op::Saturation { factor }),
            number(self.hue).map(|shift| Op::Hue { shift }),
        ];
        ops.extend(order.into_iter().filter_map(|which| drawn[which].clone()));
    }
}
