//! Rectangles that are covered.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::image::Size;
use crate::rng::SampleRng;
use crate::transform::op::{Fill, Op, Patch};
use crate::transform::params::{self, Interval, Number, Probability, Scale};
use crate::transform::{SampleInfo, Transform};

/// Covers a random rectangle with a probability, 0.5 by default (Z. Zhong et al., "Random Erasing Data Augmentation", 2020).
///
/// Its area is uniform over a share of the image's, 0.02 to 0.33 by default; height by width is log-uniform over a range, 0.3 to 3.3 by
/// default; it lies anywhere. It must be smaller than the image along both sides: nothing is covered if ten tries fail, as they
/// do in a very small image. It shows one colour, black by default, or noise.
///
/// torchvision draws its noise from N(0, 1), for images that are already normalised; here it is a uniform byte for each pixel and channel.
///
/// ```
/// use candle_augment::RandomErasing;
///
/// let black = RandomErasing::new(0.25)?;
/// let noise = RandomErasing::default().with_scale(0.02, 0.2)?.with_random_value();
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomErasing {
    p: Number<Probability>,
    #[serde(deserialize_with = "params::range")]
    scale: Interval<Probability>,
    #[serde(deserialize_with = "params::range")]
    ratio: Interval<Scale>,
    value: Value,
}

/// What the rectangle shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", expecting = "expected a whole number from 0 to 255, a list of three, or \"random\"")]
enum Value {
    Random,
    #[serde(untagged)]
    Fill(Fill),
}

impl RandomErasing {
    /// With probability `p`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn new(p: f64) -> Result<Self> {
        Ok(Self { p: Number::new("RandomErasing: p", p)?, ..Self::default() })
    }

    /// The share of the image's area; default: 0.02 to 0.33.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the range is reversed or leaves [0, 1].
    pub fn with_scale(self, low: f64, high: f64) -> Result<Self> {
        Ok(Self { scale: Interval::new("RandomErasing: scale", low..=high)?, ..self })
    }

    /// Height by width; default: 0.3 to 3.3.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the range is reversed or leaves (0, ∞).
    pub fn with_ratio(self, low: f64, high: f64) -> Result<Self> {
        Ok(Self { ratio: Interval::new("RandomErasing: ratio", low..=high)?, ..self })
    }

    /// The colour; default: black.
    #[must_use]
    pub fn with_value(self, value: impl Into<Fill>) -> Self {
        Self { value: Value::Fill(value.into()), ..self }
    }

    /// Noise instead of a colour; in a file the value `"random"`.
    #[must_use]
    pub fn with_random_value(self) -> Self {
        Self { value: Value::Random, ..self }
    }

    /// A size that is smaller than `image` on both sides.
    fn size(&self, image: Size, rng: &mut SampleRng) -> Option<Size> {
        const TRIES: usize = 10;
        let area = image.height as f64 * image.width as f64;
        let (low, high) = (self.ratio.low().ln(), self.ratio.high().ln());
        (0..TRIES).find_map(|_| {
            let area = area * f64::from(self.scale.draw(rng));
            let ratio = f64::from((rng.uniform(low, high) as f32).exp());
            let side = |square: f64| square.sqrt().round_ties_even() as usize;
            let size = Size::new(side(area * ratio), side(area / ratio));
            (size.height < image.height && size.width < image.width).then_some(size)
        })
    }
}

impl Default for RandomErasing {
    fn default() -> Self {
        Self {
            p: Number::constant(0.5),
            scale: Interval::constant(0.02, 0.33),
            ratio: Interval::constant(0.3, 3.3),
            value: Value::Fill(Fill::All(0)),
        }
    }
}

impl Transform for RandomErasing {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if !self.p.draw(rng) {
            return;
        }
        let Some(size) = self.size(info.size, rng) else { return };
        if size.height == 0 || size.width == 0 {
            return;
        }
        let top = rng.below(info.size.height - size.height + 1);
        let left = rng.below(info.size.width - size.width + 1);
        let patch = match self.value {
            Value::Fill(fill) => Patch::Fill(fill),
            Value::Random => Patch::Noise { seed: rng.next_seed() },
        };
        ops.push(Op::Erase { top, left, size, patch });
    }
}
