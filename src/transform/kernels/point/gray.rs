//! Gray of RGB, `⌊0.2989 R + 0.587 G + 0.114 B⌋`, as torch's 32-bit floats give it for each of the 2²⁴ colours.
//!
//! In units of 1/10000 the sum is a whole number n; ⌊n / 10000⌋ is found in 16 bits. Weights in units of 1/256 give a quotient that is right
//! or 1 too small, and the remainder, which 16 bits hold although they do not hold n, tells which.

use super::lanes::LANES;
use crate::transform::kernels::vectorized::vectorized;

/// 0.2989, 0.587 and 0.114 in units of 1/10000.
const WEIGHTS: [u16; 3] = [2989, 5870, 1140];
const UNIT: u16 = 10_000;
/// The same in units of 1/256, rounded so that the quotient is never too large.
const COARSE: [u16; 3] = [76, 150, 29];

/// The only colours whose sum is a whole number that torch's roundings fall short of.
const SHORT: [[u8; 3]; 3] = [[250, 9, 228], [250, 13, 146], [250, 47, 199]];

/// Writes the gray of each pixel, for whole [`LANES`].
pub fn write(planes: [&[u8]; 3], out: &mut [u8]) {
    vectorized!({
        let [red, green, blue] = planes.map(|plane| plane.as_chunks::<LANES>().0);
        for (((r, g), b), out) in red.iter().zip(green).zip(blue).zip(out.as_chunks_mut::<LANES>().0) {
            let mut suspicious = 0;
            for i in 0..LANES {
                out[i] = gray(r[i], g[i], b[i]) as u8;
                suspicious |= u8::from(r[i] == SHORT[0][0]);
            }
            if suspicious != 0 {
                for i in 0..LANES {
                    out[i] -= is_short([r[i], g[i], b[i]]);
                }
            }
        }
    });
}

/// The sum of the gray of at most 2¹³ pixels.
pub fn sum(planes: [&[u8]; 3]) -> u64 {
    vectorized!({
        let [(red, red_rest), (green, green_rest), (blue, blue_rest)] = planes.map(|plane| plane.as_chunks::<LANES>());
        let mut sums = [0u16; LANES];
        for ((r, g), b) in red.iter().zip(green).zip(blue) {
            let mut suspicious = 0;
            for i in 0..LANES {
                sums[i] += gray(r[i], g[i], b[i]);
                suspicious |= u8::from(r[i] == SHORT[0][0]);
            }
            if suspicious != 0 {
                for i in 0..LANES {
                    sums[i] -= u16::from(is_short([r[i], g[i], b[i]]));
                }
            }
        }
        let mut sum = 0;
        for ((&r, &g), &b) in red_rest.iter().zip(green_rest).zip(blue_rest) {
            sum += u64::from(gray(r, g, b) - u16::from(is_short([r, g, b])));
        }
        for part in sums {
            sum += u64::from(part);
        }
        sum
    })
}

/// The sum of at most 2²⁴ bytes.
pub fn sum_bytes(bytes: &[u8]) -> u64 {
    vectorized!(u64::from(bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>()))
}

/// The exact gray, which is torch's but for [`SHORT`].
#[inline(always)]
fn gray(r: u8, g: u8, b: u8) -> u16 {
    let (r, g, b) = (u16::from(r), u16::from(g), u16::from(b));
    let quotient = (r * COARSE[0] + g * COARSE[1] + b * COARSE[2]) >> 8;
    let sum =
        r.wrapping_mul(WEIGHTS[0]).wrapping_add(g.wrapping_mul(WEIGHTS[1])).wrapping_add(b.wrapping_mul(WEIGHTS[2]));
    let remainder = sum.wrapping_sub(quotient.wrapping_mul(UNIT));
    quotient + u16::from(remainder >= UNIT)
}

/// 1 or 0.
#[inline(always)]
fn is_short([r, g, b]: [u8; 3]) -> u8 {
    let is = |[red, green, blue]: [u8; 3]| (r == red) & (g == green) & (b == blue);
    u8::from(is(SHORT[0]) | is(SHORT[1]) | is(SHORT[2]))
}
