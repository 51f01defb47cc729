//! The picture that a warp reads: pixels by row and column, wherever they lie.

use super::LANES;
use crate::transform::kernels::view::View;

/// A view whose offsets fit 32 bits.
pub struct Source<'a, const C: usize> {
    bytes: &'a [u8],
    origin: i32,
    step: i32,
    stride: i32,
    pub width: u32,
    pub height: u32,
    pub fill: [u8; C],
    /// Whether the fill is blended in; otherwise the mask is 1 everywhere.
    pub blended: bool,
}

/// Two neighbours in a row, the left one in the lowest bits.
pub type Pair = u64;

/// Two neighbours in a row for each lane, and 1.0 for each pixel inside.
pub struct Pairs {
    pub pixels: [Pair; LANES],
    pub inside: [[f32; LANES]; 2],
}

impl<'a, const C: usize> Source<'a, C> {
    pub fn new(view: View<'a>, fill: [u8; C]) -> Self {
        let size = view.size();
        Self {
            bytes: view.bytes(),
            origin: view.origin() as i32,
            step: view.step() as i32,
            stride: view.stride() as i32,
            width: size.width as u32,
            height: size.height as u32,
            fill,
            blended: true,
        }
    }

    /// Without blending in the fill.
    pub fn unblended(self) -> Self {
        Self { blended: false, ..self }
    }

    /// Whether there is such a pixel.
    #[inline(always)]
    pub fn holds(&self, x: i32, y: i32) -> bool {
        ((x as u32) < self.width) & ((y as u32) < self.height)
    }

    /// Where a pixel that is inside begins.
    #[inline(always)]
    pub fn offset(&self, x: i32, y: i32) -> i32 {
        self.origin.wrapping_add(y.wrapping_mul(self.stride)).wrapping_add(x.wrapping_mul(self.step))
    }

    /// The pixel at an offset in the lowest bits, then anything.
    #[inline(always)]
    pub fn pixel(&self, offset: i32) -> u32 {
        let offset = offset as u32 as usize;
        if C == 1 {
            return u32::from(self.bytes[offset]);
        }
        match self.bytes.get(offset..offset + 4) {
            Some(bytes) => u32::from_le_bytes(bytes.try_into().expect("four bytes")),
            None => little_endian(&self.bytes[offset..]) as u32,
        }
    }

    /// The pixel at an offset and the one right of it, then anything.
    #[inline(always)]
    fn pair(&self, offset: i32) -> Pair {
        let first = if self.step < 0 { offset + self.step } else { offset } as u32 as usize;
        let bytes = match self.bytes.get(first..first + 8) {
            Some(bytes) => u64::from_le_bytes(bytes.try_into().expect("eight bytes")),
            None => little_endian(&self.bytes[first..]),
        };
        if self.step < 0 { bytes >> (8 * C) & ((1 << (8 * C)) - 1) | bytes << (8 * C) } else { bytes }
    }

    /// The pairs that begin at (x, y); zeros outside.
    #[inline(always)]
    pub fn pairs_tested(&self, x: &[i32; LANES], y: &[i32; LANES]) -> Pairs {
        let mut pairs = Pairs { pixels: [0; LANES], inside: [[0.0; LANES]; 2] };
        for i in 0..LANES {
            let (x, y) = (x[i], y[i]);
            for (tap, x) in [x, x.wrapping_add(1)].into_iter().enumerate() {
                if self.holds(x, y) {
                    let pixel = self.pixel(self.offset(x, y)) & const { pixel_mask::<C>() };
                    pairs.pixels[i] |= u64::from(pixel) << (8 * C * tap);
                    pairs.inside[tap][i] = 1.0;
                }
            }
        }
        pairs
    }

    /// The pairs at offsets; all are inside.
    #[inline(always)]
    pub fn pairs(&self, offsets: &[i32; LANES]) -> [Pair; LANES] {
        let mut pairs = [0; LANES];
        for (pair, &offset) in pairs.iter_mut().zip(offsets) {
            *pair = self.pair(offset);
        }
        pairs
    }

    /// The offsets of pixels; those outside have any.
    #[inline(always)]
    pub fn offsets(&self, x: &[i32; LANES], y: &[i32; LANES]) -> [i32; LANES] {
        let mut offsets = [0; LANES];
        for i in 0..LANES {
            offsets[i] = self.offset(x[i], y[i]);
        }
        offsets
    }

    /// How far a row is from the one above.
    pub fn stride(&self) -> i32 {
        self.stride
    }
}

const fn pixel_mask<const C: usize>() -> u32 {
    (1 << (8 * C)) - 1
}

/// One channel of the left and of the right pixel of each pair, as floats.
#[inline(always)]
pub fn channel<const C: usize>(pairs: &[Pair; LANES], c: usize) -> [[f32; LANES]; 2] {
    let (mut left, mut right) = ([0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        left[i] = (pairs[i] as u32 >> (8 * c) & 0xff) as i32 as f32;
        right[i] = ((pairs[i] >> (8 * C)) as u32 >> (8 * c) & 0xff) as i32 as f32;
    }
    [left, right]
}

/// The bytes at the end of a buffer, filled up with zeros.
#[cold]
fn little_endian(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    let length = bytes.len().min(8);
    number[..length].copy_from_slice(&bytes[..length]);
    u64::from_le_bytes(number)
}
