//! The inverse discrete cosine transform in whole numbers, as libjpeg's "islow" does it, at four sizes of the block.
//!
//! At full size this is the algorithm of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) with 11 multiplications and a
//! 12th that saves precision; at half and quarter size the same with the odd coefficients' sums taken over the pixels
//! that become one; at an eighth the mean alone. Columns come first, their results rounded to 2 bits behind the point;
//! both roundings are part of the result, so the order matters.
//!
//! All loops over eight columns or rows are plain, for the compiler to make vectors of.

use std::array::from_fn;

/// Bits behind the point of the constants.
const POINT: u32 = 13;
/// Bits behind the point between the two passes.
const BETWEEN: u32 = 2;

/// `value` with [`POINT`] bits behind the point, to the nearest.
const fn fixed(value: f64) -> i32 {
    (value * (1 << POINT) as f64 + 0.5) as i32
}

/// Coefficients, times their steps, become `N`×`N` pixels. Those from column or row `USED` on must be 0.
#[inline(always)]
pub fn pixels<const N: usize, const USED: usize>(coefficients: &[i16; 64], steps: &[i16; 64]) -> [[u8; N]; N] {
    let mut columns = [[0; 8]; 8];
    let products = columns.as_flattened_mut()[..8 * USED].iter_mut().zip(coefficients).zip(steps);
    products.for_each(|((product, &value), &step)| *product = i32::from(value.wrapping_mul(step)));
    // Turned over on the way, so that the rows lie as the columns did.
    let mut rows = [[0; N]; 8];
    for column in 0..8 {
        let sums: [i32; N] = sums::<N, USED>(from_fn(|row| columns[row][column]));
        for row in 0..N {
            rows[column][row] = round(sums[row], shift(N) - BETWEEN);
        }
    }
    let mut pixels = [[0; N]; N];
    for row in 0..N {
        let sums: [i32; N] = sums::<N, USED>(from_fn(|column| rows[column][row]));
        for column in 0..N {
            pixels[row][column] = centred(round(sums[column], shift(N) + BETWEEN + 3));
        }
    }
    pixels
}

/// The pixel of a block that has a mean alone.
#[inline(always)]
pub fn mean(coefficient: i16, step: i16) -> u8 {
    centred(round(i32::from(coefficient.wrapping_mul(step)), 3))
}

/// Bits behind the point of [`sums`]: half the size halves the sum over the pixels that become one, in each direction.
const fn shift(size: usize) -> u32 {
    POINT + 3 - size.ilog2()
}

#[inline(always)]
fn round(value: i32, shift: u32) -> i32 {
    value.wrapping_add(1 << (shift - 1)) >> shift
}

#[inline(always)]
fn centred(value: i32) -> u8 {
    (value + 128).clamp(0, 255) as u8
}

#[inline(always)]
fn sums<const N: usize, const USED: usize>(mut input: [i32; 8]) -> [i32; N] {
    for value in &mut input[USED..] {
        *value = 0;
    }
    match N {
        8 => {
            let sums = eight(input);
            from_fn(|i| sums[i])
        }
        4 => {
            let sums = four(input);
            from_fn(|i| sums[i])
        }
        _ => {
            let sums = two(input);
            from_fn(|i| sums[i])
        }
    }
}

#[inline(always)]
fn times(value: i32, constant: i32) -> i32 {
    value.wrapping_mul(constant)
}

#[inline(always)]
fn sum<const N: usize>(values: [i32; N]) -> i32 {
    values.into_iter().fold(0, i32::wrapping_add)
}

#[inline(always)]
fn eight(input: [i32; 8]) -> [i32; 8] {
    let [c0, c1, c2, c3, c4, c5, c6, c7] = input;
    let turned = times(c2.wrapping_add(c6), fixed(0.541_196_100));
    let even = [
        c0.wrapping_add(c4) << POINT,
        c0.wrapping_sub(c4) << POINT,
        turned.wrapping_sub(times(c6, fixed(1.847_759_065))),
        turned.wrapping_add(times(c2, fixed(0.765_366_865))),
    ];
    let outer = times(c1.wrapping_add(c7), -fixed(0.899_976_223));
    let inner = times(c3.wrapping_add(c5), -fixed(2.562_915_447));
    let (low, high) = (c7.wrapping_add(c3), c5.wrapping_add(c1));
    let both = times(low.wrapping_add(high), fixed(1.175_875_602));
    let low = both.wrapping_sub(times(low, fixed(1.961_570_560)));
    let high = both.wrapping_sub(times(high, fixed(0.390_180_644)));
    let odd = [
        sum([times(c1, fixed(1.501_321_110)), outer, high]),
        sum([times(c3, fixed(3.072_711_026)), inner, low]),
        sum([times(c5, fixed(2.053_119_869)), inner, high]),
        sum([times(c7, fixed(0.298_631_336)), outer, low]),
    ];
    let even = [
        even[0].wrapping_add(even[3]),
        even[1].wrapping_add(even[2]),
        even[1].wrapping_sub(even[2]),
        even[0].wrapping_sub(even[3]),
    ];
    mirrored(even, odd)
}

#[inline(always)]
fn four(input: [i32; 8]) -> [i32; 4] {
    let [c0, c1, c2, c3, _, c5, c6, c7] = input;
    let turned = times(c2, fixed(1.847_759_065)).wrapping_sub(times(c6, fixed(0.765_366_865)));
    let outer = sum([
        times(c1, fixed(2.562_915_447)),
        times(c3, fixed(0.899_976_223)),
        times(c5, -fixed(0.601_344_887)),
        times(c7, -fixed(0.509_795_579)),
    ]);
    let inner = sum([
        times(c1, fixed(1.061_594_337)),
        times(c3, -fixed(2.172_734_803)),
        times(c5, fixed(1.451_774_981)),
        times(c7, -fixed(0.211_164_243)),
    ]);
    let mean = c0 << (POINT + 1);
    mirrored([mean.wrapping_add(turned), mean.wrapping_sub(turned)], [outer, inner])
}

#[inline(always)]
fn two(input: [i32; 8]) -> [i32; 2] {
    let [c0, c1, _, c3, _, c5, _, c7] = input;
    let odd = sum([
        times(c1, fixed(3.624_509_785)),
        times(c3, -fixed(1.272_758_580)),
        times(c5, fixed(0.850_430_095)),
        times(c7, -fixed(0.720_959_822)),
    ]);
    mirrored([c0 << (POINT + 2)], [odd])
}

/// The even part is the same from both ends, the odd part changes its sign.
#[inline(always)]
fn mirrored<const HALF: usize, const N: usize>(even: [i32; HALF], odd: [i32; HALF]) -> [i32; N] {
    from_fn(|i| if i < HALF { even[i].wrapping_add(odd[i]) } else { even[N - 1 - i].wrapping_sub(odd[N - 1 - i]) })
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_1_SQRT_2, PI};

    use proptest::prelude::*;

    use super::*;
    use crate::decode::jpeg::vectorized;

    fn blocks() -> impl Strategy<Value = [i16; 64]> {
        prop::collection::vec(-60_i16..60, 64).prop_map(|values| {
            // Smaller towards the high frequencies, as in photographs, so that few pixels reach black or white.
            from_fn(|i| values[i] * 4 / (1 + (i / 8 + i % 8) as i16))
        })
    }

    /// The transform by its definition (ITU-T T.81, A.3.3), at the pixel `(row, column)` of `side`×`side`.
    fn exact(block: &[i16; 64], side: usize, row: usize, column: usize) -> f64 {
        let wave = |frequency: usize, at: usize| {
            let scale = if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
            scale * ((2 * at + 1) as f64 * frequency as f64 * PI / (2 * side) as f64).cos()
        };
        let terms = (0..64).map(|i| f64::from(block[i]) * wave(i / 8, row) * wave(i % 8, column));
        (terms.sum::<f64>() / 4.0 + 128.0).clamp(0.0, 255.0)
    }

    proptest! {
        #[test]
        fn pixels_are_those_of_the_exact_transform(block in blocks()) {
            let pixels = pixels::<8, 8>(&block, &[1; 64]);
            for (row, column) in (0..64).map(|i| (i / 8, i % 8)) {
                prop_assert!((f64::from(pixels[row][column]) - exact(&block, 8, row, column)).abs() < 1.0);
            }
        }

        #[test]
        fn zeros_left_out_change_nothing(mut block in blocks()) {
            for (i, value) in block.iter_mut().enumerate() {
                *value *= i16::from(i / 8 < 4 && i % 8 < 4);
            }
            prop_assert_eq!(pixels::<8, 4>(&block, &[3; 64]), pixels::<8, 8>(&block, &[3; 64]));
            prop_assert_eq!(pixels::<4, 4>(&block, &[3; 64]), pixels::<4, 8>(&block, &[3; 64]));
        }

        #[test]
        fn vectors_give_what_plain_code_gives(block: [i16; 64], steps: [i16; 64]) {
            let steps = &steps;
            prop_assert_eq!(vectorized(#[inline(always)] || pixels::<8, 8>(&block, steps)), pixels::<8, 8>(&block, steps));
            prop_assert_eq!(vectorized(#[inline(always)] || pixels::<8, 4>(&block, steps)), pixels::<8, 4>(&block, steps));
            prop_assert_eq!(vectorized(#[inline(always)] || pixels::<4, 8>(&block, steps)), pixels::<4, 8>(&block, steps));
            prop_assert_eq!(vectorized(#[inline(always)] || pixels::<2, 8>(&block, steps)), pixels::<2, 8>(&block, steps));
        }
    }

    #[test]
    fn a_mean_fills_its_block() {
        for value in -1100..1100 {
            let mut block = [0; 64];
            block[0] = value;
            assert_eq!(pixels::<8, 8>(&block, &[1; 64]), [[mean(value, 1); 8]; 8]);
            assert_eq!(pixels::<4, 8>(&block, &[1; 64]), [[mean(value, 1); 4]; 4]);
            assert_eq!(pixels::<2, 8>(&block, &[1; 64]), [[mean(value, 1); 2]; 2]);
        }
    }
}
