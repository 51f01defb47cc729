//! Small pieces of vector loops. All are inlined into kernels that `pulp` compiles for the processor at hand.

/// The bytes that kernels take at a time: fixed loops over so many become vector instructions without a rest.
pub const LANES: usize = 64;

/// `⌊clamp(value, 0, 255)⌋`; NaN becomes 0.
///
/// `as u8` means the same, but is not turned into vector instructions.
#[inline(always)]
pub fn to_byte(value: f32) -> u8 {
    let above = if value > 0.0 { value } else { 0.0 };
    let within = if above < 255.0 { above } else { 255.0 };
    whole_to_byte(within.floor())
}

/// A whole number in [0, 255].
#[inline(always)]
pub fn whole_to_byte(value: f32) -> u8 {
    (value + SHIFT).to_bits() as u8
}

/// 2²³: a float of this size has no bits for a fraction, and the last ones are the whole number.
const SHIFT: f32 = 8_388_608.0;
