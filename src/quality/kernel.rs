//! The kernel distance: the squared maximum mean discrepancy under a polynomial kernel.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::bootstrap::Draws;
use super::features::Features;
use crate::error::{Error, Result};

/// Rows of the kernel's matrix that are in memory at a time, on each thread.
const BLOCK: usize = 128;

/// The unbiased estimate of the squared maximum mean discrepancy under the kernel k(a, b) = (a·b/d + 1)³:
/// Σ_{i≠j} k(xᵢ, xⱼ)/(m(m−1)) + Σ_{i≠j} k(yᵢ, yⱼ)/(n(n−1)) − 2 Σ_{ij} k(xᵢ, yⱼ)/(mn), over all images of both sets
/// (M. Bińkowski et al., "Demystifying MMD GANs", 2018).
///
/// Its mean does not depend on the number of images, which that of the Fréchet distance does; so for two sets of one
/// kind it is about 0, and may be below.
///
/// ```
/// use candle_augment::quality::{Features, kernel_distance};
///
/// let (x, y) = (Features::new(vec![0.0, 1.0], 1, vec![0; 2])?, Features::new(vec![1.0, 1.0, 2.0], 1, vec![0; 3])?);
/// // 1 + (8 + 27 + 27)/3 − 2 (1 + 1 + 1 + 8 + 8 + 27)/6
/// assert!((kernel_distance(&x, &y)? - (1.0 + 62.0 / 3.0 - 46.0 / 3.0)).abs() < 1e-12);
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) if the sets have not the same dimensions, or one has fewer than two
/// images.
pub fn kernel_distance(a: &Features, b: &Features) -> Result<f64> {
    let distances = kernel_distances(a, b, [&Draws::all(a.len()), &Draws::all(b.len())])?;
    Ok(distances[0])
}

/// The kernel distance of each pair of draws: images that are drawn several times weigh as often, and what is left out
/// of the sums are the pairs of an image with itself.
pub(super) fn kernel_distances(a: &Features, b: &Features, draws: [&Draws; 2]) -> Result<Vec<f64>> {
    a.check_same_space(b)?;
    if let Some(few) = [a, b].into_iter().find(|set| set.len() < 2) {
        return Err(Error::config(format!(
            "a set of {} images has no pairs: the kernel distance needs 2 images at least",
            few.len()
        )));
    }
    let (x, y) = (Drawn::new(a, draws[0]), Drawn::new(b, draws[1]));
    let (within_x, within_y, between) = (x.within()?, y.within()?, x.sums(&y)?);
    let distance = |n: usize| within_x[n] + within_y[n] - 2.0 * between[n] / (x.total(n) * y.total(n));
    Ok((0..between.len()).map(distance).collect())
}

/// A set and how often its images are drawn.
struct Drawn<'a> {
    features: &'a Features,
    /// (images, draws).
    times: Vec<f64>,
    draws: usize,
}

impl<'a> Drawn<'a> {
    fn new(features: &'a Features, draws: &Draws) -> Self {
        let columns: Vec<&[u32]> = draws.iter().collect();
        let times = (0..features.len()).flat_map(|row| columns.iter().map(move |column| f64::from(column[row])));
        Self { features, times: times.collect(), draws: columns.len() }
    }

    fn total(&self, draw: usize) -> f64 {
        self.of_draw(draw).sum()
    }

    fn of_draw(&self, draw: usize) -> impl Iterator<Item = f64> + '_ {
        self.times.iter().skip(draw).step_by(self.draws).copied()
    }

    /// Of each draw the mean kernel of two different images.
    fn within(&self) -> Result<Vec<f64>> {
        let mut sums = self.sums(self)?;
        for (draw, sum) in sums.iter_mut().enumerate() {
            let (mut itself, mut total, mut squares) = (0.0, 0.0, 0.0);
            for (row, times) in self.of_draw(draw).enumerate() {
                itself += times * times * kernel(dot(self.features.row(row)), self.features.dimensions());
                total += times;
                squares += times * times;
            }
            *sum = (*sum - itself) / (total * total - squares);
        }
        Ok(sums)
    }

    /// Of each draw the sum of the kernel over all pairs with `other`'s images.
    fn sums(&self, other: &Self) -> Result<Vec<f64>> {
        let columns = matrix(other.features.values(), other.features.len())?.t()?;
        let times = matrix(&other.times, other.features.len())?;
        let starts: Vec<usize> = (0..self.features.len()).step_by(BLOCK).collect();
        let block = |&start: &usize| self.block_sums(start..(start + BLOCK).min(self.features.len()), &columns, &times);
        let blocks: Vec<Vec<f64>> = starts.par_iter().map(block).collect::<Result<_>>()?;
        Ok((0..self.draws).map(|draw| blocks.iter().map(|block| block[draw]).sum()).collect())
    }

    fn block_sums(&self, rows: std::ops::Range<usize>, columns: &Tensor, times: &Tensor) -> Result<Vec<f64>> {
        let dimensions = self.features.dimensions();
        let count = rows.len();
        let values = &self.features.values()[rows.start * dimensions..rows.end * dimensions];
        let mut kernels: Vec<f64> = matrix(values, count)?.matmul(columns)?.flatten_all()?.to_vec1()?;
        kernels.iter_mut().for_each(|value| *value = kernel(*value, dimensions));
        let weighted: Vec<f64> = matrix(&kernels, count)?.matmul(times)?.flatten_all()?.to_vec1()?;
        let own = &self.times[rows.start * self.draws..rows.end * self.draws];
        let mut sums = vec![0.0; self.draws];
        for (weighted, own) in weighted.chunks_exact(self.draws).zip(own.chunks_exact(self.draws)) {
            sums.iter_mut().zip(weighted.iter().zip(own)).for_each(|(sum, (a, b))| *sum += a * b);
        }
        Ok(sums)
    }
}

fn kernel(product: f64, dimensions: usize) -> f64 {
    (product / dimensions as f64 + 1.0).powi(3)
}

fn dot(row: &[f64]) -> f64 {
    row.iter().map(|value| value * value).sum()
}

/// `values` as a matrix of `rows` rows.
fn matrix(values: &[f64], rows: usize) -> Result<Tensor> {
    Ok(Tensor::from_slice(values, (rows, values.len() / rows), &Device::Cpu)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(count: usize, shift: f64) -> Features {
        let values = (0..count * 3).map(|i| (i as f64 * 0.7).sin() + shift).collect();
        Features::new(values, 3, vec![0; count]).unwrap()
    }

    /// The definition, with images that are drawn several times written out, but without their pairs.
    fn written_out(a: &Features, b: &Features, times: [&[u32]; 2]) -> f64 {
        let k = |a: &[f64], b: &[f64]| kernel(a.iter().zip(b).map(|(a, b)| a * b).sum(), 3);
        let list =
            |times: &[u32]| -> Vec<usize> { (0..times.len()).flat_map(|i| vec![i; times[i] as usize]).collect() };
        let (x, y) = (list(times[0]), list(times[1]));
        let within = |set: &Features, list: &[usize]| {
            let pairs = list.iter().flat_map(|i| list.iter().map(move |j| (*i, *j))).filter(|(i, j)| i != j);
            let values: Vec<f64> = pairs.map(|(i, j)| k(set.row(i), set.row(j))).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let between: f64 = x.iter().flat_map(|&i| y.iter().map(move |&j| k(a.row(i), b.row(j)))).sum();
        within(a, &x) + within(b, &y) - 2.0 * between / (x.len() * y.len()) as f64
    }

    #[test]
    fn draws_weigh_as_if_written_out() {
        let (a, b) = (wave(BLOCK + 9, 0.0), wave(40, 0.3));
        let draws = [Draws::bootstrap(a.labels(), 4, 1, 0), Draws::bootstrap(b.labels(), 4, 1, 1)];
        let found = kernel_distances(&a, &b, draws.each_ref()).unwrap();
        for (found, times) in found.iter().zip(draws[0].iter().zip(draws[1].iter())) {
            let expected = written_out(&a, &b, [times.0, times.1]);
            assert!((found - expected).abs() < 1e-12 * expected.abs(), "{found}, {expected}");
        }
    }

    #[test]
    fn one_image_has_no_pair() {
        assert!(kernel_distance(&wave(1, 0.0), &wave(3, 0.0)).is_err());
    }
}
