//! The threads of a loader: workers that make samples, and coordinators that see a batch through.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Sender, unbounded};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, ErrorKind, Result};

/// A piece of work.
pub(super) type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// What a coordinator does: it waits for the workers, and works no more than it takes to hand out jobs.
type Task = Box<dyn FnOnce(Hands<'_>) + Send>;

/// Those who do the jobs of one batch: the workers of a pool, or, without one, the thread that asks.
#[derive(Clone, Copy)]
pub(super) struct Hands<'a> {
    workers: Option<&'a ThreadPool>,
    /// How many there are for each batch under way, at least 1.
    pub least: usize,
    /// How many there are in all, at least 1.
    pub most: usize,
}

impl Hands<'_> {
    /// The thread that asks.
    pub(super) const OWN: Self = Self { workers: None, least: 1, most: 1 };

    /// Has one job done.
    pub(super) fn one(self, job: impl FnOnce() + Send) {
        match self.workers {
            Some(pool) => pool.install(job),
            None => job(),
        }
    }

    /// Has all jobs done, begun in order.
    pub(super) fn all(self, jobs: Vec<Job<'_>>) {
        match self.workers {
            Some(pool) => {
                pool.in_place_scope_fifo(|scope| jobs.into_iter().for_each(|job| scope.spawn_fifo(move |_| job())));
            }
            None => jobs.into_iter().for_each(|job| job()),
        }
    }
}

/// A rayon pool of workers, and coordinators before it. All threads have ended when it is dropped.
///
/// Batches go to the coordinators in order, and their jobs to the workers likewise, so that earlier batches are finished
/// first; with more than one coordinator the workers have the next batch's jobs while one is put together.
pub(super) struct Pool {
    /// Taken out only to be dropped before the threads are joined.
    workers: Option<Arc<ThreadPool>>,
    tasks: Option<Sender<Task>>,
    threads: Vec<JoinHandle<()>>,
    count: usize,
}

impl Pool {
    /// Starts `workers` workers, named `augment-0` and so on (the system shows 15 characters of a name), and coordinators,
    /// named `batch-0` and so on, for the batches that may be under way.
    pub(super) fn new(workers: usize, under_way: usize) -> Result<Self> {
        // One batch for each worker, and one more that is put together meanwhile, keep all workers busy.
        let coordinators = under_way.clamp(1, workers + 1);
        let mut threads = Vec::new();
        let rayon = ThreadPoolBuilder::new().num_threads(workers).spawn_handler(|thread| {
            let builder = Builder::new().name(format!("augment-{}", thread.index()));
            threads.push(builder.spawn(|| thread.run())?);
            Ok(())
        });
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Io, format!("cannot start {workers} worker threads, set fewer workers: {error}"))
                .with_source(error)
        };
        let rayon = Arc::new(rayon.build().map_err(|error| failed(error.into()))?);
        let (sender, receiver) = unbounded::<Task>();
        let mut pool = Self { workers: Some(Arc::clone(&rayon)), tasks: Some(sender), threads, count: workers };
        for number in 0..coordinators {
            let (receiver, rayon) = (receiver.clone(), Arc::clone(&rayon));
            let coordinate = move || {
                let hands = Hands { workers: Some(&rayon), least: workers.div_ceil(coordinators), most: workers };
                receiver.iter().for_each(|task| task(hands));
            };
            let builder = Builder::new().name(format!("batch-{number}"));
            pool.threads.push(builder.spawn(coordinate).map_err(|error| failed(error.into()))?);
        }
        Ok(pool)
    }

    /// The number of workers.
    pub(super) fn workers(&self) -> usize {
        self.count
    }

    /// Has a coordinator do `task`, after those that were given before have begun.
    pub(super) fn begin(&self, task: impl FnOnce(Hands<'_>) + Send + 'static) {
        if let Some(tasks) = &self.tasks {
            // The coordinators end only when the sender is gone.
            let _ = tasks.send(Box::new(task));
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // First the coordinators end, and let go of the workers, and then these.
        self.tasks = None;
        self.workers = None;
        for thread in self.threads.drain(..).rev() {
            // A panic there has nothing left to damage.
            let _ = thread.join();
        }
    }
}
