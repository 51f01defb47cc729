//! A data loader for candle.
#![allow(missing_docs)]

mod classifier;
pub mod compare;
mod dataset;
mod decode;
mod error;
mod file;
pub mod gan;
mod image;
mod loader;
pub mod nn;
mod plan;
pub mod report;
mod rng;
mod synthetic;
mod transform;

pub use classifier::{Classifier, ClassifierConfig, ClassifierTrainer, Confusion, endless};
pub use dataset::{
    ClassCount, Dataset, DatasetExt, Idx, IdxPart, ImageFolder, InMemory, Inspection, Label, Spread as SideSpread,
    Subset, Unreadable, check_classes, digits, inspect, inspect_data, open_data, wrap,
};
pub use decode::{Header, Limits, decode_image, read_header};
pub use error::{Error, ErrorKind, Result};
pub use image::{Color, Image, Size};
pub use loader::{Batch, DataLoader, DataLoaderBuilder, Epoch};
pub use plan::{Balance, ClassMixture, EpochPlan, Mixture, Origin, PlanConfig, Planner, ResumeState, Shard, Slot};
pub use rng::{Purpose, SampleKey, SampleRng};
pub use synthetic::{SyntheticRequest, SyntheticSource};
pub use transform::{
    ColorJitter, Compose, Fill, Interpolation, Normalize, OneOf, Op, RandomApply, RandomHorizontalFlip, RandomRotation,
    RandomVerticalFlip, Resize, Spread, Transform, apply_ops, write_planar,
};
