//! Blending each pixel with its own gray.

use super::lanes::{LANES, to_byte};
use crate::transform::kernels::vectorized::vectorized;

/// `⌊clamp(factor · x + rest · gray)⌋`, where torch rounds the first product, and the sum with the second one once.
pub fn write(source: [&[u8]; 3], out: [&mut [u8]; 3], factor: f32, rest: f32) {
    vectorized!({
        let [red, green, blue] = source.map(|plane| plane.as_chunks::<LANES>().0);
        let [out_red, out_green, out_blue] = out.map(|plane| plane.as_chunks_mut::<LANES>().0);
        let out = out_red.iter_mut().zip(out_green).zip(out_blue);
        for (((r, g), b), ((out_r, out_g), out_b)) in red.iter().zip(green).zip(blue).zip(out) {
            // Local, so that the compiler need not ask whether arrays overlap.
            let mut blended = [[0; LANES]; 3];
            for i in 0..LANES {
                let (r, g, b) = (f32::from(r[i]), f32::from(g[i]), f32::from(b[i]));
                // torch's own sum: the first product is rounded, then each sum with the next product once.
                let gray = b.mul_add(0.114, g.mul_add(0.587, r * 0.2989)).floor();
                blended[0][i] = to_byte(gray.mul_add(rest, r * factor));
                blended[1][i] = to_byte(gray.mul_add(rest, g * factor));
                blended[2][i] = to_byte(gray.mul_add(rest, b * factor));
            }
            [*out_r, *out_g, *out_b] = blended;
        }
    });
}
