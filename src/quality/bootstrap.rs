//! Intervals by drawing the images again (B. Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979).

use serde::{Deserialize, Serialize};

use crate::rng::{Purpose, SampleKey, SampleRng};

/// The share of the replicates outside an interval, half of it on either side.
const OUTSIDE: f64 = 0.05;

/// A percentile bootstrap interval of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A figure, and the same figure of images drawn again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    pub value: f64,
    pub replicates: Vec<f64>,
}

impl Figure {
    /// The first of `values`, and the others as its replicates, moved so that their mean is the value: for figures that
    /// drawing again makes larger or smaller, as it leaves images out and repeats others.
    pub fn centred(values: &[f64]) -> Self {
        let (value, replicates) = (values[0], &values[1..]);
        let bias = mean(replicates) - value;
        Self { value, replicates: replicates.iter().map(|replicate| replicate - bias).collect() }
    }

    /// With no replicate outside of what is possible.
    pub fn within(mut self, low: f64, high: f64) -> Self {
        self.replicates.iter_mut().for_each(|replicate| *replicate = replicate.clamp(low, high));
        self
    }

    /// The first of `values`, and the others as its replicates.
    pub fn first_of(values: &[f64]) -> Self {
        Self { value: values[0], replicates: values[1..].to_vec() }
    }

    /// The mean of `values`, each image weighing as often as it is drawn.
    pub fn mean_of(values: &[f64], draws: &Draws) -> Self {
        let replicate = |times: &[u32]| {
            let sum: f64 = values.iter().zip(times).map(|(value, times)| value * f64::from(*times)).sum();
            sum / f64::from(times.iter().sum::<u32>())
        };
        Self { value: mean(values), replicates: draws.iter().map(replicate).collect() }
    }

    /// The same, for every draw.
    pub fn constant(value: f64, draws: &Draws) -> Self {
        Self { value, replicates: vec![value; draws.0.len()] }
    }

    /// The mean of figures whose replicates belong together; none of no figure.
    pub fn average(figures: &[Self]) -> Option<Self> {
        let (first, others) = figures.split_first()?;
        let mut sum = first.clone();
        others.iter().for_each(|other| sum.add(other));
        sum.scale(1.0 / figures.len() as f64);
        Some(sum)
    }

    /// Adds a figure whose replicates belong to these.
    pub fn add(&mut self, other: &Self) {
        self.value += other.value;
        self.replicates.iter_mut().zip(&other.replicates).for_each(|(sum, value)| *sum += value);
    }

    /// Multiplies by `factor`.
    pub fn scale(&mut self, factor: f64) {
        self.value *= factor;
        self.replicates.iter_mut().for_each(|value| *value *= factor);
    }

    /// How much this figure is above `other`.
    pub fn minus(&self, other: &Self) -> Self {
        let differences = self.replicates.iter().zip(&other.replicates).map(|(a, b)| a - b);
        Self { value: self.value - other.value, replicates: differences.collect() }
    }

    /// The interval that all but the lowest and the highest replicates lie in.
    pub fn interval(&self) -> Interval {
        let mut sorted = self.replicates.clone();
        sorted.sort_by(f64::total_cmp);
        let ends = [OUTSIDE / 2.0, 1.0 - OUTSIDE / 2.0].map(|share| percentile(&sorted, share).unwrap_or(self.value));
        Interval { low: ends[0], high: ends[1] }
    }
}

/// How often each image of a set is drawn, for every replicate.
pub(crate) struct Draws(Vec<Vec<u32>>);

impl Draws {
    /// All images once.
    pub fn all(count: usize) -> Self {
        Self(vec![vec![1; count]])
    }

    /// These draws, then those of `other`.
    pub fn then(&self, other: &Self) -> Self {
        Self(self.iter().chain(other.iter()).map(<[u32]>::to_vec).collect())
    }

    /// `replicates` times as many images of each class as there are, drawn with replacement; draws that are one image
    /// over and over, which has no pairs, are drawn again. Draws of other `stream`s are independent.
    pub fn bootstrap(labels: &[u32], replicates: usize, seed: u64, stream: u64) -> Self {
        let classes = by_class(labels);
        let replicate = |number: usize| {
            let mut times = vec![0; labels.len()];
            let mut rng = key(seed, stream, number).rng();
            for members in &classes {
                draw(members, &mut times, &mut rng);
            }
            times
        };
        Self((0..replicates).map(replicate).collect())
    }

    /// `subsets` times `size` of `count` images, each once at most.
    pub fn subsets(count: usize, size: usize, subsets: usize, seed: u64, stream: u64) -> Self {
        let subset = |number: usize| {
            let mut times: Vec<u32> = (0..count).map(|index| u32::from(index < size)).collect();
            key(seed, stream, number).rng().shuffle(&mut times);
            times
        };
        Self((0..subsets).map(subset).collect())
    }

    /// Of each replicate how often each image is drawn.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// The same draws of the images at `indices` alone.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self(self.iter().map(|times| indices.iter().map(|&index| times[index]).collect()).collect())
    }
}

/// Draws as many of `members` as there are, of two or more not only one.
fn draw(members: &[usize], times: &mut [u32], rng: &mut SampleRng) {
    loop {
        members.iter().for_each(|_| times[members[rng.below(members.len())]] += 1);
        if members.len() == 1 || members.iter().all(|&member| (times[member] as usize) < members.len()) {
            return;
        }
        members.iter().for_each(|&member| times[member] = 0);
    }
}

fn key(seed: u64, stream: u64, number: usize) -> SampleKey {
    SampleKey { seed, epoch: stream, position: number as u64, purpose: Purpose::Resampling }
}

/// The indices of each class that has any.
fn by_class(labels: &[u32]) -> Vec<Vec<usize>> {
    let mut classes = std::collections::BTreeMap::<u32, Vec<usize>>::new();
    for (index, label) in labels.iter().enumerate() {
        classes.entry(*label).or_default().push(index);
    }
    classes.into_values().collect()
}

/// 0 of no values.
pub(super) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// The value below which `share` of the sorted values lie, by a line between neighbours, as numpy's `percentile` has
/// it.
pub(super) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)? as f64);
    let (below, part) = (place.floor() as usize, place.fract());
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    Some(sorted[below] + part * (above - sorted[below]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_numpy() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(
            [0.0, 0.05, 0.5, 0.9, 1.0].map(|share| percentile(&sorted, share).unwrap()),
            [1.0, 1.15, 3.0, 6.800000000000001, 8.0]
        );
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn classes_keep_their_sizes() {
        let labels = [0, 7, 0, 7, 7, 3];
        let draws = Draws::bootstrap(&labels, 300, 1, 0);
        for times in draws.iter() {
            let of_class = |label| (0..6).filter(|&i| labels[i] == label).map(|i| times[i]).sum::<u32>();
            assert_eq!([0, 7, 3].map(of_class), [2, 3, 1]);
        }
        assert!(draws.iter().any(|times| times[4] == 2) && draws.iter().any(|times| times[4] == 0));
        assert!(draws.iter().all(|times| times[0] == 1 && times[4] < 3), "one image alone has no pairs");
        let other = Draws::bootstrap(&labels, 300, 1, 1);
        assert_ne!(draws.0, other.0);
    }

    #[test]
    fn subsets_have_their_size() {
        let draws = Draws::subsets(10, 4, 30, 0, 0);
        assert!(draws.iter().all(|times| times.iter().sum::<u32>() == 4 && times.iter().all(|times| *times <= 1)));
        assert!((0..10).all(|index| draws.iter().any(|times| times[index] == 1)));
    }

    /// The mean of 400 numbers from 0 to 1: its deviation is √(1/12/400) = 0.0144.
    #[test]
    fn intervals_are_as_wide_as_the_theory_says() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i) / 399.0).collect();
        let figure = Figure::mean_of(&values, &Draws::bootstrap(&[0; 400], 1000, 3, 0));
        let Interval { low, high } = figure.interval();
        assert!((figure.value - 0.5).abs() < 1e-12);
        assert!(low < 0.5 && high > 0.5 && ((high - low) / (2.0 * 1.96 * 0.01447) - 1.0).abs() < 0.12, "{low} {high}");
    }

    #[test]
    fn centred_figures_lose_their_bias() {
        let figure = Figure::centred(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!((figure.value, &*figure.replicates), (1.0, &[0.0, 1.0, 2.0][..]));
        assert_eq!(figure.within(0.5, 1.0).replicates, [0.5, 1.0, 1.0]);
    }
}
