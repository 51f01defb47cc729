//! Trains and measures all arms over all seeds, one run at a time.

use std::sync::Arc;

use candle_core::DType;

use super::arm::Arm;
use super::config::{CompareConfig, CompareData, check_arms};
use super::measure::{Training, measure_arm};
use super::record::{Record, Run, Trial, fingerprint};
use super::result::Comparison;
use crate::dataset::{Dataset, DatasetExt, InMemory};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::transform::Resize;

/// The share of each class of the training images on which a learning rate is measured.
const VALIDATION: f64 = 0.25;

/// How far a comparison is. An error that the callback returns stops it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Images were read and brought to size.
    Read {
        /// How many so far.
        done: usize,
        /// Of how many, training and held-out.
        total: usize,
    },
    /// A classifier made one optimiser step.
    Step {
        /// What it is trained for.
        task: Task<'a>,
        /// Steps so far, over all runs, those of the record too.
        done: usize,
        /// Of how many.
        total: usize,
        /// The step's loss.
        loss: f64,
    },
    /// A classifier was measured: the record has one result more.
    Measured(&'a Record),
}

/// One classifier to be trained and measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Task<'a> {
    /// To choose the learning rate of an arm.
    Trial {
        /// The arm's name.
        arm: &'a str,
        /// The rate that is tried.
        learning_rate: f64,
    },
    /// To be measured on the held-out images.
    Run {
        /// The arm's name.
        arm: &'a str,
        /// The seed.
        seed: u64,
    },
}

/// Trains the arms over all seeds and measures them on the held-out images: a [`Referee`] that runs to its end.
///
/// # Errors
///
/// As [`Referee::new`] and [`Referee::run`].
///
/// ```
/// use std::sync::Arc;
///
/// use candle_augment::compare::{Arm, CompareConfig, CompareData, Synthetic, Training, compare};
/// use candle_augment::gan::{GanConfig, Trainer};
/// use candle_augment::{Balance, ClassMixture, DataLoader, Dataset, DatasetExt, Normalize, RandomRotation, Size, digits};
/// use candle_core::Device;
///
/// // Far too few images, steps and seeds for a verdict, but enough to see how it goes.
/// let data = CompareData::split(Arc::new(digits()?.per_class(20, 0)?), 0.3, 0)?;
///
/// // It learns from the training images alone.
/// let mut trainer = Trainer::new(GanConfig::new(8, 1, data.train().classes()), &Device::Cpu)?;
/// let loader =
///     DataLoader::builder(Arc::clone(data.train())).balance(Balance::Uniform).normalize(Normalize::signed()).build()?;
/// for batch in loader.epoch(0) {
///     trainer.step(&batch?)?;
/// }
/// let gan = Synthetic::new(Arc::new(trainer.source()?), ClassMixture::Share(0.3));
///
/// let classic = Arm::classic(Arc::new(RandomRotation::new(10.0)?));
/// let arms = [Arm::none(), classic.clone(), classic.with_synthetic("gan+classic", gan)];
/// let config = CompareConfig { seeds: 2, learning_rates: vec![0.004], ..CompareConfig::new(Size::square(8)) };
/// let config = CompareConfig { training: Training { steps: 5, ..config.training }, ..config };
/// let comparison = compare(config, &data, &arms, |_| Ok(()))?;
/// println!("{comparison}");
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub fn compare(
    config: CompareConfig,
    data: &CompareData,
    arms: &[Arm],
    mut progress: impl FnMut(Progress<'_>) -> Result<()>,
) -> Result<Comparison> {
    let mut referee = Referee::new(config, data, arms, &mut progress)?;
    referee.run(progress)?;
    referee.result()
}

/// Trains and measures the arms over the seeds, one classifier at a time, and can go on from what was measured before.
///
/// First each arm's learning rate is chosen ([`CompareConfig::learning_rates`]), then for one seed after the other all arms are trained
/// and measured on the held-out images.
pub struct Referee {
    config: CompareConfig,
    train: Arc<dyn Dataset>,
    held_out: Arc<dyn Dataset>,
    arms: Vec<Arm>,
    record: Record,
}

impl Referee {
    /// Reads both sets, brings their images to the size of the training and keeps them in memory (height × width × channels bytes each).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a configuration out of range, two arms of one name, or none that is called
    /// [`Arm::REFERENCE`]; the errors of the data and of `progress`.
    pub fn new(
        config: CompareConfig,
        data: &CompareData,
        arms: &[Arm],
        mut progress: impl FnMut(Progress<'_>) -> Result<()>,
    ) -> Result<Self> {
        config.validate()?;
        check_arms(arms)?;
        for arm in arms {
            super::measure::planner(data.train(), config.training.plan(arm, data.train())?)?;
        }
        let total = data.train().len() + data.held_out().len();
        let mut read = |set, before| {
            read_all(set, &config.training, |done| progress(Progress::Read { done: before + done, total }))
        };
        let (train, held_out) = (read(data.train(), 0)?, read(data.held_out(), data.train().len())?);
        let record = Record::new(fingerprint(&config, [&train, &held_out])?);
        Ok(Self { config, train, held_out, arms: arms.to_vec(), record })
    }

    /// Takes over what was measured before, on the same images and with the same steps, batch size and learning rates. Transforms and
    /// sources of the arms must be the same as well, which is not checked here. Arms and seeds may be added and left out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a record of something else.
    pub fn go_on_from(&mut self, record: Record) -> Result<()> {
        record.check(self.record.fingerprint, &self.held_out.class_counts())?;
        self.record = record;
        Ok(())
    }

    /// What was measured so far.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Makes all runs that are not in the record yet. `progress` is told of every step and of every result; where it returns an
    /// error, the run that it interrupts is lost, and all before are in the record.
    ///
    /// # Errors
    ///
    /// The errors of the transforms, the synthetic sources and `progress`.
    pub fn run(&mut self, mut progress: impl FnMut(Progress<'_>) -> Result<()>) -> Result<()> {
        self.choose_rates(&mut progress)?;
        let mut arms = vec![None; self.arms.len()];
        for seed in self.config.runs() {
            for (arm, prepared) in arms.iter_mut().enumerate() {
                if self.record.run(self.arms[arm].name(), seed).is_none() {
                    let prepared = prepare(prepared, &self.arms[arm], &self.train)?;
                    let run = self.measure_run(prepared, seed, &mut progress)?;
                    self.record.runs.push(run);
                    progress(Progress::Measured(&self.record))?;
                }
            }
        }
        Ok(())
    }

    /// The result of the seeds that all arms were measured with; the others are named as left out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there is no such seed.
    pub fn result(&self) -> Result<Comparison> {
        let is_done = |seed: &u64| self.arms.iter().all(|arm| self.record.run(arm.name(), *seed).is_some());
        let (done, left_out): (Vec<u64>, Vec<u64>) = self.config.runs().partition(is_done);
        if done.is_empty() {
            return Err(Error::config(
                "no seed has been measured with all arms yet: give more time, fewer arms, or fewer steps",
            ));
        }
        Comparison::new(&self.config, [&self.train, &self.held_out], &self.arms, &self.record, done, left_out)
    }

    /// Tries the learning rates of all arms.
    fn choose_rates(&mut self, progress: &mut dyn FnMut(Progress<'_>) -> Result<()>) -> Result<()> {
        if !self.config.is_tuned() {
            return Ok(());
        }
        let (train, validation) = self.split()?;
        for arm in self.arms.clone() {
            let mut prepared = None;
            for learning_rate in self.config.learning_rates.clone() {
                if self.record.trial(arm.name(), learning_rate).is_none() {
                    let prepared = prepare(&mut prepared, &arm, &train)?;
                    let sets = [&train, &validation];
                    let task = Task::Trial { arm: arm.name(), learning_rate };
                    let training = Training { learning_rate, ..self.config.training.clone() };
                    let confusion = self.measure(&training, prepared, sets, task, progress)?;
                    let balanced_accuracy = confusion.balanced_accuracy().expect("the validation images are some");
                    let trial = Trial { arm: arm.name().to_owned(), learning_rate, balanced_accuracy };
                    self.record.trials.push(trial);
                    progress(Progress::Measured(&self.record))?;
                }
            }
        }
        Ok(())
    }

    /// The training images in two parts: to train on, and to choose the learning rate by.
    fn split(&self) -> Result<(Arc<dyn Dataset>, Arc<dyn Dataset>)> {
        let parts = Arc::clone(&self.train).split(1.0 - VALIDATION, self.config.training.seed);
        let (train, validation) = parts.map_err(|error| {
            let message = format!("cannot choose learning rates: {}; or give a single one", error.message());
            Error::new(error.kind(), message)
        })?;
        Ok((Arc::new(train), Arc::new(validation)))
    }

    fn measure_run(&self, arm: &Arm, seed: u64, progress: &mut dyn FnMut(Progress<'_>) -> Result<()>) -> Result<Run> {
        let learning_rate = chosen_rate(&self.config, &self.record, arm.name());
        let training = Training { seed, learning_rate, ..self.config.training.clone() };
        let task = Task::Run { arm: arm.name(), seed };
        let confusion = self.measure(&training, arm, [&self.train, &self.held_out], task, progress)?;
        Ok(Run { seed, arm: arm.name().to_owned(), learning_rate, confusion })
    }

    fn measure(
        &self,
        training: &Training,
        arm: &Arm,
        [train, validation]: [&Arc<dyn Dataset>; 2],
        task: Task<'_>,
        progress: &mut dyn FnMut(Progress<'_>) -> Result<()>,
    ) -> Result<crate::classifier::Confusion> {
        let total = self.tasks() * training.steps;
        let mut done = self.finished() * training.steps;
        measure_arm(training, arm, train, validation, |loss| {
            done += 1;
            progress(Progress::Step { task, done, total, loss })
        })
    }

    /// The number of classifiers to be trained in all.
    fn tasks(&self) -> usize {
        let trials = if self.config.is_tuned() { self.config.learning_rates.len() } else { 0 };
        self.arms.len() * (trials + self.config.seeds)
    }

    /// The number of them that have been measured.
    fn finished(&self) -> usize {
        let is_trial = |arm: &Arm, rate: &f64| self.config.is_tuned() && self.record.trial(arm.name(), *rate).is_some();
        let of_arm = |arm: &Arm| {
            let trials = self.config.learning_rates.iter().filter(|rate| is_trial(arm, rate)).count();
            trials + self.config.runs().filter(|seed| self.record.run(arm.name(), *seed).is_some()).count()
        };
        self.arms.iter().map(of_arm).sum()
    }
}

/// The arm with its source made from `train`, which is done once.
fn prepare<'a>(prepared: &'a mut Option<Arm>, arm: &Arm, train: &Arc<dyn Dataset>) -> Result<&'a Arm> {
    if prepared.is_none() {
        *prepared = Some(arm.on(train)?);
    }
    Ok(prepared.as_ref().expect("it was made above"))
}

/// The learning rate of an arm whose trials are over.
pub(super) fn chosen_rate(config: &CompareConfig, record: &Record, arm: &str) -> f64 {
    let score = |rate: f64| record.trial(arm, rate).map_or(f64::NEG_INFINITY, |trial| trial.balanced_accuracy);
    let better = |best: f64, &rate: &f64| if score(rate) > score(best) { rate } else { best };
    config.learning_rates.iter().fold(config.learning_rates[0], better)
}

/// Every image of a set at the comparison's size, in memory.
fn read_all(
    set: &Arc<dyn Dataset>,
    training: &Training,
    mut progress: impl FnMut(usize) -> Result<()>,
) -> Result<Arc<dyn Dataset>> {
    let loader = training
        .in_order(set)
        .transform(Resize::exact(training.size.height, training.size.width)?)
        .dtype(DType::U8)
        .build()?;
    let mut images = Vec::with_capacity(set.len());
    for batch in loader.epoch(0) {
        images.append(&mut Image::from_tensor(&batch?.images)?);
        progress(images.len())?;
    }
    let labels = (0..set.len()).map(|index| set.label(index)).collect();
    Ok(Arc::new(InMemory::from_images(images, labels, set.classes().to_vec())?))
}
