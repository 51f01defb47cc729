//! The mean of the 2×2 source pixels around, weighted by distance.

use super::source::{Pair, Source};
use super::{BLOCK, Sampler, blend, store};
use crate::transform::kernels::rounding::nearest;

/// The pixels around the positions of a block, and where the positions lie between them.
#[derive(Debug)]
pub struct Bilinear {
    x: [i32; BLOCK],
    y: [i32; BLOCK],
    east: [f32; BLOCK],
    south: [f32; BLOCK],
    /// Where the pixel left above each position lies.
    offsets: [i32; BLOCK],
    upper: [Pair; BLOCK],
    lower: [Pair; BLOCK],
    /// The four of them if they are gray, in a byte each.
    quads: [u32; BLOCK],
    /// 1 for each of the four pixels that is inside, else 0.
    inside: [[f32; BLOCK]; 4],
}

impl Default for Bilinear {
    fn default() -> Self {
        let (whole, part, pairs) = ([0; BLOCK], [0.0; BLOCK], [0; BLOCK]);
        Self {
            x: whole,
            y: whole,
            east: part,
            south: part,
            offsets: whole,
            upper: pairs,
            lower: pairs,
            quads: [0; BLOCK],
            inside: [part; 4],
        }
    }
}

impl Sampler for Bilinear {
    #[inline(always)]
    fn block<const C: usize>(&mut self, source: Source<'_, C>, xs: &[f32], ys: &[f32], out: &mut [u8]) {
        let mut pixels = [0; BLOCK];
        let pixels = &mut pixels[..xs.len()];
        if source.bordered {
            self.split_bordered(&source, xs, ys);
            if C == 1 {
                self.fetch_quads(&source, xs.len());
                self.mean_of_quads(&source, pixels);
            } else {
                self.fetch(&source, xs.len());
                self.mean::<C, false>(&source, pixels);
            }
        } else if self.split(&source, xs, ys) {
            self.fetch(&source, xs.len());
            self.mean::<C, true>(&source, pixels);
        } else {
            self.fetch_tested(&source, xs.len());
            self.mean::<C, false>(&source, pixels);
        }
        store::<C>(out, |i| pixels[i]);
    }
}

impl Bilinear {
    /// Splits positions into whole ones and parts; true if all four pixels around each are inside.
    #[inline(always)]
    fn split<const C: usize>(&mut self, source: &Source<'_, C>, xs: &[f32], ys: &[f32]) -> bool {
        let n = xs.len();
        let whole = self.x[..n].iter_mut().zip(&mut self.y[..n]).zip(&mut self.offsets[..n]);
        let parts = self.east[..n].iter_mut().zip(&mut self.south[..n]);
        let mut outside = 0;
        for ((((x, y), offset), (east, south)), (px, py)) in whole.zip(parts).zip(xs.iter().zip(ys)) {
            let (left, top) = (px.floor(), py.floor());
            (*x, *y) = (nearest(left), nearest(top));
            *offset = source.pair_offset(*x, *y);
            (*east, *south) = (px - left, py - top);
            outside += i32::from(!surrounded(source, *x, *y));
        }
        outside == 0
    }

    /// The same for a source with a border, and which of the four pixels are inside.
    #[inline(always)]
    fn split_bordered<const C: usize>(&mut self, source: &Source<'_, C>, xs: &[f32], ys: &[f32]) {
        let n = xs.len();
        let parts = self.east[..n].iter_mut().zip(&mut self.south[..n]).zip(&mut self.offsets[..n]);
        let [a, b, c, d] = &mut self.inside;
        let inside = a[..n].iter_mut().zip(&mut b[..n]).zip(c[..n].iter_mut().zip(&mut d[..n]));
        let is_inside = |place: i32, side: u32| if (place as u32) < side { 1.0 } else { 0.0 };
        for ((((east, south), offset), ((a, b), (c, d))), (px, py)) in parts.zip(inside).zip(xs.iter().zip(ys)) {
            let (left, top) = (px.floor(), py.floor());
            (*east, *south) = (px - left, py - top);
            let x = nearest(Source::<C>::within_border(left, source.width));
            let y = nearest(Source::<C>::within_border(top, source.height));
            *offset = source.pair_offset(x, y);
            let [west, east] = [x, x + 1].map(|x| is_inside(x, source.width));
            let [north, south] = [y, y + 1].map(|y| is_inside(y, source.height));
            (*a, *b, *c, *d) = (west * north, east * north, west * south, east * south);
        }
    }

    #[inline(always)]
    fn fetch<const C: usize>(&mut self, source: &Source<'_, C>, n: usize) {
        let pairs = self.upper[..n].iter_mut().zip(&mut self.lower[..n]);
        for (&offset, (upper, lower)) in self.offsets[..n].iter().zip(pairs) {
            *upper = source.pair(offset);
            *lower = source.pair(offset + source.stride);
        }
    }

    #[inline(always)]
    fn fetch_quads<const C: usize>(&mut self, source: &Source<'_, C>, n: usize) {
        for (&offset, quad) in self.offsets[..n].iter().zip(&mut self.quads[..n]) {
            *quad = source.quad(offset);
        }
    }

    #[inline(always)]
    fn fetch_tested<const C: usize>(&mut self, source: &Source<'_, C>, n: usize) {
        self.inside.iter_mut().for_each(|inside| inside[..n].fill(1.0));
        for i in 0..n {
            let (x, y) = (self.x[i], self.y[i]);
            if surrounded(source, x, y) {
                self.upper[i] = source.pair(self.offsets[i]);
                self.lower[i] = source.pair(self.offsets[i] + source.stride);
            } else {
                let ((upper, [a, b]), (lower, [c, d])) =
                    (source.pair_tested(x, y), source.pair_tested(x, y.wrapping_add(1)));
                (self.upper[i], self.lower[i]) = (upper, lower);
                for (inside, one) in self.inside.iter_mut().zip([a, b, c, d]) {
                    inside[i] = one;
                }
            }
        }
    }

    #[inline(always)]
    fn mean<const C: usize, const INSIDE: bool>(&self, source: &Source<'_, C>, pixels: &mut [u32]) {
        let n = pixels.len();
        let pairs = self.upper[..n].iter().zip(&self.lower[..n]);
        let parts = self.east[..n].iter().zip(&self.south[..n]);
        let [a, b, c, d] = &self.inside;
        let inside = a[..n].iter().zip(&b[..n]).zip(c[..n].iter().zip(&d[..n]));
        for (((pixel, (&upper, &lower)), (&east, &south)), ((a, b), (c, d))) in
            pixels.iter_mut().zip(pairs).zip(parts).zip(inside)
        {
            let weights = weights(east, south);
            let mask = mask(source.blended, weights, if INSIDE { [1.0; 4] } else { [*a, *b, *c, *d] });
            let [(p, q), (r, s)] = [source.split(upper), source.split(lower)];
            let mut bytes = 0;
            for (i, &fill) in source.fill.iter().enumerate() {
                bytes |= blend(weighted([p, q, r, s].map(|pixel| pixel >> (8 * i)), weights), mask, fill) << (8 * i);
            }
            *pixel = bytes;
        }
    }

    #[inline(always)]
    fn mean_of_quads<const C: usize>(&self, source: &Source<'_, C>, pixels: &mut [u32]) {
        let n = pixels.len();
        let parts = self.east[..n].iter().zip(&self.south[..n]);
        let [a, b, c, d] = &self.inside;
        let inside = a[..n].iter().zip(&b[..n]).zip(c[..n].iter().zip(&d[..n]));
        let shifts = source.quad_shifts();
        for (((pixel, quad), (&east, &south)), ((a, b), (c, d))) in
            pixels.iter_mut().zip(&self.quads[..n]).zip(parts).zip(inside)
        {
            let weights = weights(east, south);
            let mask = mask(source.blended, weights, [*a, *b, *c, *d]);
            *pixel = blend(weighted(shifts.map(|shift| quad >> shift), weights), mask, source.fill[0]);
        }
    }
}

/// Of the pixels left and right above, left and right below.
#[inline(always)]
fn weights(east: f32, south: f32) -> [f32; 4] {
    let (west, north) = (1.0 - east, 1.0 - south);
    [west * north, east * north, west * south, east * south]
}

/// The mean of an image of ones that is sampled alike.
#[inline(always)]
fn mask(blended: bool, [nw, ne, sw, se]: [f32; 4], [a, b, c, d]: [f32; 4]) -> f32 {
    if blended { a * nw + b * ne + c * sw + d * se } else { 1.0 }
}

/// The mean of the lowest bytes.
#[inline(always)]
fn weighted(pixels: [u32; 4], [nw, ne, sw, se]: [f32; 4]) -> f32 {
    let [p, q, r, s] = pixels.map(|pixel| (pixel & 0xff) as i32 as f32);
    let row = q.mul_add(ne, p * nw);
    s.mul_add(se, r.mul_add(sw, row))
}

/// Whether the pixels right of (x, y) and below are inside, like itself.
#[inline(always)]
fn surrounded<const C: usize>(source: &Source<'_, C>, x: i32, y: i32) -> bool {
    ((x as u32) < source.width - 1) & ((y as u32) < source.height - 1)
}
