//! Does augmentation help? The same classifier trained on three arms, over several seeds, measured on images held out from all.
//!
//! The arms are real images only, real images under classic transforms, and real images with synthetic samples, both under the
//! classic transforms ([`Arm`]). Classifier, initial weights, number of optimiser steps, batch size and balance are the same in all
//! three; they differ in their data alone. Differences are paired: each seed's result is compared with the same seed's result of the
//! classic transforms, which takes out what the seed does to both, and the interval is that of the differences.
//!
//! The intervals hold for the run's randomness (initial weights, order, transforms, synthetic samples) on this very split.

mod arms;
mod config;
mod imbalance;
mod result;
mod statistics;
mod table;

pub use arms::{Progress, compare};
pub use config::{CompareConfig, CompareData};
pub use imbalance::{long_tail, rare_half};
pub use result::{Arm, ArmResult, ClassResult, Comparison, Verdict};
pub use statistics::Estimate;
