//! The batches of one epoch, in order.

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, bounded};

use super::batch::Batch;
use super::failure::{Failure, too_many};
use super::meter::Account;
use super::pool::{Hands, Pool};
use super::recipe::Recipe;
use super::statistics::Statistics;
use super::task::{BatchTask, Made};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{EpochPlan, ResumeState};

/// The batches of one epoch, in order; see [`DataLoader::epoch`](crate::DataLoader::epoch).
///
/// An error stands at the place of the batch that failed, and ends the epoch: after it comes nothing, although
/// [`len`](ExactSizeIterator::len) had counted the batches behind it, as it counts those that [`ErrorPolicy::Skip`] leaves
/// out because no sample is left of them. Dropping the epoch stops the work on the batches under way.
///
/// [`ErrorPolicy::Skip`]: crate::ErrorPolicy::Skip
#[must_use = "the batches are delivered when the epoch is iterated over"]
pub struct Epoch {
    recipe: Arc<Recipe>,
    plan: Arc<EpochPlan>,
    pool: Option<Arc<Pool>>,
    window: usize,
    /// Where the loader notes what was delivered last.
    position: Arc<Mutex<ResumeState>>,
    account: Account,
    /// The batches under way or finished, in order.
    pending: VecDeque<Receiver<Made>>,
    /// The batches that work was begun on.
    opened: usize,
    delivered: usize,
    /// The samples that could not be made.
    failures: Vec<Failure>,
    /// How many there may be.
    most: usize,
    failed: bool,
    cancelled: Arc<AtomicBool>,
}

impl Epoch {
    pub(super) fn start(
        recipe: Arc<Recipe>,
        plan: EpochPlan,
        pool: Option<Arc<Pool>>,
        window: usize,
        position: Arc<Mutex<ResumeState>>,
        account: Account,
    ) -> Self {
        let mut epoch = Self {
            most: recipe.policy.most(plan.samples()),
            recipe,
            plan: Arc::new(plan),
            pool,
            window,
            position,
            account,
            pending: VecDeque::new(),
            opened: 0,
            delivered: 0,
            failures: Vec::new(),
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

    /// The samples that could not be made, of the batches delivered so far, in order. Under [`ErrorPolicy::Fail`] there are
    /// none: the epoch ends with the first error.
    ///
    /// [`ErrorPolicy::Fail`]: crate::ErrorPolicy::Fail
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Counts and times of this epoch so far; those of the loader are in
    /// [`DataLoader::statistics`](crate::DataLoader::statistics).
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.account.meter().statistics()
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
        let (recipe, cancelled) = (Arc::clone(&self.recipe), Arc::clone(&self.cancelled));
        let meter = Arc::clone(self.account.meter());
        let (plan, number, most) = (Arc::clone(&self.plan), self.opened, self.most);
        let make = move |hands: Hands<'_>| {
            let slots = plan.batch(number);
            let made = BatchTask { recipe, cancelled, meter: &meter, slots, most }.run(hands);
            meter.finished(number, made.samples());
            // Nobody receives it if the epoch was dropped.
            let _ = sender.send(made);
        };
        match &self.pool {
            Some(pool) => pool.begin(make),
            None => make(Hands::OWN),
        }
        self.pending.push_back(receiver);
        self.opened += 1;
    }

    /// The next batch in order; None if all its samples were skipped.
    fn take_next(&mut self) -> Result<Option<Batch>> {
        let meter = Arc::clone(self.account.meter());
        let is_full = self.pool.is_some() && self.opened < self.plan.len();
        let made = meter.wait(if is_full { self.pending.len() } else { usize::MAX }, || {
            if self.pending.is_empty() {
                self.open_next();
            }
            self.pending.pop_front().and_then(|receiver| receiver.recv().ok())
        });
        let Some(Made { batch, failures }) = made else {
            let message = "a thread of the loader panicked: this is a defect of the loader";
            return Err(Error::new(ErrorKind::Panic, message));
        };
        self.failures.extend(failures);
        if self.failures.len() > self.most { Err(too_many(&self.failures, self.most)) } else { batch }
    }
}

impl Iterator for Epoch {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.len() > 0 {
            match self.take_next() {
                Ok(batch) => {
                    self.delivered += 1;
                    *self.position.lock().unwrap_or_else(PoisonError::into_inner) = self.state();
                    self.account.meter().delivered(batch.as_ref().map_or(&[], |batch| &batch.slots));
                    self.work_ahead();
                    if let Some(batch) = batch {
                        return Some(Ok(batch));
                    }
                }
                Err(error) => {
                    self.failed = true;
                    self.cancelled.store(true, Ordering::Relaxed);
                    self.pending.clear();
                    self.account.meter().stop();
                    return Some(Err(error));
                }
            }
        }
        self.account.meter().stop();
        None
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
