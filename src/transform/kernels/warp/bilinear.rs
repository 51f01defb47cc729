//! The mean of the 2×2 source pixels around, weighted by distance.

use super::source::{Source, channel};
use super::{Floats, LANES, blend, round, store};

/// Writes the pixels at some positions into `out`.
#[inline(always)]
pub fn lanes<const C: usize>(source: &Source<'_, C>, xs: &Floats, ys: &Floats, out: &mut [u8]) {
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
        lower = source.pairs(&offsets.map(|offset| offset + source.stride()));
        for i in 0..LANES {
            mask[i] = nw[i] + ne[i] + sw[i] + se[i];
        }
    } else {
        let pairs = [source.pairs_tested(&x, &y), source.pairs_tested(&x, &y.map(|y| y.wrapping_add(1)))];
        let [[a, b], [c, d]] = [&pairs[0].inside, &pairs[1].inside];
        for i in 0..LANES {
            mask[i] = a[i] * nw[i] + b[i] * ne[i] + c[i] * sw[i] + d[i] * se[i];
        }
        [upper, lower] = pairs.map(|pairs| pairs.pixels);
    }
    let mut values = [[0.0; LANES]; C];
    for (channel_index, values) in values.iter_mut().enumerate() {
        let ([a, b], [c, d]) = (channel::<C>(&upper, channel_index), channel::<C>(&lower, channel_index));
        for i in 0..LANES {
            values[i] = d[i].mul_add(se[i], c[i].mul_add(sw[i], b[i].mul_add(ne[i], a[i] * nw[i])));
        }
    }
    let mask = if source.blended { mask } else { [1.0; LANES] };
    let pixels = blend(&values, &mask, &source.fill);
    (0..LANES).for_each(|i| store::<C>(out, i, pixels[i]));
}
