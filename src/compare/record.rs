//! What a comparison has measured so far, to go on from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::CompareConfig;
use crate::classifier::Confusion;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;

/// What a comparison has measured so far: all that is needed to go on, and that its result is made of. Serialisable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Stands for the images, training and held-out, their labels and classes, and for the steps, the batch size and the learning
    /// rates; not for the arms and the number of seeds, which may change.
    pub fingerprint: u64,
    /// The runs from which the learning rates were chosen.
    pub trials: Vec<Trial>,
    /// The runs that were measured on the held-out images, in the order in which they were made.
    pub runs: Vec<Run>,
}

/// One arm with one learning rate, measured on a part of the training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// The arm's name.
    pub arm: String,
    /// The learning rate.
    pub learning_rate: f64,
    /// The balanced accuracy, in [0, 1].
    pub balanced_accuracy: f64,
}

/// One arm with one seed, measured on the held-out images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// The arm's name.
    pub arm: String,
    /// The learning rate that was chosen for the arm.
    pub learning_rate: f64,
    /// What the held-out images were taken for.
    pub confusion: Confusion,
}

impl Record {
    /// An empty one.
    pub(super) fn new(fingerprint: u64) -> Self {
        Self { fingerprint, trials: Vec::new(), runs: Vec::new() }
    }

    pub(super) fn trial(&self, arm: &str, learning_rate: f64) -> Option<&Trial> {
        self.trials.iter().find(|trial| trial.arm == arm && trial.learning_rate == learning_rate)
    }

    pub(super) fn run(&self, arm: &str, seed: u64) -> Option<&Run> {
        self.runs.iter().find(|run| run.arm == arm && run.seed == seed)
    }

    /// Refuses what was measured on other images or otherwise.
    pub(super) fn check(&self, fingerprint: u64, held_out: &[usize]) -> Result<()> {
        if self.fingerprint != fingerprint {
            return Err(Error::config(
                "the results so far are of other images, or of other steps, batch sizes or learning rates: they must be as they were to \
                 go on",
            ));
        }
        match self.runs.iter().find(|run| !run.confusion.is_of(held_out)) {
            Some(run) => Err(Error::config(format!(
                "the results so far are damaged: arm {:?} with seed {} is not of the held-out images of {} classes; start anew",
                run.arm,
                run.seed,
                held_out.len()
            ))),
            None => Ok(()),
        }
    }
}

/// Stands for all that decides the result of an arm but for the arm itself and the seed.
pub(super) fn fingerprint(config: &CompareConfig, sets: [&Arc<dyn Dataset>; 2]) -> Result<u64> {
    let mut fingerprint = Fingerprint::new();
    let numbers =
        [config.training.steps, config.training.batch_size, config.training.size.height, config.training.size.width];
    numbers.iter().for_each(|&number| fingerprint.add(&(number as u64).to_le_bytes()));
    config.learning_rates.iter().for_each(|rate| fingerprint.add(&rate.to_le_bytes()));
    if config.is_tuned() {
        fingerprint.add(&config.training.seed.to_le_bytes());
    }
    for set in sets {
        set.classes().iter().for_each(|class| fingerprint.add(class.as_bytes()));
        for index in 0..set.len() {
            fingerprint.add(&set.label(index).to_le_bytes());
            fingerprint.add(set.load(index)?.data());
        }
    }
    Ok(fingerprint.finish())
}
