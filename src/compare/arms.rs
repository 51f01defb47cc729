//! Trains and measures the arms.

use std::sync::Arc;

use super::config::{CompareConfig, CompareData};
use super::result::{Arm, ArmResult, ClassResult, Comparison, Verdict};
use super::statistics::Estimate;
use crate::classifier::{Classifier, ClassifierConfig, ClassifierTrainer, Confusion, endless};
use crate::dataset::{Dataset, InMemory};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Size;
use crate::loader::{DType, DataLoader, DataLoaderBuilder};
use crate::plan::Origin;
use crate::rng::SampleRng;
use crate::synthetic::SyntheticSource;
use crate::transform::{Compose, Normalize, Op, Resize, Transform};

/// Images that are read or measured at a time.
const READ_BATCH: usize = 256;

/// How far a comparison is. An error that the callback returns stops it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// Images were read and brought to size.
    Read {
        /// How many so far.
        done: usize,
        /// Of how many, training and held-out.
        total: usize,
    },
    /// A classifier made one optimiser step.
    Step {
        /// The run's seed.
        seed: u64,
        /// Its arm.
        arm: Arm,
        /// Steps so far, over all seeds and arms.
        done: usize,
        /// Of how many.
        total: usize,
        /// The step's loss.
        loss: f64,
    },
}

/// Trains the three arms over all seeds and measures them on the held-out images.
///
/// Both sets are read once, brought to [`CompareConfig::size`] and kept in memory (height × width × channels bytes an image).
/// `transform` is the classic one, of the second and third arm. `source` is asked once per seed for the synthetic samples of the third
/// arm and is given the training images as they were read, nothing else: it may train on them, or return what was trained before,
/// as long as that never saw the held-out images. `progress` is told of every batch read and of every step.
///
/// # Errors
///
/// [`ErrorKind::Config`] for a configuration out of range, and the errors of the data, the transforms, `source` and `progress`.
///
/// ```no_run
/// # use std::sync::Arc;
/// use candle_augment::compare::{CompareConfig, CompareData, compare};
/// use candle_augment::{Dataset, RandomRotation, Size, SyntheticSource, digits};
///
/// # fn train_gan(_: u64, _: &Arc<dyn Dataset>) -> candle_augment::Result<Arc<dyn SyntheticSource>> { unimplemented!() }
/// let data = CompareData::split(Arc::new(digits()?), 0.3, 0)?;
/// let classic = Arc::new(RandomRotation::new(10.0)?);
/// let config = CompareConfig::new(Size::square(8));
/// let comparison = compare(&config, &data, classic, |seed, train| train_gan(seed, train), |_| Ok(()))?;
/// println!("{comparison}");
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub fn compare(
    config: &CompareConfig,
    data: &CompareData,
    transform: Arc<dyn Transform>,
    mut source: impl FnMut(u64, &Arc<dyn Dataset>) -> Result<Arc<dyn SyntheticSource>>,
    mut progress: impl FnMut(Progress) -> Result<()>,
) -> Result<Comparison> {
    config.check()?;
    let total = data.train().len() + data.held_out().len();
    let mut read = |set, offset| {
        read_all(set, config, |done| progress(Progress::Read { done: offset + done, total }))
    };
    let train = read(data.train(), 0)?;
    let held_out = read(data.held_out(), data.train().len())?;
    let mut runs = Runs { config, train, held_out, transform, progress: &mut progress, done: 0 };
    let mut confusions = Vec::with_capacity(config.seeds);
    for seed in config.runs() {
        let source = source(seed, &runs.train)?;
        confusions.push(runs.run(seed, &source)?);
    }
    ...
}
