//! Checks of the parameters that users give to transforms.

use std::fmt;
use std::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::rng::SampleRng;

/// How far a random parameter may lie from its neutral value: up to an amount either way, or anywhere in a range.
///
/// A number `v` means `neutral − v` to `neutral + v`, where the neutral value is 1 for the factors of brightness, contrast and saturation
/// (whose lower end stops at 0) and 0 for angles and hue. A range means itself.
///
/// ```
/// use candle_augment::{Amount, RandomRotation};
///
/// assert_eq!(Amount::from(15.0), Amount::UpTo(15.0));
/// let either_way = RandomRotation::new(15.0)?;
/// let to_the_left = RandomRotation::new(0.0..=15.0)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// At most this far from the neutral value; not negative.
    UpTo(f64),
    /// From the first to the second, which is not the smaller.
    Between(f64, f64),
}

impl From<f64> for Amount {
    fn from(amount: f64) -> Self {
        Self::UpTo(amount)
    }
}

impl From<RangeInclusive<f64>> for Amount {
    fn from(range: RangeInclusive<f64>) -> Self {
        Self::Between(*range.start(), *range.end())
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpTo(amount) => write!(f, "{amount}"),
            Self::Between(low, high) => write!(f, "{low}..={high}"),
        }
    }
}

/// A checked interval to draw a 32-bit number from, as torchvision does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    low: f64,
    high: f64,
}

impl Range {
    /// The factors that `amount` means around 1, none of them negative.
    pub fn of_factors(name: &str, amount: Amount) -> Result<Self> {
        let (low, high) = match amount {
            Amount::UpTo(v) => ((1.0 - v).max(0.0), 1.0 + v),
            Amount::Between(low, high) => (low, high),
        };
        Self { low, high }.checked(name, amount, 0.0..=f64::from(f32::MAX), "[0, ∞)")
    }

    /// The angles in degrees that `amount` means around 0.
    pub fn of_angles(name: &str, amount: Amount) -> Result<Self> {
        let limit = f64::from(f32::MAX);
        Self::around_zero(amount).checked(name, amount, -limit..=limit, "(−∞, ∞)")
    }

    /// The parts of a full turn that `amount` means around 0, at most half a turn either way.
    pub fn of_hues(name: &str, amount: Amount) -> Result<Self> {
        Self::around_zero(amount).checked(name, amount, -0.5..=0.5, "[−0.5, 0.5]")
    }

    fn around_zero(amount: Amount) -> Self {
        let (low, high) = match amount {
            Amount::UpTo(v) => (-v, v),
            Amount::Between(low, high) => (low, high),
        };
        Self { low, high }
    }

    fn checked(self, name: &str, amount: Amount, allowed: RangeInclusive<f64>, allowed_text: &str) -> Result<Self> {
        let positive = !matches!(amount, Amount::UpTo(v) if v < 0.0);
        if positive && self.low <= self.high && allowed.contains(&self.low) && allowed.contains(&self.high) {
            return Ok(self);
        }
        Err(Error::config(format!(
            "{name} must be a number that is not negative or an increasing range, with values in {allowed_text}; got {amount}"
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
