//! A plane of brightness or colour in whole blocks, and its change of size by two.

use super::super::sized;
use super::cosine::{self, LANES, SIDE};
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
        let across = self.pitch / SIDE;
        let count = self.data.len() / (SIDE * SIDE);
        for first in (0..count).step_by(LANES) {
            // The places of the blocks' first bytes; beyond the last block there is none.
            let places: [Option<usize>; LANES] = std::array::from_fn(|lane| {
                let block = first + lane;
                (block < count).then(|| block / across * SIDE * self.pitch + block % across * SIDE)
            });
            self.compress_blocks(&places, steps);
        }
    }

    #[inline(always)]
    fn compress_blocks(&mut self, places: &[Option<usize>; LANES], steps: &Steps) {
        let mut blocks = [[0; LANES]; SIDE * SIDE];
        for (y, lanes) in blocks.as_chunks_mut::<SIDE>().0.iter_mut().enumerate() {
            let mut rows = [0; SIDE * LANES];
            for (row, place) in rows.as_chunks_mut::<SIDE>().0.iter_mut().zip(places) {
                if let Some(place) = place {
                    row.copy_from_slice(&self.data[place + y * self.pitch..][..SIDE]);
                }
            }
            // The lane's 4 bits before the column's 3.
            let rows = interleaved(&interleaved(&interleaved(&interleaved(&rows))));
            for (x, byte) in lanes.as_flattened_mut().iter_mut().zip(rows) {
                *x = i32::from(byte) - 128;
            }
        }
        cosine::with_frequencies(
            &mut blocks,
            #[inline(always)]
            |frequency, place| steps.round(frequency, place),
        );
        for (y, lanes) in blocks.as_chunks::<SIDE>().0.iter().enumerate() {
            let mut rows = [0; SIDE * LANES];
            for (byte, x) in rows.iter_mut().zip(lanes.as_flattened()) {
                *byte = (x + 128).clamp(0, 255) as u8;
            }
            let rows = interleaved(&interleaved(&interleaved(&rows)));
            for (row, place) in rows.as_chunks::<SIDE>().0.iter().zip(places) {
                if let Some(place) = place {
                    self.data[place + y * self.pitch..][..SIDE].copy_from_slice(row);
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

/// The first and the second half by turns: the highest bit of a place becomes its lowest.
#[inline(always)]
fn interleaved<const N: usize>(bytes: &[u8; N]) -> [u8; N] {
    let (first, second) = bytes.split_at(N / 2);
    let mut result = [0; N];
    for ((pair, &a), &b) in result.as_chunks_mut::<2>().0.iter_mut().zip(first).zip(second) {
        *pair = [a, b];
    }
    result
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
    let other = if y.is_multiple_of(2) { (y / 2).saturating_sub(1) } else { (y / 2 + 1).min(plane.height - 1) };
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
