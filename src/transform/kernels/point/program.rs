//! Steps that wait to be done to every pixel, in the order of their operations.

use super::bytes::{ByteStep, Product};
use super::planes::Planes;
use super::{gray, hue, lanes, saturation, table};

/// From this many bytes on it pays to look at all 256 values of a step first.
const LARGE: usize = 1 << 11;

/// A function of one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// The same for each channel, or for gray.
    Bytes(ByteStep),
    /// `⌊clamp(factor · x + rest · gray)⌋` of RGB.
    Saturation { factor: f32, rest: f32 },
    /// The hue of RGB turned by this part of a full turn.
    Hue { shift: f32 },
    /// To gray of so many channels.
    Gray { channels: usize },
    /// Channel c becomes channel `order[c]` of RGB.
    Permute { order: [u8; 3] },
}

/// Steps and their tables.
#[derive(Debug, Default)]
pub struct Program {
    steps: Vec<Step>,
    tables: Vec<[u8; 256]>,
}

impl Program {
    pub fn clear(&mut self) {
        self.steps.clear();
        self.tables.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub fn is_one_step(&self) -> bool {
        self.steps.len() == 1
    }

    /// Whether all steps take byte to byte, all channels alike: then pixels need not be split into channels.
    pub fn is_flat(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Bytes(step) if !step.per_channel()))
    }

    /// Whether doing the steps twice costs less than keeping their results.
    pub fn is_cheap(&self) -> bool {
        match self.steps.as_slice() {
            [] => true,
            [Step::Bytes(step)] => step.is_quick(),
            [Step::Permute { .. }] => true,
            _ => false,
        }
    }

    /// Adds a step for an image of `bytes` bytes; on large ones, functions of bytes in a row become one table.
    pub fn push(&mut self, step: Step, bytes: usize) {
        let Step::Bytes(next) = step else {
            self.steps.push(step);
            return;
        };
        if bytes < LARGE || !table::is_fast() {
            self.steps.push(step);
        } else if let Some(&Step::Bytes(last)) = self.steps.last() {
            self.steps.pop();
            self.push_tables(last.per_channel() || next.per_channel(), |tables, channel| {
                next.after(tables, channel, &last.table(tables, channel))
            });
        } else if next.is_quick() {
            self.steps.push(step);
        } else if let ByteStep::Scale { factor } = next
            && let Some(product) = Product::new(factor)
        {
            self.steps.push(Step::Bytes(ByteStep::Multiply(product)));
        } else {
            self.push_tables(next.per_channel(), |tables, channel| next.table(tables, channel));
        }
    }

    /// Adds a table for all channels.
    pub fn push_table(&mut self, table: [u8; 256], bytes: usize) {
        let first = self.add_tables(false, |_, _| table);
        self.push(Step::Bytes(ByteStep::Table { first, per_channel: false }), bytes);
    }

    fn push_tables(&mut self, per_channel: bool, table: impl Fn(&[[u8; 256]], usize) -> [u8; 256]) {
        let first = self.add_tables(per_channel, table);
        self.steps.push(Step::Bytes(ByteStep::Table { first, per_channel }));
    }

    /// Stores a table, or one for each of three channels, for [`ByteStep::Table`].
    pub fn add_tables(&mut self, per_channel: bool, table: impl Fn(&[[u8; 256]], usize) -> [u8; 256]) -> usize {
        let first = self.tables.len();
        for channel in 0..if per_channel { 3 } else { 1 } {
            let table = table(&self.tables, channel);
            self.tables.push(table);
        }
        first
    }

    /// Does the steps to `length` pixels, a multiple of [`lanes::LANES`]; the results lie in `planes`. Gives their channels.
    pub fn run(&self, planes: &mut Planes, spare: &mut Planes, mut channels: usize, length: usize) -> usize {
        debug_assert_eq!(length % lanes::LANES, 0);
        for step in &self.steps {
            match *step {
                Step::Permute { order } => {
                    planes.reorder(order.map(usize::from));
                    continue;
                }
                Step::Gray { channels: wanted } if channels == 1 => {
                    planes.reorder([0; 3]);
                    channels = wanted;
                    continue;
                }
                _ => {}
            }
            let (source, out) = (planes.parts(length), spare.parts_mut(length));
            match *step {
                Step::Bytes(step) => {
                    for (c, (source, out)) in source.into_iter().zip(out).enumerate().take(channels) {
                        step.write(&self.tables, c, source, out);
                    }
                }
                Step::Saturation { factor, rest } => saturation::write(source, out, factor, rest),
                Step::Hue { shift } => hue::write(source, out, shift),
                Step::Gray { channels: wanted } => {
                    gray::write(source, out.into_iter().next().expect("there are three"));
                    spare.reorder([0; 3]);
                    channels = wanted;
                }
                Step::Permute { .. } => unreachable!("it moves nothing"),
            }
            std::mem::swap(planes, spare);
        }
        channels
    }

    /// Does the steps, which are flat, to bytes on their way from `source` to `out`.
    pub fn run_flat(&self, source: &[u8], out: &mut [u8], planes: &mut Planes, spare: &mut Planes) {
        let write = |step: &Step, source: &[u8], out: &mut [u8]| match step {
            Step::Bytes(step) => step.write(&self.tables, 0, source, out),
            _ => unreachable!("flat steps are functions of bytes"),
        };
        match self.steps.as_slice() {
            [] => out.copy_from_slice(source),
            [step] => write(step, source, out),
            [first, between @ .., last] => {
                let length = source.len();
                write(first, source, &mut planes.flat()[..length]);
                for step in between {
                    write(step, &planes.flat()[..length], &mut spare.flat()[..length]);
                    std::mem::swap(planes, spare);
                }
                write(last, &planes.flat()[..length], out);
            }
        }
    }
}
