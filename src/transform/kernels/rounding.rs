//! From floats to whole numbers, in ways that the compiler turns into vector instructions: a plain conversion looks out for numbers that do not
//! fit, which keeps it from that.

/// 1.5 · 2²³: the sum of this number and one with |x| < 2²² has no bits left for a fraction, and its lowest bits are the whole number.
const SHIFT: f32 = 12_582_912.0;

/// To the nearest whole number, halves to the even one, for |x| < 2²². The bits of a sum grow with the sum; so what is farther out, infinite or no
/// number becomes negative or at least 2²².
#[inline(always)]
pub fn nearest(x: f32) -> i32 {
    ((x + SHIFT).to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32)
}

/// The same for 0 ≤ x < 255.5; what is no number becomes 0.
#[inline(always)]
pub fn nearest_byte(x: f32) -> u32 {
    (x + SHIFT).to_bits() & 0xff
}

/// Without the fraction, for 0 ≤ x < 2²².
#[inline(always)]
pub fn truncated(x: f32) -> i32 {
    let near = x + SHIFT;
    nearest(x) - i32::from(near - SHIFT > x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_and_truncating_agree_with_conversions() {
        for i in -4096..4096 {
            let x = i as f32 / 16.0;
            assert_eq!(nearest(x), x.round_ties_even() as i32, "{x}");
            if x >= 0.0 {
                assert_eq!(truncated(x), x as i32, "{x}");
                assert_eq!(truncated(x.next_down().max(0.0)), x.next_down().max(0.0) as i32, "just below {x}");
            }
        }
    }
}
