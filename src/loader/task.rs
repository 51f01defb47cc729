//! The work on one batch.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::Sender;

use super::batch::Batch;
use super::guard::guarded;
use super::recipe::Recipe;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::plan::{Origin, Slot};

/// A piece of work for a worker.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// One batch under way: its samples are made in any order by any thread, and the thread that does the last one sends the batch.
pub(super) struct BatchTask {
    recipe: Arc<Recipe>,
    cancelled: Arc<AtomicBool>,
    slots: Vec<Slot>,
    progress: Mutex<Progress>,
    sender: Sender<Result<Batch>>,
}

struct Progress {
    images: Vec<Option<Image>>,
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
        let progress = Progress { images: vec![None; slots.len()], error: None, left: slots.len() };
        Arc::new(Self { recipe, cancelled, slots, progress: Mutex::new(progress), sender })
    }

    /// Hands the samples to `spawn` in pieces, and has the synthetic ones generated in the meantime.
    pub(super) fn run(self: &Arc<Self>, threads: usize, spawn: impl Fn(Job)) {
        // Pieces small enough to keep every thread busy, large enough that handing them out costs nothing beside tiny images.
        let piece = self.slots.len().div_ceil(4 * threads).max(1);
        let mut real = Vec::new();
        let mut synthetic = Vec::new();
        for (place, slot) in self.slots.iter().enumerate() {
            match slot.origin {
                Origin::Real(index) => real.push((place, index)),
                Origin::Synthetic(serial) => synthetic.push((place, serial)),
            }
        }
        for piece in real.chunks(piece) {
            let (task, piece) = (Arc::clone(self), piece.to_vec());
            spawn(Box::new(move || task.make(piece, |slot, index| task.recipe.real(slot, index))));
        }
        if synthetic.is_empty() {
            return;
        }
        let places: Vec<usize> = synthetic.iter().map(|(place, _)| *place).collect();
        match self.generate(&synthetic) {
            Ok(images) => {
                let mut generated = places.into_iter().zip(images);
                while generated.len() > 0 {
                    let task = Arc::clone(self);
                    let piece: Vec<(usize, Image)> = generated.by_ref().take(piece).collect();
                    spawn(Box::new(move || task.make(piece, |slot, image| task.recipe.transformed(slot, image))));
                }
            }
            // All of them failed at once; the error stands for the first.
            Err(error) => self.report(places.len(), [(places[0], Err(error))]),
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

    /// Makes the samples of a piece from what each begins with.
    fn make<T>(&self, piece: Vec<(usize, T)>, make: impl Fn(&Slot, T) -> Result<Image>) {
        let results: Vec<_> = piece
            .into_iter()
            .map(|(place, start)| {
                let sample = || guarded("making a sample", || make(&self.slots[place], start));
                (place, self.check_cancelled().and_then(|()| sample()))
            })
            .collect();
        self.report(results.len(), results);
    }

    fn check_cancelled(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Interrupted, "the epoch was dropped"));
        }
        Ok(())
    }

    /// Takes note that `done` samples are done; sends the batch when all are.
    fn report(&self, done: usize, results: impl IntoIterator<Item = (usize, Result<Image>)>) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, result) in results {
            match result {
                Ok(image) => progress.images[place] = Some(image),
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
        let images = std::mem::take(&mut progress.images);
        let error = progress.error.take();
        drop(progress);
        let batch = match error {
            Some((_, error)) => Err(error),
            None => self.recipe.collated(self.slots.clone(), images.into_iter().flatten().collect()),
        };
        // Nobody receives it if the epoch was dropped.
        let _ = self.sender.send(batch);
    }
}
