//! Gaussian blur, along the columns and then along the rows, in f32.
//!
//! torch sums over the whole two-dimensional kernel at once, in an order of its own; so sums that come to lie within some 1e-5 of the middle
//! between two bytes may be rounded to the other one.

use super::{mirror, sized};
use crate::transform::kernels::rounding::nearest;
use crate::transform::kernels::vectorized::vectorized;
use crate::transform::kernels::view::View;

/// Buffers kept from one image to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// A row, smoothed along the columns, with what it is reflected to before and after it.
    padded: Vec<f32>,
    /// A row that is to be mirrored.
    line: Vec<u8>,
    weights: [Vec<f32>; 2],
}

/// Smooths by kernels of `kernel_size` along x and y, which reach at most to the other side of the image.
pub fn gaussian_blur(
    source: View<'_>,
    kernel_size: [usize; 2],
    sigma: [f32; 2],
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) {
    let Scratch { padded, line, weights } = scratch;
    for (weights, (length, sigma)) in weights.iter_mut().zip(kernel_size.into_iter().zip(sigma)) {
        half_kernel(length, sigma, weights);
    }
    let (size, channels) = (source.size(), source.channels());
    let (row, around) = (size.width * channels, kernel_size[0] / 2 * channels);
    let out = sized(out, size.height * row);
    let (padded, line) = (sized(padded, row + 2 * around), sized(line, row));
    let [across, down] = weights;
    vectorized!({
        for (y, out) in out.chunks_exact_mut(row).enumerate() {
            along_columns(source, y, down, &mut padded[around..][..row]);
            reflect(padded, around, channels);
            if source.layout().mirrored {
                along_row(padded, channels, across, line);
                mirror(line, channels, out);
            } else {
                along_row(padded, channels, across, out);
            }
        }
    });
}

/// The middle weight of the kernel and those to one side of it: `exp(−x² / σ²)` at x = i / √2, made to sum to 1 over both sides.
fn half_kernel(length: usize, sigma: f32, weights: &mut Vec<f32>) {
    let weight = |i: usize| (-(i as f64 / f64::from(sigma)).powi(2) / 2.0).exp();
    let half = length / 2;
    let sum = 1.0 + 2.0 * (1..=half).map(weight).sum::<f64>();
    weights.clear();
    weights.extend((0..=half).map(|i| (weight(i) / sum) as f32));
}

/// The weighted sum of the rows about row `y`.
#[inline(always)]
fn along_columns(source: View<'_>, y: usize, weights: &[f32], out: &mut [f32]) {
    let bottom = source.size().height - 1;
    let pair = |i: usize| {
        let below = if y + i > bottom { 2 * bottom - y - i } else { y + i };
        (source.row(y.abs_diff(i)), source.row(below))
    };
    let sum = |a: u8, b: u8| (u16::from(a) + u16::from(b)) as f32;
    weighted(source.row(y), pair, weights, &Numbers { one: |x: u8| f32::from(x), sum, finish: |x: f32| x }, out);
}

/// Fills the `around` places before and after a row with what lies as far inside; the first and last pixel are not repeated.
#[inline(always)]
fn reflect(padded: &mut [f32], around: usize, channels: usize) {
    let (first, end) = (around, padded.len() - around);
    for distance in (channels..=around).step_by(channels) {
        padded.copy_within(first + distance..first + distance + channels, first - distance);
        padded.copy_within(end - channels - distance..end - distance, end - channels + distance);
    }
}

/// The weighted sum of the pixels about each one, rounded.
#[inline(always)]
fn along_row(padded: &[f32], channels: usize, weights: &[f32], out: &mut [u8]) {
    let (around, length) = ((weights.len() - 1) * channels, out.len());
    let shifted = |first: usize| &padded[first..][..length];
    let pair = |i: usize| (shifted(around - i * channels), shifted(around + i * channels));
    let sum = |a: f32, b: f32| a + b;
    let numbers = Numbers { one: |x: f32| x, sum, finish: |x: f32| nearest(x) as u8 };
    weighted(shifted(around), pair, weights, &numbers, out);
}

/// How the numbers of one direction are read and written.
struct Numbers<One, Sum, Finish> {
    one: One,
    sum: Sum,
    finish: Finish,
}

/// The middle times the first weight, and the sum of each pair times its weight.
#[inline(always)]
fn weighted<'a, T: Copy + 'a, O>(
    middle: &[T],
    pair: impl Fn(usize) -> (&'a [T], &'a [T]),
    weights: &[f32],
    numbers: &Numbers<impl Fn(T) -> f32, impl Fn(T, T) -> f32, impl Fn(f32) -> O>,
    out: &mut [O],
) {
    let Numbers { one, sum, finish } = numbers;
    let first = weights[0];
    let pair = |i: usize| (pair(i), weights[i]);
    match weights.len() {
        1 => {
            for (out, &x) in out.iter_mut().zip(middle) {
                *out = finish(one(x) * first);
            }
        }
        2 => {
            let ((a, b), near) = pair(1);
            for (((out, &x), &a), &b) in out.iter_mut().zip(middle).zip(a).zip(b) {
                *out = finish(sum(a, b).mul_add(near, one(x) * first));
            }
        }
        3 => {
            let (((a, b), near), ((c, d), far)) = (pair(1), pair(2));
            for (((((out, &x), &a), &b), &c), &d) in out.iter_mut().zip(middle).zip(a).zip(b).zip(c).zip(d) {
                *out = finish(sum(c, d).mul_add(far, sum(a, b).mul_add(near, one(x) * first)));
            }
        }
        _ => match out.len() {
            64.. => in_chunks::<64, _, _>(middle, pair, weights, numbers, out),
            8.. => in_chunks::<8, _, _>(middle, pair, weights, numbers, out),
            _ => in_chunks::<1, _, _>(middle, pair, weights, numbers, out),
        },
    }
}

/// The same for any number of weights, `N` results at a time.
#[inline(always)]
fn in_chunks<'a, const N: usize, T: Copy + 'a, O>(
    middle: &[T],
    pair: impl Fn(usize) -> ((&'a [T], &'a [T]), f32),
    weights: &[f32],
    numbers: &Numbers<impl Fn(T) -> f32, impl Fn(T, T) -> f32, impl Fn(f32) -> O>,
    out: &mut [O],
) {
    for start in (0..out.len()).step_by(N) {
        // The last chunk begins earlier, so that it is whole too.
        let start = start.min(out.len() - N);
        let mut sums = [0.0; N];
        let chunk = |row: &'a [T]| row[start..].first_chunk::<N>().expect("the row is as long as the result");
        for (sum, &x) in sums.iter_mut().zip(&middle[start..][..N]) {
            *sum = (numbers.one)(x) * weights[0];
        }
        for n in 1..weights.len() {
            let ((before, after), weight) = pair(n);
            let (before, after) = (chunk(before), chunk(after));
            for i in 0..N {
                sums[i] = (numbers.sum)(before[i], after[i]).mul_add(weight, sums[i]);
            }
        }
        for (out, sum) in out[start..][..N].iter_mut().zip(sums) {
            *out = (numbers.finish)(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_views;
    use super::*;
    use crate::image::Image;

    /// The sum over the whole kernel in f64, place by place.
    fn reference(image: &Image, kernel_size: [usize; 2], sigma: [f32; 2]) -> Vec<f64> {
        let (height, width, channels) = (image.height(), image.width(), image.channels());
        let weights = [0, 1].map(|axis| {
            let half = (kernel_size[axis] / 2) as isize;
            let weight = |i: isize| (-(i as f64 / f64::from(sigma[axis])).powi(2) / 2.0).exp();
            let sum: f64 = (-half..=half).map(weight).sum();
            (-half..=half).map(|i| (i, weight(i) / sum)).collect::<Vec<_>>()
        });
        let reflected = |i: usize, offset: isize, side: usize| {
            let place = (i as isize + offset).unsigned_abs();
            if place >= side { 2 * (side - 1) - place } else { place }
        };
        let sum = |i: usize| {
            let (x, y, c) = (i / channels % width, i / channels / width, i % channels);
            let row = |y: usize| -> f64 {
                let value = |dx| f64::from(image.pixel(reflected(x, dx, width), y)[c]);
                weights[0].iter().map(|&(dx, weight)| weight * value(dx)).sum()
            };
            weights[1].iter().map(|&(dy, weight)| weight * row(reflected(y, dy, height))).sum()
        };
        (0..image.data().len()).map(sum).collect()
    }

    #[test]
    fn it_is_the_sum_over_the_kernel() {
        let (mut out, mut scratch) = (Vec::new(), Scratch::default());
        with_views(|view, image| {
            for (kernel_size, sigma) in [
                ([1, 1], [1.0, 1.0]),
                ([3, 5], [0.8, 1.1]),
                ([7, 3], [2.0, 0.1]),
                ([9, 11], [1.5, 3.0]),
                ([5, 5], [1e-30, 1e30]),
            ] {
                if kernel_size[0] / 2 >= image.width() || kernel_size[1] / 2 >= image.height() {
                    continue;
                }
                gaussian_blur(view, kernel_size, sigma, &mut out, &mut scratch);
                for (byte, sum) in out.iter().zip(reference(image, kernel_size, sigma)) {
                    assert!((f64::from(*byte) - sum).abs() < 0.5 + 1e-4, "{byte} for {sum}, {:?}", view.layout());
                }
            }
        });
    }
}
