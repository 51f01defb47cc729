//! A cubic through the 4×4 source pixels around (R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with
//! a = −0.75 as in torch's `grid_sample`): along the rows first, then along the column.
//!
//! torchvision's tensor form refuses bicubic warps. This is what its steps give with torch's bicubic `grid_sample`, except that results outside
//! of [0, 255], which torch would let wrap around, are clamped.

use super::source::{Pair, Source};
use super::{BLOCK, Sampler, blended, store};
use crate::transform::kernels::rounding::{nearest, nearest_byte};

/// torch's a.
const A: f32 = -0.75;

/// One row of the pixels around the positions of a block, and the sums so far.
pub struct Bicubic {
    west: [Pair; BLOCK],
    east: [Pair; BLOCK],
    /// 1 for each of a row's four pixels that is inside, else 0.
    inside: [[f32; BLOCK]; 4],
    /// The weights along x and along y.
    along: [[f32; BLOCK]; 4],
    down: [[f32; BLOCK]; 4],
    values: [[f32; BLOCK]; 3],
    mask: [f32; BLOCK],
}

impl Default for Bicubic {
    fn default() -> Self {
        let zeros = [0.0; BLOCK];
        Self {
            west: [0; BLOCK],
            east: [0; BLOCK],
            inside: [zeros; 4],
            along: [zeros; 4],
            down: [zeros; 4],
            values: [zeros; 3],
            mask: zeros,
        }
    }
}

impl Sampler for Bicubic {
    #[inline(always)]
    fn block<const C: usize>(&mut self, source: Source<'_, C>, xs: &[f32], ys: &[f32], out: &mut [u8]) {
        self.values = [[0.0; BLOCK]; 3];
        self.mask = [0.0; BLOCK];
        split(xs, &mut self.along);
        split(ys, &mut self.down);
        for row in 0..4 {
            for (i, (x, y)) in xs.iter().zip(ys).enumerate() {
                self.fetch(&source, i, nearest(x.floor()), nearest(y.floor()).wrapping_add(row - 1));
            }
            self.add_row(&source, xs.len(), row as usize);
        }
        let mut pixels = [0; BLOCK];
        let pixels = &mut pixels[..xs.len()];
        for (c, &fill) in source.fill.iter().enumerate() {
            for (pixel, (&value, &mask)) in pixels.iter_mut().zip(self.values[c].iter().zip(&self.mask)) {
                let value = blended(value, if source.blended { mask } else { 1.0 }, fill);
                let not_below = if value < 0.0 { 0.0 } else { value };
                *pixel |= nearest_byte(if not_below > 255.0 { 255.0 } else { not_below }) << (8 * c);
            }
        }
        store::<C>(out, |i| pixels[i]);
    }
}

impl Bicubic {
    /// Reads the four pixels around column `x` of row `y` for position `i`.
    #[inline(always)]
    fn fetch<const C: usize>(&mut self, source: &Source<'_, C>, i: usize, x: i32, y: i32) {
        let (first, third) = (x.wrapping_sub(1), x.wrapping_add(1));
        if source.holds(first, y) & source.holds(x.wrapping_add(2), y) {
            self.west[i] = source.pair(source.pair_offset(first, y));
            self.east[i] = source.pair(source.pair_offset(third, y));
            self.inside.iter_mut().for_each(|inside| inside[i] = 1.0);
        } else {
            let ((west, [a, b]), (east, [c, d])) = (source.pair_tested(first, y), source.pair_tested(third, y));
            (self.west[i], self.east[i]) = (west, east);
            for (inside, one) in self.inside.iter_mut().zip([a, b, c, d]) {
                inside[i] = one;
            }
        }
    }

    /// Adds a row to the channels' sums and to the mask.
    #[inline(always)]
    fn add_row<const C: usize>(&mut self, source: &Source<'_, C>, n: usize, row: usize) {
        let Self { west, east, inside: [a, b, c, d], along: [p, q, r, s], down, values, mask } = self;
        let down = &down[row];
        for (channel, sums) in values.iter_mut().enumerate().take(C) {
            for i in 0..n.min(BLOCK) {
                let ((first, second), (third, fourth)) = (source.split(west[i]), source.split(east[i]));
                let taps = [byte(first, channel), byte(second, channel), byte(third, channel), byte(fourth, channel)];
                sums[i] = mean(taps, [p[i], q[i], r[i], s[i]]).mul_add(down[i], sums[i]);
            }
        }
        for i in 0..n.min(BLOCK) {
            mask[i] = mean([a[i], b[i], c[i], d[i]], [p[i], q[i], r[i], s[i]]).mul_add(down[i], mask[i]);
        }
    }
}

/// The weights of the pixels −1, 0, 1 and 2 from the whole part of each position.
#[inline(always)]
fn split(positions: &[f32], [a, b, c, d]: &mut [[f32; BLOCK]; 4]) {
    for (i, position) in positions.iter().enumerate().take(BLOCK) {
        let part = position - position.floor();
        let rest = 1.0 - part;
        (a[i], b[i], c[i], d[i]) = (far(part + 1.0), near(part), near(rest), far(rest + 1.0));
    }
}

#[inline(always)]
fn byte(pixel: u32, channel: usize) -> f32 {
    (pixel >> (8 * channel) & 0xff) as i32 as f32
}

#[inline(always)]
fn mean([p, q, r, s]: [f32; 4], [a, b, c, d]: [f32; 4]) -> f32 {
    s.mul_add(d, r.mul_add(c, q.mul_add(b, p * a)))
}

/// The weight at a distance of up to 1.
#[inline(always)]
fn near(x: f32) -> f32 {
    ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
}

/// The weight at a distance of 1 to 2.
#[inline(always)]
fn far(x: f32) -> f32 {
    ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A
}
