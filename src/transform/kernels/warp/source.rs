//! The picture that a warp reads: pixels by row and column, wherever they lie.

use crate::transform::kernels::view::View;

/// A view whose offsets fit 32 bits.
#[derive(Clone, Copy)]
pub struct Source<'a, const C: usize> {
    bytes: &'a [u8],
    origin: i32,
    step: i32,
    /// The bytes from a pixel to the one below.
    pub stride: i32,
    pub width: u32,
    pub height: u32,
    pub fill: [u8; C],
    /// Whether the fill is blended in at the edge; without, what is outside counts as 0 and no more.
    pub blended: bool,
    /// Whether [`BORDER`] zeros lie around it on every side.
    pub bordered: bool,
}

/// So many zeros on a side hold a pair that is all outside.
pub const BORDER: usize = 2;

/// The bytes that are read for a pair.
pub const PAIR_BYTES: usize = size_of::<Pair>();

/// Two neighbours in a row, as they lie in memory: [`Source::split`] tells which is the left one.
pub type Pair = u64;

impl<'a, const C: usize> Source<'a, C> {
    pub fn new(view: View<'a>, fill: [u8; C], blended: bool, bordered: bool) -> Self {
        let size = view.size();
        Self {
            bytes: view.bytes(),
            origin: view.origin() as i32,
            step: view.step() as i32,
            stride: view.stride() as i32,
            width: size.width as u32,
            height: size.height as u32,
            fill,
            blended,
            bordered,
        }
    }

    /// The nearest row or column of a side that is inside or in the border.
    #[inline(always)]
    pub fn within_border(position: f32, side: u32) -> f32 {
        let low = const { -(BORDER as f32) };
        let above = if position > low { position } else { low };
        let high = side as i32 as f32;
        if above < high { above } else { high }
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

    /// Where the pixel at (x, y) and the one right of it begin, if both are inside.
    #[inline(always)]
    pub fn pair_offset(&self, x: i32, y: i32) -> i32 {
        self.offset(x, y).wrapping_add(self.step.min(0))
    }

    /// The pair at an offset, then anything.
    #[inline(always)]
    pub fn pair(&self, offset: i32) -> Pair {
        let offset = offset as u32 as usize;
        match self.bytes.get(offset..offset + 8) {
            Some(bytes) => u64::from_le_bytes(bytes.try_into().expect("eight bytes")),
            None => little_endian(&self.bytes[offset..]),
        }
    }

    /// The gray pair at an offset and the one below, of a source with a border: its stride is positive.
    #[inline(always)]
    pub fn quad(&self, offset: i32) -> u32 {
        let quad = &self.bytes[offset as u32 as usize..][..self.stride as usize + 2];
        let [a, b] = *quad.first_chunk().expect("at least two bytes");
        let [c, d] = *quad.last_chunk().expect("at least two bytes");
        u32::from_le_bytes([a, b, c, d])
    }

    /// Where in a quad the pixels lie: left and right above, left and right below.
    #[inline(always)]
    pub fn quad_shifts(&self) -> [u32; 4] {
        if self.step < 0 { [8, 0, 24, 16] } else { [0, 8, 16, 24] }
    }

    /// The pair whose left pixel is at (x, y), zeros outside; and 1 for each that is inside, the left one first, else 0.
    #[inline(always)]
    pub fn pair_tested(&self, x: i32, y: i32) -> (Pair, [f32; 2]) {
        let (mut pair, mut inside) = (0, [0.0; 2]);
        for (tap, inside) in inside.iter_mut().enumerate() {
            let x = x.wrapping_add(tap as i32);
            if self.holds(x, y) {
                let pixel = self.pixel(self.offset(x, y)) & const { pixel_mask::<C>() };
                pair |= u64::from(pixel) << self.shifts()[tap];
                *inside = 1.0;
            }
        }
        (pair, inside)
    }

    /// The left and the right pixel of a pair, each in the lowest bits, then anything.
    #[inline(always)]
    pub fn split(&self, pair: Pair) -> (u32, u32) {
        let [left, right] = self.shifts();
        ((pair >> left) as u32, (pair >> right) as u32)
    }

    #[inline(always)]
    fn shifts(&self) -> [usize; 2] {
        if self.step < 0 { [8 * C, 0] } else { [0, 8 * C] }
    }
}

const fn pixel_mask<const C: usize>() -> u32 {
    (1 << (8 * C)) - 1
}

/// The bytes at the end of a buffer, filled up with zeros.
#[cold]
fn little_endian(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    let length = bytes.len().min(8);
    number[..length].copy_from_slice(&bytes[..length]);
    u64::from_le_bytes(number)
}
