//! Sizes, margins and points that users give, checked by their type.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::image::Size;
use crate::transform::check::MAX_PIXELS;
use crate::transform::params::{Finite, Number};
use crate::transform::whole::OneOrTwo;

/// A size that an image can have; in a file a number for a square, or `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides(Size);

impl Sides {
    pub fn new(name: &str, height: usize, width: usize) -> Result<Self> {
        Self::checked(height, width).map_err(|message| Error::config(format!("{name} {message}")))
    }

    pub fn get(self) -> Size {
        self.0
    }

    /// The sides may be negative, which is refused by the same words.
    pub fn checked<N: TryInto<usize> + Copy + fmt::Display>(height: N, width: N) -> Result<Self, String> {
        if let (Ok(height), Ok(width)) = (height.try_into(), width.try_into())
            && height.checked_mul(width).is_some_and(|pixels| (1..=MAX_PIXELS).contains(&pixels))
        {
            return Ok(Self(Size::new(height, width)));
        }
        Err(format!(
            "height and width must lie in [1, ∞), and their product in [1, {MAX_PIXELS}], got {height} × {width}"
        ))
    }
}

impl Serialize for Sides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.0.height, self.0.width].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [height, width] = OneOrTwo::<i64>::deserialize(deserializer)?.pair();
        Self::checked(height, width).map_err(de::Error::custom)
    }
}

/// How many pixels are added on each side: one number for all, `[x, y]` for left and right, top and bottom, or `[left, top, right, bottom]`.
///
/// ```
/// use candle_augment::Margins;
///
/// assert_eq!(Margins::from([1, 2]), Margins { left: 1, top: 2, right: 1, bottom: 2 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Margins {
    /// Columns at the left.
    pub left: usize,
    /// Rows at the top.
    pub top: usize,
    /// Columns at the right.
    pub right: usize,
    /// Rows at the bottom.
    pub bottom: usize,
}

impl From<usize> for Margins {
    fn from(all: usize) -> Self {
        Self::from([all; 4])
    }
}

impl From<[usize; 2]> for Margins {
    fn from([x, y]: [usize; 2]) -> Self {
        Self::from([x, y, x, y])
    }
}

impl From<[usize; 4]> for Margins {
    fn from([left, top, right, bottom]: [usize; 4]) -> Self {
        Self { left, top, right, bottom }
    }
}

impl Serialize for Margins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.left, self.top, self.right, self.bottom].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Margins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a number, or a list of two or four numbers that are not negative")]
        enum Written {
            All(usize),
            Two([usize; 2]),
            Four([usize; 4]),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::All(all) => all.into(),
            Written::Two(two) => two.into(),
            Written::Four(four) => four.into(),
        })
    }
}

/// A point `[x, y]` in pixels from the top left corner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point([Number<Finite>; 2]);

impl Point {
    pub fn new(name: &str, x: f64, y: f64) -> Result<Self> {
        Ok(Self([Number::new(name, x)?, Number::new(name, y)?]))
    }

    /// The coordinates, as ops hold them.
    pub fn get(self) -> [f32; 2] {
        self.0.map(|coordinate| coordinate.get() as f32)
    }
}
