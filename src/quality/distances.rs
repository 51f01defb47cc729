//! Distances between all rows of two matrices, in bounded memory: a few rows at a time, on all threads.

use rayon::prelude::*;

use super::features::Features;

/// Rows whose distances are in memory at a time, on each thread: each row of the other matrix is read once for them.
const BLOCK: usize = 8;
/// Sums that run beside each other: the compiler makes vectors of them, and their number fixes the order of addition,
/// so that every processor gives the same bits.
const LANES: usize = 8;

/// Calls `visit(i, d)` for every row i of `a`, where `d[j]` is its Euclidean distance to row j of `b`, and gives what
/// it returns, in order.
///
/// Differences are squared and added, without the shortcut by norms and products: equal rows have a distance of exactly
/// 0, and a distance does not depend on which of the rows comes first.
pub(super) fn map_rows<T: Send>(a: &Features, b: &Features, visit: impl Fn(usize, &[f64]) -> T + Sync) -> Vec<T> {
    let starts: Vec<usize> = (0..a.len()).step_by(BLOCK).collect();
    let block = |buffer: &mut Vec<f64>, start: usize| -> Vec<T> {
        let rows = start..(start + BLOCK).min(a.len());
        buffer.resize(rows.len() * b.len(), 0.0);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || fill(a, rows.clone(), b, buffer),
        );
        rows.map(|row| visit(row, &buffer[(row - start) * b.len()..][..b.len()])).collect()
    };
    starts.into_par_iter().map_init(Vec::new, block).flatten_iter().collect()
}

#[inline(always)]
fn fill(a: &Features, rows: std::ops::Range<usize>, b: &Features, distances: &mut [f64]) {
    for j in 0..b.len() {
        let other = b.row(j);
        for (place, i) in rows.clone().enumerate() {
            distances[place * b.len() + j] = squared(a.row(i), other).sqrt();
        }
    }
}

#[inline(always)]
fn squared(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            let difference = a[lane] - b[lane];
            sums[lane] += difference * difference;
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The Euclidean distance of two rows.
pub(super) fn distance(a: &[f64], b: &[f64]) -> f64 {
    squared(a, b).sqrt()
}

/// The distance of each row to its `k`-th nearest other row, k from 1.
///
/// # Panics
///
/// Unless 1 ≤ `k` < the number of rows.
pub(super) fn radii(features: &Features, k: usize) -> Vec<f64> {
    assert!((1..features.len()).contains(&k), "row {k} of {} others does not exist", features.len());
    map_rows(features, features, |i, distances| {
        let mut others = distances.to_vec();
        others.swap_remove(i);
        *others.select_nth_unstable_by(k - 1, f64::total_cmp).1
    })
}

/// A row and how far away it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Nearest {
    pub index: usize,
    pub distance: f64,
}

impl Nearest {
    /// The first of the nearest.
    pub fn of(distances: &[f64]) -> Option<Self> {
        let nearest = distances.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        nearest.map(|(index, distance)| Self { index, distance })
    }
}

/// For each row of `a` the nearest row of `b`; empty if `b` is.
pub(super) fn nearest(a: &Features, b: &Features) -> Vec<Nearest> {
    map_rows(a, b, |_, distances| Nearest::of(distances)).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f64]) -> Features {
        Features::new(values.to_vec(), 1, vec![0; values.len()]).unwrap()
    }

    #[test]
    fn every_pair_is_measured_once() {
        let dimensions = 19;
        let make = |count: usize, step: f64| {
            let values = (0..count * dimensions).map(|i| (i as f64 * step).sin()).collect();
            Features::new(values, dimensions, vec![0; count]).unwrap()
        };
        let (a, b) = (make(21, 0.7), make(13, 1.1));
        let rows = map_rows(&a, &b, |i, distances| (i, distances.to_vec()));
        assert_eq!(rows.len(), 21);
        for (place, (i, distances)) in rows.iter().enumerate() {
            assert_eq!((place, distances.len()), (*i, 13));
            for (j, found) in distances.iter().enumerate() {
                let expected: f64 = a.row(*i).iter().zip(b.row(j)).map(|(a, b)| (a - b).powi(2)).sum();
                assert!((found - expected.sqrt()).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn radii_leave_the_row_itself_out() {
        let rows = line(&[0.0, 1.0, 3.0, 3.0, 10.0]);
        assert_eq!(radii(&rows, 1), [1.0, 1.0, 0.0, 0.0, 7.0]);
        assert_eq!(radii(&rows, 4), [10.0, 9.0, 7.0, 7.0, 10.0]);
    }

    #[test]
    fn the_first_of_the_nearest_counts() {
        let found = nearest(&line(&[2.0, 9.0]), &line(&[3.0, 1.0, 9.0]));
        assert_eq!(found, [Nearest { index: 0, distance: 1.0 }, Nearest { index: 2, distance: 0.0 }]);
        assert!(nearest(&line(&[2.0]), &line(&[])).is_empty());
    }
}
