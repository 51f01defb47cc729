//! The data loader: plans an epoch, makes its samples on worker threads, and delivers batches in order.
//!
//! A coordinator takes the next batch of the plan, allocates the memory for its images, and hands out its samples in
//! pieces, which the workers write side by side into the places where they stay. Several batches are under way, so that the
//! workers have work while one is put together. Workers never wait; coordinators wait for them; each call of
//! [`Epoch::next`](Iterator::next) begins one batch more, so that a fixed number is under way, and waits for the batch that
//! comes next in order.

mod batch;
mod builder;
mod cache;
mod epoch;
mod failure;
mod guard;
mod images;
mod indexed;
mod meter;
mod needed;
mod output;
mod pool;
mod recipe;
mod roster;
mod statistics;
mod stream;
mod sync;
mod task;
mod trace;
mod workbench;
mod worker;

pub use batch::Batch;
pub use builder::LoaderBuilder;
pub use cache::Cache;
pub use epoch::Epoch;
pub use failure::{ErrorBudget, ErrorPolicy, Failure};
pub use indexed::DataLoaderBuilder;
pub(crate) use pool::is_worker;
pub use statistics::{ClassStatistics, Stage, StageTimes, Statistics};
pub use stream::{Stream, StreamBuilder, wrap};

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::dataset::Dataset;
use crate::error::Result;
use crate::image::Image;
use crate::plan::{EpochPlan, Planner, ResumeState, Slot};
use crate::transform::Op;
use meter::Ledger;
use pool::Pool;
use recipe::Recipe;

/// Streams augmented batches of a labelled image set to a training loop.
///
/// A batch is a pure function of data set, configuration, seed, epoch and position: the same for any number of workers,
/// to the bit, in the same order.
///
/// ```
/// use candle_augment::{Balance, DataLoader, Normalize, RandomRotation, digits};
///
/// let loader = DataLoader::builder(digits()?)
///     .transform(RandomRotation::new(10.0)?)
///     .normalize(Normalize::signed())
///     .balance(Balance::Uniform)
///     .batch_size(50)
///     .build()?;
/// for batch in loader.epoch(0).take(2) {
///     let batch = batch?;
///     assert_eq!(batch.images.dims(), [50, 1, 8, 8]);
///     assert_eq!(batch.labels.dims(), [50]);
/// }
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// Dropping the loader and its epochs ends the worker threads, once the samples that they are at are done.
pub struct DataLoader {
    recipe: Arc<Recipe>,
    planner: Planner,
    /// None where the calling thread does the work.
    pool: Option<Arc<Pool>>,
    /// The most batches that are under way or finished and not yet taken.
    window: usize,
    /// Where the batch that was delivered last stands.
    position: Arc<Mutex<ResumeState>>,
    ledger: Arc<Ledger>,
}

/// One sample by itself; see [`DataLoader::sample`].
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The image after the operations, not normalised.
    pub image: Image,
    /// What the transform drew.
    pub ops: Vec<Op>,
}

impl DataLoader {
    /// A loader of `dataset`, to be configured; see [`DataLoaderBuilder`] for the defaults.
    pub fn builder(dataset: impl Dataset + 'static) -> DataLoaderBuilder {
        DataLoaderBuilder::new(Arc::new(dataset))
    }

    /// The batches of an epoch, from 0. Work on the first ones begins at once.
    pub fn epoch(&self, epoch: u64) -> Epoch {
        self.start(self.planner.epoch(epoch))
    }

    /// The batches that are left of the epoch where a run stopped, see [`Epoch::state`]. What lies before them is not
    /// read again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the state belongs to another seed, data set or plan.
    pub fn resume(&self, state: &ResumeState) -> Result<Epoch> {
        Ok(self.start(self.planner.resume(state)?))
    }

    /// Where the run stands after the batch that was delivered last, by whichever epoch of this loader; before the first, at
    /// the start of epoch 0. To be saved with a checkpoint, for [`DataLoader::resume`]; less than 1 KiB as JSON.
    ///
    /// ```
    /// use candle_augment::{DataLoader, ResumeState, digits};
    ///
    /// let loader = DataLoader::builder(digits()?).build()?;
    /// for batch in loader.epoch(0).take(3) {
    ///     batch?;
    /// }
    /// let saved = serde_json::to_string(&loader.state())?;
    /// let state: ResumeState = serde_json::from_str(&saved)?;
    /// assert_eq!(loader.resume(&state)?.len(), loader.batches_per_epoch() - 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> ResumeState {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts and times over all epochs so far, those under way too: which stage takes the time, how many samples of each
    /// class were real, synthetic and repeated, and how many failed.
    ///
    /// ```
    /// use candle_augment::{DataLoader, digits};
    ///
    /// let loader = DataLoader::builder(digits()?).build()?;
    /// let delivered = loader.epoch(0).filter(|batch| batch.is_ok()).count();
    /// let statistics = loader.statistics();
    /// assert_eq!((statistics.batches, statistics.samples), (delivered as u64, 1797));
    /// println!("{statistics}");
    /// # Ok::<(), candle_augment::Error>(())
    /// ```
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.ledger.statistics()
    }

    /// The images that are kept so far, if the loader has a [cache](DataLoaderBuilder::cache).
    ///
    /// ```
    /// use candle_augment::{Cache, DataLoader, digits};
    ///
    /// let loader = DataLoader::builder(digits()?).cache(Cache::resized(1 << 20, 4)?).build()?;
    /// for batch in loader.epoch(0) {
    ///     batch?;
    /// }
    /// let cache = loader.cache().expect("the loader was given one");
    /// assert_eq!(cache.len(), 1797);
    /// println!("{} images in {} bytes", cache.len(), cache.bytes());
    /// # Ok::<(), candle_augment::Error>(())
    /// ```
    #[must_use]
    pub fn cache(&self) -> Option<&Cache> {
        self.recipe.cache.as_ref()
    }

    /// Makes one sample by itself, on the calling thread: the one that the loader's batch has, before normalisation. For
    /// instance the one that an error names by its key, see [`EpochPlan::slot_at`].
    ///
    /// ```
    /// use candle_augment::{DataLoader, RandomRotation, SampleKey, digits};
    ///
    /// let loader = DataLoader::builder(digits()?).transform(RandomRotation::new(10.0)?).seed(7).build()?;
    /// let key: SampleKey = "7:0:42:transform".parse()?;
    /// let slot = loader.plan(key.epoch).slot_at(key.position).expect("an epoch has 1797 samples");
    /// let sample = loader.sample(&slot)?;
    /// println!("{:?} gave {:?}", sample.ops, sample.image.size());
    /// # Ok::<(), candle_augment::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the sample's batch would fail with.
    pub fn sample(&self, slot: &Slot) -> Result<Sample> {
        self.recipe.sample(slot)
    }

    /// The plan of an epoch: what [`DataLoader::epoch`] will deliver.
    #[must_use]
    pub fn plan(&self, epoch: u64) -> EpochPlan {
        self.planner.epoch(epoch)
    }

    /// What plans the epochs, with the configuration.
    #[must_use]
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    /// The batches of an epoch for this rank; the same for every epoch.
    #[must_use]
    pub fn batches_per_epoch(&self) -> usize {
        self.planner.batches_per_epoch()
    }

    /// The names of the classes, in the order of their labels.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.recipe.dataset.classes()
    }

    fn start(&self, plan: EpochPlan) -> Epoch {
        let account = self.ledger.open(plan.epoch(), Some(plan.len()));
        let position = Arc::clone(&self.position);
        Epoch::start(Arc::clone(&self.recipe), plan, self.pool.clone(), self.window, position, account)
    }
}

impl fmt::Debug for DataLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataLoader")
            .field("images", &self.recipe.dataset.len())
            .field("classes", &self.classes().len())
            .field("plan", self.planner.config())
            .field("workers", &self.pool.as_ref().map_or(0, |pool| pool.workers()))
            .finish_non_exhaustive()
    }
}
