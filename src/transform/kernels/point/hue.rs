//! Turning the hue: RGB to HSV by Pillow's formula, `h = (h + shift) mod 1`, and back, every step rounded to f32 as torch does.
//!
//! The largest and the smallest channel come back unchanged, since value and saturation are kept and ⌊255.999 · x / 255⌋ = x; so only the
//! middle one is computed. Which channel is which, before and after, is found on bytes, of which a vector holds more.

use super::lanes::{LANES, whole_to_byte};
use crate::transform::kernels::vectorized::vectorized;

/// Moves the hue by `shift` of a full turn.
pub fn write(source: [&[u8]; 3], out: [&mut [u8]; 3], shift: f32) {
    vectorized!({
        let [red, green, blue] = source.map(|plane| plane.as_chunks::<LANES>().0);
        let [out_red, out_green, out_blue] = out.map(|plane| plane.as_chunks_mut::<LANES>().0);
        let out = out_red.iter_mut().zip(out_green).zip(out_blue);
        for (((r, g), b), ((out_r, out_g), out_b)) in red.iter().zip(green).zip(blue).zip(out) {
            let sorted = Sorted::new(r, g, b);
            let (sector, middle) = turned(&sorted, shift);
            channel([2, 3], [1, 4], &sector, &sorted, &middle, out_r);
            channel([4, 5], [0, 3], &sector, &sorted, &middle, out_g);
            channel([0, 1], [2, 5], &sector, &sorted, &middle, out_b);
        }
    });
}

/// A channel is the smallest one in two sectors and the middle one in two others.
#[inline(always)]
fn channel(
    smallest: [u8; 2],
    between: [u8; 2],
    sector: &[u8; LANES],
    sorted: &Sorted,
    middle: &[u8; LANES],
    out: &mut [u8; LANES],
) {
    for i in 0..LANES {
        // Masks, since the compiler makes a gather of the addresses out of a choice between arrays.
        let mask = |sectors: [u8; 2]| 0u8.wrapping_sub(u8::from((sector[i] == sectors[0]) | (sector[i] == sectors[1])));
        let (smallest, between) = (mask(smallest), mask(between));
        out[i] = sorted.min[i] & smallest | middle[i] & between | sorted.max[i] & !(smallest | between);
    }
}

/// The channels of pixels by size.
struct Sorted {
    max: [u8; LANES],
    middle: [u8; LANES],
    min: [u8; LANES],
    /// The sixth of the colour circle, counted so that in the odd ones the hue falls with the distance of the middle channel from the largest.
    sixth: [u8; LANES],
}

impl Sorted {
    #[inline(always)]
    fn new(r: &[u8; LANES], g: &[u8; LANES], b: &[u8; LANES]) -> Self {
        let mut sorted = Self { max: [0; LANES], middle: [0; LANES], min: [0; LANES], sixth: [0; LANES] };
        for i in 0..LANES {
            let (r, g, b) = (r[i], g[i], b[i]);
            let (larger, smaller) = (r.max(g), r.min(g));
            let (max, min) = (larger.max(b), smaller.min(b));
            sorted.max[i] = max;
            sorted.min[i] = min;
            sorted.middle[i] = larger.min(b).max(smaller);
            let from_green = if g == max { 2 + u8::from(b >= r) } else { 4 + u8::from(r >= g) };
            sorted.sixth[i] = if r == max { u8::from(g >= b) } else { from_green };
        }
        sorted
    }
}

/// The sector of the new hue, and the new middle channel.
#[inline(always)]
fn turned(sorted: &Sorted, shift: f32) -> ([u8; LANES], [u8; LANES]) {
    let mut result = ([0; LANES], [0; LANES]);
    // In stages, so that the processor has several chains of operations to choose from.
    let (mut values, mut saturations, mut hues) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        let unit = |x: u8| f32::from(x) * const { 1.0 / 255.0 };
        let value = unit(sorted.max[i]);
        let range = value - unit(sorted.min[i]);
        values[i] = value;
        // Gray has saturation 0, and then the hue does not matter; no quotient by 0.
        saturations[i] = range / above_zero(value);
        hues[i] = (value - unit(sorted.middle[i])) / above_zero(range);
    }
    for (hue, &sixth) in hues.iter_mut().zip(&sorted.sixth) {
        let distance = *hue;
        // The distance of the smallest channel from the largest is 1. Adding the negative is subtracting.
        let odd = u32::from(sixth & 1);
        let signed = f32::from_bits(distance.to_bits() ^ odd << 31);
        let smallest = if odd == 1 { 0.0 } else { 1.0 };
        let sixths = (f32::from(sixth) + signed) - smallest;
        *hue = wrap(wrap(sixths * const { 1.0 / 6.0 } + 1.0) + shift) * 6.0;
    }
    for i in 0..LANES {
        let (hue, saturation) = (hues[i], saturations[i]);
        let whole = hue.floor();
        let part = saturation * (hue - whole);
        // A hue just below 0 is rounded to a full turn.
        let sector = whole_to_byte(if whole == 6.0 { 0.0 } else { whole });
        let middle = if sector & 1 == 1 { 1.0 - part } else { part + (1.0 - saturation) };
        result.0[i] = sector;
        result.1[i] = whole_to_byte((middle * values[i] * 255.999).floor());
    }
    result
}

/// `x` itself if it is not 0; it is a part of 255, or 0.
#[inline(always)]
fn above_zero(x: f32) -> f32 {
    if x > f32::MIN_POSITIVE { x } else { f32::MIN_POSITIVE }
}

/// `x mod 1`; a tiny negative number becomes 1, as in torch.
#[inline(always)]
fn wrap(x: f32) -> f32 {
    x - x.floor()
}
