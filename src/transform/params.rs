//! The parameters that users give to transforms: checked once, by their type, whether they come from code or from a file.

use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::rng::SampleRng;

/// How far a random parameter may lie from its neutral value: up to an amount either way, or anywhere in a range.
///
/// A number `v` means `neutral − v` to `neutral + v`, where the neutral value is 1 for the factors of brightness, contrast and saturation
/// (whose lower end stops at 0) and 0 for angles and hue. A range means itself. In a file it is a number or a list of two.
///
/// ```
/// use candle_augment::{Amount, RandomRotation};
///
/// assert_eq!(Amount::from(15.0), Amount::UpTo(15.0));
/// let either_way = RandomRotation::new(15.0)?;
/// let to_the_left = RandomRotation::new(0.0..=15.0)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or a list of two numbers")]
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

/// The numbers that a parameter may take.
pub trait Domain {
    /// What changes nothing.
    const NEUTRAL: f64 = 0.0;
    /// For the message to the user.
    const ALLOWED: &str;

    /// Whether the parameter may be `value`; never true of NaN.
    fn allows(value: f64) -> bool;
}

macro_rules! domains {
    ($($(#[$doc:meta])* $name:ident: $allowed:literal, $neutral:literal, $value:ident => $allows:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name;

        impl Domain for $name {
            const NEUTRAL: f64 = $neutral;
            const ALLOWED: &str = $allowed;

            fn allows($value: f64) -> bool {
                $allows
            }
        }
    )*};
}

/// Draws are 32-bit floats.
const MAX: f64 = f32::MAX as f64;

domains! {
    /// Probabilities and shares.
    Probability: "[0, 1]", 0.0, value => (0.0..=1.0).contains(&value);
    /// Factors of what may vanish but not change its sign.
    Factor: "[0, ∞)", 1.0, value => (0.0..=MAX).contains(&value);
    /// Factors of sizes.
    Scale: "(0, ∞)", 1.0, value => value > 0.0 && value <= MAX;
    /// Numbers that need only be finite, such as angles and coordinates.
    Finite: "(−∞, ∞)", 0.0, value => (-MAX..=MAX).contains(&value);
    /// Factors of sizes that do not shrink.
    Enlargement: "[1, ∞)", 1.0, value => (1.0..=MAX).contains(&value);
    /// Thresholds of bytes.
    Level: "[0, 255]", 0.0, value => (0.0..=255.0).contains(&value);
    /// Parts of a full turn around the colour circle.
    Hue: "[−0.5, 0.5]", 0.0, value => (-0.5..=0.5).contains(&value);
}

/// A checked number.
#[derive(Clone, Copy, PartialEq)]
pub struct Number<D> {
    value: f64,
    domain: PhantomData<D>,
}

impl<D: Domain> Number<D> {
    /// `value`, if it is allowed. `name` says in the message whose parameter it is, as `RandomGrayscale: p`.
    pub fn new(name: &str, value: f64) -> Result<Self> {
        Self::checked(value).map_err(|message| Error::config(format!("{name} {message}")))
    }

    /// A number that the code knows to be allowed.
    pub const fn constant(value: f64) -> Self {
        Self { value, domain: PhantomData }
    }

    pub const fn get(self) -> f64 {
        self.value
    }

    pub fn checked(value: f64) -> Result<Self, String> {
        if D::allows(value) {
            Ok(Self::constant(value))
        } else {
            Err(format!("must lie in {}, got {value}", D::ALLOWED))
        }
    }
}

impl Number<Probability> {
    /// True with this probability.
    pub fn draw(self, rng: &mut SampleRng) -> bool {
        rng.bernoulli(self.value)
    }
}

impl<D> fmt::Debug for Number<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<D> Serialize for Number<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, D: Domain> Deserialize<'de> for Number<D> {
    fn deserialize<T: Deserializer<'de>>(deserializer: T) -> Result<Self, T::Error> {
        Self::checked(f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A checked interval to draw a 32-bit number from, as torchvision does.
#[derive(Clone, Copy, PartialEq)]
pub struct Interval<D> {
    low: f64,
    high: f64,
    domain: PhantomData<D>,
}

impl<D: Domain> Interval<D> {
    /// What `amount` means around the neutral value, if all of it is allowed. `name` says in the message whose parameter it is.
    pub fn new(name: &str, amount: impl Into<Amount>) -> Result<Self> {
        Self::checked(amount.into()).map_err(|message| Error::config(format!("{name} {message}")))
    }

    /// Ends that the code knows to be allowed.
    pub const fn constant(low: f64, high: f64) -> Self {
        Self { low, high, domain: PhantomData }
    }

    /// Nothing but the neutral value.
    pub const fn neutral() -> Self {
        Self::constant(D::NEUTRAL, D::NEUTRAL)
    }

    /// Whether every draw would change nothing.
    pub fn is_neutral(&self) -> bool {
        self.low == D::NEUTRAL && self.high == D::NEUTRAL
    }

    pub const fn low(self) -> f64 {
        self.low
    }

    pub const fn high(self) -> f64 {
        self.high
    }

    pub fn draw(self, rng: &mut SampleRng) -> f32 {
        rng.uniform(self.low, self.high) as f32
    }

    pub fn checked(amount: Amount) -> Result<Self, String> {
        let (low, high) = match amount {
            // Where nothing may be negative, the interval ends at 0.
            Amount::UpTo(v) if !D::allows(-f64::MIN_POSITIVE) => ((D::NEUTRAL - v).max(0.0), D::NEUTRAL + v),
            Amount::UpTo(v) => (D::NEUTRAL - v, D::NEUTRAL + v),
            Amount::Between(low, high) => (low, high),
        };
        let negative = matches!(amount, Amount::UpTo(v) if v < 0.0);
        if !negative && low <= high && D::allows(low) && D::allows(high) {
            return Ok(Self::constant(low, high));
        }
        let form = match amount {
            Amount::UpTo(_) => "a number that is not negative or an increasing range, with values",
            Amount::Between(..) => "an increasing range of values",
        };
        Err(format!("must be {form} in {}, got {amount}", D::ALLOWED))
    }
}

/// An interval that is written as a list of two only, where a single number would not say what it is around.
pub fn range<'de, D: Domain, T: Deserializer<'de>>(deserializer: T) -> Result<Interval<D>, T::Error> {
    match Amount::deserialize(deserializer)? {
        Amount::UpTo(number) => {
            let allowed = D::ALLOWED;
            Err(de::Error::custom(format!("must be a list of two increasing values in {allowed}, got {number}")))
        }
        range @ Amount::Between(..) => Interval::checked(range).map_err(de::Error::custom),
    }
}

impl<D> fmt::Debug for Interval<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}..={:?}", self.low, self.high)
    }
}

impl<D> Serialize for Interval<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.low, self.high].serialize(serializer)
    }
}

impl<'de, D: Domain> Deserialize<'de> for Interval<D> {
    fn deserialize<T: Deserializer<'de>>(deserializer: T) -> Result<Self, T::Error> {
        Self::checked(Amount::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
