//! What a worker needs again and again, kept from one sample to the next.

use std::sync::{Mutex, PoisonError};

use crate::decode::Decoder;
use crate::transform::{Executor, Op};

/// Buffers and tables: in steady state a sample is made without taking memory.
#[derive(Debug, Default)]
pub(super) struct Workbench {
    /// The bytes of a file.
    pub file: Vec<u8>,
    pub decoder: Decoder,
    /// The decoded pixels.
    pub pixels: Vec<u8>,
    /// What the transform drew for the sample.
    pub ops: Vec<Op>,
    pub executor: Executor,
}

/// Workbenches that wait for a worker: never more than there are workers. Boxed, because moving one costs more than a tiny
/// image.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "a bench is large, and is moved for every sample")]
pub(super) struct Workbenches(Mutex<Vec<Box<Workbench>>>);

impl Workbenches {
    /// Gives `work` a workbench, which is kept for later.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Workbench) -> T) -> T {
        let waiting = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut workbench = waiting().pop().unwrap_or_default();
        let result = work(&mut workbench);
        waiting().push(workbench);
        result
    }
}
