//! From operations to the steps of a pass.

use super::bytes::ByteStep;
use super::program::{Program, Step};
use super::statistics::{Statistic, Statistics, equalizing};
use super::table;
use crate::image::Size;
use crate::transform::Op;

/// What an operation that is a function of one pixel needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// Nothing: the image stays as it is.
    Nothing,
    /// A step.
    Step(Step),
    /// The table of [`gamma`].
    Gamma { gamma: f32, gain: f32 },
    /// A step that takes statistics, see [`Plan::after`].
    After(Statistic),
}

impl Plan {
    /// For an image of `channels`; `None` for other operations.
    pub fn new(op: &Op, channels: usize) -> Option<Self> {
        let step = match *op {
            Op::Saturation { .. } | Op::Hue { .. } | Op::PermuteChannels { .. } if channels == 1 => {
                return Some(Self::Nothing);
            }
            Op::Grayscale { channels: 1 } if channels == 1 => return Some(Self::Nothing),
            Op::Contrast { .. } => return Some(Self::After(Statistic::Gray)),
            Op::Autocontrast => return Some(Self::After(Statistic::Range)),
            Op::Equalize => return Some(Self::After(Statistic::Histogram)),
            Op::Gamma { gamma, gain } => return Some(Self::Gamma { gamma, gain }),
            Op::Brightness { factor } => Step::Bytes(ByteStep::Scale { factor: factor as f32 }),
            Op::Saturation { factor } => Step::Saturation { factor: factor as f32, rest: rest(factor) },
            Op::Hue { shift } => Step::Hue { shift },
            Op::Grayscale { channels } => Step::Gray { channels },
            Op::PermuteChannels { order } => Step::Permute { order },
            Op::Invert => Step::Bytes(ByteStep::Invert),
            Op::Posterize { bits } => Step::Bytes(ByteStep::Mask(u8::MAX.unbounded_shl(8 - u32::from(bits)))),
            Op::Solarize { threshold } => match threshold.ceil() {
                first if first <= 0.0 => Step::Bytes(ByteStep::Invert),
                first if first <= 255.0 => Step::Bytes(ByteStep::InvertFrom(first as u8)),
                _ => return Some(Self::Nothing),
            },
            _ => return None,
        };
        Some(Self::Step(step))
    }

    /// Adds the step of an operation whose statistics are known, for an image of `size` and `channels`.
    pub fn after(op: &Op, statistics: &Statistics, size: Size, channels: usize, program: &mut Program) {
        let bytes = size.height * size.width * channels;
        match *op {
            Op::Contrast { factor } => {
                // torch adds up in 32-bit floats: the sum and the quotient are each rounded once.
                let mean = statistics.gray as f32 / (size.height * size.width) as f32;
                program.push(Step::Bytes(ByteStep::Blend { factor: factor as f32, rest: rest(factor), mean }), bytes);
            }
            Op::Autocontrast => program.push(Step::Bytes(stretch(&statistics.ranges)), bytes),
            Op::Equalize => {
                let tables = statistics.histograms().each_ref().map(equalizing);
                let per_channel = channels == 3;
                let first = program.add_tables(per_channel, |_, c| tables[c].unwrap_or_else(table::identity));
                program.push(Step::Bytes(ByteStep::Table { first, per_channel }), bytes);
            }
            _ => unreachable!("{op:?} takes no statistics"),
        }
    }
}

/// 1 − factor, taken in f64 and rounded, as torch does with a number from Python.
fn rest(factor: f64) -> f32 {
    (1.0 - factor) as f32
}

/// A channel of one value stays as it is.
fn stretch(ranges: &[[u8; 2]; 3]) -> ByteStep {
    let [mut least, mut scale] = [[0.0; 3], [1.0; 3]];
    for (c, [first, last]) in ranges.iter().enumerate() {
        if first < last {
            least[c] = f32::from(*first);
            scale[c] = f32::from(last - first) * const { 1.0 / 255.0 };
        }
    }
    ByteStep::Stretch { least, scale }
}

/// `⌊255.999 · clamp(gain · (x / 255)^gamma)⌋` for each byte.
pub fn gamma(gamma: f32, gain: f32) -> [u8; 256] {
    std::array::from_fn(|x| {
        let unit = x as f32 * const { 1.0 / 255.0 };
        let power = f64::from(unit).powf(f64::from(gamma)) as f32;
        ((power * gain).clamp(0.0, 1.0) * 255.999) as u8
    })
}
