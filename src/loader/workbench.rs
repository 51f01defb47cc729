//! What a worker needs again and again, kept from one sample to the next.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

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

/// Workbenches that wait for a worker: never more than were in use at a time.
#[derive(Debug, Default)]
pub(super) struct Workbenches(Mutex<Vec<Used>>);

/// A workbench, and who used it last.
#[derive(Debug)]
struct Used {
    worker: ThreadId,
    bench: Box<Workbench>,
}

impl Workbenches {
    /// Gives `work` a workbench, which is kept for later: if it waits, the one that this worker used last, which is in its
    /// core's cache.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Workbench) -> T) -> T {
        let worker = thread::current().id();
        let waiting = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bench = {
            let mut waiting = waiting();
            let own = waiting.iter().position(|used| used.worker == worker);
            match own.or(waiting.len().checked_sub(1)) {
                Some(place) => waiting.swap_remove(place).bench,
                None => Box::default(),
            }
        };
        let result = work(&mut bench);
        waiting().push(Used { worker, bench });
        result
    }
}
