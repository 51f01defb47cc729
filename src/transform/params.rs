//! Checks of the parameters that users give to transforms.

use std::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::rng::SampleRng;

/// How far a random parameter may lie from its neutral value: by as much as an amount, or anywhere in a range.
///
/// A number `v` means `neutral − v ..= neutral + v`, where the neutral value is 1 for the factors of brightness, contrast and
/// saturation (whose lower end is cut off at 0) and 0 for angles and hue. A range is taken as it is.
///
/// ```
/// use candle_augment::{RandomRotation, Spread};
///
/// assert_eq!(Spread::from(15.0), Spread::Within(15.0));
/// let either = RandomRotation::new(15.0)?;
/// let to_the_left = RandomRotation::new(0.0..=15.0)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// At most this far from the neutral value; not negative.
    Within(f64),
    /// From the first to the second, which is not the smaller.
    Between(f64, f64),
}

impl From<f64> for Spread {
    fn from(amount: f64) -> Self {
        Self::Within(amount)
    }
}

impl From<RangeInclusive<f64>> for Spread {
    fn from(range: RangeInclusive<f64>) -> Self {
        Self::Between(*range.start(), *range.end())
    }
}

/// A checked interval to draw a 32-bit number from, as torchvision does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    low: f64,
    high: f64,
}

impl Range {
    /// The interval that `spread` means around the factor 1, not below 0.
    pub fn of_factors(name: &str, spread: Spread) -> Result<Self> {
        let (low, high) = match spread {
            Spread::Within(amount) => ((1.0 - amount).max(0.0), 1.0 + amount),
            Spread::Between(low, high) => (low, high),
        };
        Self::checked(name, spread, Self { low, high }, 0.0, f64::from(f32::MAX), "[0, ∞)")
    }

    /// The interval that `spread` means around 0, within `limit` on both sides.
    pub fn around_zero(name: &str, spread: Spread, limit: f64, allowed: &str) -> Result<Self> {
        let (low, high) = match spread {
            Spread::Within(amount) => (-amount, amount),
            Spread::Between(low, high) => (low, high),
        };
        Self::checked(name, spread, Self { low, high }, -limit, limit, allowed)
    }

    fn checked(name: &str, spread: Spread, range: Self, least: f64, most: f64, allowed: &str) -> Result<Self> {
        let not_negative = !matches!(spread, Spread::Within(amount) if amount.is_nan() || amount < 0.0);
        if not_negative && least <= range.low && range.low <= range.high && range.high <= most {
            return Ok(range);
        }
        let found = match spread {
            Spread::Within(amount) => amount.to_string(),
            Spread::Between(low, high) => format!("{low}..={high}"),
        };
        Err(Error::config(format!(
            "{name} must be a number that is not negative, or an increasing range; its values must lie in {allowed}; got {found}"
        )))
    }

    /// Whether every draw would be `value`.
    pub fn is_only(self, value: f64) -> bool {
        self.low == value && self.high == value
    }

    pub fn draw(self, rng: &mut SampleRng) -> f32 {
        rng.uniform(self.low, self.high) as f32
    }
}

/// `p`, if it is a probability.
pub(super) fn probability(transform: &str, p: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&p) {
        Ok(p)
    } else {
        Err(Error::config(format!("{transform}: p must be a probability in [0, 1], got {p}")))
    }
}
