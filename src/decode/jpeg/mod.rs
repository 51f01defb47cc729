//! JPEG files of the plain kind, decoded as far as they are needed.
//!
//! Plain is what cameras and most programs write: one sequential frame, Huffman coded, of 8 bits, gray or with three
//! components in one scan, of any usual sampling, with or without restart markers. The pixels are those of
//! libjpeg-turbo's defaults (so Pillow's and torchvision's), to the bit: the exact integer transform at each scale,
//! blended chroma, its colour conversion. Progressive and arithmetic coding, 12 bits, CMYK, components in scans of their
//! own: all else is left to the `image` crate.
//!
//! Of the compressed data everything is read up to the last row that the region needs, because each code's place
//! depends on those before it; but outside the region nothing is made of it, and values are passed over several at once.
//! Restart markers let it begin at the region. What follows the region is not looked at.

mod bits;
mod block;
mod color;
mod complete;
mod header;
mod huffman;
mod idct;
mod layout;
mod picture;
mod samples;
mod spread;
mod zigzag;

pub(super) use complete::is_complete;
pub(super) use header::Frame;

use super::{Region, Scale, damaged};
use crate::error::Result;
use crate::image::Color;
use bits::{Bits, Scan};
use block::Corrupt;
use huffman::{Kind, Table};
use layout::{Channel, Layout};
use picture::Picture;
use samples::Samples;

/// Decodes file after file with the same tables and buffers.
#[derive(Debug, Default)]
pub(super) struct JpegDecoder {
    dc: [Table; 4],
    ac: [Table; 4],
    scan: Scan,
    layout: Layout,
    samples: [Samples; 3],
    picture: Picture,
}

impl JpegDecoder {
    /// Writes the pixels of `region`, which lies within the picture as it is at `scale`, to `out`, whose length becomes
    /// theirs. Gives the number of channels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if the data up to the region's end is damaged or cut short.
    pub fn decode(
        &mut self,
        frame: &Frame,
        region: Region,
        scale: Scale,
        color: Color,
        out: &mut Vec<u8>,
    ) -> Result<usize> {
        self.define_tables(frame)?;
        self.scan.read(frame.scan).ok_or_else(|| corrupt("a restart marker is out of turn"))?;
        self.layout.plan(frame, region, scale);
        self.check_length(frame)?;
        for (samples, channel) in self.samples.iter_mut().zip(&self.layout.channels) {
            samples.prepare(channel);
        }
        self.picture.prepare(&self.layout, frame.coding, color, out);
        vectorized(
            #[inline(always)]
            || self.decode_rows(frame, out),
        )?;
        Ok(self.picture.channels())
    }

    fn define_tables(&mut self, frame: &Frame) -> Result<()> {
        for component in frame.components() {
            let dc = &mut self.dc[component.dc_id];
            dc.define(Kind::Dc, component.dc)
                .filter(|()| dc.is_for_dc())
                .ok_or_else(|| corrupt("a Huffman table is none"))?;
            self.ac[component.ac_id]
                .define(Kind::Ac, component.ac)
                .ok_or_else(|| corrupt("a Huffman table is none"))?;
        }
        Ok(())
    }

    /// Refuses data that cannot hold all blocks, before memory is taken for their pixels.
    fn check_length(&self, frame: &Frame) -> Result<()> {
        /// A code for the DC difference and one for the end of the block.
        const LEAST_BITS: usize = 2;
        let mcus = self.layout.mcus_across * self.layout.mcus_down;
        let parts = if frame.restart_interval == 0 { 1 } else { mcus.div_ceil(frame.restart_interval) };
        if self.scan.bits() < LEAST_BITS * self.layout.blocks() || self.scan.parts() < parts {
            return Err(cut_short());
        }
        if self.scan.parts() > parts {
            return Err(corrupt("there are more restart markers than parts"));
        }
        Ok(())
    }

    #[inline(always)]
    fn decode_rows(&mut self, frame: &Frame, out: &mut [u8]) -> Result<()> {
        let across = self.layout.mcus_across;
        let interval = if frame.restart_interval == 0 { usize::MAX } else { frame.restart_interval };
        // Restart markers let the first row be found without reading all before it.
        let mut part = self.layout.mcu_rows.start * across / interval;
        let first = part.saturating_mul(interval);
        let mut left = interval;
        let mut bits = self.scan.part(part).ok_or_else(cut_short)?;
        let mut means = [0; 3];
        for row in first / across..self.layout.mcu_rows.end {
            let start = if row == first / across { first % across } else { 0 };
            for column in start..across {
                if left == 0 {
                    if bits.is_overdrawn() {
                        return Err(cut_short());
                    }
                    part += 1;
                    (bits, means, left) = (self.scan.part(part).ok_or_else(cut_short)?, [0; 3], interval);
                }
                left -= 1;
                for (index, mean) in means.iter_mut().enumerate().take(self.layout.channels.len()) {
                    let channel = &self.layout.channels[index];
                    let tables = (&self.dc[channel.dc], &self.ac[channel.ac]);
                    decode_mcu(&mut bits, tables, channel, mean, (row, column), &mut self.samples[index])
                        .map_err(|Corrupt| corrupt("the compressed data has a code that is none"))?;
                }
            }
            if bits.is_overdrawn() {
                return Err(cut_short());
            }
            self.picture.put_rows(&self.layout, &self.samples, row + 1, out);
        }
        Ok(())
    }
}

/// One component's blocks of the MCU `(row, column)`.
#[inline(always)]
fn decode_mcu(
    bits: &mut Bits,
    (dc, ac): (&Table, &Table),
    channel: &Channel,
    mean: &mut i16,
    (row, column): (usize, usize),
    samples: &mut Samples,
) -> Result<(), Corrupt> {
    let (across, down) = channel.blocks;
    for row in row * down..(row + 1) * down {
        for column in column * across..(column + 1) * across {
            *mean = mean.wrapping_add(block::difference(bits, dc)?);
            let needed = channel.block_rows.contains(&row) && channel.block_columns.contains(&column);
            if needed && channel.side > 1 {
                let mut block = [0; 64];
                block[0] = *mean;
                let last = block::coefficients(bits, ac, &mut block)?;
                samples.put(channel, (row, column), &block, last);
                continue;
            }
            block::pass_coefficients(bits, ac)?;
            if needed {
                let mut block = [0; 64];
                block[0] = *mean;
                samples.put(channel, (row, column), &block, 0);
            }
        }
    }
    Ok(())
}

/// Runs `work`, all of it inlined, as the compiler makes it for the widest vectors of this processor.
fn vectorized<T>(work: impl FnOnce() -> T) -> T {
    pulp::Arch::new().dispatch(work)
}

fn cut_short() -> crate::Error {
    damaged(&format!("the JPEG data is cut short, it ends before the picture does: {}", super::REPLACE))
}

fn corrupt(what: &str) -> crate::Error {
    damaged(&format!("the JPEG image is damaged ({what}): {}", super::REPLACE))
}
