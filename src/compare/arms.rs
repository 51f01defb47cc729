//! Trains and measures the arms.

use std::sync::Arc;

use candle_core::DType;

use super::config::{CompareConfig, CompareData};
use super::result::{Arm, ArmResult, ClassResult, Comparison, Verdict};
use super::statistics::Estimate;
use crate::classifier::{Classifier, ClassifierTrainer, Confusion, endless};
use crate::dataset::{Dataset, InMemory};
use crate::error::Result;
use crate::image::Image;
use crate::loader::{DataLoader, DataLoaderBuilder};
use crate::synthetic::SyntheticSource;
use crate::transform::{Normalize, Pipeline, Resize, Step, Transform};

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
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for a configuration out of range, and the errors of the data, the transforms, `source` and `progress`.
///
/// ```
/// use std::sync::Arc;
///
/// use candle_augment::compare::{CompareConfig, CompareData, compare};
/// use candle_augment::gan::{GanConfig, Trainer};
/// use candle_augment::{Balance, DataLoader, Dataset, DatasetExt, Normalize, RandomRotation, Size, SyntheticSource, digits};
/// use candle_core::Device;
///
/// // Far too few images, steps and seeds for a verdict, but enough to see how it goes.
/// let data = CompareData::split(Arc::new(digits()?.per_class(20, 0)?), 0.3, 0)?;
/// let config = CompareConfig { seeds: 2, steps: 5, ..CompareConfig::new(Size::square(8)) };
/// let train_gan = |seed, train: &Arc<dyn Dataset>| {
///     let mut trainer = Trainer::new(GanConfig { seed, ..GanConfig::new(8, 1, train.classes()) }, &Device::Cpu)?;
///     let loader = DataLoader::builder(Arc::clone(train)).balance(Balance::Uniform).normalize(Normalize::signed()).build()?;
///     for batch in loader.epoch(0) {
///         trainer.step(&batch?)?;
///     }
///     Ok(Arc::new(trainer.source()?) as Arc<dyn SyntheticSource>)
/// };
/// let comparison = compare(&config, &data, Arc::new(RandomRotation::new(10.0)?), train_gan, |_| Ok(()))?;
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
    let synthetic = config.synthetic_shares(data.train())?;
    let total = data.train().len() + data.held_out().len();
    let mut read = |set, before| read_all(set, config, |done| progress(Progress::Read { done: before + done, total }));
    let train = read(data.train(), 0)?;
    let held_out = read(data.held_out(), data.train().len())?;
    let mut runs = Runs { config, train, held_out, transform, progress: &mut progress, done: 0 };
    let mut confusions = Vec::with_capacity(config.seeds);
    for seed in config.runs() {
        let source = source(seed, &runs.train)?;
        confusions.push(runs.run(seed, &source)?);
    }
    Ok(runs.summary(&confusions, &synthetic))
}

/// Every image of a set at the comparison's size, in memory.
fn read_all(
    set: &Arc<dyn Dataset>,
    config: &CompareConfig,
    mut progress: impl FnMut(usize) -> Result<()>,
) -> Result<Arc<dyn Dataset>> {
    let loader = in_order(Arc::clone(set), config)
        .transform(Resize::exact(config.size.height, config.size.width)?)
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

/// A loader that goes through a set once, in order.
fn in_order(set: Arc<dyn Dataset>, config: &CompareConfig) -> DataLoaderBuilder {
    DataLoader::builder(set).batch_size(READ_BATCH).shuffle(false).workers(config.workers).device(config.device.clone())
}

/// What all runs share.
struct Runs<'a> {
    config: &'a CompareConfig,
    train: Arc<dyn Dataset>,
    held_out: Arc<dyn Dataset>,
    transform: Arc<dyn Transform>,
    progress: &'a mut dyn FnMut(Progress) -> Result<()>,
    done: usize,
}

impl Runs<'_> {
    /// Trains and measures all arms on one seed.
    fn run(&mut self, seed: u64, source: &Arc<dyn SyntheticSource>) -> Result<[Confusion; 3]> {
        let mut measured = |arm| self.train(seed, arm, source).and_then(|classifier| self.measure(&classifier));
        let [real, classic, synthetic] = Arm::ALL;
        Ok([measured(real)?, measured(classic)?, measured(synthetic)?])
    }

    fn train(&mut self, seed: u64, arm: Arm, source: &Arc<dyn SyntheticSource>) -> Result<Classifier> {
        let CompareConfig { steps, seeds, .. } = *self.config;
        let channels = self.train.load(0)?.channels();
        let config = self.config.classifier(seed, channels, self.train.classes().len());
        let mut trainer = ClassifierTrainer::new(config, &self.config.device)?;
        let loader = self.loader(seed, arm, source)?;
        for batch in endless(&loader).take(steps) {
            let loss = trainer.step(&batch?)?;
            self.done += 1;
            let total = seeds * Arm::ALL.len() * steps;
            (self.progress)(Progress::Step { seed, arm, done: self.done, total, loss })?;
        }
        Ok(trainer.finish())
    }

    fn loader(&self, seed: u64, arm: Arm, source: &Arc<dyn SyntheticSource>) -> Result<DataLoader> {
        let config = self.config;
        let mut builder = DataLoader::builder(Arc::clone(&self.train))
            .plan(config.plan(seed, arm, self.train.len()))
            .normalize(Normalize::signed())
            .workers(config.workers)
            .device(config.device.clone());
        if arm != Arm::Real {
            // Images of the set have their size already, synthetic samples may not.
            let resize = Resize::exact(config.size.height, config.size.width)?;
            builder = builder.transform(Pipeline::new().then(resize).then(Step::own(Arc::clone(&self.transform))));
        }
        if arm == Arm::Synthetic {
            builder = builder.synthetic(Arc::clone(source));
        }
        builder.build()
    }

    fn measure(&self, classifier: &Classifier) -> Result<Confusion> {
        let loader = in_order(Arc::clone(&self.held_out), self.config).normalize(Normalize::signed()).build()?;
        classifier.evaluate(loader.epoch(0))
    }

    fn summary(&self, confusions: &[[Confusion; 3]], synthetic: &[f64]) -> Comparison {
        let balanced = Arm::ALL.map(|arm| estimate(confusions, arm, Confusion::balanced_accuracy));
        let arms = Arm::ALL.map(|arm| ArmResult {
            arm,
            balanced_accuracy: balanced[arm as usize].clone(),
            accuracy: estimate(confusions, arm, Confusion::accuracy),
            difference: balanced[arm as usize].minus(&balanced[Arm::Classic as usize]),
        });
        let (train, held_out) = (self.train.class_counts(), self.held_out.class_counts());
        let class = |(class, name): (usize, &String)| ClassResult {
            name: name.clone(),
            train_images: train[class],
            synthetic_share: synthetic[class],
            held_out_images: held_out[class],
            recall: (held_out[class] > 0)
                .then(|| Arm::ALL.map(|arm| estimate(confusions, arm, |confusion| confusion.recall(class as u32)))),
        };
        Comparison {
            seeds: self.config.runs(),
            steps: self.config.steps,
            batch_size: self.config.batch_size.min(self.train.len()),
            train_images: self.train.len(),
            held_out_images: self.held_out.len(),
            verdict: Verdict::of(&arms[Arm::Synthetic as usize].difference),
            arms,
            classes: self.train.classes().iter().enumerate().map(class).collect(),
        }
    }
}

/// One figure of one arm over the seeds.
fn estimate(confusions: &[[Confusion; 3]], arm: Arm, figure: impl Fn(&Confusion) -> Option<f64>) -> Estimate {
    let value =
        |run: &[Confusion; 3]| figure(&run[arm as usize]).expect("only classes with held-out images are asked for");
    Estimate::new(confusions.iter().map(value).collect())
}
