//! What a loader of a data set is configured with beside the options that all loaders have.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::DataLoader;
use super::builder::{Equipment, LoaderBuilder};
use super::cache::Cache;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::plan::{MixtureSchedule, PlanConfig, Planner, Shard};

/// Configures a [`DataLoader`]; see [`LoaderBuilder`] for the options and their defaults.
pub type DataLoaderBuilder = LoaderBuilder<Indexed>;

/// A data set, and the images of it that are kept.
pub struct Indexed {
    dataset: Arc<dyn Dataset>,
    cache: Option<Cache>,
}

impl LoaderBuilder<Indexed> {
    pub(super) fn new(dataset: Arc<dyn Dataset>) -> Self {
        Self::of(Indexed { dataset, cache: None })
    }

    /// Keeps decoded images for later epochs, within a bound of memory. Default none.
    ///
    /// Images are then decoded in full, or as [`Cache::resized`] says, whether they are kept or not: what is in a batch does
    /// not depend on it.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.source.cache = Some(cache);
        self
    }

    /// How the mixture's shares change from epoch to epoch, see [`PlanConfig::schedule`]. Default: they do not.
    pub fn mixture_schedule(mut self, schedule: MixtureSchedule) -> Self {
        self.options.plan.schedule = Some(schedule);
        self
    }

    /// Whether each epoch has an order of its own, see [`PlanConfig::shuffle`]. Default true.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.plan.shuffle = shuffle;
        self
    }

    /// Whether a last batch that is not full is left out, see [`PlanConfig::drop_last`]. Default false.
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.options.plan.drop_last = drop_last;
        self
    }

    /// The part of each epoch that this process reads. Default everything.
    pub fn shard(mut self, shard: Shard) -> Self {
        self.options.plan.shard = shard;
        self
    }

    /// Everything about the order at once, instead of method by method.
    pub fn plan(mut self, plan: PlanConfig) -> Self {
        self.options.plan = plan;
        self
    }

    /// Checks the configuration and starts the workers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the configuration is out of range or contradicts itself: a
    /// batch size of 0; a balance, mixture, schedule or shard out of range, or of classes that the data set does not have; a
    /// mixture without a source, a source of other classes; another dtype than f32 and u8, normalised or mixed u8; a
    /// rate of failures out of range; more than 1024 workers; an epoch without a batch.
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) for a data set without images, or with labels that name no class.
    pub fn build(self) -> Result<DataLoader> {
        let Self { source: Indexed { dataset, cache }, options } = self;
        let labels: Vec<u32> = (0..dataset.len()).map(|index| dataset.label(index)).collect();
        let planner = Planner::new(&labels, dataset.classes(), options.plan.clone())?.of_files(&file_names(&*dataset));
        let Equipment { recipe, pool, window, ledger } = options.equip(dataset, cache, planner.synthetic_shares())?;
        let position = Arc::new(Mutex::new(planner.beginning()));
        Ok(DataLoader { recipe, planner, pool: pool.map(Arc::new), window, position, ledger })
    }
}

impl fmt::Debug for Indexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indexed").field("images", &self.dataset.len()).field("cache", &self.cache).finish()
    }
}

/// The names of up to a thousand files, evenly spread over the set; none where images have no files of their own. Folders are
/// left out, so that the set may lie elsewhere.
fn file_names(dataset: &dyn Dataset) -> Vec<u8> {
    let step = dataset.len().div_ceil(1000).max(1);
    let paths = (0..dataset.len()).step_by(step).map_while(|index| dataset.path(index));
    let mut names = Vec::new();
    for path in paths {
        names.extend_from_slice(path.file_name().unwrap_or_default().as_encoded_bytes());
        names.push(b'/');
    }
    names
}
