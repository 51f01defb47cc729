//! Trains one classifier on one arm and measures it.

use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::arm::{Arm, Synthetic};
use crate::classifier::{Classifier, ClassifierConfig, ClassifierTrainer, Confusion};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::image::Size;
use crate::loader::{Batch, DataLoader, DataLoaderBuilder};
use crate::plan::{Mixture, MixtureSchedule, PlanConfig, Planner};
use crate::transform::{Normalize, Pipeline, Resize, Step};

/// Images that are measured at a time.
pub(super) const READ_BATCH: usize = 256;

/// Shares that follow a schedule change so often at least: an epoch of many images may be longer than the training.
const STAGES: usize = 10;

/// How a classifier is trained: everything here is the same for all arms but the learning rate, which each arm has its own of.
#[derive(Clone, Debug)]
pub struct Training {
    /// The size of all images, to which synthetic samples are brought before the transforms.
    pub size: Size,
    /// Optimiser steps. 400 by default.
    pub steps: usize,
    /// Images in a step, at most the number of training images. 64 by default.
    pub batch_size: usize,
    /// The highest learning rate, see [`ClassifierConfig::learning_rate`]. 0.004 by default.
    pub learning_rate: f64,
    /// Gives the initial weights, the order, the transforms and the synthetic samples. 0 by default.
    pub seed: u64,
    /// Threads that load images; 0 loads them in the calling thread. 2 by default. Results do not depend on it.
    pub workers: usize,
    /// Where the classifier is trained. The CPU by default.
    pub device: Device,
}

impl Training {
    /// The defaults for images of `size`.
    #[must_use]
    pub fn new(size: Size) -> Self {
        let learning_rate = ClassifierConfig::new(size, 1, 2).learning_rate;
        Self { size, steps: 400, batch_size: 64, learning_rate, seed: 0, workers: 2, device: Device::Cpu }
    }

    /// Checks what can be checked without images.
    pub(crate) fn check(&self) -> Result<()> {
        for (value, what) in [(self.steps, "the number of steps"), (self.batch_size, "the batch size")] {
            if value == 0 {
                return Err(Error::config(format!("{what} is 0: a classifier needs at least 1")));
            }
        }
        self.classifier(1, 2).check()
    }

    /// The classifier for `classes` classes of images with `channels` channels.
    pub(super) fn classifier(&self, channels: usize, classes: usize) -> ClassifierConfig {
        let Self { size, steps, learning_rate, seed, .. } = *self;
        ClassifierConfig { steps, learning_rate, seed, ..ClassifierConfig::new(size, channels, classes) }
    }

    /// How the epochs of an arm on `train` are planned.
    pub(crate) fn plan(&self, arm: &Arm, train: &dyn Dataset) -> Result<PlanConfig> {
        let plan = PlanConfig {
            batch_size: self.batch_size.min(train.len()),
            balance: arm.balance.clone(),
            mixture: arm.synthetic.as_ref().map_or_else(Mixture::default, |synthetic| synthetic.mixture.clone()),
            drop_last: true,
            seed: self.seed,
            ..PlanConfig::default()
        };
        let Some(synthetic) = arm.synthetic.as_ref().filter(|synthetic| synthetic.is_scheduled()) else {
            return Ok(plan);
        };
        let epochs = self.steps.div_ceil(self.stage(planner(train, plan.clone())?.batches_per_epoch())) as u64;
        let schedule = MixtureSchedule { epochs, ramp: synthetic.ramp, real_only: synthetic.real_only };
        Ok(PlanConfig { schedule: Some(schedule), ..plan })
    }

    /// Steps of a stage, in which shares that follow a schedule stay as they are: an epoch, or its first batches.
    fn stage(&self, batches_per_epoch: usize) -> usize {
        batches_per_epoch.min(self.steps.div_ceil(STAGES))
    }

    /// A loader that goes through a set once, in order.
    pub(crate) fn in_order(&self, set: &Arc<dyn Dataset>) -> DataLoaderBuilder {
        let builder = DataLoader::builder(Arc::clone(set)).batch_size(READ_BATCH).shuffle(false);
        builder.workers(self.workers).device(self.device.clone())
    }
}

/// The planner of a set's epochs.
pub(crate) fn planner(set: &dyn Dataset, plan: PlanConfig) -> Result<Planner> {
    let labels: Vec<u32> = (0..set.len()).map(|index| set.label(index)).collect();
    Planner::new(&labels, set.classes(), plan)
}

/// Trains a classifier on the images `train` as `arm` says.
///
/// The images have the size of `training` already. `progress` is told the loss of every step; an error of its own stops the training.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for a configuration out of range, and the errors of the data, the transforms, the
/// synthetic source and `progress`.
pub fn train_arm(
    training: &Training,
    arm: &Arm,
    train: &Arc<dyn Dataset>,
    mut progress: impl FnMut(f64) -> Result<()>,
) -> Result<Classifier> {
    arm.check()?;
    if train.is_empty() || training.batch_size == 0 {
        return Err(Error::config("a classifier needs at least 1 image to train on, and 1 in a batch"));
    }
    let channels = train.load(0)?.channels();
    let mut trainer = ClassifierTrainer::new(training.classifier(channels, train.classes().len()), &training.device)?;
    let weights = Weights::new(training, arm, train)?;
    let loader = loader(training, arm, train)?;
    let is_scheduled = arm.synthetic.as_ref().is_some_and(Synthetic::is_scheduled);
    let stage = if is_scheduled { training.stage(loader.batches_per_epoch()) } else { usize::MAX };
    let batches = (0..).flat_map(|epoch| loader.epoch(epoch).take(stage));
    for batch in batches.take(training.steps) {
        let batch = batch?;
        let loss = match &weights {
            Some(weights) => trainer.step_weighted(&batch, &weights.of(&batch)?)?,
            None => trainer.step(&batch)?,
        };
        progress(loss)?;
    }
    Ok(trainer.finish())
}

/// Trains a classifier on `train` as `arm` says, and tells what it takes the images `validation` for: per class by
/// [`Confusion::recall`].
///
/// ```
/// use std::sync::Arc;
///
/// use candle_augment::compare::{Arm, Synthetic, Training, measure_arm};
/// use candle_augment::{ClassMixture, Dataset, DatasetExt, RandomRotation, Size, digits};
///
/// let (train, validation) = digits()?.per_class(20, 0)?.split(0.7, 0)?;
/// let (train, validation): (Arc<dyn Dataset>, Arc<dyn Dataset>) = (Arc::new(train), Arc::new(validation));
/// let classic = Arm::classic(Arc::new(RandomRotation::new(15.0)?));
/// let arm = classic.with_synthetic("smote+classic", Synthetic::smote(ClassMixture::Share(0.3)));
/// let training = Training { steps: 5, seed: 1, ..Training::new(Size::square(8)) };
/// let confusion = measure_arm(&training, &arm, &train, &validation, |_| Ok(()))?;
/// println!("{:?}", confusion.recall(3));
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// # Errors
///
/// As [`train_arm`].
pub fn measure_arm(
    training: &Training,
    arm: &Arm,
    train: &Arc<dyn Dataset>,
    validation: &Arc<dyn Dataset>,
    progress: impl FnMut(f64) -> Result<()>,
) -> Result<Confusion> {
    let classifier = train_arm(training, arm, train, progress)?;
    classifier.evaluate(training.in_order(validation).normalize(Normalize::signed()).build()?.epoch(0))
}

fn loader(training: &Training, arm: &Arm, train: &Arc<dyn Dataset>) -> Result<DataLoader> {
    let mut transform = Pipeline::new();
    let mut builder = DataLoader::builder(Arc::clone(train))
        .plan(training.plan(arm, train)?)
        .normalize(Normalize::signed())
        .workers(training.workers)
        .device(training.device.clone());
    if let Some(synthetic) = &arm.synthetic {
        // Images of the set have their size already, synthetic samples may not.
        transform = transform.then(Resize::exact(training.size.height, training.size.width)?);
        builder = builder.synthetic(synthetic.source(train)?);
    }
    if let Some(own) = &arm.transform {
        transform = transform.then(Step::own(Arc::clone(own)));
    }
    builder.transform(transform).build()
}

/// The weights of an arm's samples in the loss.
struct Weights {
    synthetic: f32,
    /// `(classes)`, where classes weigh differently.
    by_class: Option<Tensor>,
}

impl Weights {
    /// None where all samples weigh the same.
    fn new(training: &Training, arm: &Arm, train: &Arc<dyn Dataset>) -> Result<Option<Self>> {
        let synthetic = arm.synthetic.as_ref().map_or(1.0, |synthetic| synthetic.weight);
        if synthetic == 1.0 && !arm.class_weights {
            return Ok(None);
        }
        let by_class = arm.class_weights.then(|| inverse_frequencies(&train.class_counts()));
        let by_class = by_class.map(|weights| Tensor::new(weights, &training.device)).transpose()?;
        Ok(Some(Self { synthetic, by_class }))
    }

    /// `(N)`.
    fn of(&self, batch: &Batch) -> Result<Tensor> {
        let weights = batch.sample_weights(self.synthetic)?;
        Ok(match &self.by_class {
            Some(by_class) => (weights * by_class.index_select(&batch.labels, 0)?)?,
            None => weights,
        })
    }
}

/// For each class the number of images over that of classes and its own images, so that the images weigh 1 on average; 0 for a class
/// without.
fn inverse_frequencies(counts: &[usize]) -> Vec<f32> {
    let present = counts.iter().filter(|count| **count > 0).count();
    let images: usize = counts.iter().sum();
    let weight = |&count: &usize| if count == 0 { 0.0 } else { images as f64 / (present * count) as f64 };
    counts.iter().map(|count| weight(count) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_weigh_by_the_inverse_of_their_images() {
        assert_eq!(inverse_frequencies(&[5, 5]), [1.0, 1.0]);
        assert_eq!(inverse_frequencies(&[30, 10, 0]), [40.0 / 60.0, 2.0, 0.0]);
    }
}
