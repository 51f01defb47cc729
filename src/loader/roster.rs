//! Which worker serves which batch next.

use std::collections::BTreeMap;

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Which worker serves which batch next: a worker that is free serves the earliest of the batches that ask and that it does
/// not serve already.
#[derive(Debug)]
pub(super) struct Roster {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Whether each worker serves a batch. None is given a second one ahead: a slow sample would hold that up as well.
    busy: Vec<bool>,
    /// The batches that ask, each with the workers that serve it.
    asking: BTreeMap<u64, Vec<usize>>,
}

impl Roster {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            state: Mutex::new(State { busy: vec![false; workers], asking: BTreeMap::new() }),
            changed: Condvar::new(),
        }
    }

    /// Waits for one more worker for the batch of this number, which those of `serving` serve. None where all do, or once no
    /// other is `needed`, which has to change before one of these is released.
    pub(super) fn assign(&self, batch: u64, serving: &[usize], needed: impl Fn() -> bool) -> Option<usize> {
        let mut state = self.lock();
        if serving.len() == state.busy.len() || !needed() {
            return None;
        }
        state.asking.insert(batch, serving.to_vec());
        let worker = loop {
            if !needed() {
                break None;
            }
            if let Some(worker) = state.free_for(batch) {
                state.busy[worker] = true;
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
        self.lock().busy[worker] = false;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first worker that is free for this batch.
    fn free_for(&self, batch: u64) -> Option<usize> {
        let earlier = |worker: &usize| self.asking.range(..batch).any(|(_, serving)| !serving.contains(worker));
        let free = |worker: &usize| !self.busy[*worker] && !self.asking[&batch].contains(worker) && !earlier(worker);
        (0..self.busy.len()).find(free)
    }
}
