//! The work on one batch: its buffer is allocated once the shape of its first sample is known, and its samples are then
//! written side by side, each into its own place.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use candle_core::Tensor;

use super::batch::{Batch, DrawnOps};
use super::failure::{ErrorPolicy, Failure, exhausted};
use super::guard::guarded;
use super::images::Images;
use super::meter::Meter;
use super::output::{Buffer, Place, Shape};
use super::pool::{Hands, Job};
use super::recipe::Recipe;
use super::statistics::Stage;
use super::worker::{Start, Target, Worker};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Origin, Slot};
use crate::rng::Purpose;
use crate::transform::{BatchOp, Op};

/// One batch to be made.
pub(super) struct BatchTask<'a> {
    pub recipe: Arc<Recipe>,
    pub cancelled: Arc<AtomicBool>,
    pub meter: &'a Meter,
    pub slots: Vec<Slot>,
    pub images: Images,
    /// The failures that the epoch bears.
    pub most: usize,
}

/// What came of it.
pub(super) struct Made {
    /// None if every sample was skipped.
    pub batch: Result<Option<Batch>>,
    /// The samples that could not be made, in order.
    pub failures: Vec<Failure>,
}

impl Made {
    pub(super) fn samples(&self) -> usize {
        self.batch.as_ref().ok().and_then(Option::as_ref).map_or(0, Batch::len)
    }
}

/// A sample to be made: its place in the batch, and what it is made of, if that could be had.
type Order = (usize, Result<Start>);

/// The images of a batch whose first sample is made.
struct Begun {
    first: Slot,
    buffer: Buffer,
    shape: Shape,
}

/// What the samples that are done left behind.
struct Progress {
    /// The slots, those of replaced samples with the images that took the places.
    slots: Vec<Slot>,
    made: Vec<bool>,
    drawn: DrawnOps,
    failures: Vec<(usize, Failure)>,
    /// The failed sample that stands first in the batch, so that the error does not depend on which thread was faster.
    error: Option<(usize, Error)>,
}

/// What is left of samples that one worker made one after the other.
#[derive(Default)]
struct Piece {
    /// For each that was made its place, its slot and its operations in `ops`.
    made: Vec<(usize, Slot, Range<usize>)>,
    ops: Vec<Op>,
    failures: Vec<(usize, Failure)>,
    errors: Vec<(usize, Error)>,
}

impl Progress {
    fn add(&mut self, Piece { made, ops, failures, errors }: Piece) {
        for (place, slot, _) in &made {
            self.slots[*place] = *slot;
            self.made[*place] = true;
        }
        self.drawn.put(ops, made.into_iter().map(|(place, _, ops)| (place, ops)));
        self.failures.extend(failures);
        self.error = self.error.take().into_iter().chain(errors).min_by_key(|(place, _)| *place);
    }
}

impl BatchTask<'_> {
    /// Makes the batch, with the help of `hands`.
    pub(super) fn run(&self, hands: Hands<'_>) -> Made {
        let count = self.slots.len();
        let progress = Mutex::new(Progress {
            slots: self.slots.clone(),
            made: vec![false; count],
            drawn: DrawnOps::new(count),
            failures: Vec::new(),
            error: None,
        });
        let buffer = guarded("making a batch", || self.fill(hands, &progress));
        let mut progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
        progress.failures.sort_by_key(|(place, _)| *place);
        let failures = std::mem::take(&mut progress.failures).into_iter().map(|(_, failure)| failure).collect();
        let batch = match (buffer, progress.error.take()) {
            (_, Some((_, error))) | (Err(error), None) => Err(error),
            (Ok(None), None) => Ok(None),
            (Ok(Some((buffer, shape))), None) => {
                let collate = || guarded("collating the batch", || self.collated(buffer, shape, progress));
                self.meter.time(Stage::Collate, collate).map(Some)
            }
        };
        Made { batch, failures }
    }

    /// Makes the samples; None if none could be made.
    fn fill(&self, hands: Hands<'_>, progress: &Mutex<Progress>) -> Result<Option<(Buffer, Shape)>> {
        let (mut real, mut synthetic) = (VecDeque::new(), Vec::new());
        for (place, slot) in self.slots.iter().enumerate() {
            match slot.origin {
                Origin::Real(index) => real.push_back((place, Ok(self.images.start(place, index)))),
                Origin::Synthetic(serial) => synthetic.push((place, serial)),
            }
        }
        let mut growing = Growing { task: self, first: None, images: None };
        let mut pieces = 1;
        hands.one(|| {
            let watch = Instant::now();
            self.begin(&mut real, &mut growing, progress);
            if growing.first.is_none() && !self.has_failed(progress) {
                real = self.generate(&std::mem::take(&mut synthetic)).into();
                self.begin(&mut real, &mut growing, progress);
            }
            pieces = self.pieces(watch.elapsed(), hands);
            if growing.first.is_some() && pieces == 1 {
                self.make(self.generate(&std::mem::take(&mut synthetic)), &mut growing, progress);
                self.make(std::mem::take(&mut real), &mut growing, progress);
            }
        });
        let Some(mut begun) = growing.begun().filter(|_| !self.has_failed(progress)) else { return Ok(None) };
        if pieces > 1 {
            begun.buffer.grow(self.slots.len(), begun.shape);
            hands.all(self.jobs(&mut begun, real, synthetic, pieces, progress));
        }
        Ok(Some((begun.buffer, begun.shape)))
    }

    /// How many pieces the batch is made in, if one sample takes as long as the first: one, without handing it on, where that
    /// costs more than it saves; enough to keep every worker busy where it takes long.
    fn pieces(&self, sample: Duration, hands: Hands<'_>) -> usize {
        const PIECE: Duration = Duration::from_millis(1);
        let whole = sample.as_nanos().saturating_mul(self.slots.len() as u128);
        let pieces = usize::try_from(whole / PIECE.as_nanos()).unwrap_or(usize::MAX);
        pieces.clamp(hands.least, 4 * hands.most)
    }

    /// The work on the samples that are left: the synthetic ones in one job, because they are generated together, and first,
    /// because they take longest; the real ones in pieces.
    fn jobs<'a>(
        &'a self,
        Begun { first, buffer, shape }: &'a mut Begun,
        real: VecDeque<Order>,
        synthetic: Vec<(usize, u64)>,
        pieces: usize,
        progress: &'a Mutex<Progress>,
    ) -> Vec<Job<'a>> {
        let (first, shape) = (*first, *shape);
        let mut all: Vec<_> = self.recipe.output.places(buffer, shape).map(Some).collect();
        let mut reserved = |places: &mut dyn Iterator<Item = usize>| {
            let take = |place: usize| (place, all[place].take().expect("each sample of a batch is made once"));
            Reserved { recipe: &self.recipe, first, shape, places: places.map(take).collect() }
        };
        let mut jobs: Vec<Job<'_>> = Vec::new();
        if !synthetic.is_empty() {
            let mut reserved = reserved(&mut synthetic.iter().map(|(place, _)| *place));
            jobs.push(Box::new(move || self.make(self.generate(&synthetic), &mut reserved, progress)));
        }
        let size = real.len().div_ceil(pieces).max(1);
        let mut real = real.into_iter();
        while real.len() > 0 {
            let orders: Vec<Order> = real.by_ref().take(size).collect();
            let mut reserved = reserved(&mut orders.iter().map(|(place, _)| *place));
            jobs.push(Box::new(move || self.make(orders, &mut reserved, progress)));
        }
        jobs
    }

    /// Makes samples in order until one has been made, or the batch has failed.
    fn begin(&self, orders: &mut VecDeque<Order>, growing: &mut Growing<'_>, progress: &Mutex<Progress>) {
        while growing.first.is_none()
            && !self.has_failed(progress)
            && let Some((place, start)) = orders.pop_front()
        {
            self.make([(place, start)], growing, progress);
            let progress = lock(progress);
            growing.first = progress.made[place].then_some(progress.slots[place]);
        }
    }

    fn has_failed(&self, progress: &Mutex<Progress>) -> bool {
        lock(progress).error.is_some()
    }

    /// What the synthetic samples are made of; if they cannot be generated, all have the error.
    fn generate(&self, synthetic: &[(usize, u64)]) -> Vec<Order> {
        let requests: Vec<(Slot, u64)> =
            synthetic.iter().map(|(place, serial)| (self.slots[*place], *serial)).collect();
        let places = synthetic.iter().map(|(place, _)| *place);
        let generated = self.meter.time(Stage::Generate, || match requests.len() {
            0 => Ok(Vec::new()),
            _ if self.is_cancelled() => Err(dropped()),
            _ => self.recipe.generated(&requests),
        });
        match generated {
            Ok(images) => places.zip(images.into_iter().map(|image| Ok(Start::image(image)))).collect(),
            Err(error) => places.map(|place| (place, Err(error.clone()))).collect(),
        }
    }

    /// Makes samples, one after the other, on one workbench.
    fn make(&self, orders: impl IntoIterator<Item = Order>, places: &mut impl Places, progress: &Mutex<Progress>) {
        let mut piece = Piece::default();
        self.recipe.workbenches.with(|bench| {
            let mut worker = Worker { recipe: &self.recipe, bench, watch: Some(self.meter.stopwatch()) };
            for (place, start) in orders {
                let mut target = places.of(place);
                let mut slot = self.slots[place];
                let mut failures = Vec::new();
                let made = guarded("making a sample", || {
                    self.make_or_replace(&mut worker, &mut slot, start, &mut target, &mut failures)
                });
                piece.failures.extend(failures.into_iter().map(|failure| (place, failure)));
                match made {
                    Ok(true) => {
                        let first = piece.ops.len();
                        piece.ops.append(&mut worker.bench.ops);
                        piece.made.push((place, slot, first..piece.ops.len()));
                    }
                    Ok(false) => {}
                    Err(error) => piece.errors.push((place, error)),
                }
            }
        });
        lock(progress).add(piece);
    }

    /// Makes a sample, or does what the policy says; whether one was made.
    fn make_or_replace(
        &self,
        worker: &mut Worker<'_>,
        slot: &mut Slot,
        start: Result<Start>,
        target: &mut impl Target,
        failures: &mut Vec<Failure>,
    ) -> Result<bool> {
        let mut made = start.and_then(|start| self.make_one(worker, slot, &start, target));
        let mut substitutes = None;
        while let Err(error) = made {
            // Nobody will hear of it.
            if self.is_cancelled() {
                return Err(error);
            }
            self.meter.failed(Some(slot.label), &error);
            if self.recipe.policy == ErrorPolicy::Fail {
                return Err(error);
            }
            failures.push(Failure::of(slot, self.recipe.class(slot), &error));
            if let ErrorPolicy::Skip(_) = self.recipe.policy {
                worker.bench.ops.clear();
                return Ok(false);
            }
            // The epoch ends with this batch: no need to try a whole class.
            if failures.len() > self.most {
                return Err(error);
            }
            let substitutes = substitutes.get_or_insert_with(|| self.images.substitutes(slot));
            let Some((index, start)) = substitutes.next() else {
                return Err(exhausted(self.recipe.class(slot), &error));
            };
            slot.origin = Origin::Real(index);
            made = self.make_one(worker, slot, &start, target);
        }
        Ok(true)
    }

    fn make_one(&self, worker: &mut Worker<'_>, slot: &Slot, start: &Start, target: &mut impl Target) -> Result<()> {
        if self.is_cancelled() {
            return Err(dropped());
        }
        worker.make(slot, start, target)
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// The batch of the samples that were made.
    fn collated(&self, mut buffer: Buffer, shape: Shape, mut progress: Progress) -> Result<Batch> {
        if progress.made.contains(&false) {
            buffer.keep(&progress.made, shape);
            let mut made = progress.made.iter();
            progress.slots.retain(|_| made.next() == Some(&true));
            progress.drawn.keep(&progress.made);
        }
        let Progress { slots, drawn, .. } = progress;
        let (output, classes) = (&self.recipe.output, self.recipe.dataset.classes().len());
        let batch_op = self.draw_for_batch(&slots, shape)?;
        let labels: Vec<u32> = slots.iter().map(|slot| slot.label).collect();
        let soft_labels = batch_op.map(|op| {
            Ok::<_, Error>(Tensor::from_vec(op.mix_labels(&labels, classes)?, (slots.len(), classes), output.device())?)
        });
        batch_op.map_or(Ok(()), |op| buffer.mix(op, shape))?;
        Ok(Batch {
            images: output.tensor(buffer, slots.len(), shape)?,
            labels: Tensor::from_vec(labels, slots.len(), output.device())?,
            soft_labels: soft_labels.transpose()?,
            slots,
            drawn,
            batch_op,
        })
    }

    /// The operation on the whole batch; its generator is that of the first slot.
    fn draw_for_batch(&self, slots: &[Slot], shape: Shape) -> Result<Option<BatchOp>> {
        let (Some(transform), Some(slot)) = (&self.recipe.batch_transform, slots.first()) else { return Ok(None) };
        let key = slot.key.with_purpose(Purpose::Batch);
        guarded("the batch transform", || Ok(transform.draw(shape.size, &mut key.rng())))
            .map(Some)
            .map_err(|error| error.with_key(key).with_op(format_args!("draw")))
    }
}

fn dropped() -> Error {
    Error::new(ErrorKind::Interrupted, "the epoch was dropped")
}

fn lock(progress: &Mutex<Progress>) -> std::sync::MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the samples of a batch go.
trait Places {
    /// Where the one with this place in the batch goes.
    fn of(&mut self, place: usize) -> impl Target;
}

/// The memory for all samples, once the shape of the first is known; for samples that are made one after the other.
struct Growing<'a> {
    task: &'a BatchTask<'a>,
    /// The first one that could be made: the others must have its shape.
    first: Option<Slot>,
    images: Option<(Buffer, Shape)>,
}

impl Growing<'_> {
    fn begun(self) -> Option<Begun> {
        let (buffer, shape) = self.images?;
        Some(Begun { first: self.first?, buffer, shape })
    }

    fn place(&mut self, place: usize, slot: &Slot, shape: Shape) -> Result<Place<'_>> {
        let BatchTask { recipe, slots, .. } = self.task;
        let (mut buffer, same) = match self.images.take() {
            Some(images) => images,
            None => (recipe.output.buffer(slots.len(), shape)?, shape),
        };
        if shape != same {
            match &self.first {
                None => buffer = recipe.output.buffer(slots.len(), shape)?,
                Some(first) => {
                    self.images = Some((buffer, same));
                    return Err(recipe.mismatch(first, same, slot, shape));
                }
            }
        }
        buffer.grow(place + 1, shape);
        let (buffer, _) = self.images.insert((buffer, shape));
        Ok(recipe.output.place(buffer, place, shape))
    }
}

impl Places for Growing<'_> {
    fn of(&mut self, place: usize) -> impl Target {
        Grown { growing: self, place }
    }
}

/// One place in growing memory.
struct Grown<'g, 'a> {
    growing: &'g mut Growing<'a>,
    place: usize,
}

impl Target for Grown<'_, '_> {
    fn place(&mut self, slot: &Slot, shape: Shape) -> Result<Place<'_>> {
        self.growing.place(self.place, slot, shape)
    }
}

/// Some of the places in memory that is there, in the order in which they are asked for.
struct Reserved<'a> {
    recipe: &'a Recipe,
    first: Slot,
    shape: Shape,
    places: VecDeque<(usize, Place<'a>)>,
}

impl Places for Reserved<'_> {
    fn of(&mut self, place: usize) -> impl Target {
        let next = self.places.pop_front().filter(|(next, _)| *next == place);
        let (_, place) = next.expect("samples are made in the order in which places were reserved");
        ReservedPlace { reserved: self, place }
    }
}

/// One of them.
struct ReservedPlace<'r, 'a> {
    reserved: &'r Reserved<'a>,
    place: Place<'a>,
}

impl Target for ReservedPlace<'_, '_> {
    fn place(&mut self, slot: &Slot, shape: Shape) -> Result<Place<'_>> {
        let Reserved { recipe, first, shape: expected, .. } = self.reserved;
        if shape == *expected { Ok(self.place.reborrow()) } else { Err(recipe.mismatch(first, *expected, slot, shape)) }
    }
}
