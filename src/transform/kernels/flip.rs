//! Bytes and pixels in reverse, and the turns that only move pixels.

use super::point::vectorized;
use crate::image::Image;

/// Writes the bytes of `source` into `out` in reverse; both are as long.
pub fn reverse(source: &[u8], out: &mut [u8]) {
    vectorized!({
        for (x, out) in source.iter().rev().zip(out) {
            *out = *x;
        }
    });
}

/// Writes the RGB pixels of `source` into `out` in reverse; both are as long.
pub fn reverse_rgb(source: &[u8], out: &mut [u8]) {
    vectorized!({
        let (rest, chunks) = source.as_rchunks::<{ 3 * PIXELS }>();
        let (out_chunks, out_rest) = out.as_chunks_mut::<{ 3 * PIXELS }>();
        for (chunk, out) in chunks.iter().rev().zip(out_chunks) {
            const LAST: usize = 3 * (PIXELS - 1);
            for i in 0..PIXELS {
                out[3 * i] = chunk[LAST - 3 * i];
                out[3 * i + 1] = chunk[LAST - 3 * i + 1];
                out[3 * i + 2] = chunk[LAST - 3 * i + 2];
            }
        }
        for (pixel, out) in rest.as_chunks::<3>().0.iter().rev().zip(out_rest.as_chunks_mut::<3>().0) {
            *out = *pixel;
        }
    });
}

/// The pixels that vector instructions reverse at a time.
const PIXELS: usize = 32;

/// Turns by 180°.
pub fn half_turn(image: &mut Image) {
    if image.channels() == 1 {
        image.data_mut().reverse();
    } else {
        image.data_mut().as_chunks_mut::<3>().0.reverse();
    }
}

/// Turns by 90°, counter-clockwise or clockwise; height and width change places.
pub fn quarter_turn(image: &Image, clockwise: bool) -> Image {
    if image.channels() == 1 { turn::<1>(image, clockwise) } else { turn::<3>(image, clockwise) }
}

fn turn<const C: usize>(image: &Image, clockwise: bool) -> Image {
    let (height, width) = (image.height(), image.width());
    let (source, _) = image.data().as_chunks::<C>();
    let mut data = vec![0; image.data().len()];
    let (pixels, _) = data.as_chunks_mut::<C>();
    for (i, row) in pixels.chunks_exact_mut(height).enumerate() {
        for (j, pixel) in row.iter_mut().enumerate() {
            *pixel = if clockwise { source[(height - 1 - j) * width + i] } else { source[j * width + width - 1 - i] };
        }
    }
    Image::new(width, height, C, data).expect("a turned image has as many bytes")
}
