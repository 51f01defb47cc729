//! How many samples of each class a batch holds, and how many came before it.
//!
//! Systematic sampling (W. G. Madow, "On the theory of systematic sampling, II", 1949) with one offset for each batch.
//! The classes' quotas, batch size × share, are laid end to end on a line from 0 to the batch size; a class gets as
//! many samples of batch b as there are points `k + 1 − u(b)`, k whole, within its stretch. That is its quota rounded
//! down or up, and the counts add up to the batch size for any offset. The offsets `u(b) = ((stride · b + phase) mod B)
//! / B` of the B full batches are equally spaced, so that over all of them a class gets B times its quota rounded down
//! or up. A stride near B / φ (golden ratio) spreads each class's extra samples evenly over the epoch.
//!
//! What a class got before batch b is a sum of `⌊(stride · i + c) / B⌋` over i < b, which a Euclid-like recursion finds
//! in O(log B): any batch costs the same to look up.

use super::Stream;

/// How the classes share the samples, in the order of their labels.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shares {
    /// By whole numbers that add up to the length of the epoch, to be met exactly.
    Exact(Vec<u64>),
    /// In proportion to weights: not negative, with a positive, finite sum.
    Weights(Vec<f64>),
}

/// The place of a class in one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    pub class: usize,
    /// Samples of the class in this batch, at least 1.
    pub count: u64,
    /// Samples of the class in all batches before.
    pub before: u64,
}

/// The classes' samples in each batch of an epoch.
#[derive(Clone, Debug)]
pub(super) struct Quotas {
    /// The classes in their order on the line.
    order: Vec<usize>,
    /// The ends of the classes' stretches on the line, and before them its beginning.
    bounds: Vec<Bound>,
    /// The number of full batches.
    full: u64,
    stride: u64,
    phase: u64,
    /// The samples of each class, by its place in `order`, in the batch that is left over, if any.
    tail: Vec<u64>,
}

/// A point on the line: `whole + part / full`, rounded down, which is all that matters at offsets that are multiples of
/// `1 / full`.
#[derive(Clone, Copy, Debug)]
struct Bound {
    whole: u64,
    part: u64,
}

/// Fractional quotas are rounded to this fraction of a sample, so that quotas that are whole but for the rounding of
/// floats are whole.
const UNIT: u128 = 1 << 32;

impl Shares {
    fn classes(&self) -> usize {
        match self {
            Self::Exact(counts) => counts.len(),
            Self::Weights(weights) => weights.len(),
        }
    }

    /// The ends of the stretches of the classes in `order` on a line of length `size`, as numerators, and their
    /// denominator.
    fn ends(&self, order: &[usize], size: u64) -> (Vec<u128>, u128) {
        match self {
            Self::Exact(counts) => {
                let ends = order.iter().scan(0, |sum, &class| {
                    *sum += u128::from(counts[class]);
                    Some(*sum * u128::from(size))
                });
                (ends.collect(), counts.iter().map(|&count| u128::from(count)).sum())
            }
            Self::Weights(weights) => {
                // Summed in the same order, the last end is exactly the whole.
                let sums = order.iter().scan(0.0, |sum, &class| {
                    *sum += weights[class];
                    Some(*sum)
                });
                let sums: Vec<f64> = sums.collect();
                let total = sums.last().copied().unwrap_or_default();
                let scale = size as f64 * UNIT as f64;
                let ends = sums.iter().map(|sum| ((sum / total * scale).round() as u128).min(u128::from(size) * UNIT));
                (ends.collect(), UNIT)
            }
        }
    }
}

impl Quotas {
    /// The quotas of an epoch of `samples` in batches of `batch_size`; shuffled by the seed and epoch given, if any.
    pub(super) fn new(shares: &Shares, samples: u64, batch_size: u64, shuffle: Option<(u64, u64)>) -> Self {
        let full = samples / batch_size;
        let mut order: Vec<usize> = (0..shares.classes()).collect();
        let mut phase = 0;
        if let Some((seed, epoch)) = shuffle {
            let mut rng = Stream::Epoch.key(seed, epoch).rng();
            rng.shuffle(&mut order);
            phase = rng.below(full.max(1) as usize) as u64;
        }
        let bounds = if full == 0 { Vec::new() } else { bounds(shares, &order, batch_size, full) };
        let mut quotas = Self { order, bounds, full, stride: even_stride(full), phase, tail: Vec::new() };
        quotas.tail = quotas.tail_counts(shares, samples % batch_size);
        quotas
    }

    /// The classes that have samples in batch `batch`, in their order on the line.
    pub(super) fn batch(&self, batch: u64) -> impl Iterator<Item = Quota> + '_ {
        (0..self.order.len()).filter_map(move |place| {
            let count = if batch < self.full { self.count(place, batch) } else { self.tail[place] };
            (count > 0).then(|| Quota { class: self.order[place], count, before: self.before(place, batch) })
        })
    }

    /// The samples of each class, in the order of the labels, in the whole epoch.
    pub(super) fn totals(&self) -> Vec<u64> {
        self.by_label((0..self.order.len()).map(|place| self.before(place, self.full) + self.tail[place]))
    }

    /// The samples of each class, in the order of the labels, in a full batch; for a stream, whose batches have no end,
    /// they come again after all of them.
    pub(super) fn full_batch(&self, batch: u64) -> Vec<u64> {
        self.by_label((0..self.order.len()).map(|place| self.count(place, batch % self.full)))
    }

    /// The samples of each class, in the order of the labels, in a batch of `size` that is left over.
    pub(super) fn rest(&self, shares: &Shares, size: u64) -> Vec<u64> {
        self.by_label(self.tail_counts(shares, size))
    }

    fn by_label(&self, by_place: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut by_label = vec![0; self.order.len()];
        self.order.iter().zip(by_place).for_each(|(&class, count)| by_label[class] = count);
        by_label
    }

    /// The samples in the batch that is left over after the full ones. Exact shares leave it what the full batches
    /// lack: both the full batches and the whole epoch are within one of their quotas, so the rest is too, and it is
    /// not negative.
    fn tail_counts(&self, shares: &Shares, size: u64) -> Vec<u64> {
        match shares {
            Shares::Exact(counts) => {
                let places = self.order.iter().enumerate();
                places.map(|(place, &class)| counts[class] - self.before(place, self.full)).collect()
            }
            Shares::Weights(_) => {
                let (ends, unit) = shares.ends(&self.order, size);
                let mut previous = 0;
                let rounded = ends.iter().map(|end| ((2 * end + unit) / (2 * unit)) as u64);
                rounded.map(|end| end - std::mem::replace(&mut previous, end)).collect()
            }
        }
    }

    /// The samples in full batch `batch` of the class at `place`.
    fn count(&self, place: usize, batch: u64) -> u64 {
        let offset = (self.stride * batch + self.phase) % self.full;
        let points = |bound: Bound| bound.whole + u64::from(bound.part + offset >= self.full);
        points(self.bounds[place + 1]) - points(self.bounds[place])
    }

    /// The samples in the batches before `batch` of the class at `place`.
    fn before(&self, place: usize, batch: u64) -> u64 {
        if self.full == 0 {
            return 0;
        }
        let batch = batch.min(self.full);
        let points =
            |bound: Bound| batch * bound.whole + floor_sum(batch, self.full, self.stride, bound.part + self.phase);
        points(self.bounds[place + 1]) - points(self.bounds[place])
    }
}

fn bounds(shares: &Shares, order: &[usize], batch_size: u64, full: u64) -> Vec<Bound> {
    let (ends, unit) = shares.ends(order, batch_size);
    let bound = |end: u128| Bound { whole: (end / unit) as u64, part: (u128::from(full) * (end % unit) / unit) as u64 };
    std::iter::once(0).chain(ends).map(bound).collect()
}

/// A whole number without divisor in common with `count`, whose multiples modulo `count` spread evenly.
///
/// They do if the continued fraction of the ratio has small terms, as that of the golden ratio has; how uneven they are
/// is bounded by the sum of the terms (H. Niederreiter, "Random Number Generation and Quasi-Monte Carlo Methods", 1992,
/// chapter 3). So of the numbers around `count / φ` the one with the smallest sum is taken. Below 2³² no 40 numbers in
/// a row all share a divisor with `count`.
fn even_stride(count: u64) -> u64 {
    let middle = (count as f64 * 0.618_033_988_749_894_9).round() as u64;
    let around = middle.saturating_sub(32).max(1)..(middle + 33).min(count.max(2));
    let sums = around.filter_map(|stride| {
        let (divisor, sum) = euclid(stride, count);
        (divisor == 1).then_some((sum, stride.abs_diff(middle), stride))
    });
    sums.min().map_or(1, |(_, _, stride)| stride)
}

/// The greatest common divisor, and the sum of the quotients on the way to it: the terms of the continued fraction of
/// `a / b`.
fn euclid(mut a: u64, mut b: u64) -> (u64, u64) {
    let mut sum = 0;
    while b > 0 {
        sum += a / b;
        (a, b) = (b, a % b);
    }
    (a, sum)
}

/// `Σ ⌊(step · i + start) / modulus⌋` over i from 0 to `count` − 1, by exchanging the axes as in Euclid's algorithm. No
/// step overflows while all four stay below 2³².
fn floor_sum(mut count: u64, mut modulus: u64, mut step: u64, mut start: u64) -> u64 {
    let mut sum = 0;
    while count > 0 {
        sum += count * (count - 1) / 2 * (step / modulus) + count * (start / modulus);
        step %= modulus;
        start %= modulus;
        let end = step * count + start;
        count = end / modulus;
        start = end % modulus;
        (modulus, step) = (step, modulus);
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn floor_sums_are_sums(count in 0_u64..60, modulus in 1_u64..60, step in 0_u64..90, start in 0_u64..120) {
            let slow: u64 = (0..count).map(|i| (step * i + start) / modulus).sum();
            prop_assert_eq!(floor_sum(count, modulus, step, start), slow);
        }

        #[test]
        fn floor_sums_do_not_overflow(less in 0_u64..1000, step in 0_u64..u64::from(u32::MAX), part in 0_u64..u64::from(u32::MAX)) {
            let full = u64::from(u32::MAX) - less;
            let slow = |count| (0..count).map(|i| (u128::from(step) * i + u128::from(part)) / u128::from(full)).sum::<u128>();
            prop_assert_eq!(u128::from(floor_sum(100, full, step, part)), slow(100));
            // The sum of a whole period of a stride without common divisor is known: Σ ⌊step · i / full⌋ = (step −
            // 1)(full − 1) / 2.
            if step > 0 && euclid(step, full).0 == 1 {
                prop_assert_eq!(floor_sum(full, full, step, 0), ((u128::from(step) - 1) * (u128::from(full) - 1) / 2) as u64);
            }
        }

        #[test]
        fn counts_before_are_sums_of_counts(
            weights in prop::collection::vec(0.0_f64..3.0, 1..6), samples in 1_u64..400, size in 1_u64..50, epoch in 0_u64..4,
        ) {
            prop_assume!(weights.iter().sum::<f64>() > 0.0);
            let quotas = Quotas::new(&Shares::Weights(weights.clone()), samples, size, Some((1, epoch)));
            let mut before = vec![0; weights.len()];
            for batch in 0..samples.div_ceil(size) {
                for quota in quotas.batch(batch) {
                    prop_assert_eq!(quota.before, before[quota.class]);
                    before[quota.class] += quota.count;
                }
            }
            prop_assert_eq!(&before, &quotas.totals());
            prop_assert_eq!(before.iter().sum::<u64>(), samples);
        }
    }

    #[test]
    fn strides_reach_every_offset_and_spread_them() {
        for count in (1..3000).chain([30_030, 9_699_690, 223_092_870, u64::from(u32::MAX)]) {
            let (divisor, sum) = euclid(even_stride(count), count);
            assert_eq!(divisor, 1, "{count}");
            assert!(sum as f64 <= 3.0 * (count as f64).ln() + 3.0, "{count}: {sum}");
        }
    }

    #[test]
    fn whole_quotas_stay_whole() {
        for shares in
            [Shares::Weights(vec![1.0; 10]), Shares::Weights(vec![0.1; 10]), Shares::Weights(vec![1.0 / 3.0; 10])]
        {
            let quotas = Quotas::new(&shares, 1797, 30, Some((5, 0)));
            for batch in 0..1797 / 30 {
                assert!(quotas.batch(batch).all(|quota| quota.count == 3), "batch {batch} of {shares:?}");
            }
        }
    }
}
