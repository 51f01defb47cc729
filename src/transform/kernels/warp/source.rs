//! The picture that a warp reads: pixels by row and column, wherever they lie.

use crate::transform::kernels::view::View;

/// A view whose offsets fit 32 bits.
pub struct Source<'a, const C: usize> {
    bytes: &'a [u8],
    origin: i32,
    step: i32,
    /// The bytes from a pixel to the one below.
    pub stride: i32,
    pub width: u32,
    pub height: u32,
    pub fill: [u8; C],
}

/// Two neighbours in a row, the left one in the lowest bits.
pub type Pair = u64;

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
        }
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
    pub fn pair(&self, offset: i32) -> Pair {
        let first = if self.step < 0 { offset + self.step } else { offset } as u32 as usize;
        let bytes = match self.bytes.get(first..first + 8) {
            Some(bytes) => u64::from_le_bytes(bytes.try_into().expect("eight bytes")),
            None => little_endian(&self.bytes[first..]),
        };
        if self.step < 0 { bytes >> (8 * C) & ((1 << (8 * C)) - 1) | bytes << (8 * C) } else { bytes }
    }

    /// The pixel at (x, y) and the one right of it, zeros outside; and 1 for each that is inside, else 0.
    #[inline(always)]
    pub fn pair_tested(&self, x: i32, y: i32) -> (Pair, [f32; 2]) {
        let (mut pair, mut inside) = (0, [0.0; 2]);
        for (tap, inside) in inside.iter_mut().enumerate() {
            let x = x.wrapping_add(tap as i32);
            if self.holds(x, y) {
                let pixel = self.pixel(self.offset(x, y)) & const { pixel_mask::<C>() };
                pair |= u64::from(pixel) << (8 * C * tap);
                *inside = 1.0;
            }
        }
        (pair, inside)
    }
}

const fn pixel_mask<const C: usize>() -> u32 {
    (1 << (8 * C)) - 1
}

/// A channel of the left pixel.
#[inline(always)]
pub fn left(pair: Pair, channel: usize) -> f32 {
    (pair as u32 >> (8 * channel) & 0xff) as i32 as f32
}

/// A channel of the right pixel.
#[inline(always)]
pub fn right<const C: usize>(pair: Pair, channel: usize) -> f32 {
    ((pair >> (8 * C)) as u32 >> (8 * channel) & 0xff) as i32 as f32
}

/// The bytes at the end of a buffer, filled up with zeros.
#[cold]
fn little_endian(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    let length = bytes.len().min(8);
    number[..length].copy_from_slice(&bytes[..length]);
    u64::from_le_bytes(number)
}
