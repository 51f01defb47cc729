//! A strip of pixels, one plane for each channel, and its way from and to interleaved bytes.

use super::lanes::LANES;
use crate::transform::kernels::vectorized::vectorized;

/// The pixels that a strip holds: two strips and what is read and written besides stay in the first-level cache.
pub const STRIP: usize = 2048;

const IN_ORDER: [usize; 3] = [0, 1, 2];

/// Up to [`STRIP`] pixels; planes change places without being copied. Steps work on whole [`LANES`], what lies beyond the last pixel does not matter.
#[derive(Debug)]
pub struct Planes {
    bytes: Box<[[u8; STRIP]; 3]>,
    /// Which of them stands for each channel.
    order: [usize; 3],
}

impl Default for Planes {
    fn default() -> Self {
        Self { bytes: Box::new([[0; STRIP]; 3]), order: IN_ORDER }
    }
}

impl Planes {
    /// All bytes as one plane, to be written.
    pub fn flat(&mut self) -> &mut [u8] {
        self.bytes.as_flattened_mut()
    }

    /// The first `length` bytes of each channel.
    pub fn parts(&self, length: usize) -> [&[u8]; 3] {
        self.order.map(|c| &self.bytes[c][..length])
    }

    /// The first `length` bytes of each channel, to be written.
    pub fn parts_mut(&mut self, length: usize) -> [&mut [u8]; 3] {
        self.order = IN_ORDER;
        self.bytes.each_mut().map(|plane| &mut plane[..length])
    }

    /// Gives channel c the bytes of channel `order[c]`.
    pub fn reorder(&mut self, order: [usize; 3]) {
        self.order = order.map(|c| self.order[c]);
    }
}

/// Channel c of each RGB pixel to plane c.
pub fn deinterleave(pixels: &[u8], planes: [&mut [u8]; 3]) {
    vectorized!({
        let [(red, red_rest), (green, green_rest), (blue, blue_rest)] =
            planes.map(|plane| plane.as_chunks_mut::<LANES>());
        let (chunks, rest) = pixels.as_chunks::<{ 3 * LANES }>();
        for (((chunk, r), g), b) in chunks.iter().zip(red).zip(green).zip(blue) {
            split(chunk, r, g, b);
        }
        split(rest, red_rest, green_rest, blue_rest);
    });
}

#[inline(always)]
fn split(pixels: &[u8], r: &mut [u8], g: &mut [u8], b: &mut [u8]) {
    for (((pixel, r), g), b) in pixels.as_chunks::<3>().0.iter().zip(r).zip(g).zip(b) {
        [*r, *g, *b] = *pixel;
    }
}

/// Plane c to channel c of each RGB pixel.
pub fn interleave(planes: [&[u8]; 3], pixels: &mut [u8]) {
    vectorized!({
        let [(red, red_rest), (green, green_rest), (blue, blue_rest)] = planes.map(|plane| plane.as_chunks::<LANES>());
        let (chunks, rest) = pixels.as_chunks_mut::<{ 3 * LANES }>();
        for (((chunk, r), g), b) in chunks.iter_mut().zip(red).zip(green).zip(blue) {
            join(chunk, r, g, b);
        }
        join(rest, red_rest, green_rest, blue_rest);
    });
}

#[inline(always)]
fn join(pixels: &mut [u8], r: &[u8], g: &[u8], b: &[u8]) {
    for (((pixel, &r), &g), &b) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(r).zip(g).zip(b) {
        *pixel = [r, g, b];
    }
}
