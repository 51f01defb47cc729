//! A data loader for candle.
#![allow(missing_docs)]

mod dataset;
mod error;
mod image;
mod loader;
mod plan;
pub mod report;
mod rng;
mod synthetic;
mod transform;

pub use dataset::Dataset;
pub use error::{Error, ErrorKind, Result};
pub use image::{Color, Image, Size};
pub use loader::Batch;
pub use plan::{Origin, Slot};
pub use rng::{Purpose, SampleKey, SampleRng};
pub use synthetic::{SyntheticRequest, SyntheticSource};
pub use transform::{Op, Transform};
