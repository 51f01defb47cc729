//! Blending each pixel with its own gray.

use super::gray;
use super::lanes::{LANES, to_byte, vectorized};

/// `⌊clamp(factor · x + rest · gray)⌋`, where torch rounds the first product, and the sum with the second one once.
pub fn write(source: [&[u8]; 3], out: [&mut [u8]; 3], factor: f32, rest: f32) {
    vectorized!({
        let [red, green, blue] = source.map(|plane| plane.as_chunks::<LANES>().0);
        let [out_red, out_green, out_blue] = out.map(|plane| plane.as_chunks_mut::<LANES>().0);
        let out = out_red.iter_mut().zip(out_green).zip(out_blue);
        for (((r, g), b), ((out_r, out_g), out_b)) in red.iter().zip(green).zip(blue).zip(out) {
            let gray = gray::chunk(r, g, b);
            for i in 0..LANES {
                let gray = f32::from(gray[i]);
                let blend = |x: u8| to_byte(gray.mul_add(rest, f32::from(x) * factor));
                out_r[i] = blend(r[i]);
                out_g[i] = blend(g[i]);
                out_b[i] = blend(b[i]);
            }
        }
    });
}
