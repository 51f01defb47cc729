//! Vector loops over slices of floats.
//!
//! The compiler's own are poor here: rows are short, and it cannot see that slices do not overlap.

use pulp::Simd;

/// Defines a function that runs with the widest vectors of the processor; `$simd` of type `$kind` stands for them.
macro_rules! lanes {
    (
        $(#[$attribute:meta])*
        $visible:vis fn $name:ident<$life:lifetime, $kind:ident>($simd:ident, $($argument:ident: $type:ty),* $(,)?) $body:block
    ) => {
        $(#[$attribute])*
        $visible fn $name<$life>($($argument: $type),*) {
            struct Task<$life> {
                $($argument: $type),*
            }
            impl<$life> pulp::WithSimd for Task<$life> {
                type Output = ();

                #[inline(always)]
                fn with_simd<$kind: pulp::Simd>(self, $simd: $kind) {
                    let Self { $($argument),* } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Task { $($argument),* });
        }
    };
}
pub(super) use lanes;

/// `a · b + c`.
#[inline(always)]
pub(super) fn plus<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(a, b, c)
}

/// Sets the values of each `to` by those that are there and those of each `from`: all have one length.
///
/// A closure given here must be `#[inline(always)]`: what is not inlined does without vectors.
#[inline(always)]
pub(super) fn each<S: Simd, const TO: usize, const FROM: usize>(
    simd: S,
    to: [&mut [f32]; TO],
    from: [&[f32]; FROM],
    values: impl Fn([S::f32s; TO], [S::f32s; FROM]) -> [S::f32s; TO],
) {
    let length = to[0].len() / S::F32_LANES;
    let to = to.map(|to| S::as_mut_simd_f32s(to));
    let from = from.map(|from| S::as_simd_f32s(from));
    let froms = from.map(|(lines, _)| &lines[..length]);
    let (mut tos, mut rests) = (to.each_ref().map(|_| Default::default()), to.each_ref().map(|_| Default::default()));
    for (index, (lines, rest)) in to.into_iter().enumerate() {
        (tos[index], rests[index]) = (&mut lines[..length], rest);
    }
    let (mut old, mut given) = ([simd.splat_f32s(0.0); TO], [simd.splat_f32s(0.0); FROM]);
    for index in 0..length {
        for place in 0..TO {
            old[place] = tos[place][index];
        }
        for place in 0..FROM {
            given[place] = froms[place][index];
        }
        let new = values(old, given);
        for place in 0..TO {
            tos[place][index] = new[place];
        }
    }
    if !rests[0].is_empty() {
        let to = rests.each_ref().map(|rest: &&mut [f32]| simd.partial_load_f32s(rest));
        let results = values(to, from.map(|(_, rest)| simd.partial_load_f32s(rest)));
        for (rest, result) in rests.into_iter().zip(results) {
            simd.partial_store_f32s(rest, result);
        }
    }
}
