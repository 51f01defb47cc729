//! The mean of the 2×2 source pixels around, weighted by distance.

use super::source::{Source, channel};
use super::{Floats, LANES, Sampler, blend, round, store};

/// See above.
pub struct Bilinear;

impl Sampler for Bilinear {
    #[inline(always)]
    fn lanes<const C: usize>(source: &Source<'_, C>, xs: &Floats, ys: &Floats, out: &mut [u8]) {
        let (mut x, mut y, mut weights) = ([0; LANES], [0; LANES], [[0.0; LANES]; 4]);
        let mut surrounded = 0;
        for i in 0..LANES {
            let (left, top) = (xs[i].floor(), ys[i].floor());
            (x[i], y[i]) = (round(left), round(top));
            surrounded += i32::from(((x[i] as u32) < source.width - 1) & ((y[i] as u32) < source.height - 1));
            let (east, south) = (xs[i] - left, ys[i] - top);
            let (west, north) = (1.0 - east, 1.0 - south);
            weights[0][i] = west * north;
            weights[1][i] = east * north;
            weights[2][i] = west * south;
            weights[3][i] = east * south;
        }
        let [nw, ne, sw, se] = &weights;
        let mut mask = [0.0; LANES];
        let (upper, lower);
        if surrounded as usize == LANES {
            let offsets = source.offsets(&x, &y);
            upper = source.pairs(&offsets);
            lower = source.pairs_below(&offsets);
            for i in 0..LANES {
                mask[i] = nw[i] + ne[i] + sw[i] + se[i];
            }
        } else {
            let pairs = [source.pairs_tested(&x, &y), source.pairs_tested(&x, &plus_one(&y))];
            let [[a, b], [c, d]] = [&pairs[0].inside, &pairs[1].inside];
            for i in 0..LANES {
                mask[i] = a[i] * nw[i] + b[i] * ne[i] + c[i] * sw[i] + d[i] * se[i];
            }
            (upper, lower) = (pairs[0].pixels, pairs[1].pixels);
        }
        let mut values = [[0.0; LANES]; C];
        for (channel_index, values) in values.iter_mut().enumerate() {
            let ([a, b], [c, d]) = (channel::<C>(&upper, channel_index), channel::<C>(&lower, channel_index));
            for i in 0..LANES {
                values[i] = d[i].mul_add(se[i], c[i].mul_add(sw[i], b[i].mul_add(ne[i], a[i] * nw[i])));
            }
        }
        let pixels = blend(&values, &mask, &source.fill);
        for i in 0..LANES {
            store::<C>(out, i, pixels[i]);
        }
    }
}

#[inline(always)]
fn plus_one(places: &[i32; LANES]) -> [i32; LANES] {
    let mut next = *places;
    for place in &mut next {
        *place = place.wrapping_add(1);
    }
    next
}
