//! What a comparison is run on and how.

use std::sync::Arc;

use super::arm::Arm;
use super::measure::Training;
use crate::dataset::{Dataset, DatasetExt};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Size;

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

/// How a comparison is run: everything here is the same in all arms, so that they differ in their data alone.
#[derive(Clone, Debug)]
pub struct CompareConfig {
    /// How each classifier is trained. Its seed is that of the first run, the next have the numbers after it; its learning rate is set
    /// for each arm, from `learning_rates`.
    pub training: Training,
    /// Runs of all arms; an interval needs 2, and 3 or more say something. 3 by default.
    pub seeds: usize,
    /// The learning rates that are tried for each arm; a single one is taken as it is. 0.004, 0.0013 and 0.012 by default.
    ///
    /// Each arm is trained once with each of them, on three quarters of each class of the training images, and measured on the rest
    /// (never on the held-out images): the rate with the best balanced accuracy is the arm's for all seeds, of equal ones the first. A
    /// source that was given, and not made from the images, has seen those that are measured on here; that can mislead the choice of
    /// the rate, but no result.
    pub learning_rates: Vec<f64>,
}

impl CompareConfig {
    /// The defaults for images of `size`.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self { training: Training::new(size), seeds: 3, learning_rates: vec![0.004, 0.0013, 0.012] }
    }

    /// Checks what can be checked without images.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if something is out of range.
    pub fn validate(&self) -> Result<()> {
        for (value, what) in
            [(self.seeds, "the number of seeds"), (self.learning_rates.len(), "the number of learning rates")]
        {
            if value == 0 {
                return Err(Error::config(format!("{what} is 0: a comparison needs at least 1")));
            }
        }
        let with_rate = |&learning_rate| Training { learning_rate, ..self.training.clone() }.check();
        self.learning_rates.iter().try_for_each(with_rate)
    }

    /// Whether there is a choice of learning rates.
    pub(super) fn is_tuned(&self) -> bool {
        self.learning_rates.len() > 1
    }

    /// The seeds of the runs.
    pub(super) fn runs(&self) -> impl Iterator<Item = u64> + use<> {
        let first = self.training.seed;
        (0..self.seeds as u64).map(move |run| first.wrapping_add(run))
    }
}

/// Refuses arms that cannot be compared.
pub(super) fn check_arms(arms: &[Arm]) -> Result<()> {
    arms.iter().try_for_each(Arm::check)?;
    if let Some(twice) = (1..arms.len()).find(|&i| arms[..i].iter().any(|arm| arm.name() == arms[i].name())) {
        return Err(Error::config(format!(
            "two arms are called {:?}: give each a name of its own",
            arms[twice].name()
        )));
    }
    if !arms.iter().any(|arm| arm.name() == Arm::REFERENCE) {
        return Err(Error::config(format!(
            "no arm is called {:?}: the others are compared to it, so add Arm::classic",
            Arm::REFERENCE
        )));
    }
    Ok(())
}
