//! The plan of an epoch: which sample stands where, decided before any thread starts.
//!
//! A [`Planner`] is made once from the labels of a data set and a [`PlanConfig`]; it gives an [`EpochPlan`] for each
//! epoch, and that the [`Slot`]s of any batch. All of it is pure: no I/O, no threads, and randomness from the seed
//! alone.

mod balance;
mod choice;
mod epoch;
mod mixture;
mod planner;
mod quota;
mod resume;
mod schedule;
mod shard;
mod spread;
mod stream;
mod walk;

pub use balance::Balance;
pub use choice::{Choice, ClassChoice, Gain, MeasuredShare, WholeGain};
pub use epoch::EpochPlan;
pub use mixture::{ClassMixture, Mixture};
pub use planner::{PlanConfig, Planner};
pub use resume::ResumeState;
pub use schedule::MixtureSchedule;
pub use shard::Shard;
pub(crate) use stream::{Content, Numbered, StreamBatch, StreamConfig, StreamPlanner};

use serde::{Deserialize, Serialize};

use crate::rng::{Purpose, SampleKey};
use spread::Spread;

/// Where a sample comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An image of the data set, by its index; of a stream, by its number, from 0, among the iterator's items.
    Real(usize),
    /// A synthetic sample, by its number within its class and epoch.
    Synthetic(u64),
}

/// One place in one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The class.
    pub label: u32,
    /// Where the sample comes from.
    pub origin: Origin,
    /// The key of everything random about it; [`crate::Purpose::Transform`].
    pub key: SampleKey,
}

/// The random streams of an epoch's order, kept apart by the position in their keys: classes and batches number below
/// 2³².
#[derive(Clone, Copy, Debug)]
enum Stream {
    /// The order of a class's images.
    Class(usize),
    /// The order within a batch.
    Batch(u64),
    /// The order of the classes.
    Epoch,
    /// The images of a class that a stream keeps to repeat.
    Reservoir(usize),
}

impl Stream {
    fn key(self, seed: u64, epoch: u64) -> SampleKey {
        let position = match self {
            Self::Class(class) => class as u64,
            Self::Batch(batch) => (1 << 32) + batch,
            Self::Epoch => 2 << 32,
            Self::Reservoir(class) => (3 << 32) + class as u64,
        };
        SampleKey { seed, epoch, position, purpose: Purpose::Shuffle }
    }
}

/// How many samples a class gives to an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Supply {
    real: u64,
    synthetic: u64,
}

impl Supply {
    fn total(self) -> u64 {
        self.real.saturating_add(self.synthetic)
    }

    fn portion(self) -> Portion {
        Portion { synthetic: self.synthetic, of: self.total().max(1) }
    }
}

/// So many `of` so many samples of a class are synthetic; both below 2³², `of` at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Portion {
    synthetic: u64,
    of: u64,
}

impl Portion {
    /// In [0, 1].
    fn share(self) -> f64 {
        self.synthetic as f64 / self.of as f64
    }
}
