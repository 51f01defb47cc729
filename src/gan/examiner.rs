//! A classifier of the real images that says how good samples are: of the class they were made for, varied, and reaching
//! as far as the real ones.

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::config::GanConfig;
use crate::classifier::{Classifier, ClassifierConfig, ClassifierTrainer};
use crate::error::{Error, Result};
use crate::image::{Image, Size};
use crate::loader::Batch;
use crate::mean::mean;
use crate::rng::{Purpose, SampleKey};
use crate::synthetic::{SyntheticRequest, SyntheticSource};

/// Samples of one examination, over all classes.
const SAMPLES: usize = 640;
/// Samples of a class: few enough to be cheap, enough for distances between them.
const MOST_OF_CLASS: usize = 32;
const FEWEST_OF_CLASS: usize = 4;
/// Real images of a class that samples are compared with.
const REAL_OF_CLASS: usize = 100;
/// Which neighbour of a real image bounds its neighbourhood (M. F. Naeem et al., "Reliable Fidelity and Diversity Metrics for
/// Generative Models", 2020).
const NEIGHBOUR: usize = 5;
/// The smallest radius of a neighbourhood, as a share of the features' mean length: images that are all the same have
/// one too.
const SMALLEST_RADIUS: f64 = 0.05;

/// Samples of a class are nearly alike below this share of the real images' distances.
const ALIKE: f64 = 0.2;

/// How good samples are: all figures but `overfit` from 0 to 1, where 1 is as good as real images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The probability that the classifier gives the intended class, beside that of real images of the class; mean over the
    /// classes.
    pub agreement: f64,
    /// The mean distance of two samples of a class, beside that of two real images; mean over the classes.
    pub diversity: f64,
    /// The share of real images with a sample of their class nearer than their fifth nearest real neighbour; mean over the
    /// classes.
    pub coverage: f64,
    /// The class with the least diversity, and that.
    pub narrowest: (u32, f64),
    /// How far the discriminator's mean answer to held-out images is from that to images it is trained on, as a part of the way to
    /// samples: near 0 if it knows none by heart, 1 and more if it takes the held-out ones for samples. None where no images are held
    /// out, or samples look more real to it than they.
    pub overfit: Option<f64>,
}

impl Score {
    /// Agreement times coverage: what [`Supervisor`](super::Supervisor) keeps the best by.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.agreement * self.coverage
    }

    /// The class whose samples are the least varied, if they are nearly alike: less than a fifth as far apart as its real
    /// images.
    #[must_use]
    pub fn alike(&self) -> Option<u32> {
        let (class, diversity) = self.narrowest;
        (diversity < ALIKE).then_some(class)
    }
}

/// Scores samples of a generator by a classifier of the real images.
pub struct Examiner {
    seed: u64,
    classifier: Classifier,
    classes: Vec<RealClass>,
}

/// The real images of one class.
struct RealClass {
    label: u32,
    /// (C, H, W) each.
    images: Vec<Tensor>,
    features: Vec<Vec<f32>>,
    /// The radius of each one's neighbourhood; none for a single image.
    radii: Vec<f64>,
    /// The mean distance of two; none for a single image.
    distance: Option<f64>,
    /// The mean probability of the class.
    probability: f64,
}

impl Examiner {
    /// Trains the classifier for `steps` on `batches` as the GAN gets them, whose images also are what samples are compared
    /// with, up to a hundred of a class.
    ///
    /// # Errors
    ///
    /// Those of the batches; [`crate::ErrorKind::Config`] if they do not fit the configuration or end too early.
    pub fn train(
        config: &GanConfig,
        batches: impl IntoIterator<Item = Result<Batch>>,
        steps: usize,
        device: &Device,
    ) -> Result<Self> {
        let size = Size::square(config.size);
        // One class cannot be mistaken, but a classifier needs two.
        let classes = config.classes.len().max(2);
        let classifier =
            ClassifierConfig { steps, seed: config.seed, ..ClassifierConfig::new(size, config.channels, classes) };
        let mut trainer = ClassifierTrainer::new(classifier, device)?;
        let mut kept: Vec<Vec<Tensor>> = vec![Vec::new(); config.classes.len()];
        for batch in batches.into_iter().take(steps) {
            let batch = without_faults(&batch?)?;
            if batch.is_empty() {
                continue;
            }
            trainer.step(&batch)?;
            keep(&mut kept, &batch)?;
        }
        if kept.iter().all(Vec::is_empty) {
            return Err(Error::config("the examiner got no image to learn from: give it batches that have some"));
        }
        Self::new(config.seed, trainer.finish(), &kept)
    }

    /// From real images (C, H, W) of each class.
    fn new(seed: u64, classifier: Classifier, images: &[Vec<Tensor>]) -> Result<Self> {
        let mut classes = Vec::new();
        for (label, images) in images.iter().enumerate().filter(|(_, images)| !images.is_empty()) {
            let (features, probabilities) = examine(&classifier, &Tensor::stack(images, 0)?)?;
            let probability = mean(probabilities.iter().map(|row| f64::from(row[label])));
            let distance = mean_distance(&features);
            let radii = radii(&features);
            let (label, images) = (label as u32, images.clone());
            classes.push(RealClass { label, images, features, radii, distance, probability });
        }
        let length = mean(classes.iter().flat_map(|class| &class.features).map(|feature| norm(feature)));
        for radius in classes.iter_mut().flat_map(|class| &mut class.radii) {
            *radius = radius.max(SMALLEST_RADIUS * length);
        }
        Ok(Self { seed, classifier, classes })
    }

    /// Scores samples of `source`, drawn anew for each `draw`; of a great many classes some.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] if the device fails.
    pub fn score(&self, source: &dyn SyntheticSource, draw: u64) -> Result<Score> {
        let most = SAMPLES / FEWEST_OF_CLASS;
        let step = self.classes.len().div_ceil(most);
        let step = step.max(1);
        // Others in the next draw, so that each class comes to its turn.
        let examined: Vec<&RealClass> = self.classes.iter().skip(draw as usize % step).step_by(step).collect();
        let count = (SAMPLES / examined.len().max(1)).clamp(FEWEST_OF_CLASS, MOST_OF_CLASS);
        let samples = sample(self.seed, &examined, count, draw);
        let images = source.generate(&samples)?;
        let (features, probabilities) = examine(&self.classifier, &to_tensor(&images)?)?;
        let (mut agreement, mut diversity, mut coverage) = (Vec::new(), Vec::new(), Vec::new());
        let of_class = features.chunks(count).zip(probabilities.chunks(count));
        for (class, (features, probabilities)) in examined.iter().zip(of_class) {
            let probability = mean(probabilities.iter().map(|row| f64::from(row[class.label as usize])));
            agreement.push(ratio(probability, class.probability));
            diversity.push(class.distance.map_or(1.0, |real| ratio(mean_distance(features).unwrap_or(0.0), real)));
            coverage.extend(class.coverage(features));
        }
        let narrowest = examined.iter().zip(&diversity).min_by(|(_, a), (_, b)| a.total_cmp(b));
        let narrowest = narrowest.map_or((0, 1.0), |(class, diversity)| (class.label, *diversity));
        // Where every class has but one image, there is no neighbourhood to reach.
        let coverage = if coverage.is_empty() { 1.0 } else { mean(coverage) };
        Ok(Score { agreement: mean(agreement), diversity: mean(diversity), coverage, narrowest, overfit: None })
    }

    /// The agreement of samples that the classifier gives every class the same chance.
    pub(super) fn chance(&self) -> f64 {
        let chance = 1.0 / self.classes.len().max(1) as f64;
        mean(self.classes.iter().map(|class| ratio(chance, class.probability)))
    }

    /// As many images that the GAN is trained on, and as many samples, of the same classes as those of `batch`.
    pub(super) fn like(&self, batch: &Batch, source: &dyn SyntheticSource) -> Result<(Tensor, Tensor)> {
        let labels: Vec<u32> = batch.labels.to_vec1()?;
        let mut used = vec![0; source.classes().len()];
        let mut real = Vec::new();
        let mut requests = Vec::new();
        for label in labels {
            let serial = used[label as usize];
            used[label as usize] += 1;
            let class = self.classes.iter().find(|class| class.label == label).unwrap_or(&self.classes[0]);
            real.push(class.images[serial as usize % class.images.len()].clone());
            requests.push(request(self.seed, label, serial, 0));
        }
        Ok((Tensor::stack(&real, 0)?, to_tensor(&source.generate(&requests)?)?))
    }
}

/// Requests for `count` samples of each class, those of one `draw` like no other's.
fn sample(seed: u64, classes: &[&RealClass], count: usize, draw: u64) -> Vec<SyntheticRequest> {
    let of_class = |class: &&RealClass| {
        let label = class.label;
        (0..count as u64).map(move |serial| request(seed, label, serial, draw))
    };
    classes.iter().flat_map(of_class).collect()
}

fn request(seed: u64, label: u32, serial: u64, draw: u64) -> SyntheticRequest {
    // Nothing else has this epoch: positions of a user's samples start from 0 in epoch 0.
    let position = (u64::from(label) << 16) | serial;
    let key = SampleKey { seed, epoch: u64::MAX - draw, position, purpose: Purpose::Synthetic };
    SyntheticRequest { label, serial, key }
}

impl RealClass {
    /// The share of the real images whose neighbourhood one of the samples reaches.
    fn coverage(&self, samples: &[Vec<f32>]) -> Option<f64> {
        if self.radii.is_empty() {
            return None;
        }
        let reached = self.features.iter().zip(&self.radii);
        let reached = reached.filter(|(real, radius)| samples.iter().any(|sample| distance(real, sample) <= **radius));
        Some(reached.count() as f64 / self.features.len() as f64)
    }
}

/// The batch without the images that have a value that is not finite.
pub(super) fn without_faults(batch: &Batch) -> Result<Batch> {
    let Some(good) = sound(&batch.images)? else { return Ok(batch.clone()) };
    if good.is_empty() {
        return Ok(Batch::new(batch.images.narrow(0, 0, 0)?, batch.labels.narrow(0, 0, 0)?));
    }
    let good = Tensor::new(good, batch.images.device())?;
    Ok(Batch::new(batch.images.index_select(&good, 0)?, batch.labels.index_select(&good, 0)?))
}

/// The places of the images (N, …) whose values are all finite, or none if all are such.
pub(super) fn sound(images: &Tensor) -> Result<Option<Vec<u32>>> {
    let sums: Vec<f32> = images.flatten_from(1)?.sum(1)?.to_vec1()?;
    let good: Vec<u32> = (0..sums.len() as u32).filter(|&i| sums[i as usize].is_finite()).collect();
    Ok((good.len() < sums.len()).then_some(good))
}

/// Adds the images of a batch to those of their classes that are fewer than they may be.
fn keep(kept: &mut [Vec<Tensor>], batch: &Batch) -> Result<()> {
    for (n, label) in batch.labels.to_vec1::<u32>()?.into_iter().enumerate() {
        let Some(of_class) = kept.get_mut(label as usize) else { continue };
        if of_class.len() < REAL_OF_CLASS {
            // A copy: a view would keep its whole batch.
            let image = batch.images.get(n)?.copy()?;
            // The batches of a small set come again.
            let is_known =
                |other: &Tensor| -> Result<bool> { Ok((&image - other)?.abs()?.max_all()?.to_scalar::<f32>()? == 0.0) };
            let known = of_class.iter().map(is_known).find(|known| !matches!(known, Ok(false)));
            if !known.transpose()?.unwrap_or(false) {
                of_class.push(image);
            }
        }
    }
    Ok(())
}

type Rows = Vec<Vec<f32>>;

/// Features and probabilities of images (N, C, H, W).
fn examine(classifier: &Classifier, images: &Tensor) -> Result<(Rows, Rows)> {
    let (features, probabilities) = classifier.features(images)?;
    Ok((features.to_vec2()?, probabilities.to_vec2()?))
}

/// (N, C, H, W) in [−1, 1].
fn to_tensor(images: &[Image]) -> Result<Tensor> {
    let Some(first) = images.first() else {
        return Ok(Tensor::zeros((0, 1, 8, 8), candle_core::DType::F32, &Device::Cpu)?);
    };
    let values: Vec<f32> =
        images.iter().flat_map(|image| image.data()).map(|value| f32::from(*value) / 127.5 - 1.0).collect();
    let shape = (images.len(), first.height(), first.width(), first.channels());
    Ok(crate::nn::to_channels_first(&Tensor::from_vec(values, shape, &Device::Cpu)?)?)
}

/// `value` beside `real`, at most 1; where there is nothing to reach, all of it is reached.
fn ratio(value: f64, real: f64) -> f64 {
    if real > 0.0 { (value / real).min(1.0) } else { 1.0 }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
}

/// The mean distance of two different rows.
fn mean_distance(rows: &[Vec<f32>]) -> Option<f64> {
    let pairs = rows.iter().enumerate().flat_map(|(i, a)| rows[..i].iter().map(move |b| distance(a, b)));
    (rows.len() > 1).then(|| mean(pairs))
}

/// The distance of each row to its [`NEIGHBOUR`]th nearest, or the farthest if there are fewer.
fn radii(rows: &[Vec<f32>]) -> Vec<f64> {
    if rows.len() < 2 {
        return Vec::new();
    }
    let radius = |(i, row): (usize, &Vec<f32>)| {
        let others = rows.iter().enumerate().filter(|(j, _)| *j != i);
        let mut distances: Vec<f64> = others.map(|(_, other)| distance(row, other)).collect();
        distances.sort_by(f64::total_cmp);
        distances[NEIGHBOUR.min(distances.len()) - 1]
    };
    rows.iter().enumerate().map(radius).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[f32]) -> Vec<Vec<f32>> {
        values.iter().map(|value| vec![*value, 0.0]).collect()
    }

    fn class(values: &[f32]) -> RealClass {
        let features = rows(values);
        let radii = radii(&features);
        RealClass {
            label: 0,
            images: Vec::new(),
            distance: mean_distance(&features),
            features,
            radii,
            probability: 1.0,
        }
    }

    #[test]
    fn coverage_counts_the_real_images_that_samples_reach() {
        let class = class(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 100.0]);
        assert_eq!(class.radii, [5.0, 4.0, 3.0, 3.0, 4.0, 5.0, 99.0]);
        assert_eq!(class.coverage(&rows(&[2.5])), Some(1.0));
        assert_eq!(class.coverage(&rows(&[-5.0])), Some(1.0 / 7.0));
        assert_eq!(class.coverage(&rows(&[1000.0])), Some(0.0));
        assert!((class.distance.unwrap() - (35.0 + 585.0) / 21.0).abs() < 1e-9);
    }

    #[test]
    fn few_images_have_what_there_is_to_compare() {
        assert_eq!(class(&[1.0, 4.0]).radii, [3.0, 3.0]);
        assert_eq!(class(&[1.0]).coverage(&rows(&[1.0])), None);
        assert_eq!(class(&[1.0]).distance, None);
        assert_eq!((ratio(0.2, 0.0), ratio(2.0, 1.0), ratio(0.2, 0.4)), (1.0, 1.0, 0.5));
    }
}
