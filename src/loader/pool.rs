//! The worker threads of a loader.

use std::thread::{Builder, JoinHandle};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, ErrorKind, Result};

/// A rayon pool of its own, whose threads have ended when it is dropped.
pub(super) struct Pool {
    /// Taken out only to be dropped before the threads are joined.
    rayon: Option<ThreadPool>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `workers` threads, named `augment-0` and so on (the system shows 15 characters of a name).
    pub(super) fn new(workers: usize) -> Result<Self> {
        let mut threads = Vec::new();
        let rayon = ThreadPoolBuilder::new().num_threads(workers).spawn_handler(|thread| {
            let builder = Builder::new().name(format!("augment-{}", thread.index()));
            threads.push(builder.spawn(|| thread.run())?);
            Ok(())
        });
        // Tasks guard the code that they call; should one panic all the same, its batch is never sent, which the epoch
        // reports.
        let rayon = rayon.panic_handler(drop).build().map_err(|error| {
            Error::new(ErrorKind::Io, format!("cannot start {workers} worker threads, set fewer workers: {error}"))
                .with_source(error)
        })?;
        Ok(Self { rayon: Some(rayon), threads })
    }

    pub(super) fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Runs `task` on one of the threads, after the tasks that were spawned before have begun.
    pub(super) fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        if let Some(rayon) = &self.rayon {
            rayon.spawn(task);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // rayon tells its threads to end when they have run what was spawned, but does not wait for them.
        self.rayon = None;
        for thread in self.threads.drain(..) {
            // The threads end in rayon's own loop; a panic there has nothing left to damage.
            let _ = thread.join();
        }
    }
}
