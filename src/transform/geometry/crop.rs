//! Crops of a fixed size, from the middle or from anywhere.

use serde::{Deserialize, Serialize};

use super::params::{Margins, Sides};
use crate::error::Result;
use crate::image::Size;
use crate::rng::SampleRng;
use crate::transform::{Fill, Op, Padding, SampleInfo, Transform};

/// Keeps the middle; an image that is smaller is padded with black first.
///
/// ```
/// use candle_augment::CenterCrop;
///
/// let crop = CenterCrop::new(224, 224)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterCrop {
    size: Sides,
}

impl CenterCrop {
    /// Of `height` × `width` pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a side is 0, or there are more than 2²⁸ pixels.
    pub fn new(height: usize, width: usize) -> Result<Self> {
        Ok(Self { size: Sides::new("CenterCrop:", height, width)? })
    }
}

impl Transform for CenterCrop {
    fn draw(&self, info: SampleInfo<'_>, _rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let Size { height, width } = info.size;
        let size = self.size.get();
        let (rows, columns) = (size.height.saturating_sub(height), size.width.saturating_sub(width));
        // The odd pixel goes to the right and below.
        let margins = Margins::from([columns / 2, rows / 2, columns.div_ceil(2), rows.div_ceil(2)]);
        push_pad(ops, margins, Padding::Constant, Fill::default());
        let (height, width) = (height.max(size.height), width.max(size.width));
        push_crop(ops, middle(height, size.height), middle(width, size.width), size, Size::new(height, width));
    }
}

/// The first row or column of a part in the middle; halves are rounded to the even one, as Python does.
pub fn middle(side: usize, part: usize) -> usize {
    ((side - part) as f64 / 2.0).round_ties_even() as usize
}

/// Adds an [`Op::Pad`], unless it would add nothing.
pub fn push_pad(ops: &mut Vec<Op>, margins: Margins, padding: Padding, fill: Fill) {
    let Margins { left, top, right, bottom } = margins;
    if margins != Margins::default() {
        ops.push(Op::Pad { left, top, right, bottom, padding, fill });
    }
}

/// Adds an [`Op::Crop`], unless it would keep everything.
pub fn push_crop(ops: &mut Vec<Op>, top: usize, left: usize, size: Size, from: Size) {
    if size != from {
        ops.push(Op::Crop { top, left, size });
    }
}

/// Keeps a part at a random place, after padding if asked for.
///
/// An image that is smaller than the part, and is not padded enough, is an error when the drawn operation is applied.
///
/// ```
/// use candle_augment::{Padding, RandomCrop};
///
/// let crop = RandomCrop::new(32, 32)?.with_padding(4).with_padding_mode(Padding::Reflect);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCrop {
    size: Sides,
    #[serde(default)]
    padding: Margins,
    #[serde(default)]
    pad_if_needed: bool,
    #[serde(default)]
    fill: Fill,
    #[serde(default)]
    padding_mode: Padding,
}

impl RandomCrop {
    /// Of `height` × `width` pixels, without padding.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a side is 0, or there are more than 2²⁸ pixels.
    pub fn new(height: usize, width: usize) -> Result<Self> {
        Ok(Self {
            size: Sides::new("RandomCrop:", height, width)?,
            padding: Margins::default(),
            pad_if_needed: false,
            fill: Fill::default(),
            padding_mode: Padding::Constant,
        })
    }

    /// Pixels that are added first: on every side, `[x, y]`, or `[left, top, right, bottom]`; default: none.
    #[must_use]
    pub fn with_padding(self, padding: impl Into<Margins>) -> Self {
        Self { padding: padding.into(), ..self }
    }

    /// Whether an image that is still smaller is padded by what is missing, on both sides; default: no.
    #[must_use]
    pub fn with_pad_if_needed(self, pad_if_needed: bool) -> Self {
        Self { pad_if_needed, ..self }
    }

    /// The colour of constant padding; default: black.
    #[must_use]
    pub fn with_fill(self, fill: impl Into<Fill>) -> Self {
        Self { fill: fill.into(), ..self }
    }

    /// What the added pixels show; default: one colour.
    #[must_use]
    pub fn with_padding_mode(self, padding_mode: Padding) -> Self {
        Self { padding_mode, ..self }
    }
}

impl Transform for RandomCrop {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let size = self.size.get();
        let mut margins = self.padding;
        let padded = |side: usize, before: usize, after: usize| side.saturating_add(before).saturating_add(after);
        let mut height = padded(info.size.height, margins.top, margins.bottom);
        let mut width = padded(info.size.width, margins.left, margins.right);
        if self.pad_if_needed {
            let (rows, columns) = (size.height.saturating_sub(height), size.width.saturating_sub(width));
            let Margins { left, top, right, bottom } = margins;
            margins = Margins::from([left + columns, top + rows, right + columns, bottom + rows]);
            (height, width) = (padded(height, rows, rows), padded(width, columns, columns));
        }
        push_pad(ops, margins, self.padding_mode, self.fill);
        let mut first = |side: usize, part: usize| if side > part { rng.below(side - part + 1) } else { 0 };
        let (top, left) = (first(height, size.height), first(width, size.width));
        push_crop(ops, top, left, size, Size::new(height, width));
    }
}
