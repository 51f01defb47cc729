//! All figures of a set of samples.

use serde::{Deserialize, Serialize};

use super::answers::Answers;
use super::bootstrap::{Draws, Figure};
use super::config::{QualityConfig, QualityData, QualityProgress};
use super::copying::{Nearness, copy_z};
use super::found::{Found, Subsets};
use super::measure::{Measure, Metric, Verdict};
use super::sides::{Side, Sides};
use super::view::{Fold, View, cross_fit};
use crate::error::{Error, Result};

/// Classifiers beside those of the folds: of the training images, and of the samples.
const OTHER_CLASSIFIERS: usize = 2;
/// Of fewer samples or held-out images in a class it is chance that they all lie nearer, and Z passes no verdict.
const FEWEST_FOR_Z: usize = 10;

/// What a set of samples is worth: every figure beside that of real images. Serialisable; its `Display` form is a
/// table.
///
/// Figures of features are means over the folds: see [`evaluate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The number of training images.
    pub train_images: usize,
    /// The number of held-out images, and of samples that are compared as they are.
    pub held_out_images: usize,
    /// Spaces of features that the figures are means over.
    pub views: usize,
    /// The number of features of an image.
    pub dimensions: usize,
    /// The neighbour that neighbourhoods reach to.
    pub neighbours: usize,
    /// The figures of all classes together.
    pub measures: Vec<Measure>,
    /// The kernel distance over subsets.
    pub kernel_subsets: KernelSubsets,
    /// The classes, in the order of their labels.
    pub classes: Vec<ClassQuality>,
    /// Of each sample that was compared the training image nearest to it, in the order of the labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<NearestImage>,
}

/// How the kernel distance spreads over subsets, each of the same number of real images and of samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelSubsets {
    /// The number of subsets.
    pub count: usize,
    /// Images of either kind in each.
    pub size: usize,
    /// The mean over the subsets.
    pub mean: f64,
    /// The standard deviation over the subsets, divided by their number.
    pub deviation: f64,
}

/// What the samples of one class are worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassQuality {
    /// Its name.
    pub name: String,
    /// The number of its training images.
    pub train_images: usize,
    /// The number of its held-out images, and of its samples.
    pub held_out_images: usize,
    /// [`Metric::Kernel`], [`Metric::Coverage`], [`Metric::CopyZ`], [`Metric::CopyShare`], [`Metric::GanTest`] within
    /// the class, those that can be measured: the first two need two training images of it in each fold, and as many
    /// held out.
    ///
    /// Neighbourhoods of a class with few images reach to its farthest.
    pub measures: Vec<Measure>,
}

impl ClassQuality {
    /// The figure, where it can be measured.
    #[must_use]
    pub fn measure(&self, metric: Metric) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.metric == metric)
    }
}

/// The training image nearest to a sample, among those of its class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NearestImage {
    /// The sample, an index into [`QualityData::synthetic`].
    pub sample: usize,
    /// The training image, an index into [`QualityData::train`].
    pub image: usize,
    /// Their distance, in units of the mean distance of a training image to the nearest of its class.
    pub distance: f64,
    /// Whether the sample counts as a copy.
    pub is_copy: bool,
}

impl Evaluation {
    /// The figure of all classes together.
    #[must_use]
    pub fn measure(&self, metric: Metric) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.metric == metric)
    }
}

/// Measures samples by classifiers that are trained on the training images, fold by fold.
///
/// The training images are cut into folds, with every class in each, and a classifier is trained on all images but
/// those of a fold. In the space of what its last layer decides by, the samples are compared with that fold, which it
/// has not seen, and so are as many held-out images of each class: that is the floor, what real images reach. Figures
/// are computed in each such space and averaged. How near samples are to training images is measured in the space of
/// the fold that the training image is in.
///
/// Intervals come from drawing the images of all sets again within their classes: percentiles of the figures of these
/// draws, moved by how much these are off on average, as they leave images out and repeat others. No distance is
/// computed again: the radii of neighbourhoods stay those of all images, of kernel distances the pairs of an image with
/// itself stay out, and for copies and Z the training images are not drawn again. For GAN-train and GAN-test the
/// classifiers are trained once, and the images that they are asked about are drawn again.
///
/// A sample counts as a copy if it does so in the space of any fold: if it lies nearer to an image of its class than all
/// but 5 % of them lie to another, divided by the number of folds. So about 5 % of real images do. A class too small
/// for such a percentile takes that of all classes, in units of their mean distances.
///
/// ```
/// use std::sync::Arc;
///
/// use candle_augment::quality::{Metric, QualityConfig, QualityData, evaluate};
/// use candle_augment::{DatasetExt, digits};
///
/// // Far too few images and steps, but enough to see how it goes: real images in place of samples.
/// let (train, rest) = digits()?.per_class(60, 0)?.split(0.4, 0)?;
/// let (held_out, synthetic) = rest.split(0.5, 0)?;
/// let data = QualityData { train: Arc::new(train), held_out: Arc::new(held_out), synthetic: Arc::new(synthetic) };
/// let config = QualityConfig { steps: 5, resamples: 20, subsets: 2, ..QualityConfig::default() };
/// let evaluation = evaluate(&config, &data, |_| Ok(()))?;
/// println!("{evaluation}");
/// assert!(evaluation.measure(Metric::Precision).is_some());
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for a configuration out of range;
/// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if the sets have not the same classes, or there are too few images
/// for neighbourhoods; and the errors of the data and of `progress`.
pub fn evaluate(
    config: &QualityConfig,
    data: &QualityData,
    mut progress: impl FnMut(QualityProgress) -> Result<()>,
) -> Result<Evaluation> {
    config.check()?;
    data.check()?;
    let total = (config.folds + OTHER_CLASSIFIERS) * config.steps;
    let folds = cross_fit(&data.train, config, |done| progress(QualityProgress::Step { done, total }))?;
    let views: Vec<View> = folds.iter().map(Fold::view).collect();
    measure_all(&views, config, data, views.len() * config.steps, total, &mut progress)
}

/// As [`evaluate`], in spaces of other extractors; only for GAN-train and GAN-test classifiers are trained.
///
/// # Errors
///
/// As [`evaluate`], and [`ErrorKind::Config`](crate::ErrorKind::Config) if there is no view.
pub fn evaluate_in(
    views: &[View],
    config: &QualityConfig,
    data: &QualityData,
    mut progress: impl FnMut(QualityProgress) -> Result<()>,
) -> Result<Evaluation> {
    config.check()?;
    data.check()?;
    measure_all(views, config, data, 0, OTHER_CLASSIFIERS * config.steps, &mut progress)
}

fn measure_all(
    views: &[View],
    config: &QualityConfig,
    data: &QualityData,
    done: usize,
    total: usize,
    progress: &mut dyn FnMut(QualityProgress) -> Result<()>,
) -> Result<Evaluation> {
    let sides = Sides::new(config, data)?;
    let answers =
        Answers::train(config, data, &sides, |step| progress(QualityProgress::Step { done: done + step, total }))?;
    let mut found = Vec::with_capacity(views.len());
    for number in 0..views.len() {
        progress(QualityProgress::Measure { done: number, total: views.len() })?;
        found.push(Found::in_view(views, number, config, data, &sides)?);
    }
    progress(QualityProgress::Measure { done: views.len(), total: views.len() })?;
    if found.is_empty() {
        return Err(Error::config("no view to measure in: give one at least"));
    }
    Ok(summary(config, data, &sides, &answers, &found))
}

/// Everything found, in the form that is reported.
fn summary(
    config: &QualityConfig,
    data: &QualityData,
    sides: &Sides,
    answers: &Answers,
    found: &[Found],
) -> Evaluation {
    let nearness = [0, 1].map(|side| nearest_of_all(found, side));
    let classes: Vec<ClassQuality> = (0..sides.counts.len() as u32)
        .map(|label| ClassQuality {
            name: data.train.classes()[label as usize].clone(),
            train_images: data.train.class_counts()[label as usize],
            held_out_images: sides.counts[label as usize],
            measures: class_measures(label, sides, answers, found, &nearness),
        })
        .collect();
    let mut measures: Vec<Measure> = Found::METRICS.iter().filter_map(|metric| average(found, None, *metric)).collect();
    measures.extend(answers.measures(sides));
    measures.extend(copying(sides, &nearness));
    Evaluation {
        train_images: data.train.len(),
        held_out_images: sides.real.labels.len(),
        views: found.len(),
        dimensions: found[0].dimensions,
        neighbours: config.neighbours,
        measures,
        kernel_subsets: kernel_subsets(config, found),
        classes,
        nearest: nearest_images(&sides.samples, &nearness[0]),
    }
}

/// The mean of a figure over the views that have it.
fn average(found: &[Found], label: Option<u32>, metric: Metric) -> Option<Measure> {
    let pairs: Vec<&[Figure; 2]> = found.iter().filter_map(|found| found.figures.get(&(label, metric))).collect();
    let of_side = |side: usize| Figure::average(&pairs.iter().map(|pair| pair[side].clone()).collect::<Vec<_>>());
    Some(Measure::new(metric, &of_side(0)?, &of_side(1)?))
}

fn class_measures(
    label: u32,
    sides: &Sides,
    answers: &Answers,
    found: &[Found],
    nearness: &[Vec<Option<Nearness>>; 2],
) -> Vec<Measure> {
    if sides.counts[label as usize] == 0 {
        return Vec::new();
    }
    let mut measures: Vec<Measure> =
        [Metric::Kernel, Metric::Coverage].iter().filter_map(|metric| average(found, Some(label), *metric)).collect();
    measures.extend(copying_of_class(label, sides, nearness).iter().flat_map(|copying| copying.measures()));
    measures.push(answers.measure_of_class(label, sides));
    measures
}

/// Of each image of a side the nearest training image, whichever view it is in.
fn nearest_of_all(found: &[Found], side: usize) -> Vec<Option<Nearness>> {
    let count = found[0].nearness[side].len();
    let nearest = |index: usize| {
        let all = || found.iter().filter_map(|found| found.nearness[side][index]);
        let nearest = all().min_by(|a, b| a.distance.total_cmp(&b.distance))?;
        Some(Nearness { is_copy: all().any(|nearness| nearness.is_copy), ..nearest })
    };
    (0..count).map(nearest).collect()
}

/// How near samples and held-out images of a class are to its training images.
struct Copying {
    /// Whether there are too few of either for a Z to say anything.
    is_few: bool,
    z: Figure,
    no_z: Figure,
    share: [Figure; 2],
}

impl Copying {
    fn figures(&mut self) -> [&mut Figure; 4] {
        let [samples, real] = &mut self.share;
        [&mut self.z, &mut self.no_z, samples, real]
    }

    fn measures(&self) -> [Measure; 2] {
        let z = Measure::new(Metric::CopyZ, &self.z, &self.no_z);
        let share = Measure::new(Metric::CopyShare, &self.share[0], &self.share[1]);
        // Of many samples Z tells even that they are a little more typical than real images are. Of copies, more would also be
        // as near as copies are.
        let verdict = match (z.verdict, share.verdict) {
            _ if self.is_few => Verdict::LikeReal,
            (z, Verdict::LikeReal) if z.is_of_copies() => Verdict::Beyond,
            (Verdict::Copies, Verdict::SomeCopies) => Verdict::SomeCopies,
            (z, _) => z,
        };
        [Measure { verdict, ..z }, share]
    }
}

/// None for a class without training images.
fn copying_of_class(label: u32, sides: &Sides, nearness: &[Vec<Option<Nearness>>; 2]) -> Option<Copying> {
    let of_side = |number: usize| -> Option<(Vec<Nearness>, Draws)> {
        let side = sides.each()[number];
        let members = side.of_class(label);
        let near: Option<Vec<Nearness>> = members.iter().map(|&member| nearness[number][member]).collect();
        Some((near.filter(|near| !near.is_empty())?, side.draws.select(&members)))
    };
    let (samples, real) = (of_side(0)?, of_side(1)?);
    let z = |times: (&[u32], &[u32])| copy_z(&drawn(&samples.0, times.0), &drawn(&real.0, times.1));
    let all = [Draws::all(samples.0.len()).then(&samples.1), Draws::all(real.0.len()).then(&real.1)];
    let values: Vec<f64> = all[0].iter().zip(all[1].iter()).map(z).collect();
    let share = |(near, draws): &(Vec<Nearness>, Draws)| {
        let copies: Vec<f64> = near.iter().map(|nearness| f64::from(u8::from(nearness.is_copy))).collect();
        Figure::mean_of(&copies, draws)
    };
    Some(Copying {
        is_few: samples.0.len().min(real.0.len()) < FEWEST_FOR_Z,
        z: Figure::first_of(&values),
        no_z: Figure::constant(0.0, &samples.1),
        share: [share(&samples), share(&real)],
    })
}

/// The distances of images that are drawn so many times each.
fn drawn(near: &[Nearness], times: &[u32]) -> Vec<f64> {
    near.iter().zip(times).flat_map(|(near, &times)| std::iter::repeat_n(near.distance, times as usize)).collect()
}

/// Over all classes, each counting by its samples.
fn copying(sides: &Sides, nearness: &[Vec<Option<Nearness>>; 2]) -> Vec<Measure> {
    let (mut total, mut sum) = (0.0, None::<Copying>);
    for (label, &count) in sides.counts.iter().enumerate() {
        let Some(mut copying) = copying_of_class(label as u32, sides, nearness) else { continue };
        total += count as f64;
        copying.figures().into_iter().for_each(|figure| figure.scale(count as f64));
        match &mut sum {
            Some(sum) => {
                sum.is_few &= copying.is_few;
                sum.figures().into_iter().zip(copying.figures()).for_each(|(sum, figure)| sum.add(figure));
            }
            None => sum = Some(copying),
        }
    }
    let Some(mut sum) = sum else { return Vec::new() };
    sum.figures().into_iter().for_each(|figure| figure.scale(1.0 / total));
    sum.measures().to_vec()
}

fn nearest_images(samples: &Side, nearness: &[Option<Nearness>]) -> Vec<NearestImage> {
    let nearest = |(nearness, &sample): (&Option<Nearness>, &usize)| {
        let Nearness { index, distance, is_copy } = (*nearness)?;
        Some(NearestImage { sample, image: index, distance, is_copy })
    };
    nearness.iter().zip(&samples.indices).filter_map(nearest).collect()
}

fn kernel_subsets(config: &QualityConfig, found: &[Found]) -> KernelSubsets {
    let mean =
        |value: fn(&Subsets) -> f64| found.iter().map(|found| value(&found.subsets)).sum::<f64>() / found.len() as f64;
    KernelSubsets {
        count: config.subsets,
        size: found.iter().map(|found| found.subsets.size).min().unwrap_or(0),
        mean: mean(|subsets| subsets.mean),
        deviation: mean(|subsets| subsets.deviation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearer_samples_are_copies_as_far_as_they_are_as_near_as_copies() {
        let figure =
            |value: f64| Figure { value, replicates: (0..41).map(|i| value + 0.001 * f64::from(i - 20)).collect() };
        let verdicts = |z: f64, share: f64| {
            let share = [figure(share), Figure { replicates: vec![0.05; 41], value: 0.05 }];
            let copying = Copying { is_few: false, z: figure(z), no_z: figure(0.0), share };
            copying.measures().map(|measure| measure.verdict)
        };
        assert_eq!(verdicts(-5.0, 0.05), [Verdict::Beyond, Verdict::LikeReal]);
        assert_eq!(verdicts(-5.0, 0.1), [Verdict::SomeCopies, Verdict::SomeCopies]);
        assert_eq!(verdicts(-5.0, 0.4), [Verdict::Copies, Verdict::Copies]);
        assert_eq!(verdicts(-2.0, 0.4), [Verdict::SomeCopies, Verdict::Copies]);
        assert_eq!(verdicts(-0.5, 0.05), [Verdict::LikeReal, Verdict::LikeReal]);
    }
}
