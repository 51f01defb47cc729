//! A cubic through the 4×4 source pixels around (R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with
//! a = −0.75 as in torch's `grid_sample`): along the rows first, then along the column.
//!
//! torchvision's tensor form refuses bicubic warps. This is what its steps give with torch's bicubic `grid_sample`, except that results outside
//! of [0, 255], which torch would let wrap around, are clamped.

use super::source::{Pair, Source, left, right};
use super::{BLOCK, Sampler, blended, round, store, to_byte};

/// See above.
pub struct Bicubic;

/// torch's a.
const A: f32 = -0.75;

/// Four pixels of a row, and 1 for each that is inside, else 0.
#[derive(Clone, Copy)]
struct Four {
    pixels: [Pair; 2],
    inside: [[f32; 2]; 2],
}

impl Sampler for Bicubic {
    #[inline(always)]
    fn block<const C: usize>(source: &Source<'_, C>, xs: &[f32], ys: &[f32], out: &mut [u8]) {
        let (mut values, mut masks) = ([[0.0; C]; BLOCK], [0.0; BLOCK]);
        let (values, masks) = (&mut values[..xs.len()], &mut masks[..xs.len()]);
        let mut fours = [Four { pixels: [0; 2], inside: [[0.0; 2]; 2] }; BLOCK];
        let fours = &mut fours[..xs.len()];
        for row in 0..4 {
            for (four, (x, y)) in fours.iter_mut().zip(xs.iter().zip(ys)) {
                *four = fetch(source, round(x.floor()), round(y.floor()).wrapping_add(row - 1));
            }
            for ((four, (x, y)), (values, mask)) in
                fours.iter().zip(xs.iter().zip(ys)).zip(values.iter_mut().zip(masks.iter_mut()))
            {
                add_row::<C>(four, weights(x - x.floor()), weights(y - y.floor())[row as usize], values, mask);
            }
        }
        for (i, (values, &mask)) in values.iter().zip(&*masks).enumerate() {
            let mut pixel = 0;
            for (c, (&value, &fill)) in values.iter().zip(&source.fill).enumerate() {
                let value = blended(value, mask, fill);
                let not_below = if value > 0.0 { value } else { 0.0 };
                pixel |= to_byte(if not_below < 255.0 { not_below } else { 255.0 }) << (8 * c);
            }
            store::<C>(out, i, pixel);
        }
    }
}

/// The four pixels around column `x` of row `y`.
#[inline(always)]
fn fetch<const C: usize>(source: &Source<'_, C>, x: i32, y: i32) -> Four {
    let first = x.wrapping_sub(1);
    if source.holds(first, y) & source.holds(x.wrapping_add(2), y) {
        let offset = source.offset(first, y);
        let pixels = [source.pair(offset), source.pair(source.offset(x.wrapping_add(1), y))];
        return Four { pixels, inside: [[1.0; 2]; 2] };
    }
    let ((west, a), (east, b)) = (source.pair_tested(first, y), source.pair_tested(x.wrapping_add(1), y));
    Four { pixels: [west, east], inside: [a, b] }
}

/// Adds a row to the channels' sums and to the mask.
#[inline(always)]
fn add_row<const C: usize>(four: &Four, along: [f32; 4], down: f32, values: &mut [f32; C], mask: &mut f32) {
    let [west, east] = four.pixels;
    for (c, sum) in values.iter_mut().enumerate() {
        *sum = row([left(west, c), right::<C>(west, c), left(east, c), right::<C>(east, c)], along).mul_add(down, *sum);
    }
    let [[a, b], [c, d]] = four.inside;
    *mask = row([a, b, c, d], along).mul_add(down, *mask);
}

#[inline(always)]
fn row([p, q, r, s]: [f32; 4], [a, b, c, d]: [f32; 4]) -> f32 {
    s.mul_add(d, r.mul_add(c, q.mul_add(b, p * a)))
}

/// The weights of the pixels −1, 0, 1 and 2 from the whole position, for a part in [0, 1).
#[inline(always)]
fn weights(part: f32) -> [f32; 4] {
    let rest = 1.0 - part;
    [far(part + 1.0), near(part), near(rest), far(rest + 1.0)]
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
