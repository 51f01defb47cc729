//! Padding, by fixed margins or to a random canvas.

use serde::{Deserialize, Serialize};

use super::crop::push_pad;
use super::params::Margins;
use crate::error::{Error, Result};
use crate::rng::SampleRng;
use crate::transform::params::{Number, Probability};
use crate::transform::{Fill, Op, Padding, SampleInfo, Transform};

/// Adds pixels around every image.
///
/// ```
/// use candle_augment::{Pad, Padding};
///
/// let all_around = Pad::new(4);
/// let below = Pad::new([0, 0, 0, 10]).with_padding_mode(Padding::Edge);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    padding: Margins,
    #[serde(default)]
    fill: Fill,
    #[serde(default)]
    padding_mode: Padding,
}

impl Pad {
    /// By so many pixels on every side, by `[x, y]`, or by `[left, top, right, bottom]`; black.
    pub fn new(padding: impl Into<Margins>) -> Self {
        Self { padding: padding.into(), fill: Fill::default(), padding_mode: Padding::Constant }
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

impl Transform for Pad {
    fn draw(&self, _info: SampleInfo<'_>, _rng: &mut SampleRng, ops: &mut Vec<Op>) {
        push_pad(ops, self.padding, self.padding_mode, self.fill);
    }
}

/// Puts the image at a random place on a larger canvas, with probability 0.5 unless another is given (W. Liu et al., "SSD: Single Shot
/// MultiBox Detector", 2016).
///
/// ```
/// use candle_augment::RandomZoomOut;
///
/// let out = RandomZoomOut::default().with_side_range(1.0, 2.0)?.with_fill(128);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomZoomOut {
    fill: Fill,
    side_range: Enlargement,
    p: Number<Probability>,
}

/// How much longer the canvas's sides are: a range that begins at 1 or above.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "(f64, f64)", into = "(f64, f64)")]
struct Enlargement {
    low: f64,
    high: f64,
}

impl TryFrom<(f64, f64)> for Enlargement {
    type Error = String;

    fn try_from((low, high): (f64, f64)) -> Result<Self, String> {
        if 1.0 <= low && low <= high && high <= f64::from(f32::MAX) {
            return Ok(Self { low, high });
        }
        Err(format!("must be an increasing range, with values in [1, ∞); got {low}..={high}"))
    }
}

impl From<Enlargement> for (f64, f64) {
    fn from(Enlargement { low, high }: Enlargement) -> Self {
        (low, high)
    }
}

impl Default for RandomZoomOut {
    /// A canvas with sides up to four times as long, black, with probability 0.5.
    fn default() -> Self {
        Self { fill: Fill::default(), side_range: Enlargement { low: 1.0, high: 4.0 }, p: Number::constant(0.5) }
    }
}

impl RandomZoomOut {
    /// With probability `p`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn new(p: f64) -> Result<Self> {
        Ok(Self { p: Number::new("RandomZoomOut: p", p)?, ..Self::default() })
    }

    /// How many times longer the canvas's sides are; default: from 1 to 4.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if an end is below 1 or not finite, or the range is reversed.
    pub fn with_side_range(self, low: f64, high: f64) -> Result<Self> {
        let range = Enlargement::try_from((low, high));
        let side_range = range.map_err(|message| Error::config(format!("RandomZoomOut: side_range {message}")))?;
        Ok(Self { side_range, ..self })
    }

    /// The colour around the image; default: black.
    #[must_use]
    pub fn with_fill(self, fill: impl Into<Fill>) -> Self {
        Self { fill: fill.into(), ..self }
    }
}

impl Transform for RandomZoomOut {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if !self.p.draw(rng) {
            return;
        }
        let factor = rng.uniform(self.side_range.low, self.side_range.high);
        let more = |side: usize| (side as f64 * factor) as usize - side;
        let (rows, columns) = (more(info.size.height), more(info.size.width));
        let mut part = |of: usize| (of as f64 * rng.uniform(0.0, 1.0)) as usize;
        let (left, top) = (part(columns), part(rows));
        push_pad(ops, Margins::from([left, top, columns - left, rows - top]), Padding::Constant, self.fill);
    }
}
