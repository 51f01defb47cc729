//! Tells samples that are worth learning from: of the right class, real in looks, and new.

use std::sync::Arc;

use super::acceptance::Rejection;
use super::bootstrap::{mean, percentile};
use super::bounds::{bounds, sorted};
use super::config::{QualityConfig, check_two_classes};
use super::copying::{COPY_SHARE, between};
use super::distances::{distance, nearest};
use super::features::Features;
use super::realism::Realism;
use super::samples::{generate, request};
use super::seen::Seen;
use super::view::Fold;
use crate::classifier::Classifier;
use crate::dataset::{Dataset, DatasetExt, InMemory};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::synthetic::{SyntheticRequest, SyntheticSource};

/// The share of the real images that classifiers agree with less than a sample must be agreed with.
const DOUBTFUL_SHARE: f64 = 0.1;
/// The share of the real images that count as outliers.
const OUTLIER_SHARE: f64 = 0.05;
/// The log-odds under which a sample is told from real images: it is taken for generated with more than 90 %.
const LEAST_LOG_ODDS: f64 = -2.197_224_577_336_219_6;
/// The most images of a fold that a head learns realism from: more make it no better.
const MOST_TAUGHT: usize = 2000;
/// What stands in the epoch of the keys of samples that a head learns from: no pool has it.
const TAUGHT: u64 = u64::MAX;

/// Accepts samples that are worth learning from, and says why it rejects others.
///
/// It is fitted to the training images of the samples' source alone, with classifiers of which each has seen all but
/// the images of one [`Fold`]. Real images are measured by the classifier that has not seen them; a sample, which none
/// has seen, by all. It is rejected for the first of these reasons:
///
/// - [`Rejection::Copy`]: its distance to the nearest training image of its class is under the 5th percentile of those
///   from training image to nearest other. Each fold's space has its part of the 5 %, and a sample that is rejected in one
///   is rejected.
/// - [`Rejection::Label`]: the mean probability that the classifiers give to its class is under the 10th percentile of
///   that of the class's real images. Classifiers that know no image of the class are not asked.
/// - [`Rejection::Unreal`]: it is taken for generated rather than real with more than 90 %, where as many of both are
///   expected: the source makes nine such samples for every such real image. Asked are logistic regressions on what
///   each classifier's last layer decides by, of real images against as many samples of the source, calibrated on
///   others than they were fitted to (as for S. Azadi et al., "Discriminator Rejection Sampling", 2019, and R. Turner
///   et al., "Metropolis-Hastings Generative Adversarial Networks", 2019, a discriminator is); their log-odds are
///   averaged. A fixed bound needs no estimate of the largest density ratio, which a few samples do not give.
/// - [`Rejection::Outlier`]: that distance is above the 95th percentile, in the same way.
/// - [`Rejection::Duplicate`]: it is as near, in every space, to a sample accepted before.
///
/// So of samples that are just like real images the checks of distances reject about 5 % each, and that of the
/// label up to 10 %.
///
/// **Classes with few images.** A class with under ten images has the 10th percentile of all classes. Distances in a
/// fold where the class has too few images for the percentile take that of all classes, in units of their mean
/// distances; a class with a single image there takes the average of these means for its own. A class of which all
/// images are in one fold is not measured in the spaces of the others, and one that no classifier knows has no sample
/// accepted. Folds with under eight images have no say on realism.
///
/// ```
/// use std::sync::Arc;
///
/// use candle_augment::quality::{Filter, QualityConfig, cross_fit};
/// use candle_augment::{Dataset, DatasetExt, Image, Result, SyntheticRequest, SyntheticSource, digits};
///
/// /// Gives the same grey image always.
/// struct Grey(Vec<String>);
///
/// impl SyntheticSource for Grey {
///     fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
///         requests.iter().map(|_| Image::filled(8, 8, &[128])).collect()
///     }
///
///     fn classes(&self) -> &[String] {
///         &self.0
///     }
/// }
///
/// let train: Arc<dyn Dataset> = Arc::new(digits()?.per_class(20, 0)?);
/// // Far too few steps, but enough to see how it goes.
/// let config = QualityConfig { steps: 5, ..QualityConfig::default() };
/// let folds = cross_fit(&train, &config, |_| Ok(()))?;
/// let grey = Grey(train.classes().to_vec());
/// let filter = Filter::fit(&config, &train, &folds, &grey)?;
/// let verdicts = filter.judge(3, &[Image::filled(8, 8, &[128])?])?;
/// assert!(verdicts[0].is_some(), "it is rejected");
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub struct Filter {
    classes: Vec<String>,
    spaces: Vec<Space>,
    /// By class the least mean probability.
    agreement: Vec<f64>,
    config: QualityConfig,
}

/// One classifier, and the training images that it has not seen.
struct Space {
    classifier: Arc<Classifier>,
    /// By class whether the classifier has seen an image of it.
    knows: Vec<bool>,
    /// By class.
    originals: Vec<Features>,
    /// By class the distances under which samples are copies, and above which they are outliers.
    bounds: Vec<[f64; 2]>,
    realism: Option<Realism>,
}

impl Filter {
    /// Fits a filter for samples of `source`, which was trained on `train`, to what the classifiers of
    /// [`cross_fit`](super::cross_fit) make of the images that they have not seen. Of `config`, only the seed, the
    /// workers and the device matter.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the source has other classes, or there is no fold; [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if all images
    /// are of one class; and the errors of the data and of the source, which name the class.
    pub fn fit(
        config: &QualityConfig,
        train: &Arc<dyn Dataset>,
        folds: &[Fold],
        source: &dyn SyntheticSource,
    ) -> Result<Self> {
        check_two_classes(&**train)?;
        if source.classes() != train.classes() {
            return Err(Error::config(format!(
                "the source makes samples of {:?}, and the training images are of {:?}: filter a source that was \
                 trained on these images",
                source.classes(),
                train.classes()
            )));
        }
        if folds.is_empty() {
            return Err(Error::config("no fold to measure samples by: give those of cross_fit"));
        }
        let classes = train.classes().len();
        let mut probabilities = vec![Vec::new(); classes];
        let mut spaces = Vec::with_capacity(folds.len());
        for (number, fold) in folds.iter().enumerate() {
            let images: Arc<dyn Dataset> = Arc::new(Arc::clone(train).subset(fold.reference.clone())?);
            let seen = Seen::new(&fold.classifier, &images, config)?;
            let knows = knows(&**train, &*images);
            for (probability, label) in seen.probabilities.iter().zip(seen.features.labels()) {
                if knows[*label as usize] {
                    probabilities[*label as usize].push(*probability);
                }
            }
            let realism = realism(config, (number, fold), &seen.features, source)?;
            spaces.push(Space::new(fold, knows, &seen.features, classes, folds.len(), realism));
        }
        // Samples come a few at a time: threads of their own would not pay.
        let config = QualityConfig { workers: 0, ..config.clone() };
        Ok(Self { classes: train.classes().to_vec(), spaces, agreement: agreement(probabilities), config })
    }

    /// The names of the classes, in the order of their labels.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// For each of some samples of class `label` why it is rejected, none if it is accepted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there is no such class or the images are not like the training images in size and
    /// channels.
    pub fn judge(&self, label: u32, images: &[Image]) -> Result<Vec<Option<Rejection>>> {
        Sieve::new(self, label)?.judge(images)
    }
}

impl Space {
    fn new(
        fold: &Fold,
        knows: Vec<bool>,
        features: &Features,
        classes: usize,
        spaces: usize,
        realism: Option<Realism>,
    ) -> Self {
        let of_class = |label| features.select(&features.of_class(label));
        let originals: Vec<Features> = (0..classes as u32).map(of_class).collect();
        let between: Vec<Vec<f64>> = originals.iter().map(between).collect();
        let shares = [COPY_SHARE, OUTLIER_SHARE].map(|share| share / spaces as f64);
        // Where every class has but one image, there is nothing to tell far from near by.
        let bounds = bounds(&between, [shares[0], 1.0 - shares[1]]).unwrap_or(vec![[0.0, f64::INFINITY]; classes]);
        Self { classifier: Arc::clone(&fold.classifier), knows, originals, bounds, realism }
    }
}

/// By class whether a classifier trained on all of `train` but `left_out` has seen an image of it.
fn knows(train: &dyn Dataset, left_out: &dyn Dataset) -> Vec<bool> {
    train.class_counts().iter().zip(left_out.class_counts()).map(|(all, left_out)| *all > left_out).collect()
}

/// By class the least mean probability, from those of real images.
fn agreement(probabilities: Vec<Vec<f64>>) -> Vec<f64> {
    let pooled = sorted(probabilities.concat());
    let of_class = |own: Vec<f64>| {
        let suffices = own.len() as f64 * DOUBTFUL_SHARE >= 1.0;
        let own = sorted(own);
        // Of images that no classifier knows none can be trusted.
        percentile(if suffices { &own } else { &pooled }, DOUBTFUL_SHARE).unwrap_or(f64::INFINITY)
    };
    probabilities.into_iter().map(of_class).collect()
}

/// A head that tells the fold's images from as many samples of each class.
fn realism(
    config: &QualityConfig,
    (number, fold): (usize, &Fold),
    features: &Features,
    source: &dyn SyntheticSource,
) -> Result<Option<Realism>> {
    let mut chosen: Vec<usize> = (0..features.len()).collect();
    chosen.sort_by_key(|&index| features.labels()[index]);
    let chosen: Vec<usize> = chosen.into_iter().step_by(features.len().div_ceil(MOST_TAUGHT).max(1)).collect();
    let real = features.select(&chosen);
    let mut images = Vec::with_capacity(chosen.len());
    for group in real.labels().chunk_by(|a, b| a == b) {
        // Samples of its own for each fold, which has fewer than 2²⁰.
        let first = (number as u64) << 20;
        let request = |serial: usize| request(config.seed, TAUGHT, group[0], first + serial as u64);
        let requests: Vec<SyntheticRequest> = (0..group.len()).map(request).collect();
        images.append(&mut made(source, &requests)?);
    }
    let samples = labelled(images, real.labels().to_vec(), source.classes())?;
    Ok(Realism::fit(&real, &Seen::new(&fold.classifier, &samples, config)?.features))
}

/// One image for each of some requests of one class, which errors name.
pub(crate) fn made(source: &dyn SyntheticSource, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
    generate(source, requests, |_| Ok(())).map_err(|error| {
        let class = requests.first().map_or("", |request| &source.classes()[request.label as usize]);
        error.with_message(format!("samples of class {class:?} to filter: {}", error.message()))
    })
}

fn labelled(images: Vec<Image>, labels: Vec<u32>, classes: &[String]) -> Result<Arc<dyn Dataset>> {
    Ok(Arc::new(InMemory::from_images(images, labels, classes.to_vec())?))
}

/// Filters samples of one class, group after group, against those that it has accepted, too.
pub(super) struct Sieve<'a> {
    filter: &'a Filter,
    label: u32,
    /// Of each accepted sample its features in every space.
    accepted: Vec<Vec<Vec<f64>>>,
}

impl<'a> Sieve<'a> {
    pub fn new(filter: &'a Filter, label: u32) -> Result<Self> {
        if label as usize >= filter.classes.len() {
            let count = filter.classes.len();
            return Err(Error::config(format!("samples of class {label} for a filter of {count} classes")));
        }
        Ok(Self { filter, label, accepted: Vec::new() })
    }

    pub fn judge(&mut self, images: &[Image]) -> Result<Vec<Option<Rejection>>> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let Filter { classes, spaces, config, .. } = self.filter;
        let set = labelled(images.to_vec(), vec![self.label; images.len()], classes)?;
        let seen: Vec<Seen> =
            spaces.iter().map(|space| Seen::new(&space.classifier, &set, config)).collect::<Result<_>>()?;
        let distances: Vec<Vec<f64>> = spaces
            .iter()
            .zip(&seen)
            .map(|(space, seen)| {
                let nearest = nearest(&seen.features, &space.originals[self.label as usize]);
                nearest.into_iter().map(|nearest| nearest.distance).collect()
            })
            .collect();
        Ok((0..images.len()).map(|index| self.judge_one(index, &seen, &distances)).collect())
    }

    /// By what all spaces make of sample `index`.
    fn judge_one(&mut self, index: usize, seen: &[Seen], distances: &[Vec<f64>]) -> Option<Rejection> {
        let Filter { spaces, agreement, .. } = self.filter;
        let label = self.label as usize;
        let rows: Vec<&[f64]> = seen.iter().map(|seen| seen.features.row(index)).collect();
        let knowing = spaces.iter().zip(seen).filter(|(space, _)| space.knows[label]);
        let probabilities: Vec<f64> = knowing.map(|(_, seen)| seen.probabilities[index]).collect();
        let odds = spaces.iter().zip(&rows).filter_map(|(space, row)| Some(space.realism.as_ref()?.log_odds(row)));
        let odds: Vec<f64> = odds.collect();
        // A class without images in a space has no distances there.
        let near = || spaces.iter().zip(distances).filter_map(|(s, d)| Some((d.get(index)?, s.bounds[label])));
        let is_near = |accepted: &Vec<Vec<f64>>| {
            let mut spaces = spaces.iter().zip(accepted).zip(&rows);
            spaces.all(|((space, accepted), row)| distance(accepted, row) <= space.bounds[label][0])
        };
        let rejection = if near().any(|(distance, [low, _])| *distance <= low) {
            Rejection::Copy
        } else if probabilities.is_empty() || mean(&probabilities) < agreement[label] {
            Rejection::Label
        } else if mean(&odds) < LEAST_LOG_ODDS {
            Rejection::Unreal
        } else if near().any(|(distance, [_, high])| *distance > high) {
            Rejection::Outlier
        } else if self.accepted.iter().any(is_near) {
            Rejection::Duplicate
        } else {
            self.accepted.push(rows.into_iter().map(<[f64]>::to_vec).collect());
            return None;
        };
        Some(rejection)
    }
}
