//! Square, symmetric, positive semidefinite matrices: a factor, and eigenvalues.
//!
//! Rows are stored one after the other. Covariances of fewer images than dimensions have no full rank, which both
//! algorithms take as it comes.

/// The factor L, `(n, rank)`, of `matrix` = L·Lᵀ, and its rank: Cholesky's with the largest pivot first, which ends at
/// the rank instead of dividing by what is left of rounding (N. J. Higham, "Analysis of the Cholesky Decomposition of a
/// Semi-Definite Matrix", 1990).
pub(super) fn factor(matrix: &[f64], n: usize) -> (Vec<f64>, usize) {
    let mut rest: Vec<f64> = (0..n).map(|i| matrix[i * n + i]).collect();
    let least = n as f64 * f64::EPSILON * rest.iter().fold(0.0, |a: f64, b| a.max(*b));
    // Columns of L one after the other; a row that has been a pivot is done with.
    let mut columns: Vec<Vec<f64>> = Vec::new();
    let mut open: Vec<usize> = (0..n).collect();
    while let Some(place) = (0..open.len()).max_by(|&a, &b| rest[open[a]].total_cmp(&rest[open[b]])) {
        if rest[open[place]] <= least {
            break;
        }
        let pivot = open.swap_remove(place);
        let root = rest[pivot].sqrt();
        let mut column = vec![0.0; n];
        column[pivot] = root;
        for &i in &open {
            let known: f64 = columns.iter().map(|column| column[i] * column[pivot]).sum();
            column[i] = (matrix[i * n + pivot] - known) / root;
            rest[i] -= column[i] * column[i];
        }
        columns.push(column);
    }
    let rank = columns.len();
    ((0..n).flat_map(|i| columns.iter().map(move |column| column[i])).collect(), rank)
}

/// The eigenvalues of `matrix`, in no order.
///
/// Householder's reflections make it tridiagonal, rotations with Wilkinson's shift make it diagonal (G. H. Golub and C.
/// F. Van Loan, "Matrix Computations", 4th edition, algorithms 8.3.1 and 8.3.3). Values must be finite.
pub(super) fn eigenvalues(mut matrix: Vec<f64>, n: usize) -> Vec<f64> {
    let (mut diagonal, mut beside) = tridiagonal(&mut matrix, n);
    let largest = diagonal.iter().chain(&beside).fold(0.0, |a: f64, b| a.max(b.abs()));
    let mut last = n.saturating_sub(1);
    let negligible = |d: &[f64], e: &[f64], k: usize| {
        e[k].abs() <= f64::EPSILON * (d[k].abs() + d[k + 1].abs()) + f64::EPSILON * f64::EPSILON * largest
    };
    while last > 0 {
        if negligible(&diagonal, &beside, last - 1) {
            last -= 1;
            continue;
        }
        let mut first = last - 1;
        while first > 0 && !negligible(&diagonal, &beside, first - 1) {
            first -= 1;
        }
        rotate(&mut diagonal[first..=last], &mut beside[first..last]);
    }
    diagonal
}

/// Diagonal and subdiagonal of a tridiagonal matrix with the eigenvalues of `a`, which is used up.
fn tridiagonal(a: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut beside = Vec::with_capacity(n);
    for k in 0..n.saturating_sub(1) {
        let mut v: Vec<f64> = (k + 1..n).map(|i| a[i * n + k]).collect();
        let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        if v[1..].iter().all(|x| *x == 0.0) {
            beside.push(v[0]);
            continue;
        }
        let mirrored = -length.copysign(v[0]);
        v[0] -= mirrored;
        beside.push(mirrored);
        let scale = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
        let row = |i: usize| (k + 1 + i) * n + k + 1;
        let m = v.len();
        let mut w: Vec<f64> =
            (0..m).map(|i| scale * a[row(i)..][..m].iter().zip(&v).map(|(a, v)| a * v).sum::<f64>()).collect();
        let along = 0.5 * scale * w.iter().zip(&v).map(|(w, v)| w * v).sum::<f64>();
        for (w, v) in w.iter_mut().zip(&v) {
            *w -= along * v;
        }
        for i in 0..m {
            for (j, value) in a[row(i)..][..m].iter_mut().enumerate() {
                *value -= v[i] * w[j] + w[i] * v[j];
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), beside)
}

/// One sweep of rotations over a tridiagonal matrix without a zero beside its diagonal.
fn rotate(d: &mut [f64], e: &mut [f64]) {
    let last = e.len();
    let half = 0.5 * (d[last - 1] - d[last]);
    let corner = e[last - 1];
    let shift = d[last] - corner * (corner / (half + half.hypot(corner).copysign(half)));
    let (mut x, mut z) = (d[0] - shift, e[0]);
    for k in 0..last {
        let r = x.hypot(z);
        let (c, s) = if r > 0.0 { (x / r, z / r) } else { (1.0, 0.0) };
        if k > 0 {
            e[k - 1] = r;
        }
        let (p, q, f) = (d[k], e[k], d[k + 1]);
        d[k] = c * c * p + 2.0 * c * s * q + s * s * f;
        d[k + 1] = s * s * p - 2.0 * c * s * q + c * c * f;
        e[k] = c * s * (f - p) + (c * c - s * s) * q;
        if k + 1 < last {
            x = e[k];
            z = s * e[k + 1];
            e[k + 1] *= c;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ over `rank` rows of numbers that look random.
    fn gram(n: usize, rank: usize) -> Vec<f64> {
        let value =
            |r: usize, i: usize| ((r * 31 + i * 17 + 5).pow(2) as f64 * 0.618).sin() * 10f64.powi((i % 4) as i32 - 2);
        let entry = |i: usize, j: usize| (0..rank).map(|r| value(r, i) * value(r, j)).sum();
        (0..n * n).map(|at| entry(at / n, at % n)).collect()
    }

    fn power_sums(values: &[f64]) -> [f64; 3] {
        [1, 2, 3].map(|power| values.iter().map(|value| value.powi(power)).sum())
    }

    fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
        (0..n * n).map(|at| (0..n).map(|k| a[at / n * n + k] * b[k * n + at % n]).sum()).collect()
    }

    fn trace(a: &[f64], n: usize) -> f64 {
        (0..n).map(|i| a[i * n + i]).sum()
    }

    #[test]
    fn eigenvalues_have_the_traces_of_the_powers() {
        for (n, rank) in [(1, 1), (2, 2), (3, 3), (12, 12), (40, 60), (20, 7)] {
            let matrix = gram(n, rank);
            let found = eigenvalues(matrix.clone(), n);
            let square = product(&matrix, &matrix, n);
            let cube = product(&square, &matrix, n);
            let expected = [&matrix, &square, &cube].map(|power| trace(power, n));
            for (found, expected) in power_sums(&found).into_iter().zip(expected) {
                assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{n}, {rank}: {found}, {expected}");
            }
            assert!(found.iter().all(|value| *value > -1e-12 * expected[0]), "{found:?}");
            let nonzero = found.iter().filter(|value| **value > 1e-10 * expected[0]).count();
            assert!(nonzero <= rank);
        }
    }

    /// The second difference: 2 − 2 cos(kπ/(n + 1)).
    #[test]
    fn known_eigenvalues_are_found() {
        let n = 25;
        let entry = |i: usize, j: usize| [2.0, -1.0].get(i.abs_diff(j)).copied().unwrap_or(0.0);
        let mut found = eigenvalues((0..n * n).map(|at| entry(at / n, at % n)).collect(), n);
        found.sort_by(f64::total_cmp);
        for (k, value) in found.iter().enumerate() {
            let expected = 2.0 - 2.0 * ((k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-13, "{k}: {value}, {expected}");
        }
        assert_eq!(eigenvalues(vec![0.0; 9], 3), [0.0; 3]);
        assert_eq!(eigenvalues(vec![], 0), [0.0; 0]);
    }

    #[test]
    fn the_factor_gives_the_matrix_back_and_knows_its_rank() {
        for (n, rank) in [(1, 1), (5, 5), (30, 8), (4, 0)] {
            let matrix = gram(n, rank);
            let (l, found) = factor(&matrix, n);
            assert_eq!(found, rank, "{n}");
            for (at, expected) in matrix.iter().enumerate() {
                let (i, j) = (at / n * rank, at % n * rank);
                let value: f64 = (0..rank).map(|k| l[i + k] * l[j + k]).sum();
                assert!((value - expected).abs() < 1e-10, "{at}: {value}, {expected}");
            }
        }
    }
}
