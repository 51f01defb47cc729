//! Sharpness: a blend with the image smoothed by the 3×3 kernel [1 1 1; 1 5 1; 1 1 1] / 13.

use super::{mirror, sized};
use crate::transform::kernels::rounding::truncated;
use crate::transform::kernels::vectorized::vectorized;
use crate::transform::kernels::view::View;

/// Buffers kept from one image to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Sums down the columns.
    sums: Vec<u16>,
    /// A row that is to be mirrored.
    row: Vec<u8>,
}

/// `⌊clamp(x + (1 − factor) · (smooth − x))⌋`, where smooth is rounded. The outermost pixels stay as they are.
pub fn sharpness(source: View<'_>, factor: f64, out: &mut Vec<u8>, scratch: &mut Scratch) {
    let size = source.size();
    if size.height <= 2 || size.width <= 2 {
        return source.copy_into(out);
    }
    let length = size.width * source.channels();
    let (out, sums, row) =
        (sized(out, size.height * length), sized(&mut scratch.sums, length), sized(&mut scratch.row, length));
    // torch subtracts in f64.
    let weight = (1.0 - factor) as f32;
    vectorized!({
        for (y, out) in out.chunks_exact_mut(length).enumerate() {
            if source.layout().mirrored {
                sharpened(source, y, weight, sums, row);
                mirror(row, source.channels(), out);
            } else {
                sharpened(source, y, weight, sums, out);
            }
        }
    });
}

/// Row `y`, from the left as it lies in memory.
#[inline(always)]
fn sharpened(source: View<'_>, y: usize, weight: f32, sums: &mut [u16], out: &mut [u8]) {
    let middle = source.row(y);
    if y == 0 || y + 1 == source.size().height {
        return out.copy_from_slice(middle);
    }
    add(source.row(y - 1), middle, source.row(y + 1), sums);
    let channels = source.channels();
    let inner = channels..out.len() - channels;
    out[..channels].copy_from_slice(&middle[..channels]);
    out[inner.end..].copy_from_slice(&middle[inner.end..]);
    blend(&middle[inner.clone()], weight, sums, channels, &mut out[inner]);
}

#[inline(always)]
fn add(above: &[u8], middle: &[u8], below: &[u8], sums: &mut [u16]) {
    for (((sum, &a), &b), &c) in sums.iter_mut().zip(above).zip(middle).zip(below) {
        *sum = u16::from(a) + u16::from(b) + u16::from(c);
    }
}

#[inline(always)]
fn blend(middle: &[u8], weight: f32, sums: &[u16], channels: usize, out: &mut [u8]) {
    let columns = sums.iter().zip(&sums[channels..]).zip(&sums[2 * channels..]);
    for ((out, &x), ((left, center), right)) in out.iter_mut().zip(middle).zip(columns) {
        *out = one(x, left + center + right + 4 * u16::from(x), weight);
    }
}

/// `sum` is that of the smoothing kernel, times 13. A thirteenth is never half a number, so that its rounding in whole numbers is torch's in
/// floats. torch fuses the product and the sum.
#[inline(always)]
fn one(x: u8, sum: u16, weight: f32) -> u8 {
    // ⌊n / 13⌋ for n up to 3321, as ⌊n · 5042 / 2¹⁶⌋.
    let smooth = ((u32::from(sum + 6) * 5042) >> 16) as i32;
    let difference = (smooth - i32::from(x)) as f32;
    let value = difference.mul_add(weight, f32::from(x));
    let not_negative = if value > 0.0 { value } else { 0.0 };
    truncated(if not_negative < 255.0 { not_negative } else { 255.0 }) as u8
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_views;
    use super::*;
    use crate::image::Image;

    /// The formula, place by place.
    fn reference(image: &Image, factor: f64) -> Vec<u8> {
        let (height, width, channels) = (image.height(), image.width(), image.channels());
        let at = |x: usize, y: usize, c: usize| f64::from(image.pixel(x, y)[c]);
        let mut out = image.data().to_vec();
        for (i, out) in out.iter_mut().enumerate() {
            let (x, y, c) = (i / channels % width, i / channels / width, i % channels);
            if x == 0 || y == 0 || x + 1 >= width || y + 1 >= height || height <= 2 || width <= 2 {
                continue;
            }
            let around: f64 = (0..9).map(|n| at(x + n % 3 - 1, y + n / 3 - 1, c)).sum();
            let smooth = ((around + 4.0 * at(x, y, c)) / 13.0).round();
            // Exact in f64, and rounded once to f32: as a fused multiply-add.
            let weight = f64::from((1.0 - factor) as f32);
            *out = ((at(x, y, c) + weight * (smooth - at(x, y, c))) as f32).clamp(0.0, 255.0) as u8;
        }
        out
    }

    #[test]
    fn it_is_the_formula() {
        let (mut out, mut scratch) = (Vec::new(), Scratch::default());
        with_views(|view, image| {
            for factor in [0.0, 0.3, 0.9, 1.0, 1.7, 60.0] {
                sharpness(view, factor, &mut out, &mut scratch);
                assert_eq!(out, reference(image, factor), "{:?}, {factor}", view.layout());
            }
        });
    }

    #[test]
    fn a_thirteenth_is_rounded() {
        for sum in 0..=13 * 255_u16 {
            // With weight 1 the result is the smoothed value.
            assert_eq!(one(0, sum, 1.0), (f64::from(sum) / 13.0).round() as u8, "{sum}");
        }
    }
}
