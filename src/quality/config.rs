//! What is measured, and how.

use std::sync::Arc;

use candle_core::Device;

use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};

/// The images that an evaluation compares: all of one size and one number of channels, in the same classes.
///
/// Held-out images are those that neither the training of the samples' source nor any choice on it has seen. Without
/// that, copies look no nearer to the training images than they do.
#[derive(Clone)]
pub struct QualityData {
    /// The real images that the source was trained on.
    pub train: Arc<dyn Dataset>,
    /// Real images that it has not seen: every figure of the samples stands beside that of these.
    pub held_out: Arc<dyn Dataset>,
    /// The samples, of each class the first as many as there are held-out images, and for GAN-train as many as training
    /// images: see [`samples_wanted`](super::samples_wanted).
    pub synthetic: Arc<dyn Dataset>,
}

impl QualityData {
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |message| Err(Error::new(ErrorKind::Dataset, message));
        let sets = [("training", &self.train), ("held-out", &self.held_out), ("synthetic", &self.synthetic)];
        if let Some((name, _)) = sets.iter().find(|(_, set)| set.is_empty()) {
            return invalid(format!("the {name} set has no images: an evaluation needs all three"));
        }
        if let Some((name, set)) = sets.iter().find(|(_, set)| set.classes() != self.train.classes()) {
            return invalid(format!(
                "the training set has the classes {:?} and the {name} set {:?}: give sets of the same classes",
                self.train.classes(),
                set.classes()
            ));
        }
        check_two_classes(&*self.train)
    }
}

/// Refuses training images that no classifier can learn from.
pub(super) fn check_two_classes(train: &dyn Dataset) -> Result<()> {
    if train.class_counts().iter().filter(|count| **count > 0).count() >= 2 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Dataset,
        "all training images are of one class, where a classifier that samples are measured by needs two to tell apart",
    ))
}

/// How samples are measured.
#[derive(Clone, Debug)]
pub struct QualityConfig {
    /// Parts of the training images; a classifier is trained on all but one for each. 2 by default.
    pub folds: usize,
    /// Optimiser steps of each classifier. 400 by default.
    pub steps: usize,
    /// Images in a step, at most the number of training images. 64 by default.
    pub batch_size: usize,
    /// The neighbour that a neighbourhood reaches to, for precision, recall, density and coverage. 5 by default.
    pub neighbours: usize,
    /// Times that the images are drawn again for the intervals. 200 by default.
    pub resamples: usize,
    /// Subsets over which the kernel distance spreads. 100 by default.
    pub subsets: usize,
    /// Images of each set in a subset, at most half of the smaller set. 1000 by default.
    pub subset_size: usize,
    /// Gives initial weights, folds and draws. 0 by default.
    pub seed: u64,
    /// Threads that load images; 0 loads them in the calling thread. 2 by default.
    pub workers: usize,
    /// Where the classifiers are trained. The CPU by default.
    pub device: Device,
}

impl Default for QualityConfig {
    fn default() -> Self {
        Self {
            folds: 2,
            steps: 400,
            batch_size: 64,
            neighbours: 5,
            resamples: 200,
            subsets: 100,
            subset_size: 1000,
            seed: 0,
            workers: 2,
            device: Device::Cpu,
        }
    }
}

impl QualityConfig {
    pub(super) fn check(&self) -> Result<()> {
        let wrong = if self.folds < 2 {
            format!("{} folds: expected 2 at least, so that every image is left out of one classifier", self.folds)
        } else if self.neighbours == 0 {
            "neighbour 0 is the image itself: expected 1 at least, such as 5".into()
        } else if self.resamples < 20 {
            format!("{} draws for an interval of 95 %: expected 20 at least, such as 200", self.resamples)
        } else if self.subsets < 2 || self.subset_size < 2 {
            format!("{} subsets of {} images: expected 2 of each at least", self.subsets, self.subset_size)
        } else {
            return Ok(());
        };
        Err(Error::config(wrong))
    }
}

/// How far an evaluation is. An error that the callback returns stops it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum QualityProgress {
    /// A classifier made one optimiser step.
    Step {
        /// Steps so far, over all classifiers.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// Features of one classifier are compared.
    Measure {
        /// How many classifiers are done with.
        done: usize,
        /// Of how many.
        total: usize,
    },
}
