//! The threads of a loader: workers that make samples, and coordinators that see a batch through.
//!
//! Each worker is a rayon pool of one thread, for two reasons. Rayon lends threads that live on what stands on the stack of
//! a coordinator, without unsafe code here. And code that a sample calls may itself be parallel, with rayon, as candle's
//! operations are: a thread of a larger pool that waits for its parts is given whatever else there is, such as another
//! sample, and if this asks for a lock that the first one holds (a network behind a mutex), the thread waits for itself.
//! Here such code runs on its worker alone.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::Duration;

use crossbeam_channel::{Sender, unbounded};
use rayon::{Scope, ThreadPool, ThreadPoolBuilder};

use super::roster::Roster;
use crate::error::{Error, ErrorKind, Result};

/// A piece of work.
pub(super) type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// What a coordinator does: it waits for the workers, and works no more than it takes to hand out jobs.
type Task = Box<dyn FnOnce(Hands<'_>) + Send>;

/// Those who do the jobs of one batch: workers, or, without them, the thread that asks.
#[derive(Clone, Copy)]
pub(super) struct Hands<'a> {
    /// The workers, and the number of the batch.
    team: Option<(&'a Team, u64)>,
    /// How many there are for each batch under way, at least 1.
    pub least: usize,
    /// How many there are in all, at least 1.
    pub most: usize,
}

impl Hands<'_> {
    /// The thread that asks.
    pub(super) const OWN: Self = Self { team: None, least: 1, most: 1 };

    /// Has one job done.
    pub(super) fn one<'a>(self, job: impl FnOnce() + Send + 'a) {
        match self.team {
            Some(_) => self.all(vec![Box::new(job)]),
            None => job(),
        }
    }

    /// Has all jobs done, begun in order.
    pub(super) fn all(self, jobs: Vec<Job<'_>>) {
        match self.team {
            Some((team, batch)) => team.work_off(batch, &Queue::new(jobs), &mut Vec::new()),
            None => jobs.into_iter().for_each(|job| job()),
        }
    }
}

/// The jobs of one batch.
struct Queue<'a> {
    /// How many there were.
    jobs: usize,
    /// Those that are not begun.
    left: Mutex<VecDeque<Job<'a>>>,
}

impl<'a> Queue<'a> {
    fn new(jobs: Vec<Job<'a>>) -> Self {
        Self { jobs: jobs.len(), left: Mutex::new(jobs.into()) }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Job<'a>>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn next(&self) -> Option<Job<'a>> {
        self.lock().pop_front()
    }
}

/// The workers.
#[derive(Debug)]
pub(super) struct Team {
    workers: Vec<ThreadPool>,
    roster: Roster,
}

impl Team {
    /// Has the jobs done by the workers as they come to be free, each of which works until no job is left.
    fn work_off(&self, batch: u64, queue: &Queue<'_>, serving: &mut Vec<usize>) {
        let needed = || !queue.is_empty() && serving.len() < queue.jobs;
        let Some(worker) = self.roster.assign(batch, serving, needed) else { return };
        serving.push(worker);
        self.workers[worker].in_place_scope(|scope| {
            scope.spawn(|scope| self.serve(worker, queue, scope));
            self.work_off(batch, queue, serving);
        });
    }

    /// Does jobs, as a worker, until none is left.
    fn serve<'scope>(&'scope self, worker: usize, queue: &'scope Queue<'_>, scope: &Scope<'scope>) {
        let Some(_at_work) = AtWork::begin(self, worker) else {
            // A job of this very thread waits for something, in which rayon has it look for other work.
            sleep(Duration::from_micros(100));
            return scope.spawn(move |scope| self.serve(worker, queue, scope));
        };
        while let Some(job) = queue.next() {
            job();
        }
    }
}

thread_local! {
    /// Whether this thread is at a job.
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is a loader's worker at a job. It may wait for another: the parallel work of either is its own,
/// and while it waits it is given no other job.
pub(crate) fn is_worker() -> bool {
    AT_WORK.get()
}

/// Stands for a worker at its jobs; released in the end.
struct AtWork<'a>(&'a Team, usize);

impl<'a> AtWork<'a> {
    /// None if this thread is at work already.
    fn begin(team: &'a Team, worker: usize) -> Option<Self> {
        (!AT_WORK.replace(true)).then(|| Self(team, worker))
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        AT_WORK.set(false);
        self.0.roster.release(self.1);
    }
}

/// Workers, and coordinators before them. All threads have ended when it is dropped.
///
/// Batches go to the coordinators in order, and their jobs to the workers likewise, so that earlier batches are finished
/// first; with more than one coordinator the workers have the next batch's jobs while one is put together.
pub(super) struct Pool {
    /// Taken out only to be dropped before the threads are joined.
    team: Option<Arc<Team>>,
    tasks: Option<Sender<(u64, Task)>>,
    /// The batches begun.
    begun: AtomicU64,
    threads: Vec<JoinHandle<()>>,
    workers: usize,
}

impl Pool {
    /// Starts `workers` workers, named `augment-0` and so on (the system shows 15 characters of a name), and coordinators,
    /// named `batch-0` and so on, for the batches that may be under way.
    pub(super) fn new(workers: usize, under_way: usize) -> Result<Self> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Io, format!("cannot start {workers} worker threads, set fewer workers: {error}"))
                .with_source(error)
        };
        let mut threads = Vec::new();
        let team = (0..workers).map(|worker| start(worker, &mut threads)).collect::<Result<Vec<_>, _>>();
        let team =
            Arc::new(Team { workers: team.map_err(|error| failed(error.into()))?, roster: Roster::new(workers) });
        let (sender, receiver) = unbounded::<(u64, Task)>();
        // One batch for each worker, and one more that is put together meanwhile, keep all workers busy.
        let coordinators = under_way.clamp(1, workers + 1);
        for number in 0..coordinators {
            let (receiver, team) = (receiver.clone(), Arc::clone(&team));
            let coordinate = move || {
                for (batch, task) in receiver {
                    task(Hands { team: Some((&team, batch)), least: workers.div_ceil(coordinators), most: workers });
                }
            };
            let builder = Builder::new().name(format!("batch-{number}"));
            threads.push(builder.spawn(coordinate).map_err(|error| failed(error.into()))?);
        }
        Ok(Self { team: Some(team), tasks: Some(sender), begun: AtomicU64::new(0), threads, workers })
    }

    /// The number of workers.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    /// Has a coordinator do `task`, after those that were given before have begun.
    pub(super) fn begin(&self, task: impl FnOnce(Hands<'_>) + Send + 'static) {
        if let Some(tasks) = &self.tasks {
            let batch = self.begun.fetch_add(1, Ordering::Relaxed);
            // The coordinators end only when the sender is gone.
            let _ = tasks.send((batch, Box::new(task)));
        }
    }
}

/// Starts one worker.
fn start(worker: usize, threads: &mut Vec<JoinHandle<()>>) -> Result<ThreadPool, rayon::ThreadPoolBuildError> {
    let builder = ThreadPoolBuilder::new().num_threads(1).spawn_handler(|thread| {
        threads.push(Builder::new().name(format!("augment-{worker}")).spawn(|| thread.run())?);
        Ok(())
    });
    builder.build()
}

impl Drop for Pool {
    fn drop(&mut self) {
        // First the coordinators end, and let go of the workers, and then these.
        self.tasks = None;
        self.team = None;
        for thread in self.threads.drain(..).rev() {
            // A panic there has nothing left to damage.
            let _ = thread.join();
        }
    }
}
