//! How every kernel is compiled for several kinds of processors, of which the one at hand is found when the program runs.

/// Runs an expression compiled for the best instructions that the processor has, or for those that a token of `pulp` stands for.
///
/// Only what is inlined is compiled so. A closure that could be called again would be called through a function of its own, which is not always
/// inlined; therefore it consumes a [`Once`].
macro_rules! vectorized {
    ($body:expr) => {{
        let once = $crate::transform::kernels::vectorized::Once;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let _once = once;
                $body
            },
        )
    }};
    ($token:expr => $body:expr) => {{
        let once = $crate::transform::kernels::vectorized::Once;
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
