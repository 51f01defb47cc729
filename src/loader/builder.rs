//! The configuration of a loader, checked as a whole.

use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::thread::available_parallelism;

use candle_core::{DType, Device};

use super::DataLoader;
use super::cache::Cache;
use super::failure::ErrorPolicy;
use super::meter::Ledger;
use super::output::{Output, OutputConfig};
use super::pool::Pool;
use super::recipe::Recipe;
use super::workbench::Workbenches;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::plan::{Balance, Mixture, PlanConfig, Planner, Shard};
use crate::synthetic::SyntheticSource;
use crate::transform::{BatchTransform, Normalize, Transform};

/// Configures a [`DataLoader`].
///
/// Unless told otherwise a loader gives batches of 32 without transforms, shuffled, in the classes' natural
/// proportions, as f32 in [0, 1] on the CPU, with a worker for each core.
#[must_use = "a builder does nothing until it is built"]
pub struct DataLoaderBuilder {
    dataset: Arc<dyn Dataset>,
    transform: Option<Box<dyn Transform>>,
    batch_transform: Option<Box<dyn BatchTransform>>,
    synthetic: Option<Arc<dyn SyntheticSource>>,
    output: OutputConfig,
    policy: ErrorPolicy,
    cache: Option<Cache>,
    scaled: bool,
    workers: Option<usize>,
    prefetch: Option<usize>,
    plan: PlanConfig,
}

impl DataLoaderBuilder {
    pub(super) fn new(dataset: Arc<dyn Dataset>) -> Self {
        Self {
            dataset,
            transform: None,
            batch_transform: None,
            synthetic: None,
            output: OutputConfig::default(),
            policy: ErrorPolicy::default(),
            cache: None,
            scaled: true,
            workers: None,
            prefetch: None,
            plan: PlanConfig::default(),
        }
    }

    /// Transforms every sample, real or synthetic; [`Pipeline`](crate::Pipeline) makes one transform of several. Default:
    /// none.
    pub fn transform(mut self, transform: impl Transform + 'static) -> Self {
        self.transform = Some(Box::new(transform));
        self
    }

    /// Mixes every batch of normalised images, and gives it [soft labels](crate::Batch::soft_labels): [`MixUp`](crate::MixUp),
    /// [`CutMix`](crate::CutMix), or one of both by [`BatchOneOf`](crate::BatchOneOf). The operation is drawn from the key of the batch's
    /// first sample. Default: none.
    pub fn batch_transform(mut self, transform: impl BatchTransform + 'static) -> Self {
        self.batch_transform = Some(Box::new(transform));
        self
    }

    /// Samples in a batch, at least 1. Default 32.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.plan.batch_size = batch_size;
        self
    }

    /// How the classes share a batch. Default [`Balance::Natural`].
    pub fn balance(mut self, balance: Balance) -> Self {
        self.plan.balance = balance;
        self
    }

    /// How much of each class is synthetic; more than nothing needs a [synthetic source](Self::synthetic). Default:
    /// nothing.
    pub fn mixture(mut self, mixture: impl Into<Mixture>) -> Self {
        self.plan.mixture = mixture.into();
        self
    }

    /// Where synthetic samples come from. Its classes must be the data set's, in the same order. Default: nowhere.
    pub fn synthetic(mut self, source: impl SyntheticSource + 'static) -> Self {
        self.synthetic = Some(Arc::new(source));
        self
    }

    /// How pixels become f32. Default [`Normalize::unit`], which is [0, 1].
    pub fn normalize(mut self, normalize: Normalize) -> Self {
        self.output.normalize = Some(normalize);
        self
    }

    /// Whether the images are moved to the device as bytes, a quarter of the data, and normalised there, instead of by the
    /// workers. Default false.
    pub fn normalize_on_device(mut self, on_device: bool) -> Self {
        self.output.normalize_on_device = on_device;
        self
    }

    /// The dtype of the images: [`DType::F32`], normalised, or [`DType::U8`], the pixels as they are. Default f32.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.output.dtype = dtype;
        self
    }

    /// Where the tensors are put. Default the CPU.
    pub fn device(mut self, device: Device) -> Self {
        self.output.device = device;
        self
    }

    /// What happens to a sample that cannot be made. Default [`ErrorPolicy::Fail`].
    pub fn error_policy(mut self, policy: ErrorPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Keeps decoded images for later epochs, within a bound of memory. Default none.
    ///
    /// Images are then decoded in full, or as [`Cache::resized`] says, whether they are kept or not: what is in a batch does
    /// not depend on it.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Whether a JPEG file of which the transforms shrink a part to half its size or less is decoded at a half, a quarter or
    /// an eighth, whichever is not below the result: several times faster for large photographs. The pixels are then close
    /// to those of decoding in full, but not the same, and lie up to half a pixel of that scale apart. Default true.
    ///
    /// It concerns antialiased bilinear or bicubic resizing as the first transform, or right after a crop; and
    /// [the files that can be scaled](crate::EncodedImage::can_scale). That only the crop itself is decoded changes no pixel,
    /// and is always done.
    pub fn scaled_decoding(mut self, scaled: bool) -> Self {
        self.scaled = scaled;
        self
    }

    /// Worker threads; 0 does the work in the thread that asks for a batch. Default: as many as the process may run at
    /// once. The batches are the same for any number.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Batches that are made ahead: finished and not yet taken, or under way; at least 1. Default 2, and one more for each
    /// batch that the workers can begin at a time, ⌈workers / batch size⌉. Without workers nothing is done ahead.
    ///
    /// Memory is bounded by it: beside the batches that were handed out there are no more than these, whatever the size of
    /// the data set; and for each worker one decoded image, with what the transforms make of it on the way.
    pub fn prefetch(mut self, prefetch: usize) -> Self {
        self.prefetch = Some(prefetch);
        self
    }

    /// The seed of everything random. Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.plan.seed = seed;
        self
    }

    /// Whether each epoch has an order of its own, see [`PlanConfig::shuffle`]. Default true.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.plan.shuffle = shuffle;
        self
    }

    /// Whether a last batch that is not full is left out, see [`PlanConfig::drop_last`]. Default false.
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.plan.drop_last = drop_last;
        self
    }

    /// The part of each epoch that this process reads. Default everything.
    pub fn shard(mut self, shard: Shard) -> Self {
        self.plan.shard = shard;
        self
    }

    /// Everything about the order at once, instead of method by method.
    pub fn plan(mut self, plan: PlanConfig) -> Self {
        self.plan = plan;
        self
    }

    /// Checks the configuration and starts the workers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the configuration is out of range or contradicts itself: a
    /// batch size of 0; a balance, mixture or shard out of range, or of classes that the data set does not have; a
    /// mixture without a source, a source of other classes; another dtype than f32 and u8, normalised or mixed u8; a
    /// rate of failures out of range; an epoch without a batch. [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) for a data set without images, or with labels
    /// that name no class.
    pub fn build(self) -> Result<DataLoader> {
        let dataset = &*self.dataset;
        let labels: Vec<u32> = (0..dataset.len()).map(|index| dataset.label(index)).collect();
        let planner = Planner::new(&labels, dataset.classes(), self.plan)?.of_files(&file_names(dataset));
        check_source(self.synthetic.as_deref(), &planner, dataset.classes())?;
        if let Some(transform) = &self.transform {
            transform.check_classes(dataset.classes())?;
        }
        self.policy.check()?;
        let output = Output::new(self.output)?;
        if self.batch_transform.is_some() && !output.can_mix() {
            return Err(Error::config(
                "a batch transform mixes f32 images that the workers have normalised, but the batches are to be u8, or \
                 normalised on the device: leave one of the two out",
            ));
        }
        let workers = self.workers.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get));
        let window = self.prefetch.unwrap_or(2 + workers.div_ceil(planner.config().batch_size)).max(1);
        let pool = if workers == 0 { None } else { Some(Arc::new(Pool::new(workers, window)?)) };
        let ledger = Ledger::new(self.dataset.classes(), workers);
        let position = Arc::new(Mutex::new(planner.beginning()));
        let recipe = Recipe {
            dataset: self.dataset,
            planner: planner.clone(),
            transform: self.transform,
            batch_transform: self.batch_transform,
            synthetic: self.synthetic,
            output,
            policy: self.policy,
            // A kept image is whole; one that is not must be the same.
            scaled: self.scaled && self.cache.is_none(),
            cache: self.cache,
            workbenches: Workbenches::default(),
        };
        Ok(DataLoader { recipe: Arc::new(recipe), planner, pool, window, position, ledger })
    }
}

impl fmt::Debug for DataLoaderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataLoaderBuilder")
            .field("images", &self.dataset.len())
            .field("plan", &self.plan)
            .field("output", &self.output)
            .field("policy", &self.policy)
            .field("workers", &self.workers)
            .field("prefetch", &self.prefetch)
            .finish_non_exhaustive()
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

fn check_source(source: Option<&dyn SyntheticSource>, planner: &Planner, classes: &[String]) -> Result<()> {
    let Some(source) = source else {
        return match planner.synthetic_shares().zip(classes).find(|(share, _)| *share > 0.0) {
            Some((_, class)) => Err(Error::config(format!(
                "the mixture wants synthetic samples of class {class:?}, but the loader has no synthetic source: give \
                 it one with DataLoaderBuilder::synthetic, or leave the mixture out"
            ))),
            None => Ok(()),
        };
    };
    let theirs = source.classes();
    let differing = (0..classes.len().max(theirs.len())).find(|&label| classes.get(label) != theirs.get(label));
    let Some(label) = differing else { return Ok(()) };
    let name = |classes: &[String]| classes.get(label).map_or("none".to_owned(), |class| format!("{class:?}"));
    Err(Error::config(format!(
        "the synthetic source has other classes than the data set: {} against {}, and class {label} is {} against {}: \
         use a source that was made from this data set",
        theirs.len(),
        classes.len(),
        name(theirs),
        name(classes)
    )))
}
