//! Whole numbers that users give to transforms, checked as [`params`](super::params) checks the others.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::error::{Error, Result};

/// A whole number from `LOW` to `HIGH`, both included.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Whole<const LOW: usize, const HIGH: usize>(usize);

impl<const LOW: usize, const HIGH: usize> Whole<LOW, HIGH> {
    /// `value`, if it is allowed. `name` says in the message whose parameter it is, as `RandomPosterize: bits`.
    pub fn new(name: &str, value: usize) -> Result<Self> {
        Self::checked(value).map_err(|message| Error::config(format!("{name} {message}")))
    }

    /// A number that the code knows to be allowed.
    pub const fn constant(value: usize) -> Self {
        assert!(LOW <= value && value <= HIGH);
        Self(value)
    }

    pub const fn get(self) -> usize {
        self.0
    }

    /// `value` may be negative, which is refused by the same words.
    pub fn checked<N: TryInto<usize> + Copy + fmt::Display>(value: N) -> Result<Self, String> {
        match value.try_into() {
            Ok(whole) if (LOW..=HIGH).contains(&whole) => Ok(Self(whole)),
            _ => {
                let end = if HIGH == usize::MAX { "∞)".to_owned() } else { format!("{HIGH}]") };
                Err(format!("must lie in [{LOW}, {end}, got {value}"))
            }
        }
    }
}

impl<const LOW: usize, const HIGH: usize> fmt::Debug for Whole<LOW, HIGH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, const LOW: usize, const HIGH: usize> Deserialize<'de> for Whole<LOW, HIGH> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::checked(i64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A parameter that may be written as one value for both of something, or as a list of two.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number or a list of two numbers")]
pub enum OneOrTwo<T> {
    One(T),
    Two(T, T),
}

impl<T: Copy> OneOrTwo<T> {
    /// The first and the second, which may be the same.
    pub fn pair(self) -> [T; 2] {
        match self {
            Self::One(value) => [value; 2],
            Self::Two(first, second) => [first, second],
        }
    }
}
