//! The deterministic operations that transforms draw, as plain data.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::image::{Image, Size};

/// One deterministic operation on an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Op {
    /// Mirrors left and right.
    HFlip,
}

impl Op {
    /// Applies the operation.
    ///
    /// # Errors
    ///
    /// If the operation cannot be applied to an image of this size.
    pub fn apply(&self, image: Image) -> Result<Image> {
        Ok(image)
    }

    /// The size of the result for an image of `size`.
    #[must_use]
    pub fn output_size(&self, size: Size) -> Size {
        size
    }
}
