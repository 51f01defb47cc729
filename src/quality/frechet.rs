//! The Fréchet distance of two sets of features, taken for normal distributions.

use super::features::Features;
use super::symmetric::{eigenvalues, factor};
use crate::error::{Error, ErrorKind, Result};

/// The Fréchet distance ‖μ₁ − μ₂‖² + Tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½) of the normal distributions with the means and the
/// covariances (divided by n − 1) of two sets of features; 0 for the same (M. Heusel et al., "GANs Trained by a Two
/// Time-Scale Update Rule Converge to a Local Nash Equilibrium", 2017).
///
/// Few images make it too large, in whatever space: compare it with the distance between as many real images. It does
/// not see copies.
///
/// ```
/// use candle_augment::quality::{Features, frechet_distance};
///
/// let set = |middle: f64| {
///     let values = (0..100).map(|i| middle + f64::from(i % 10)).collect();
///     Features::new(values, 1, vec![0; 100])
/// };
/// assert!(frechet_distance(&set(0.0)?, &set(0.0)?)? < 1e-9);
/// assert!((frechet_distance(&set(0.0)?, &set(3.0)?)? - 9.0).abs() < 1e-9);
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`] if the sets have not the same dimensions, or one has fewer than two images;
/// [`ErrorKind::Tensor`] if features are so large that their products overflow.
pub fn frechet_distance(a: &Features, b: &Features) -> Result<f64> {
    a.check_same_space(b)?;
    if let Some(few) = [a, b].into_iter().find(|set| set.len() < 2) {
        return Err(Error::config(format!(
            "a set of {} images has no covariance: the Fréchet distance needs 2 at least",
            few.len()
        )));
    }
    let moments = |set: &Features| Moments::weighted(set, &vec![1; set.len()]);
    moments(a).distance(&moments(b))
}

/// Mean and covariance of a set of features.
pub(super) struct Moments {
    mean: Vec<f64>,
    covariance: Vec<f64>,
}

impl Moments {
    /// Of features that stand in the set so many times each; two at least in all.
    pub fn weighted(features: &Features, times: &[u32]) -> Self {
        let mut moments = Self { mean: Vec::new(), covariance: Vec::new() };
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || moments = Self::of(features, times),
        );
        moments
    }

    #[inline(always)]
    fn of(features: &Features, times: &[u32]) -> Self {
        let n = features.dimensions();
        let count = f64::from(times.iter().sum::<u32>());
        let mut mean = vec![0.0; n];
        let present = || (0..features.len()).filter(|&row| times[row] > 0);
        for row in present() {
            let times = f64::from(times[row]);
            mean.iter_mut().zip(features.row(row)).for_each(|(sum, value)| *sum += times * value);
        }
        mean.iter_mut().for_each(|sum| *sum /= count);
        let mut covariance = vec![0.0; n * n];
        let mut centred = vec![0.0; n];
        for row in present() {
            let times = f64::from(times[row]);
            for (to, (value, mean)) in centred.iter_mut().zip(features.row(row).iter().zip(&mean)) {
                *to = value - mean;
            }
            for i in 0..n {
                let factor = times * centred[i];
                let sums = &mut covariance[i * n + i..(i + 1) * n];
                sums.iter_mut().zip(&centred[i..]).for_each(|(sum, value)| *sum += factor * value);
            }
        }
        for i in 0..n {
            for j in i..n {
                covariance[i * n + j] /= count - 1.0;
                covariance[j * n + i] = covariance[i * n + j];
            }
        }
        Self { mean, covariance }
    }

    /// The Fréchet distance.
    ///
    /// With Σ₁ = LLᵀ the eigenvalues of Σ₁Σ₂ are those of LᵀΣ₂L, which is symmetric whatever the rank: their roots are
    /// real, where the root of the product itself has to be rid of imaginary parts.
    pub fn distance(&self, other: &Self) -> Result<f64> {
        let n = self.mean.len();
        let (l, rank) = factor(&self.covariance, n);
        let inner = sandwich(&l, &other.covariance, n, rank);
        let means: f64 = self.mean.iter().zip(&other.mean).map(|(a, b)| (a - b) * (a - b)).sum();
        let traces = self.trace() + other.trace();
        if !(means.is_finite() && traces.is_finite() && inner.iter().all(|value| value.is_finite())) {
            return Err(Error::new(
                ErrorKind::Tensor,
                "features are so large that their products overflow: scale them",
            ));
        }
        let roots: f64 = eigenvalues(inner, rank).iter().map(|value| value.max(0.0).sqrt()).sum();
        // Rounding can leave a set a little nearer to itself than 0.
        Ok((means + traces - 2.0 * roots).max(0.0))
    }

    fn trace(&self) -> f64 {
        let n = self.mean.len();
        (0..n).map(|i| self.covariance[i * n + i]).sum()
    }
}

/// LᵀSL for `l` (n, rank) and `s` (n, n).
fn sandwich(l: &[f64], s: &[f64], n: usize, rank: usize) -> Vec<f64> {
    let mut half = vec![0.0; n * rank];
    add_product(&mut half, rank, n, |i, k| s[i * n + k], l);
    let mut whole = vec![0.0; rank * rank];
    add_product(&mut whole, rank, n, |i, k| l[k * rank + i], &half);
    whole
}

/// Adds a · b to `to`, (rows, columns), for b (inner, columns).
fn add_product(to: &mut [f64], columns: usize, inner: usize, a: impl Fn(usize, usize) -> f64, b: &[f64]) {
    if columns == 0 {
        return;
    }
    for (i, sums) in to.chunks_exact_mut(columns).enumerate() {
        for k in 0..inner {
            let factor = a(i, k);
            sums.iter_mut().zip(&b[k * columns..]).for_each(|(sum, value)| *sum += factor * value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(count: usize, dimensions: usize, speed: f64) -> Features {
        let value = |i: usize| (i as f64 * speed).sin() * (1.0 + (i % dimensions) as f64);
        Features::new((0..count * dimensions).map(value).collect(), dimensions, vec![0; count]).unwrap()
    }

    #[test]
    fn a_repeated_image_weighs_as_often() {
        let set = wave(9, 3, 0.7);
        let times = [2, 0, 1, 1, 3, 1, 0, 1, 2];
        let indices: Vec<usize> = (0..9).flat_map(|i| vec![i; times[i] as usize]).collect();
        let listed = set.select(&indices);
        let (a, b) = (Moments::weighted(&set, &times), Moments::weighted(&listed, &[1; 11]));
        for (a, b) in a.mean.iter().chain(&a.covariance).zip(b.mean.iter().chain(&b.covariance)) {
            assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn what_has_no_distance_is_an_error() {
        let set = wave(4, 3, 0.7);
        assert_eq!(frechet_distance(&set, &set.select(&[0])).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(frechet_distance(&set, &wave(4, 2, 0.7)).unwrap_err().kind(), ErrorKind::Config);
        let huge = Features::new(vec![1e200, -1e200, 0.0], 1, vec![0; 3]).unwrap();
        assert_eq!(frechet_distance(&huge, &huge).unwrap_err().kind(), ErrorKind::Tensor);
    }
}
