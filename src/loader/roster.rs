//! Which worker serves which batch next.

use std::collections::BTreeMap;

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Batches that a worker serves: one that it is at, and one more, so that it need not wait for the next.
const AHEAD: usize = 2;

/// Which worker serves which batch next: a worker that is free serves the earliest of the batches that ask and that it does
/// not serve already.
#[derive(Debug)]
pub(super) struct Roster {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// How many batches each worker serves.
    load: Vec<usize>,
    /// The batches that ask, each with the workers that serve it.
    asking: BTreeMap<u64, Vec<usize>>,
}

impl Roster {
    pub(super) fn new(workers: usize) -> Self {
        Self { state: Mutex::new(State { load: vec![0; workers], asking: BTreeMap::new() }), changed: Condvar::new() }
    }

    /// Waits for one more worker for the batch of this number, which those of `serving` serve. None where all do, or once no
    /// other is `needed`, which has to change before one of these is released.
    pub(super) fn assign(&self, batch: u64, serving: &[usize], needed: impl Fn() -> bool) -> Option<usize> {
        let mut state = self.lock();
        if serving.len() == state.load.len() || !needed() {
            return None;
        }
        state.asking.insert(batch, serving.to_vec());
        let worker = loop {
            if !needed() {
                break None;
            }
            if let Some(worker) = state.free_for(batch) {
                state.load[worker] += 1;
                break Some(worker);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        state.asking.remove(&batch);
        drop(state);
        // A later batch may have what this one asked for.
        self.changed.notify_all();
        worker
    }

    /// The worker has done what it could for one batch.
    pub(super) fn release(&self, worker: usize) {
        self.lock().load[worker] -= 1;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The worker with the least to do that this batch may have.
    fn free_for(&self, batch: u64) -> Option<usize> {
        let mine = |worker: &usize| !self.asking[&batch].contains(worker);
        let earlier = |worker: &usize| self.asking.range(..batch).any(|(_, serving)| !serving.contains(worker));
        let free = (0..self.load.len()).filter(|worker| self.load[*worker] < AHEAD && mine(worker) && !earlier(worker));
        free.min_by_key(|worker| self.load[*worker])
    }
}
