//! A plane of brightness or colour in whole blocks, and its change of size by two.

use super::super::sized;
use super::cosine::{self, SIDE};
use super::steps::Steps;

/// A plane of whole blocks, of which a part is seen.
#[derive(Debug, Default)]
pub struct Plane {
    data: Vec<u8>,
    height: usize,
    width: usize,
    pitch: usize,
}

impl Plane {
    /// For `height` rows of `width` places, which are to be written.
    pub fn resize(&mut self, height: usize, width: usize) {
        let pitch = width.next_multiple_of(SIDE);
        sized(&mut self.data, height.next_multiple_of(SIDE) * pitch);
        *self = Self { data: std::mem::take(&mut self.data), height, width, pitch };
    }

    #[inline(always)]
    pub fn row(&self, y: usize) -> &[u8] {
        &self.data[y * self.pitch..][..self.width]
    }

    /// Row `y` with the places that fill up its last block, which are to be written too.
    #[inline(always)]
    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        &mut self.data[y * self.pitch..][..self.pitch]
    }

    /// The length of a row in whole blocks.
    pub fn pitch(&self) -> usize {
        self.pitch
    }

    /// Brings each block to frequencies, rounds them to steps, and brings it back.
    #[inline(always)]
    pub fn compress(&mut self, steps: &Steps) {
        self.fill_up();
        for rows in self.data.chunks_exact_mut(SIDE * self.pitch) {
            for left in (0..self.pitch).step_by(SIDE) {
                let mut block = [0; 64];
                for (y, row) in block.as_chunks_mut::<SIDE>().0.iter_mut().enumerate() {
                    let bytes: &[u8; SIDE] = rows[y * self.pitch + left..].first_chunk().expect("rows are whole blocks");
                    for (x, byte) in row.iter_mut().zip(bytes) {
                        *x = i32::from(*byte) - 128;
                    }
                }
                cosine::forward(&mut block);
                steps.round(&mut block);
                cosine::inverse(&mut block);
                for (y, row) in block.as_chunks::<SIDE>().0.iter().enumerate() {
                    for (byte, x) in rows[y * self.pitch + left..][..SIDE].iter_mut().zip(row) {
                        *byte = (x + 128).clamp(0, 255) as u8;
                    }
                }
            }
        }
    }

    /// Repeats the last row to the end of its blocks.
    fn fill_up(&mut self) {
        let end = self.height * self.pitch;
        for row in self.height..self.height.next_multiple_of(SIDE) {
            self.data.copy_within(end - self.pitch..end, row * self.pitch);
        }
    }
}

/// The means of 2×2 places, rounded down and up by turns.
#[inline(always)]
pub fn shrink(upper: &[u8], lower: &[u8], out: &mut [u8]) {
    let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
    for (i, (out, ([a, b], [c, d]))) in out.iter_mut().zip(pairs).enumerate() {
        let sum = u16::from(*a) + u16::from(*b) + u16::from(*c) + u16::from(*d);
        *out = ((sum + 1 + (i & 1) as u16) >> 2) as u8;
    }
}

/// Row `y` of the plane at twice its size: 9/16, 3/16, 3/16 and 1/16 of the four places around. Planes of up to 2 columns are repeated, as
/// libjpeg does.
#[inline(always)]
pub fn enlarge(plane: &Plane, y: usize, out: &mut [u8]) {
    let near = plane.row(y / 2);
    if plane.width <= 2 {
        for (out, value) in out.as_chunks_mut::<2>().0.iter_mut().zip(near) {
            *out = [*value; 2];
        }
        return;
    }
    let other = if y % 2 == 0 { (y / 2).saturating_sub(1) } else { (y / 2 + 1).min(plane.height - 1) };
    let far = plane.row(other);
    let sum = |i: usize| 3 * u16::from(near[i]) + u16::from(far[i]);
    let last = plane.width - 1;
    let (pairs, _) = out.as_chunks_mut::<2>();
    pairs[0] = [((4 * sum(0) + 8) >> 4) as u8, ((3 * sum(0) + sum(1) + 7) >> 4) as u8];
    pairs[last] = [((3 * sum(last) + sum(last - 1) + 8) >> 4) as u8, ((4 * sum(last) + 7) >> 4) as u8];
    let windows = near.windows(3).zip(far.windows(3));
    for (pair, (near, far)) in pairs[1..last].iter_mut().zip(windows) {
        let sum = |i: usize| 3 * u16::from(near[i]) + u16::from(far[i]);
        *pair = [((3 * sum(1) + sum(0) + 8) >> 4) as u8, ((3 * sum(1) + sum(2) + 7) >> 4) as u8];
    }
}
