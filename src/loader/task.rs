//! The work on one batch.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::Sender;

use super::batch::Batch;
use super::guard::guarded;
use super::recipe::{Recipe, Sample};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::plan::{Origin, Slot};

/// A piece of work for a worker.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Those who do the jobs.
#[derive(Clone, Copy)]
pub(super) struct Hands<S> {
    /// How many there are, at least 1.
    pub threads: usize,
    /// Hands them a job.
    pub spawn: S,
    /// Does it from within a job.
    pub spawn_within: fn(Job),
}

impl<S> Hands<S> {
    fn within(&self) -> Hands<fn(Job)> {
        Hands { threads: self.threads, spawn: self.spawn_within, spawn_within: self.spawn_within }
    }
}

/// One batch under way: its samples are made in any order by any thread, and the thread that does the last one sends
/// the batch.
pub(super) struct BatchTask {
    recipe: Arc<Recipe>,
    cancelled: Arc<AtomicBool>,
    slots: Vec<Slot>,
    progress: Mutex<Progress>,
    sender: Sender<Result<Batch>>,
}

struct Progress {
    samples: Vec<Option<Sample>>,
    /// The failed sample that stands first in the batch, so that the error does not depend on which thread was faster.
    error: Option<(usize, Error)>,
    left: usize,
}

impl BatchTask {
    pub(super) fn new(
        recipe: Arc<Recipe>,
        cancelled: Arc<AtomicBool>,
        slots: Vec<Slot>,
        sender: Sender<Result<Batch>>,
    ) -> Arc<Self> {
        let progress = Progress { samples: vec![None; slots.len()], error: None, left: slots.len() };
        Arc::new(Self { recipe, cancelled, slots, progress: Mutex::new(progress), sender })
    }

    /// Hands the work to `hands`: the synthetic samples in one, because they are generated together, and first, because
    /// they take longest; then the real ones in pieces.
    pub(super) fn begin(self: &Arc<Self>, hands: Hands<impl Fn(Job)>) {
        let mut real = Vec::new();
        let mut synthetic = Vec::new();
        for (place, slot) in self.slots.iter().enumerate() {
            match slot.origin {
                Origin::Real(index) => real.push((place, index)),
                Origin::Synthetic(serial) => synthetic.push((place, serial)),
            }
        }
        if !synthetic.is_empty() {
            let task = Arc::clone(self);
            let within = hands.within();
            (hands.spawn)(Box::new(move || task.make_synthetic(&synthetic, within)));
        }
        self.make(real, hands, |recipe, slot, index| recipe.real(slot, index));
    }

    fn make_synthetic(self: &Arc<Self>, synthetic: &[(usize, u64)], hands: Hands<fn(Job)>) {
        match self.generate(synthetic) {
            Ok(images) => {
                let places = synthetic.iter().map(|(place, _)| *place);
                self.make(places.zip(images).collect(), hands, |recipe, slot, image| recipe.transformed(slot, image));
            }
            // All of them failed at once; the error stands for the first.
            Err(error) => self.report(synthetic.len(), [(synthetic[0].0, Err(error))]),
        }
    }

    fn generate(&self, synthetic: &[(usize, u64)]) -> Result<Vec<Image>> {
        self.check_cancelled()?;
        let requests: Vec<(Slot, u64)> =
            synthetic.iter().map(|(place, serial)| (self.slots[*place], *serial)).collect();
        self.recipe.generated(&requests).map_err(|error| {
            error.with_key(requests[0].0.key).with_op(format_args!("generate {} samples", requests.len()))
        })
    }

    /// Makes samples, each from its place and what it begins with, in pieces: small enough to keep every thread busy,
    /// large enough that handing them out costs nothing beside tiny images.
    fn make<T: Send + 'static>(
        self: &Arc<Self>,
        samples: Vec<(usize, T)>,
        hands: Hands<impl Fn(Job)>,
        make: fn(&Recipe, &Slot, T) -> Result<Sample>,
    ) {
        let size = samples.len().div_ceil(4 * hands.threads);
        let mut samples = samples.into_iter();
        while samples.len() > 0 {
            let task = Arc::clone(self);
            let piece: Vec<(usize, T)> = samples.by_ref().take(size).collect();
            (hands.spawn)(Box::new(move || {
                let one = |(place, start)| (place, task.make_one(|recipe| make(recipe, &task.slots[place], start)));
                let results: Vec<(usize, Result<Sample>)> = piece.into_iter().map(one).collect();
                task.report(results.len(), results);
            }));
        }
    }

    fn make_one(&self, make: impl FnOnce(&Recipe) -> Result<Sample>) -> Result<Sample> {
        self.check_cancelled()?;
        guarded("making a sample", || make(&self.recipe))
    }

    fn check_cancelled(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Interrupted, "the epoch was dropped"));
        }
        Ok(())
    }

    /// Takes note that `done` samples are done; sends the batch when all are.
    fn report(&self, done: usize, results: impl IntoIterator<Item = (usize, Result<Sample>)>) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, result) in results {
            match result {
                Ok(sample) => progress.samples[place] = Some(sample),
                Err(error) if progress.error.as_ref().is_none_or(|(first, _)| place < *first) => {
                    progress.error = Some((place, error));
                }
                Err(_) => {}
            }
        }
        progress.left -= done;
        if progress.left > 0 {
            return;
        }
        let samples = std::mem::take(&mut progress.samples);
        let error = progress.error.take();
        drop(progress);
        let batch = match error {
            Some((_, error)) => Err(error),
            None => self.recipe.collated(self.slots.clone(), samples.into_iter().flatten().collect()),
        };
        // Nobody receives it if the epoch was dropped.
        let _ = self.sender.send(batch);
    }
}
