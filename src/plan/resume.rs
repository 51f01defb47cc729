//! Where a training run stands in its data.

use serde::{Deserialize, Serialize};

/// Where a training run stands in its data: a few numbers, to be saved with the checkpoint of the model.
///
/// It is valid for the same data set, seed and plan (batch size, balance, mixture, schedule, shuffle, `drop_last`), under any
/// number of workers, and under another number of ranks as well, provided that all ranks had read the same number of
/// batches: the batches that none had read are dealt out anew. Transforms and normalisation are not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ResumeState {
    /// The seed.
    pub seed: u64,
    /// The epoch, from 0.
    pub epoch: u64,
    /// The number of the epoch's batches that were read, over all ranks.
    pub batch: u64,
    /// Stands for the labels of the data set, its class names, the names of some of its files, and the plan's configuration.
    pub fingerprint: u64,
}
