//! What a loader is configured with, whatever its images come from; checked as a whole.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use candle_core::{DType, Device};

use super::cache::Cache;
use super::failure::ErrorPolicy;
use super::meter::Ledger;
use super::output::{Output, OutputConfig};
use super::pool::Pool;
use super::recipe::Recipe;
use super::workbench::Workbenches;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::plan::{Balance, Mixture, PlanConfig};
use crate::synthetic::SyntheticSource;
use crate::transform::{BatchTransform, Normalize, Transform};

/// More threads than any machine keeps busy are a mistake, and end in an error of the system's that does not say so.
const MOST_WORKERS: usize = 1024;

/// Configures a [`DataLoader`](crate::DataLoader), as [`DataLoaderBuilder`](crate::DataLoaderBuilder), or a
/// [`Stream`](crate::Stream), as [`StreamBuilder`](crate::StreamBuilder); `S` is where the images come from.
///
/// Unless told otherwise the batches are of 32 samples without transforms, in the classes' natural proportions, as f32 in
/// [0, 1] on the CPU, made by a worker for each core. Those of a data set are shuffled.
#[must_use = "a builder does nothing until it is built"]
pub struct LoaderBuilder<S> {
    pub(super) source: S,
    pub(super) options: Options,
}

/// What all loaders are told.
pub(super) struct Options {
    pub plan: PlanConfig,
    pub policy: ErrorPolicy,
    transform: Option<Box<dyn Transform>>,
    batch_transform: Option<Box<dyn BatchTransform>>,
    synthetic: Option<Arc<dyn SyntheticSource>>,
    output: OutputConfig,
    scaled: bool,
    workers: Option<usize>,
    prefetch: Option<usize>,
}

/// What the configuration comes to: all that makes batches of slots.
pub(super) struct Equipment {
    pub recipe: Arc<Recipe>,
    /// None where the calling thread does the work.
    pub pool: Option<Pool>,
    /// The most batches that are made ahead: under way, or finished and not yet taken.
    pub window: usize,
    pub ledger: Arc<Ledger>,
}

impl<S> LoaderBuilder<S> {
    pub(super) fn of(source: S) -> Self {
        Self { source, options: Options::default() }
    }

    /// Transforms every sample, real or synthetic; [`Pipeline`](crate::Pipeline) makes one transform of several. Default:
    /// none.
    pub fn transform(mut self, transform: impl Transform + 'static) -> Self {
        self.options.transform = Some(Box::new(transform));
        self
    }

    /// Mixes every batch of normalised images, and gives it [soft labels](crate::Batch::soft_labels):
    /// [`MixUp`](crate::MixUp), [`CutMix`](crate::CutMix), or one of both by [`BatchOneOf`](crate::BatchOneOf). The operation
    /// is drawn from the key of the batch's first sample. Default: none.
    pub fn batch_transform(mut self, transform: impl BatchTransform + 'static) -> Self {
        self.options.batch_transform = Some(Box::new(transform));
        self
    }

    /// Samples in a batch, at least 1. Default 32.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.options.plan.batch_size = batch_size;
        self
    }

    /// How the classes share a batch. Default [`Balance::Natural`].
    pub fn balance(mut self, balance: Balance) -> Self {
        self.options.plan.balance = balance;
        self
    }

    /// How much of each class is synthetic; more than nothing needs a [synthetic source](Self::synthetic). Default:
    /// nothing.
    pub fn mixture(mut self, mixture: impl Into<Mixture>) -> Self {
        self.options.plan.mixture = mixture.into();
        self
    }

    /// Where synthetic samples come from. Its classes must be the data set's, in the same order. Default: nowhere.
    pub fn synthetic(mut self, source: impl SyntheticSource + 'static) -> Self {
        self.options.synthetic = Some(Arc::new(source));
        self
    }

    /// How pixels become f32. Default [`Normalize::unit`], which is [0, 1].
    pub fn normalize(mut self, normalize: Normalize) -> Self {
        self.options.output.normalize = Some(normalize);
        self
    }

    /// Whether the images are moved to the device as bytes, a quarter of the data, and normalised there, instead of by the
    /// workers. Default false.
    pub fn normalize_on_device(mut self, on_device: bool) -> Self {
        self.options.output.normalize_on_device = on_device;
        self
    }

    /// The dtype of the images: [`DType::F32`], normalised, or [`DType::U8`], the pixels as they are. Default f32.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.options.output.dtype = dtype;
        self
    }

    /// Where the tensors are put. Default the CPU.
    pub fn device(mut self, device: Device) -> Self {
        self.options.output.device = device;
        self
    }

    /// What happens to a sample that cannot be made. Default [`ErrorPolicy::Fail`].
    pub fn error_policy(mut self, policy: ErrorPolicy) -> Self {
        self.options.policy = policy;
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
        self.options.scaled = scaled;
        self
    }

    /// Worker threads, at most 1024; 0 does the work in the thread that asks for a batch. Default: as many as the process
    /// may run at once. The batches are the same for any number.
    pub fn workers(mut self, workers: usize) -> Self {
        self.options.workers = Some(workers);
        self
    }

    /// Batches that are made ahead: finished and not yet taken, or under way; at least 1. Default 2, and one more for each
    /// batch that the workers can begin at a time, ⌈workers / batch size⌉. Without workers nothing is done ahead.
    ///
    /// Memory is bounded by it: beside the batches that were handed out there are no more than these, whatever the size of
    /// the data set; and for each worker one decoded image, with what the transforms make of it on the way.
    pub fn prefetch(mut self, prefetch: usize) -> Self {
        self.options.prefetch = Some(prefetch);
        self
    }

    /// The seed of everything random. Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.plan.seed = seed;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plan: PlanConfig::default(),
            policy: ErrorPolicy::default(),
            transform: None,
            batch_transform: None,
            synthetic: None,
            output: OutputConfig::default(),
            scaled: true,
            workers: None,
            prefetch: None,
        }
    }
}

impl Options {
    /// Checks what is left to check, and starts the workers. `dataset` gives the samples their images, and names their
    /// classes, of which `shares` are synthetic.
    pub(super) fn equip(
        self,
        dataset: Arc<dyn Dataset>,
        cache: Option<Cache>,
        shares: impl Iterator<Item = f64>,
    ) -> Result<Equipment> {
        let classes = dataset.classes();
        check_source(self.synthetic.as_deref(), shares, classes)?;
        if let Some(transform) = &self.transform {
            transform.check_classes(classes)?;
        }
        self.policy.check()?;
        let output = Output::new(self.output)?;
        if self.batch_transform.is_some() && !output.can_mix() {
            return Err(Error::config(
                "a batch transform mixes f32 images that the workers have normalised, but the batches are to be u8, or \
                 normalised on the device: leave one of the two out",
            ));
        }
        let workers = match self.workers {
            Some(workers) if workers > MOST_WORKERS => {
                return Err(Error::config(format!(
                    "expected at most {MOST_WORKERS} workers, got {workers}: give as many as the machine has cores"
                )));
            }
            Some(workers) => workers,
            None => available_parallelism().map_or(1, NonZero::get).min(MOST_WORKERS),
        };
        let window = self.prefetch.unwrap_or(2 + workers.div_ceil(self.plan.batch_size)).max(1);
        let pool = if workers == 0 { None } else { Some(Pool::new(workers, window)?) };
        let ledger = Ledger::new(classes, workers);
        let recipe = Recipe {
            dataset,
            transform: self.transform,
            batch_transform: self.batch_transform,
            synthetic: self.synthetic,
            output,
            policy: self.policy,
            // A kept image is whole; one that is not must be the same.
            scaled: self.scaled && cache.is_none(),
            cache,
            workbenches: Workbenches::default(),
        };
        Ok(Equipment { recipe: Arc::new(recipe), pool, window, ledger })
    }
}

impl<S: fmt::Debug> fmt::Debug for LoaderBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoaderBuilder")
            .field("source", &self.source)
            .field("plan", &self.options.plan)
            .field("output", &self.options.output)
            .field("policy", &self.options.policy)
            .field("workers", &self.options.workers)
            .field("prefetch", &self.options.prefetch)
            .finish_non_exhaustive()
    }
}

fn check_source(
    source: Option<&dyn SyntheticSource>,
    shares: impl Iterator<Item = f64>,
    classes: &[String],
) -> Result<()> {
    let Some(source) = source else {
        return match shares.zip(classes).find(|(share, _)| *share > 0.0) {
            Some((_, class)) => Err(Error::config(format!(
                "the mixture wants synthetic samples of class {class:?}, but the loader has no synthetic source: give \
                 it one with `synthetic`, or leave the mixture out"
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
