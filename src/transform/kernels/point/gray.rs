//! Gray of RGB, `⌊0.2989 R + 0.587 G + 0.114 B⌋`, as torch's 32-bit floats give it for each of the 2²⁴ colours.

use super::lanes::{LANES, vectorized};

/// 0.2989, 0.587 and 0.114 times 2²⁴, rounded.
const WEIGHTS: [u32; 3] = [5_014_710, 9_848_226, 1_912_603];

/// The only colours whose sum is a whole number that torch's roundings fall short of.
const SHORT: [[u8; 3]; 3] = [[250, 9, 228], [250, 13, 146], [250, 47, 199]];

/// Writes the gray of each pixel.
pub fn write(planes: [&[u8]; 3], out: &mut [u8]) {
    vectorized!({
        let [red, green, blue] = planes.map(|plane| plane.as_chunks::<LANES>().0);
        for (((r, g), b), out) in red.iter().zip(green).zip(blue).zip(out.as_chunks_mut::<LANES>().0) {
            *out = chunk(r, g, b);
        }
    });
}

/// The sum of the gray of all pixels.
pub fn sum(planes: [&[u8]; 3]) -> u64 {
    vectorized!({
        let [(red, red_rest), (green, green_rest), (blue, blue_rest)] = planes.map(|plane| plane.as_chunks::<LANES>());
        let mut total = 0;
        for ((r, g), b) in red.iter().zip(green).zip(blue) {
            total += chunk(r, g, b).iter().map(|&gray| u64::from(gray)).sum::<u64>();
        }
        let rest = red_rest.iter().zip(green_rest).zip(blue_rest);
        total + rest.map(|((&r, &g), &b)| u64::from(pixel([r, g, b]))).sum::<u64>()
    })
}

/// The sum of all bytes.
pub fn sum_bytes(bytes: &[u8]) -> u64 {
    vectorized!(bytes.iter().map(|&byte| u64::from(byte)).sum())
}

#[inline(always)]
pub fn chunk(r: &[u8; LANES], g: &[u8; LANES], b: &[u8; LANES]) -> [u8; LANES] {
    let mut gray = [0; LANES];
    let mut suspicious = 0;
    for i in 0..LANES {
        gray[i] = (weighted([r[i], g[i], b[i]]) >> 24) as u8;
        suspicious |= u8::from(r[i] == SHORT[0][0]);
    }
    if suspicious != 0 {
        for i in 0..LANES {
            let short = |[_, green, blue]: [u8; 3]| (g[i] == green) & (b[i] == blue);
            let any = short(SHORT[0]) | short(SHORT[1]) | short(SHORT[2]);
            gray[i] -= u8::from((r[i] == SHORT[0][0]) & any);
        }
    }
    gray
}

fn pixel(color: [u8; 3]) -> u8 {
    (weighted(color) >> 24) as u8 - u8::from(SHORT.contains(&color))
}

#[inline(always)]
fn weighted([r, g, b]: [u8; 3]) -> u32 {
    WEIGHTS[0] * u32::from(r) + WEIGHTS[1] * u32::from(g) + WEIGHTS[2] * u32::from(b)
}
