//! The batches of one epoch, in order.

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, bounded};

use super::batch::Batch;
use super::pool::Pool;
use super::recipe::Recipe;
use super::task::{BatchTask, Hands, Job};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{EpochPlan, ResumeState};

/// The batches of one epoch, in order; see [`DataLoader::epoch`](crate::DataLoader::epoch).
///
/// An error stands at the place of the batch that failed, and ends the epoch: after it comes nothing, although
/// [`len`](ExactSizeIterator::len) had counted the batches behind it. Dropping the epoch stops the work on the batches
/// under way.
#[must_use = "the batches are delivered when the epoch is iterated over"]
pub struct Epoch {
    recipe: Arc<Recipe>,
    plan: EpochPlan,
    pool: Option<Arc<Pool>>,
    window: usize,
    /// The batches under way or finished, in order.
    pending: VecDeque<Receiver<Result<Batch>>>,
    /// The batches that work was begun on.
    opened: usize,
    delivered: usize,
    failed: bool,
    cancelled: Arc<AtomicBool>,
}

impl Epoch {
    pub(super) fn start(recipe: Arc<Recipe>, plan: EpochPlan, pool: Option<Arc<Pool>>, window: usize) -> Self {
        let mut epoch = Self {
            recipe,
            plan,
            pool,
            window,
            pending: VecDeque::new(),
            opened: 0,
            delivered: 0,
            failed: false,
            cancelled: Arc::new(AtomicBool::new(false)),
        };
        epoch.work_ahead();
        epoch
    }

    /// Where the run stands after the batches that were delivered so far, to be saved with a checkpoint; batches that
    /// workers are ahead do not count. [`DataLoader::resume`](crate::DataLoader::resume) goes on from there.
    #[must_use]
    pub fn state(&self) -> ResumeState {
        self.plan.state(self.delivered)
    }

    /// Begins as many batches as may be under way.
    fn work_ahead(&mut self) {
        if self.pool.is_some() {
            while self.pending.len() < self.window && self.opened < self.plan.len() {
                self.open_next();
            }
        }
    }

    fn open_next(&mut self) {
        let (sender, receiver) = bounded(1);
        let slots = self.plan.batch(self.opened);
        let task = BatchTask::new(Arc::clone(&self.recipe), Arc::clone(&self.cancelled), slots, sender);
        match &self.pool {
            Some(pool) => task.begin(Hands {
                threads: pool.threads(),
                spawn: |job| pool.spawn(job),
                spawn_within: |job| rayon::spawn(job),
            }),
            None => task.begin(Hands { threads: 1, spawn: |job: Job| job(), spawn_within: |job| job() }),
        }
        self.pending.push_back(receiver);
        self.opened += 1;
    }
}

impl Iterator for Epoch {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.len() == 0 {
            return None;
        }
        if self.pending.is_empty() {
            self.open_next();
        }
        let batch = self.pending.pop_front()?.recv().unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Panic, "a worker thread of the loader panicked: this is a defect of the loader"))
        });
        if batch.is_ok() {
            self.delivered += 1;
            self.work_ahead();
        } else {
            self.failed = true;
            self.cancelled.store(true, Ordering::Relaxed);
            self.pending.clear();
        }
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = if self.failed { 0 } else { self.plan.len() - self.delivered };
        (left, Some(left))
    }
}

impl ExactSizeIterator for Epoch {}

impl FusedIterator for Epoch {}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Epoch")
            .field("epoch", &self.plan.epoch())
            .field("batches", &self.plan.len())
            .field("delivered", &self.delivered)
            .field("under_way", &self.pending.len())
            .finish_non_exhaustive()
    }
}
