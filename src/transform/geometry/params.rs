//! Sizes, margins and points that users give, checked by their type.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::image::Size;
use crate::transform::params::{Degrees, Number};
use crate::transform::whole::OneOrTwo;

/// A size of at least 1×1; in a file a number for a square, or `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides(Size);

impl Sides {
    pub fn new(name: &str, height: usize, width: usize) -> Result<Self> {
        Self::checked(height, width).map_err(|message| Error::config(format!("{name} {message}")))
    }

    pub fn get(self) -> Size {
        self.0
    }

    fn checked(height: usize, width: usize) -> Result<Self, String> {
        if height == 0 || width == 0 {
            return Err(format!("height and width must lie in [1, ∞), got {height} × {width}"));
        }
        Ok(Self(Size::new(height, width)))
    }
}

impl Serialize for Sides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.0.height, self.0.width].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [height, width] = OneOrTwo::deserialize(deserializer)?.pair();
        Self::checked(height, width).map_err(de::Error::custom)
    }
}

/// How many pixels are added on each side: one number for all, `[x, y]` for left and right, top and bottom, or `[left, top, right, bottom]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Margins {
    pub left: usize,
    pub top: usize,
    pub right: usize,
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

/// A finite point `[x, y]` in pixels from the top left corner.
pub type Point = [Number<Degrees>; 2];

/// The coordinates of a point as ops hold them.
pub fn coordinates(point: Point) -> [f32; 2] {
    point.map(|coordinate| coordinate.get() as f32)
}
