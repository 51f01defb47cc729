//! Does augmentation help? The same classifier trained on several arms, over several seeds, measured on images held out from all.
//!
//! An [`Arm`] says what a classifier is trained on: real images as they are, weighted or balanced classes, classic transforms,
//! synthetic samples beside the real ones. Classifier, initial weights, number of optimiser steps, batch size and schedule are the
//! same in all; they differ in their data, and in their learning rates, each of which is chosen with the same effort
//! ([`CompareConfig::learning_rates`]). Differences are paired: each seed's result is compared with the same seed's result of the
//! classic transforms, which takes out what the seed does to both, and the interval is that of the differences.
//!
//! [`compare()`] runs it all; a [`Referee`] can be stopped and go on; [`measure_arm`] is one arm on any split.
//!
//! The intervals hold for the run's randomness (initial weights, order, transforms, synthetic samples) on this very split.

mod arm;
mod config;
mod csv;
mod figures;
mod imbalance;
mod measure;
mod picture;
mod record;
mod referee;
mod result;
mod statistics;
mod table;

pub use arm::{Arm, Synthetic};
pub use config::{CompareConfig, CompareData};
pub use figures::Figures;
pub use imbalance::{long_tail, rare_half};
pub(crate) use measure::planner;
pub use measure::{Training, measure_arm, train_arm};
pub use record::{Record, Run, Trial};
pub use referee::{Progress, Referee, Task, compare};
pub use result::{ArmResult, ClassResult, Comparison, Verdict};
pub use statistics::{Estimate, Paired};
