//! Precision, recall, density and coverage: which images lie in the neighbourhoods of which others.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Draws, Figure, mean};
use super::distances::{map_rows, radii};
use super::features::Features;
use crate::error::{Error, Result};

/// How samples and real images lie among each other.
///
/// The neighbourhood of an image is the open ball that reaches to its `k`-th nearest image of its own set, the image
/// itself not counted. With few images the balls are huge, and precision saturates: compare with held-out real images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeighbourScores {
    /// The share of the samples in the neighbourhood of a real image (T. Kynkäänniemi et al., "Improved Precision and
    /// Recall Metric for Assessing Generative Models", 2019).
    pub precision: f64,
    /// The share of the real images in the neighbourhood of a sample (ibid.).
    pub recall: f64,
    /// In how many neighbourhoods of real images a sample lies, divided by `k`; 1 is expected of real images, more is
    /// possible (M. F. Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", 2020).
    pub density: f64,
    /// The share of the real images with a sample in their neighbourhood (ibid.).
    pub coverage: f64,
}

/// Precision, recall, density and coverage of `samples` beside `real` images, with neighbourhoods that reach to the
/// `k`-th nearest image; 5 is usual.
///
/// ```
/// use candle_augment::quality::{Features, neighbour_scores};
///
/// let line = |values: &[f64]| Features::new(values.to_vec(), 1, vec![0; values.len()]);
/// let scores = neighbour_scores(&line(&[0.0, 1.0, 2.0, 9.0])?, &line(&[0.5, 1.5, 30.0])?, 1)?;
/// assert_eq!((scores.precision, scores.recall), (2.0 / 3.0, 1.0));
/// assert_eq!((scores.density, scores.coverage), (4.0 / 3.0, 0.75));
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) if the sets have not the same dimensions, or `k` is 0 or not below
/// the number of images of both.
pub fn neighbour_scores(real: &Features, samples: &Features, k: usize) -> Result<NeighbourScores> {
    real.check_same_space(samples)?;
    let fewest = real.len().min(samples.len());
    if k == 0 || k >= fewest {
        return Err(Error::config(format!(
            "the {k}-th nearest of {fewest} images does not exist beside the image itself: expected a neighbour from 1 \
             to {}",
            fewest.saturating_sub(1)
        )));
    }
    let found = Neighbours::find(real, &radii(real, k), samples, k);
    Ok(NeighbourScores {
        precision: found.precise.share(),
        recall: found.recalled.share(),
        density: found.density(),
        coverage: found.covered.share(),
    })
}

/// Near images that are remembered of an image: that all of so many are left out of a bootstrap draw has a chance of
/// e⁻⁶⁴.
const MOST: usize = 64;

/// For each image of one set which images of the other are near to it, in whatever sense; up to [`MOST`].
pub(super) struct Near(Vec<Vec<u32>>);

impl Near {
    /// The share of the images that have any.
    pub fn share(&self) -> f64 {
        mean(&self.0.iter().map(|near| f64::from(u8::from(!near.is_empty()))).collect::<Vec<_>>())
    }

    /// The share, and those when the images of both sets are drawn again.
    pub fn figure(&self, own: &Draws, other: &Draws) -> Figure {
        let replicate = |(own, other): (&[u32], &[u32])| {
            let is_near = |near: &Vec<u32>| near.iter().any(|&index| other[index as usize] > 0);
            let near: u32 = self.0.iter().zip(own).filter(|(near, _)| is_near(near)).map(|(_, times)| times).sum();
            f64::from(near) / f64::from(own.iter().sum::<u32>())
        };
        let replicates = own.iter().zip(other.iter()).map(replicate);
        let values: Vec<f64> = std::iter::once(self.share()).chain(replicates).collect();
        Figure::centred(&values).within(0.0, 1.0)
    }
}

/// The first [`MOST`] of the images that are near, and the number of all.
fn first_near(is_near: impl Iterator<Item = bool>) -> (Vec<u32>, u32) {
    let (mut first, mut count) = (Vec::new(), 0);
    for (index, _) in is_near.enumerate().filter(|(_, near)| *near) {
        if first.len() < MOST {
            first.push(index as u32);
        }
        count += 1;
    }
    (first, count)
}

/// What the four scores follow from.
pub(super) struct Neighbours {
    /// Of each sample the real images in whose neighbourhoods it lies.
    pub precise: Near,
    /// Of each real image the samples in whose neighbourhoods it lies.
    pub recalled: Near,
    /// Of each real image the samples in its neighbourhood.
    pub covered: Near,
    /// Of each sample the number of neighbourhoods that it lies in.
    holders: Vec<f64>,
    /// Of each real image the number of samples in its neighbourhood.
    held: Vec<f64>,
    k: f64,
}

impl Neighbours {
    /// `real_radii` are the [`radii`] of `real`.
    pub fn find(real: &Features, real_radii: &[f64], samples: &Features, k: usize) -> Self {
        let sample_radii = radii(samples, k);
        let of_sample = map_rows(samples, real, |_, d| first_near(d.iter().zip(real_radii).map(|(d, r)| d < r)));
        let of_real = map_rows(real, samples, |i, distances| {
            let recalled = first_near(distances.iter().zip(&sample_radii).map(|(d, r)| d < r)).0;
            (recalled, first_near(distances.iter().map(|distance| *distance < real_radii[i])))
        });
        let (precise, holders): (_, Vec<u32>) = of_sample.into_iter().unzip();
        let (recalled, covered): (_, Vec<_>) = of_real.into_iter().unzip();
        let (covered, held): (_, Vec<u32>) = covered.into_iter().unzip();
        let numbers = |counts: Vec<u32>| counts.into_iter().map(f64::from).collect();
        Self {
            precise: Near(precise),
            recalled: Near(recalled),
            covered: Near(covered),
            holders: numbers(holders),
            held: numbers(held),
            k: k as f64,
        }
    }

    fn density(&self) -> f64 {
        mean(&self.holders) / self.k
    }

    /// The density, and those when the images of both sets are drawn again. What either set's draw changes is added up.
    pub fn density_figure(&self, real: &Draws, samples: &Draws) -> Figure {
        let mut figure = Figure::mean_of(&self.holders, samples);
        figure.scale(1.0 / self.k);
        // As many pairs from the other side: a mean over real images, scaled to one over samples.
        let mut other = Figure::mean_of(&self.held, real);
        other.scale(self.held.len() as f64 / (self.holders.len() as f64 * self.k));
        figure.add(&other);
        let middle = Figure::constant(-self.density(), samples);
        figure.add(&middle);
        figure.within(0.0, f64::INFINITY)
    }
}

/// Of each real image the samples in its neighbourhood; `k` must be below the number of real images.
pub(super) fn covered(real: &Features, samples: &Features, k: usize) -> Near {
    let radii = radii(real, k);
    Near(map_rows(real, samples, |i, distances| first_near(distances.iter().map(|d| *d < radii[i])).0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: impl Iterator<Item = f64>) -> Features {
        let values: Vec<f64> = values.collect();
        let labels = vec![0; values.len()];
        Features::new(values, 1, labels).unwrap()
    }

    #[test]
    fn figures_vary_about_the_scores() {
        let real = line((0..80).map(|i| (f64::from(i) * 0.37).sin()));
        let samples = line((0..60).map(|i| 0.6 * (f64::from(i) * 0.71).sin() + 0.2));
        let scores = neighbour_scores(&real, &samples, 3).unwrap();
        let found = Neighbours::find(&real, &radii(&real, 3), &samples, 3);
        let own = Draws::bootstrap(real.labels(), 300, 0, 0);
        let other = Draws::bootstrap(samples.labels(), 300, 0, 1);
        let pairs = [
            (found.precise.figure(&other, &own), scores.precision),
            (found.recalled.figure(&own, &other), scores.recall),
            (found.covered.figure(&own, &other), scores.coverage),
            (found.density_figure(&own, &other), scores.density),
        ];
        for (figure, score) in pairs {
            let interval = figure.interval();
            assert!((figure.value - score).abs() < 1e-12);
            assert!(
                interval.low <= score && score <= interval.high && interval.high < interval.low + 0.5,
                "{interval:?}"
            );
            assert!((mean(&figure.replicates) - score).abs() < 0.02, "{figure:?}");
        }
    }

    #[test]
    fn many_near_images_are_not_all_remembered() {
        let (first, count) = first_near((0..1000).map(|i| i % 2 == 1));
        assert_eq!((first.len(), first[1], count), (MOST, 3, 500));
    }
}
