//! What one space of features shows of the samples, and of the held-out images.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::bootstrap::{Draws, Figure, mean};
use super::config::{QualityConfig, QualityData};
use super::copying::{Nearness, Originals};
use super::distances::radii;
use super::features::{Features, extract};
use super::frechet::Moments;
use super::kernel::kernel_distances;
use super::measure::Metric;
use super::neighbourhoods::{Neighbours, covered};
use super::sides::{Side, Sides, too_few};
use super::training::in_order;
use super::view::View;
use crate::dataset::{Dataset, DatasetExt};
use crate::error::Result;

/// The fewest images of a class on either side that have pairs.
const FEWEST_OF_CLASS: usize = 2;
/// The streams of the draws of both sides are 0 and 1; those of reference images and subsets follow.
const FIRST_VIEW: u64 = 2;
const SUBSETS: u64 = 1 << 32;

/// The figures in one view, first of the samples, then of the held-out images.
pub(super) struct Found {
    pub dimensions: usize,
    /// Over all classes, or of one.
    pub figures: BTreeMap<(Option<u32>, Metric), [Figure; 2]>,
    pub subsets: Subsets,
    /// Of each image of both sides the nearest training image.
    pub nearness: [Vec<Option<Nearness>>; 2],
}

/// The samples' kernel distance over subsets.
pub(super) struct Subsets {
    pub size: usize,
    pub mean: f64,
    pub deviation: f64,
}

impl Found {
    /// The metrics over all classes, in the order in which they are reported.
    pub const METRICS: [Metric; 6] =
        [Metric::Frechet, Metric::Kernel, Metric::Precision, Metric::Recall, Metric::Density, Metric::Coverage];

    /// In view `number` of `views`.
    pub fn in_view(
        views: &[View],
        number: usize,
        config: &QualityConfig,
        data: &QualityData,
        sides: &Sides,
    ) -> Result<Self> {
        let view = &views[number];
        let spaces = views.len();
        let number = number as u64;
        let count = view.reference.len();
        if count <= config.neighbours {
            return Err(too_few("training images that a classifier has not seen", count, config.neighbours));
        }
        let images: Arc<dyn Dataset> = Arc::new(Arc::clone(&data.train).subset(view.reference.clone())?);
        let features = |set: &Arc<dyn Dataset>| extract(&*view.extractor, in_order(set, config)?);
        let reference = features(&images)?;
        let draws = Draws::bootstrap(reference.labels(), config.resamples, config.seed, FIRST_VIEW + number);
        let originals = Originals::new(&reference, data.train.classes().len(), spaces);
        let space = Space { config, number, reference, draws };
        let [samples, real] = sides.each();
        let compared = [(features(&samples.images)?, samples), (features(&real.images)?, real)];
        let mut figures = BTreeMap::new();
        figures.insert((None, Metric::Frechet), space.frechet(&compared)?);
        let (kernel, subsets) = space.kernel(&compared)?;
        figures.insert((None, Metric::Kernel), kernel);
        let neighbours = space.neighbours(&compared);
        figures.extend(neighbours.into_iter().map(|(metric, figures)| ((None, metric), figures)));
        for label in 0..sides.counts.len() as u32 {
            figures
                .extend(space.of_class(label, &compared)?.into_iter().map(|(m, figures)| ((Some(label), m), figures)));
        }
        let nearness = compared.each_ref().map(|(features, _)| {
            let to_whole = |nearness: Nearness| Nearness { index: view.reference[nearness.index], ..nearness };
            originals.nearness(features).into_iter().map(|nearness| nearness.map(to_whole)).collect()
        });
        Ok(Self { dimensions: space.reference.dimensions(), figures, subsets, nearness })
    }
}

/// The features of one side and what they are of.
type Compared<'a> = (Features, &'a Side);

/// The training images that both sides are compared with.
struct Space<'a> {
    config: &'a QualityConfig,
    number: u64,
    reference: Features,
    draws: Draws,
}

impl Space<'_> {
    fn frechet(&self, compared: &[Compared<'_>; 2]) -> Result<[Figure; 2]> {
        let once = Draws::all(self.reference.len()).then(&self.draws);
        let sides = compared.each_ref().map(|(features, side)| {
            let draws = Draws::all(features.len()).then(&side.draws);
            (features, draws)
        });
        let rows: Vec<[&[u32]; 3]> =
            once.iter().zip(sides[0].1.iter().zip(sides[1].1.iter())).map(|(a, (b, c))| [a, b, c]).collect();
        let distances = |[own, samples, real]: &[&[u32]; 3]| -> Result<[f64; 2]> {
            let moments = Moments::weighted(&self.reference, own);
            let distance = |features: &Features, times| moments.distance(&Moments::weighted(features, times));
            Ok([distance(sides[0].0, samples)?, distance(sides[1].0, real)?])
        };
        let distances: Vec<[f64; 2]> = rows.par_iter().map(distances).collect::<Result<_>>()?;
        Ok([0, 1].map(|side| {
            let values: Vec<f64> = distances.iter().map(|pair| pair[side]).collect();
            Figure::centred(&values).within(0.0, f64::INFINITY)
        }))
    }

    fn kernel(&self, compared: &[Compared<'_>; 2]) -> Result<([Figure; 2], Subsets)> {
        let [(samples, _), _] = compared;
        let size = self.config.subset_size.min(self.reference.len() / 2).min(samples.len() / 2).max(2);
        let resamples = self.config.resamples;
        let figure = |(features, side): &Compared<'_>| -> Result<(Figure, Vec<f64>)> {
            let [own, other] =
                [(&self.reference, &self.draws, 0), (features, &side.draws, 1)].map(|(features, draws, stream)| {
                    let stream = SUBSETS + 2 * self.number + stream;
                    let subsets = Draws::subsets(features.len(), size, self.config.subsets, self.config.seed, stream);
                    Draws::all(features.len()).then(draws).then(&subsets)
                });
            let mut values = kernel_distances(&self.reference, features, [&own, &other])?;
            let subsets = values.split_off(1 + resamples);
            Ok((Figure::centred(&values), subsets))
        };
        let (of_samples, subsets) = figure(&compared[0])?;
        let (of_real, _) = figure(&compared[1])?;
        let middle = mean(&subsets);
        let squares: Vec<f64> = subsets.iter().map(|value| (value - middle).powi(2)).collect();
        Ok(([of_samples, of_real], Subsets { size, mean: middle, deviation: mean(&squares).sqrt() }))
    }

    fn neighbours(&self, compared: &[Compared<'_>; 2]) -> [(Metric, [Figure; 2]); 4] {
        let k = self.config.neighbours;
        let radii = radii(&self.reference, k);
        let [samples, real] = compared.each_ref().map(|(features, side)| {
            let found = Neighbours::find(&self.reference, &radii, features, k);
            [
                found.precise.figure(&side.draws, &self.draws),
                found.recalled.figure(&self.draws, &side.draws),
                found.density_figure(&self.draws, &side.draws),
                found.covered.figure(&self.draws, &side.draws),
            ]
        });
        let metrics = [Metric::Precision, Metric::Recall, Metric::Density, Metric::Coverage];
        let mut pairs = metrics.into_iter().zip(samples.into_iter().zip(real)).map(|(metric, (a, b))| (metric, [a, b]));
        std::array::from_fn(|_| pairs.next().expect("four metrics have four pairs"))
    }

    /// Within one class; nothing if a side has too few images of it.
    fn of_class(&self, label: u32, compared: &[Compared<'_>; 2]) -> Result<Vec<(Metric, [Figure; 2])>> {
        let own = self.reference.of_class(label);
        let members = compared.each_ref().map(|(features, _)| features.of_class(label));
        if own.len() < FEWEST_OF_CLASS || members.iter().any(|members| members.len() < FEWEST_OF_CLASS) {
            return Ok(Vec::new());
        }
        let (reference, own_draws) = (self.reference.select(&own), self.draws.select(&own));
        let k = self.config.neighbours.min(own.len() - 1);
        let (mut kernels, mut coverages) = (Vec::new(), Vec::new());
        for ((features, side), members) in compared.iter().zip(&members) {
            let features = features.select(members);
            let draws = side.draws.select(members);
            let both = [Draws::all(reference.len()).then(&own_draws), Draws::all(features.len()).then(&draws)];
            kernels.push(Figure::centred(&kernel_distances(&reference, &features, both.each_ref())?));
            coverages.push(covered(&reference, &features, k).figure(&own_draws, &draws));
        }
        let pair = |figures: Vec<Figure>| -> [Figure; 2] { figures.try_into().expect("there are two sides") };
        Ok(vec![(Metric::Kernel, pair(kernels)), (Metric::Coverage, pair(coverages))])
    }
}
