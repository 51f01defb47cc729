//! Which worker serves which batch: the loader's own `src/loader/roster.rs`, under every schedule of a few threads.
//!
//! Loom takes the place of the standard library's locks in it, and of rayon's pools of one thread, which it cannot run, stand
//! channels. A thread that waited for ever would be reported as a deadlock.
#![cfg(test)]

#[allow(dead_code)]
#[path = "../../src/loader/roster.rs"]
mod roster;

mod sync {
    pub use std::sync::PoisonError;

    pub use loom::sync::{Condvar, Mutex, MutexGuard};
}

use loom::sync::mpsc::{Sender, channel};
use loom::sync::{Arc, Mutex};
use roster::Roster;

/// The jobs of a batch, by number.
struct Jobs {
    count: usize,
    left: Mutex<Vec<usize>>,
    done: Mutex<Vec<usize>>,
}

impl Jobs {
    fn new(count: usize) -> Self {
        Self { count, left: Mutex::new((0..count).collect()), done: Mutex::new(Vec::new()) }
    }
}

/// Has the jobs done as the loader's `Team::work_off` does.
fn work_off(roster: &Roster, batch: u64, jobs: &Arc<Jobs>, workers: &[Sender<Order>]) {
    let mut serving = Vec::new();
    let (finished, waiting) = channel();
    loop {
        let needed = || !jobs.left.lock().unwrap().is_empty() && serving.len() < jobs.count;
        let Some(worker) = roster.assign(batch, &serving, needed) else { break };
        assert!(!serving.contains(&worker), "batch {batch} has worker {worker} twice");
        serving.push(worker);
        workers[worker].send(Some((Arc::clone(jobs), finished.clone()))).expect("the workers live longer");
    }
    serving.iter().for_each(|_| waiting.recv().expect("each answers"));
}

/// A batch to serve, and where to say that it is done; None to end.
type Order = Option<(Arc<Jobs>, Sender<()>)>;

/// Workers, and batches of so many jobs, each with a coordinator.
fn share_out(workers: usize, batches: &[usize]) {
    let roster = Arc::new(Roster::new(workers));
    let mut senders = Vec::new();
    let mut threads = Vec::new();
    for worker in 0..workers {
        let (sender, receiver) = channel::<Order>();
        let roster = Arc::clone(&roster);
        senders.push(sender);
        threads.push(loom::thread::spawn(move || {
            while let Ok(Some((jobs, finished))) = receiver.recv() {
                loop {
                    let Some(job) = jobs.left.lock().unwrap().pop() else { break };
                    jobs.done.lock().unwrap().push(job);
                }
                roster.release(worker);
                finished.send(()).expect("the coordinator waits");
            }
        }));
    }
    let jobs: Vec<Arc<Jobs>> = batches.iter().map(|count| Arc::new(Jobs::new(*count))).collect();
    let mut coordinators: Vec<_> = (0..)
        .zip(&jobs)
        .map(|(batch, jobs)| {
            let (roster, jobs, senders) = (Arc::clone(&roster), Arc::clone(jobs), senders.clone());
            move || work_off(&roster, batch, &jobs, &senders)
        })
        .collect();
    // The first of them is this thread, because loom has room for few.
    let first = coordinators.remove(0);
    let others: Vec<_> = coordinators.into_iter().map(loom::thread::spawn).collect();
    first();
    others.into_iter().for_each(|thread| thread.join().expect("no coordinator panics"));
    senders.iter().for_each(|sender| sender.send(None).expect("the worker waits"));
    threads.into_iter().for_each(|thread| thread.join().expect("no worker panics"));
    for jobs in &jobs {
        let mut done = std::mem::take(&mut *jobs.done.lock().unwrap());
        done.sort_unstable();
        assert!(done.into_iter().eq(0..jobs.count), "each job once");
    }
}

/// Tries all schedules but those with more than two switches that nothing forced, of which there are too many.
fn check(workers: usize, batches: &'static [usize]) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(move || share_out(workers, batches));
}

#[test]
fn two_workers_share_two_batches() {
    check(2, &[2, 2]);
}

#[test]
fn batches_wait_in_turn_for_one_worker() {
    check(1, &[1, 2, 1]);
}
