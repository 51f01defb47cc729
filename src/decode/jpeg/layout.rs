//! Which blocks and samples of each component a region of the picture needs, at a scale.

use std::ops::Range;

use super::header::{Component, Frame};
use super::{Region, Scale};
use crate::image::Size;

/// How a component's samples spread over the picture's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// A sample for each pixel.
    Same,
    /// Two pixels across, each ¾ of its sample and ¼ of the next one ("fancy").
    Across,
    /// The same downwards.
    Down,
    /// The same in both directions.
    Both,
    /// The sample's value for so many pixels across and down.
    Repeat(usize, usize),
}

impl Spread {
    /// Pixels from one sample to the next, across and down.
    pub fn factors(self) -> (usize, usize) {
        match self {
            Self::Same => (1, 1),
            Self::Across => (2, 1),
            Self::Down => (1, 2),
            Self::Both => (2, 2),
            Self::Repeat(across, down) => (across, down),
        }
    }

    /// The samples of a line of `length` that `pixels` of the picture are made of, where one has a share in the pixels
    /// of its neighbours (`blends`).
    fn samples(pixels: &Range<usize>, factor: usize, blends: bool, length: usize) -> Range<usize> {
        if !blends {
            return pixels.start / factor..(pixels.end - 1) / factor + 1;
        }
        pixels.start.saturating_sub(1) / 2..(pixels.end / 2 + 1).min(length)
    }

    fn blends_across(self) -> bool {
        matches!(self, Self::Across | Self::Both)
    }

    fn blends_down(self) -> bool {
        matches!(self, Self::Down | Self::Both)
    }
}

/// One component's part of the work.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Blocks in an MCU, across and down.
    pub blocks: (usize, usize),
    pub steps: [i16; 64],
    pub dc: usize,
    pub ac: usize,
    /// Samples that a block gives, across and down: 8, 4, 2 or 1.
    pub side: usize,
    pub spread: Spread,
    /// Rows of samples in the whole component.
    pub height: usize,
    /// The columns of samples needed.
    pub columns: Range<usize>,
    /// The blocks that hold the samples needed.
    pub block_rows: Range<usize>,
    pub block_columns: Range<usize>,
}

impl Channel {
    fn new(component: &Component, frame: &Frame, scale: Scale, pixels: &(Range<usize>, Range<usize>)) -> Self {
        let most = most_blocks(frame);
        let (across, down) = component.blocks;
        let smallest = 8 / scale.divisor();
        // Samples are kept rather than spread again, as far as that goes in both directions alike.
        let mut side = smallest;
        while side < 8
            && (most.0 * smallest).is_multiple_of(across * side * 2)
            && (most.1 * smallest).is_multiple_of(down * side * 2)
        {
            side *= 2;
        }
        let height = (frame.size.height * down * side).div_ceil(most.1 * 8);
        let width = (frame.size.width * across * side).div_ceil(most.0 * 8);
        let factors = (most.0 * smallest / (across * side), most.1 * smallest / (down * side));
        let spread = match factors {
            (1, 1) => Spread::Same,
            // libjpeg blends only what is wide enough, except downwards alone.
            (2, 1) if smallest > 1 && width > 2 => Spread::Across,
            (1, 2) if smallest > 1 => Spread::Down,
            (2, 2) if smallest > 1 && width > 2 => Spread::Both,
            (across, down) => Spread::Repeat(across, down),
        };
        let rows = Spread::samples(&pixels.0, factors.1, spread.blends_down(), height);
        let columns = Spread::samples(&pixels.1, factors.0, spread.blends_across(), width);
        let blocks = |samples: &Range<usize>| samples.start / side..samples.end.div_ceil(side);
        Self {
            blocks: component.blocks,
            steps: component.steps,
            dc: component.dc_id,
            ac: component.ac_id,
            side,
            spread,
            height,
            block_rows: blocks(&rows),
            block_columns: blocks(&columns),
            columns,
        }
    }

    /// Rows of samples in a row of MCUs.
    pub fn mcu_rows(&self) -> usize {
        self.blocks.1 * self.side
    }

    /// The last row of samples that has a share in row `y` of the picture.
    pub fn last_row(&self, y: usize) -> usize {
        let (_, factor) = self.spread.factors();
        if self.spread.blends_down() { (y.div_ceil(2)).min(self.height - 1) } else { y / factor }
    }
}

/// All of the work.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub channels: Vec<Channel>,
    /// The rows and columns of the picture, as it is at the scale.
    pub pixels: (Range<usize>, Range<usize>),
    /// MCUs in a row.
    pub mcus_across: usize,
    /// All rows of MCUs, and those needed.
    pub mcus_down: usize,
    pub mcu_rows: Range<usize>,
}

impl Layout {
    /// Makes this the work for `region`, which lies within the picture as it is at `scale`.
    pub fn plan(&mut self, frame: &Frame, region: Region, scale: Scale) {
        let most = most_blocks(frame);
        self.pixels = (region.top..region.top + region.height, region.left..region.left + region.width);
        self.channels.clear();
        let new = |component| Channel::new(component, frame, scale, &self.pixels);
        self.channels.extend(frame.components().iter().map(new));
        let first = self.channels.iter().map(|channel| channel.block_rows.start / channel.blocks.1).min();
        let end = self.channels.iter().map(|channel| channel.block_rows.end.div_ceil(channel.blocks.1)).max();
        self.mcus_across = frame.size.width.div_ceil(8 * most.0);
        self.mcus_down = frame.size.height.div_ceil(8 * most.1);
        self.mcu_rows = first.unwrap_or(0)..end.unwrap_or(0);
    }

    pub fn size(&self) -> Size {
        Size::new(self.pixels.0.len(), self.pixels.1.len())
    }

    /// Blocks in the whole file.
    pub fn blocks(&self) -> usize {
        let per_mcu: usize = self.channels.iter().map(|channel| channel.blocks.0 * channel.blocks.1).sum();
        self.mcus_across * self.mcus_down * per_mcu
    }
}

/// The most blocks in an MCU of any component, across and down.
fn most_blocks(frame: &Frame) -> (usize, usize) {
    let most = |blocks: fn(&Component) -> usize| frame.components().iter().map(blocks).max().unwrap_or(1);
    (most(|component| component.blocks.0), most(|component| component.blocks.1))
}
