//! What a comparison is run on and how.

use std::sync::Arc;

use candle_core::Device;

use super::result::Arm;
use crate::classifier::ClassifierConfig;
use crate::dataset::{Dataset, DatasetExt};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Size;
use crate::plan::{Balance, ClassMixture, Mixture, PlanConfig, Planner};

/// The images to train on and the images to measure on, apart from the start: no arm and no synthetic source ever sees the latter.
///
/// Whatever makes the data scarce or unbalanced belongs between the split and the comparison, on the training part alone.
#[derive(Clone)]
pub struct CompareData {
    train: Arc<dyn Dataset>,
    held_out: Arc<dyn Dataset>,
}

impl CompareData {
    /// A training set and a test set of its own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`] if one of them is empty, if their classes differ, or if there is one class only.
    pub fn new(train: Arc<dyn Dataset>, held_out: Arc<dyn Dataset>) -> Result<Self> {
        for (set, what) in [(&train, "training"), (&held_out, "held-out")] {
            if set.is_empty() {
                return Err(Error::new(
                    ErrorKind::Dataset,
                    format!("the {what} set has no images: a comparison needs both"),
                ));
            }
        }
        if train.classes() != held_out.classes() {
            return Err(Error::new(
                ErrorKind::Dataset,
                format!(
                    "the training set has the classes {:?} and the held-out set {:?}: give two sets of the same classes",
                    train.classes(),
                    held_out.classes()
                ),
            ));
        }
        if train.classes().len() < 2 {
            return Err(Error::new(
                ErrorKind::Dataset,
                format!("{} class: a comparison needs at least 2 to tell apart", train.classes().len()),
            ));
        }
        Ok(Self { train, held_out })
    }

    /// Holds out the share `validation` of each class of one data set; the seed chooses which images.
    ///
    /// # Errors
    ///
    /// As [`CompareData::new`], and [`ErrorKind::Config`] if `validation` does not lie between 0 and 1.
    pub fn split(dataset: Arc<dyn Dataset>, validation: f64, seed: u64) -> Result<Self> {
        if !(validation > 0.0 && validation < 1.0) {
            return Err(Error::config(format!(
                "the share of images to hold out is {validation}: it must lie between 0 and 1, such as 0.2"
            )));
        }
        let (train, held_out) = dataset.split(1.0 - validation, seed)?;
        Self::new(Arc::new(train), Arc::new(held_out))
    }

    /// The images that the arms are trained on.
    #[must_use]
    pub fn train(&self) -> &Arc<dyn Dataset> {
        &self.train
    }

    /// The images that they are measured on.
    #[must_use]
    pub fn held_out(&self) -> &Arc<dyn Dataset> {
        &self.held_out
    }
}

/// How a comparison is run: everything here is the same in all three arms, so that they differ in their data alone.
#[derive(Clone, Debug)]
pub struct CompareConfig {
    /// The size to which all images are brought before the transforms.
    pub size: Size,
    /// Runs of all arms; an interval needs 2, and 3 or more say something. 3 by default.
    pub seeds: usize,
    /// The seed of the first run; the next have the numbers after it. 0 by default.
    pub seed: u64,
    /// Optimiser steps of each run. 400 by default.
    pub steps: usize,
    /// Images in a step, at most the number of training images. 64 by default.
    pub batch_size: usize,
    /// How the classes share a batch in all arms. [`Balance::Uniform`] by default: on unbalanced data the arms without synthetic
    /// samples then repeat the images of rare classes as often as the third arm shows synthetic ones. Under
    /// [`Balance::Natural`] the third arm alone would be balanced, and a gain could come from balance instead of samples.
    pub balance: Balance,
    /// How much of each class is synthetic in the third arm. A share of 0.3 of every class by default.
    pub mixture: Mixture,
    /// Threads that load images; 0 loads them in the calling thread. 2 by default.
    pub workers: usize,
    /// Where the classifiers are trained. The CPU by default.
    pub device: Device,
}

impl CompareConfig {
    /// The defaults for images of `size`.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self {
            size,
            seeds: 3,
            seed: 0,
            steps: 400,
            batch_size: 64,
            balance: Balance::Uniform,
            mixture: Mixture::All(ClassMixture::Share(0.3)),
            workers: 2,
            device: Device::Cpu,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        for (value, what) in [(self.seeds, "seeds"), (self.steps, "steps"), (self.batch_size, "batch_size")] {
            if value == 0 {
                return Err(Error::config(format!("{what} is 0: a comparison needs at least 1")));
            }
        }
        self.classifier(0, 1, 2).check()
    }

    /// The classifier of a run.
    pub(super) fn classifier(&self, seed: u64, channels: usize, classes: usize) -> ClassifierConfig {
        ClassifierConfig { steps: self.steps, seed, ..ClassifierConfig::new(self.size, channels, classes) }
    }

    /// The plan of an arm's epochs over `images` real images.
    pub(super) fn plan(&self, seed: u64, arm: Arm, images: usize) -> PlanConfig {
        PlanConfig {
            batch_size: self.batch_size.min(images),
            balance: self.balance.clone(),
            mixture: if arm == Arm::Synthetic { self.mixture.clone() } else { Mixture::default() },
            drop_last: true,
            seed,
            ..PlanConfig::default()
        }
    }

    /// The synthetic share of each class in the third arm.
    pub(super) fn synthetic_shares(&self, train: &Arc<dyn Dataset>) -> Result<Vec<f64>> {
        let labels: Vec<u32> = (0..train.len()).map(|index| train.label(index)).collect();
        let plan = self.plan(self.seed, Arm::Synthetic, train.len());
        Ok(Planner::new(&labels, train.classes(), plan)?.synthetic_shares().collect())
    }

    /// The seeds of the runs.
    pub(super) fn runs(&self) -> Vec<u64> {
        (0..self.seeds as u64).map(|run| self.seed.wrapping_add(run)).collect()
    }
}
