//! Sums of runs of floats with weights, the vector loop below the fast convolutions.

use super::lanes::{each, lanes, plus};

/// Where equally long runs lie in a slice: the first at `start`, each `step` after the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs {
    pub(super) start: usize,
    pub(super) step: usize,
}

/// The most runs that one sum takes.
const TERMS: usize = 3;

/// A sum of up to three terms, each a weight and the place where its first run starts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terms {
    weights: [f32; TERMS],
    starts: [usize; TERMS],
    count: usize,
}

impl Terms {
    /// Of `weights` those that are not 0 and whose `start` there is.
    pub(super) fn new(weights: impl Iterator<Item = f32>, start: impl Fn(usize) -> Option<usize>) -> Self {
        let mut terms = Self::default();
        for (index, weight) in weights.enumerate().filter(|(_, weight)| *weight != 0.0) {
            if let Some(start) = start(index) {
                terms.weights[terms.count] = weight;
                terms.starts[terms.count] = start;
                terms.count += 1;
            }
        }
        terms
    }
}

/// Whether a sum takes the place of what is there or is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Set,
    Add,
}

lanes! {
    /// `count` sums of runs of `length` floats: `terms` name the runs of `from`, which are `step` apart.
    pub(super) fn combine<'a, S>(
        simd,
        from: &'a [f32],
        sum: (Terms, usize),
        to: &'a mut [f32],
        runs: Runs,
        size: (usize, usize),
        mode: Mode,
    ) {
        let (Terms { weights, starts, count: terms }, step) = sum;
        let (length, count) = size;
        let [a, b, c] = weights.map(|weight| simd.splat_f32s(weight));
        for index in 0..count {
            let to = &mut to[runs.start + index * runs.step..][..length];
            let run = |term: usize| &from[starts[term] + index * step..][..length];
            match (terms, mode) {
                (0, Mode::Set) => to.fill(0.0),
                (0, Mode::Add) => {}
                (1, Mode::Set) => each(simd, [to], [run(0)], #[inline(always)] |_, [x]| [simd.mul_f32s(a, x)]),
                (1, Mode::Add) => each(simd, [to], [run(0)], #[inline(always)] |[to], [x]| [plus(simd, a, x, to)]),
                (2, Mode::Set) => each(simd, [to], [run(0), run(1)], #[inline(always)] |_, [x, y]| [plus(simd, b, y, simd.mul_f32s(a, x))]),
                (2, Mode::Add) => each(simd, [to], [run(0), run(1)], #[inline(always)] |[to], [x, y]| [plus(simd, b, y, plus(simd, a, x, to))]),
                (_, Mode::Set) => each(simd, [to], [run(0), run(1), run(2)], #[inline(always)] |_, [x, y, z]| {
                    [plus(simd, c, z, plus(simd, b, y, simd.mul_f32s(a, x)))]
                }),
                (_, Mode::Add) => each(simd, [to], [run(0), run(1), run(2)], #[inline(always)] |[to], [x, y, z]| {
                    [plus(simd, c, z, plus(simd, b, y, plus(simd, a, x, to)))]
                }),
            }
        }
    }
}
