//! The samples of one component: as many rows as the picture's next rows may need.

use super::idct;
use super::layout::Channel;

/// A ring of two rows of MCUs, cut to the blocks that are needed.
#[derive(Debug, Default)]
pub struct Samples {
    data: Vec<u8>,
    stride: usize,
    /// Rows in the ring.
    rows: usize,
    /// The column that each row begins with.
    left: usize,
}

impl Samples {
    pub fn prepare(&mut self, channel: &Channel) {
        self.stride = channel.block_columns.len() * channel.side;
        self.left = channel.block_columns.start * channel.side;
        self.rows = 2 * channel.mcu_rows();
        self.data.resize(self.rows * self.stride, 0);
    }

    /// The needed samples of row `row`.
    #[inline(always)]
    pub fn row(&self, channel: &Channel, row: usize) -> &[u8] {
        let start = row % self.rows * self.stride;
        &self.data[start..][channel.columns.start - self.left..channel.columns.end - self.left]
    }

    /// Turns coefficients, the last of which is number `last` in the file's order, into the samples of block
    /// `(row, column)`.
    #[inline(always)]
    pub fn put(&mut self, channel: &Channel, (row, column): (usize, usize), block: &[i16; 64], last: usize) {
        let start = row * channel.side % self.rows * self.stride + column * channel.side - self.left;
        let out = &mut self.data[start..];
        let steps = &channel.steps;
        match channel.side {
            side if last == 0 || side == 1 => fill(out, self.stride, side, idct::mean(block[0], steps[0])),
            // The first ten coefficients lie in four rows and columns.
            8 if last < 10 => copy(out, self.stride, &idct::pixels::<8, 4>(block, steps)),
            8 => copy(out, self.stride, &idct::pixels::<8, 8>(block, steps)),
            4 if last < 10 => copy(out, self.stride, &idct::pixels::<4, 4>(block, steps)),
            4 => copy(out, self.stride, &idct::pixels::<4, 8>(block, steps)),
            _ => copy(out, self.stride, &idct::pixels::<2, 8>(block, steps)),
        }
    }
}

#[inline(always)]
fn copy<const N: usize>(out: &mut [u8], stride: usize, pixels: &[[u8; N]; N]) {
    for (y, row) in pixels.iter().enumerate() {
        out[y * stride..][..N].copy_from_slice(row);
    }
}

#[inline(always)]
fn fill(out: &mut [u8], stride: usize, side: usize, value: u8) {
    if side == 8 {
        return copy(out, stride, &[[value; 8]; 8]);
    }
    for y in 0..side {
        out[y * stride..][..side].fill(value);
    }
}
