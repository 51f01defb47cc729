//! The data loader: plans an epoch, loads and transforms its samples on worker threads, and delivers batches in order.
//!
//! The samples of a batch go to the loader's own thread pool in pieces, behind those of the batches before. Whichever
//! thread finishes the last of them writes the images into the batch's tensor and sends it off. So no thread of the
//! pool ever waits for another, and earlier batches are finished first. There is no thread that coordinates: each call
//! of [`Epoch::next`](Iterator::next) begins one batch more, so that a fixed number is under way, and waits for the
//! batch that comes next in order.

mod batch;
mod builder;
#[allow(dead_code, reason = "the loader does not use it yet")]
mod cache;
mod collate;
mod epoch;
mod guard;
#[allow(dead_code, reason = "the loader does not use it yet")]
mod meter;
mod pool;
mod recipe;
#[allow(dead_code, reason = "the loader does not use it yet")]
mod statistics;
mod task;
#[allow(dead_code, reason = "the loader does not use it yet")]
mod trace;

pub use batch::Batch;
pub use builder::DataLoaderBuilder;
pub use cache::Cache;
pub use epoch::Epoch;
pub use statistics::{ClassStatistics, Stage, StageTimes, Statistics};

use std::fmt;
use std::sync::Arc;

use crate::dataset::Dataset;
use crate::error::Result;
use crate::plan::{EpochPlan, Planner, ResumeState};
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
        Epoch::start(Arc::clone(&self.recipe), plan, self.pool.clone(), self.window)
    }
}

impl fmt::Debug for DataLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataLoader")
            .field("images", &self.recipe.dataset.len())
            .field("classes", &self.classes().len())
            .field("plan", self.planner.config())
            .field("workers", &self.pool.as_ref().map_or(0, |pool| pool.threads()))
            .finish_non_exhaustive()
    }
}
