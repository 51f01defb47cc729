//! Which part of an image to decode, and how large.

use crate::error::{Error, Result};
use crate::image::Size;

/// A part of an image, in pixels from its top left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// Rows above it.
    pub top: usize,
    /// Columns to its left.
    pub left: usize,
    /// Its rows.
    pub height: usize,
    /// Its columns.
    pub width: usize,
}

impl Region {
    /// All of an image of `size`.
    #[must_use]
    pub const fn all(size: Size) -> Self {
        Self { top: 0, left: 0, height: size.height, width: size.width }
    }

    /// Height and width.
    #[must_use]
    pub const fn size(&self) -> Size {
        Size::new(self.height, self.width)
    }

    /// Refuses a region without pixels, or one that reaches beyond an image of `size`.
    pub(super) fn check(&self, size: Size) -> Result<()> {
        let fits = |start: usize, length: usize, all: usize| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= all)
        };
        if fits(self.top, self.height, size.height) && fits(self.left, self.width, size.width) {
            return Ok(());
        }
        Err(Error::config(format!(
            "expected a region of at least 1×1 pixels within the image of {}×{} pixels (width × height, at the scale \
             asked for), got {}×{} at column {} and row {}: make it smaller, or move it",
            size.width, size.height, self.width, self.height, self.left, self.top
        )))
    }
}

/// How much smaller than stored an image is decoded. Both sides are divided, and rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scale {
    /// As stored.
    #[default]
    Full,
    /// By 2.
    Half,
    /// By 4.
    Quarter,
    /// By 8.
    Eighth,
}

impl Scale {
    /// What the sides are divided by.
    #[must_use]
    pub const fn divisor(self) -> usize {
        match self {
            Self::Full => 1,
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }

    /// The size at this scale of an image whose full size is `size`.
    #[must_use]
    pub const fn of(self, size: Size) -> Size {
        Size::new(size.height.div_ceil(self.divisor()), size.width.div_ceil(self.divisor()))
    }
}
