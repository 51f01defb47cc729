//! Padding, by fixed margins or to a random canvas.

use serde::{Deserialize, Serialize};

use super::crop::push_pad;
use super::params::Margins;
use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::params::{self, Enlargement, Interval, Number, Probability};
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
    #[serde(deserialize_with = "params::range")]
    side_range: Interval<Enlargement>,
    p: Number<Probability>,
}

impl Default for RandomZoomOut {
    /// A canvas with sides up to four times as long, black, with probability 0.5.
    fn default() -> Self {
        Self { fill: Fill::default(), side_range: Interval::constant(1.0, 4.0), p: Number::constant(0.5) }
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
        Ok(Self { side_range: Interval::new("RandomZoomOut: side_range", low..=high)?, ..self })
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
        let factor = f64::from(self.side_range.draw(rng));
        let more = |side: usize| ((side as f64 * factor) as usize).saturating_sub(side);
        let (rows, columns) = (more(info.size.height), more(info.size.width));
        let mut part = |of: usize| ((of as f64 * rng.uniform(0.0, 1.0)) as usize).min(of);
        let (left, top) = (part(columns), part(rows));
        push_pad(ops, Margins::from([left, top, columns - left, rows - top]), Padding::Constant, self.fill);
    }
}
