//! A data loader for [candle](https://docs.rs/candle-core), for image classifiers that have too few images.
//!
//! It wraps a labelled image set, augments it while training runs, streams class-balanced batches, and fills the classes that lack
//! images with samples of a conditional GAN that was trained on the same images.
//!
//! - A [`Dataset`] gives images and labels: [`ImageFolder`], [`Idx`], [`Cifar`], [`Numpy`], [`InMemory`], also from any iterator,
//!   [`digits`] to try things on; [`DatasetExt`] splits and joins them, and chooses, renames and merges their classes.
//! - A [`Transform`] draws [`Op`]s, and ops are applied to images: [`RandomRotation`], [`ColorJitter`] and others, with the semantics
//!   of torchvision's tensor form. A [`Pipeline`] of them can be read from a file; [`PerClass`] gives some classes one of their own, a
//!   [`Lambda`] is a closure, a [`BatchTransform`] such as [`MixUp`] mixes whole batches. [`Batch::ops`] tells what was drawn.
//! - A [`Planner`] decides which sample stands where in an epoch: [`Balance`] of the classes, [`Mixture`] of real and synthetic
//!   samples, its [`MixtureSchedule`], order, [`Shard`].
//! - A [`DataLoader`] makes the planned batches on a pool of workers: the same ones for any number of workers, to the bit.
//! - A [`Stream`] makes batches of any iterator on a single pass, balanced and mixed in bounded memory: [`wrap`].
//! - A [`SyntheticSource`] makes samples for a class: [`gan::GeneratorSource`], which a [`gan::Trainer`] trained,
//!   [`SmoteSource`], or any other.
//! - [`quality`] measures samples, each figure beside what real images reach.
//! - [`gate`] chooses by measurement how much of each class is synthetic, if anything.
//! - [`compare`] tells by experiment whether balance, transforms and synthetic samples help a [`Classifier`].
//!
//! ```
//! use candle_augment::{Balance, ColorJitter, Pipeline, DataLoader, Normalize, RandomRotation, digits};
//!
//! let transforms = Pipeline::new().then(RandomRotation::new(15.0)?).then(ColorJitter::new(0.2, 0.2, 0.0, 0.0)?);
//! let loader = DataLoader::builder(digits()?)
//!     .transform(transforms)
//!     .balance(Balance::Uniform)
//!     .normalize(Normalize::signed())
//!     .build()?;
//! for batch in loader.epoch(0) {
//!     let batch = batch?;
//!     assert_eq!(batch.images.dims()[1..], [1, 8, 8]);
//! }
//! # Ok::<(), candle_augment::Error>(())
//! ```
//!
//! # Conventions
//!
//! Images are 8-bit, interleaved `(H, W, C)`, gray or RGB; batches are `(N, C, H, W)`. Labels count the classes from 0. Everything
//! random follows from a seed through a [`SampleKey`], never from a thread or the clock.
//!
//! # Speed of training
//!
//! The program takes care of two things that a library must leave to the program that uses it:
//!
//! - Training allocates and frees buffers of megabytes in every step. An allocator that keeps its pages, such as `mimalloc`, makes it
//!   up to twice as fast.
//! - candle runs large elementwise operations on threads of its own that spin while they wait. `CANDLE_NUM_THREADS=1` in the
//!   environment keeps them from taking the cores; `RAYON_NUM_THREADS` saves it a look at `/proc/cpuinfo` for every matrix product.
//!
//! # Features
//!
//! - `cli` (on by default): the program `candle-augment` and what it alone needs.
//! - `tracing`: every epoch of a loader is a span of the crate [tracing](https://docs.rs/tracing), with events for its begin, its
//!   batches (debug), samples that failed (warn), and its end with its [`Statistics`] (info).
//! - `cuda`, `cudnn`, `metal`, `accelerate`: forwarded to candle.

mod classifier;
mod columns;
pub mod compare;
mod dataset;
mod decode;
mod error;
mod file;
mod fingerprint;
pub mod gan;
pub mod gate;
mod image;
mod loader;
mod mean;
pub mod nn;
mod plan;
pub mod quality;
pub mod report;
mod rng;
mod smote;
mod source_by_class;
mod synthetic;
mod transform;

pub use classifier::{Classifier, ClassifierConfig, ClassifierTrainer, Confusion, endless};
pub use dataset::{
    Cifar, ClassCount, Concat, Dataset, DatasetExt, Idx, ImageFile, ImageFolder, InMemory, Inspection, IntoStored,
    Label, Numpy, Part, Relabeled, Spread, Stored, Subset, Unreadable, check_classes, digits, has_part, inspect,
    inspect_data, open_data, open_unlabelled,
};
pub use decode::{Decoder, EncodedImage, Header, Limits, Region, Scale, View, decode_image, read_header};
pub use error::{Error, ErrorKind, Result};
pub use image::{Color, Image, ImageRef, Size};
pub use loader::{
    Batch, Cache, ClassStatistics, DataLoader, DataLoaderBuilder, Epoch, ErrorBudget, ErrorPolicy, Failure,
    LoaderBuilder, Sample, Stage, StageTimes, Statistics, Stream, StreamBuilder, wrap,
};
pub use plan::{
    Balance, Choice, ClassMixture, EpochPlan, Mixture, MixtureSchedule, Origin, PlanConfig, Planner, ResumeState,
    Shard, Slot,
};
pub use rng::{Purpose, SampleKey, SampleRng};
pub use smote::SmoteSource;
pub use source_by_class::SourceByClass;
pub use synthetic::{SyntheticRequest, SyntheticSource};
pub use transform::{
    Amount, AugMix, AutoAugment, AutoAugmentPolicy, BatchOneOf, BatchOp, BatchTransform, CenterCrop, ColorJitter,
    Compose, Custom, CutMix, ElasticTransform, Executor, Fill, FiveCrop, GaussianBlur, GaussianNoise, Grayscale,
    Interpolation, Jpeg, Lambda, Margins, MixUp, Normalize, OneOf, Op, Pad, Padding, Patch, PerClass, Pipeline,
    RandAugment, RandomAdjustSharpness, RandomAffine, RandomApply, RandomAutocontrast, RandomChannelPermutation,
    RandomCrop, RandomEqualize, RandomErasing, RandomGamma, RandomGrayscale, RandomHorizontalFlip, RandomInvert,
    RandomOrder, RandomPerspective, RandomPhotometricDistort, RandomPosterize, RandomResize, RandomResizedCrop,
    RandomRotation, RandomSolarize, RandomVerticalFlip, RandomZoomOut, Resize, SampleInfo, Step, TenCrop, Transform,
    TrivialAugmentWide, apply_ops, write_planar,
};

/// The README's examples, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
