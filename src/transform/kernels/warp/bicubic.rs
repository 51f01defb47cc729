//! A cubic through the 4×4 source pixels around (R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with
//! a = −0.75 as in torch's `grid_sample`): along the rows first, then along the column.
//!
//! torchvision's tensor form refuses bicubic warps. This is what its steps give with torch's bicubic `grid_sample`, except that results outside
//! of [0, 255], which torch would let wrap around, are clamped.

use super::source::{Source, channel};
use super::{Floats, LANES, blend, round, store};

/// Writes the pixels at some positions into `out`.
#[inline(always)]
pub fn lanes<const C: usize>(source: &Source<'_, C>, xs: &Floats, ys: &Floats, out: &mut [u8]) {
    let (mut x, mut y) = ([0; LANES], [0; LANES]);
    let (mut along_x, mut along_y) = ([[0.0; LANES]; 4], [[0.0; LANES]; 4]);
    for i in 0..LANES {
        let (left, top) = (xs[i].floor(), ys[i].floor());
        x[i] = round(left).wrapping_sub(1);
        y[i] = round(top).wrapping_sub(1);
        let (wx, wy) = (weights(xs[i] - left), weights(ys[i] - top));
        for tap in 0..4 {
            along_x[tap][i] = wx[tap];
            along_y[tap][i] = wy[tap];
        }
    }
    let (mut values, mut mask) = ([[0.0; LANES]; C], [0.0; LANES]);
    for wy in &along_y {
        let [left, right] = [0, 2].map(|tap| source.pairs_tested(&x.map(|x| x.wrapping_add(tap)), &y));
        for (c, sums) in values.iter_mut().enumerate() {
            let ([p, q], [r, s]) = (channel::<C>(&left.pixels, c), channel::<C>(&right.pixels, c));
            add_row(sums, [&p, &q, &r, &s], &along_x, wy);
        }
        let ([p, q], [r, s]) = (&left.inside, &right.inside);
        add_row(&mut mask, [p, q, r, s], &along_x, wy);
        y = y.map(|y| y.wrapping_add(1));
    }
    let mask = if source.blended { mask } else { [1.0; LANES] };
    let pixels = blend(&clamped(&values, &mask, &source.fill), &[1.0; LANES], &source.fill);
    (0..LANES).for_each(|i| store::<C>(out, i, pixels[i]));
}

/// The weights of the pixels −1, 0, 1 and 2 from the whole position, for a part in [0, 1).
#[inline(always)]
fn weights(part: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let rest = 1.0 - part;
    [far(part + 1.0), near(part), near(rest), far(rest + 1.0)]
}

#[inline(always)]
fn add_row(sums: &mut Floats, taps: [&Floats; 4], along_x: &[Floats; 4], wy: &Floats) {
    let [p, q, r, s] = taps;
    let [a, b, c, d] = along_x;
    for i in 0..LANES {
        let row = s[i].mul_add(d[i], r[i].mul_add(c[i], q[i].mul_add(b[i], p[i] * a[i])));
        sums[i] = row.mul_add(wy[i], sums[i]);
    }
}

/// The blended values, cut to bytes.
#[inline(always)]
fn clamped<const C: usize>(values: &[Floats; C], mask: &Floats, fill: &[u8; C]) -> [Floats; C] {
    let mut cut = *values;
    for (values, &fill) in cut.iter_mut().zip(fill) {
        let fill = f32::from(fill);
        for i in 0..LANES {
            let value = (values[i] - fill) * mask[i] + fill;
            let not_below = if value > 0.0 { value } else { 0.0 };
            values[i] = if not_below < 255.0 { not_below } else { 255.0 };
        }
    }
    cut
}
