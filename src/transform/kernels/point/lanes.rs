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

/// Runs an expression compiled for the best instructions that the processor has, or for those that a token of `pulp` stands for.
///
/// Only what is inlined is compiled so. A closure that could be called again would be called through a function of its own, which is not always
/// inlined; therefore it consumes a [`Once`].
macro_rules! vectorized {
    ($body:expr) => {{
        let once = $crate::transform::kernels::point::Once;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let _once = once;
                $body
            },
        )
    }};
    ($token:expr => $body:expr) => {{
        let once = $crate::transform::kernels::point::Once;
        $token.vectorize(
            #[inline(always)]
            || {
                let _once = once;
                $body
            },
        )
    }};
}
pub(crate) use vectorized;

/// What can be consumed once.
pub struct Once;
