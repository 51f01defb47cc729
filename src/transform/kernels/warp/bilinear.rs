//! The mean of the 2×2 source pixels around, weighted by distance.

use super::source::{Pair, Source, left, right};
use super::{BLOCK, Sampler, blend, round, store};

/// See above.
pub struct Bilinear;

/// The pixels around some positions, and where the positions lie between them.
struct Around {
    x: [i32; BLOCK],
    y: [i32; BLOCK],
    east: [f32; BLOCK],
    south: [f32; BLOCK],
    upper: [Pair; BLOCK],
    lower: [Pair; BLOCK],
}

impl Sampler for Bilinear {
    #[inline(always)]
    fn block<const C: usize>(source: &Source<'_, C>, xs: &[f32], ys: &[f32], out: &mut [u8]) {
        let mut around = Around {
            x: [0; BLOCK],
            y: [0; BLOCK],
            east: [0.0; BLOCK],
            south: [0.0; BLOCK],
            upper: [0; BLOCK],
            lower: [0; BLOCK],
        };
        let mut pixels = [0; BLOCK];
        let pixels = &mut pixels[..xs.len()];
        if split(source, xs, ys, &mut around) {
            fetch(source, xs.len(), &mut around);
            mean::<C>(&around, source.fill, pixels, |_| [1.0; 4]);
        } else {
            let mut inside = [[1.0; 4]; BLOCK];
            fetch_tested(source, &mut inside[..xs.len()], &mut around);
            mean::<C>(&around, source.fill, pixels, |i| inside[i]);
        }
        for (i, &pixel) in pixels.iter().enumerate() {
            store::<C>(out, i, pixel);
        }
    }
}

/// Splits positions into whole ones and parts; true if all four pixels around each are inside.
#[inline(always)]
fn split<const C: usize>(source: &Source<'_, C>, xs: &[f32], ys: &[f32], around: &mut Around) -> bool {
    let n = xs.len();
    let whole = around.x[..n].iter_mut().zip(&mut around.y[..n]);
    let parts = around.east[..n].iter_mut().zip(&mut around.south[..n]);
    let mut outside = 0;
    for (((x, y), (east, south)), (px, py)) in whole.zip(parts).zip(xs.iter().zip(ys)) {
        let (left, top) = (px.floor(), py.floor());
        (*x, *y) = (round(left), round(top));
        (*east, *south) = (px - left, py - top);
        outside += i32::from(!surrounded(source, *x, *y));
    }
    outside == 0
}

/// Whether the pixels right of (x, y) and below are inside, like itself.
#[inline(always)]
fn surrounded<const C: usize>(source: &Source<'_, C>, x: i32, y: i32) -> bool {
    ((x as u32) < source.width - 1) & ((y as u32) < source.height - 1)
}

#[inline(always)]
fn fetch<const C: usize>(source: &Source<'_, C>, n: usize, around: &mut Around) {
    let whole = around.x[..n].iter().zip(&around.y[..n]);
    for ((&x, &y), (upper, lower)) in whole.zip(around.upper[..n].iter_mut().zip(&mut around.lower[..n])) {
        let offset = source.offset(x, y);
        *upper = source.pair(offset);
        *lower = source.pair(offset + source.stride);
    }
}

#[inline(always)]
fn fetch_tested<const C: usize>(source: &Source<'_, C>, inside: &mut [[f32; 4]], around: &mut Around) {
    for (i, inside) in inside.iter_mut().enumerate() {
        let (x, y) = (around.x[i], around.y[i]);
        if surrounded(source, x, y) {
            let offset = source.offset(x, y);
            around.upper[i] = source.pair(offset);
            around.lower[i] = source.pair(offset + source.stride);
        } else {
            let ((upper, [a, b]), (lower, [c, d])) =
                (source.pair_tested(x, y), source.pair_tested(x, y.wrapping_add(1)));
            (around.upper[i], around.lower[i]) = (upper, lower);
            *inside = [a, b, c, d];
        }
    }
}

/// `inside` is 1 for each of a position's four pixels that is inside, else 0.
#[inline(always)]
fn mean<const C: usize>(around: &Around, fill: [u8; C], pixels: &mut [u32], inside: impl Fn(usize) -> [f32; 4]) {
    let n = pixels.len();
    let pairs = around.upper[..n].iter().zip(&around.lower[..n]);
    let parts = around.east[..n].iter().zip(&around.south[..n]);
    for (i, (pixel, ((&upper, &lower), (&east, &south)))) in pixels.iter_mut().zip(pairs.zip(parts)).enumerate() {
        let (west, north) = (1.0 - east, 1.0 - south);
        let [nw, ne, sw, se] = [west * north, east * north, west * south, east * south];
        let [a, b, c, d] = inside(i);
        let mask = a * nw + b * ne + c * sw + d * se;
        *pixel = 0;
        for (channel, &fill) in fill.iter().enumerate() {
            let row = right::<C>(upper, channel).mul_add(ne, left(upper, channel) * nw);
            let row = left(lower, channel).mul_add(sw, row);
            let value = right::<C>(lower, channel).mul_add(se, row);
            *pixel |= blend(value, mask, fill) << (8 * channel);
        }
    }
}
