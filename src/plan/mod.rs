//! The plan of an epoch: which sample stands where, decided before any thread starts.

use serde::{Deserialize, Serialize};

use crate::rng::SampleKey;

/// Where a sample comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An image of the data set, by its index.
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
