//! Gray of RGB, `⌊0.2989 R + 0.587 G + 0.114 B⌋`.

use super::lanes::{vectorized, whole_to_bits, whole_to_byte};

/// Writes the gray of each pixel.
pub fn write([red, green, blue]: [&[u8]; 3], out: &mut [u8]) {
    vectorized!({
        for (((&r, &g), &b), out) in red.iter().zip(green).zip(blue).zip(out) {
            *out = gray([r, g, b]);
        }
    });
}

/// The sum of the gray of at most 2²⁴ pixels.
pub fn sum([red, green, blue]: [&[u8]; 3]) -> u64 {
    vectorized!({
        let mut sum = 0;
        for ((&r, &g), &b) in red.iter().zip(green).zip(blue) {
            sum += whole_to_bits(gray_of_floats(f32::from(r), f32::from(g), f32::from(b)));
        }
        u64::from(sum)
    })
}

/// The sum of at most 2²⁴ bytes.
pub fn sum_bytes(bytes: &[u8]) -> u64 {
    vectorized!(u64::from(bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>()))
}

#[inline(always)]
pub fn gray(color: [u8; 3]) -> u8 {
    whole_to_byte(gray_of_floats(f32::from(color[0]), f32::from(color[1]), f32::from(color[2])))
}

/// torch rounds the first product, and then each sum with the next product once.
#[inline(always)]
pub fn gray_of_floats(r: f32, g: f32, b: f32) -> f32 {
    b.mul_add(0.114, g.mul_add(0.587, r * 0.2989)).floor()
}
