//! Batches of an iterator of unknown length.
//!
//! A thread pulls the iterator, plans batches as they become complete, and hands each to the loader's pool, when there is
//! room for one; the consumer makes room by taking a batch.

mod builder;
mod puller;

pub use builder::{StreamBuilder, wrap};

use std::fmt;
use std::iter::FusedIterator;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::batch::Batch;
use super::builder::Equipment;
use super::failure::{Failure, too_many};
use super::images::{Images, Item, unpacked};
use super::meter::{Account, Meter};
use super::pool::{Hands, Pool};
use super::recipe::Recipe;
use super::statistics::Statistics;
use super::task::{BatchTask, Made};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Slot, StreamBatch};
use puller::Puller;

/// The most batches that are made ahead: a bounded channel takes memory for all that it may hold.
const MOST_AHEAD: usize = 1 << 16;

/// The batches of an iterator, in order; see [`wrap`].
///
/// An error stands at its place: one of the iterator after the batches that were complete before it, one of a sample in
/// place of its batch. It ends the stream, and what waited for a batch then is lost, unless an
/// [error policy](crate::LoaderBuilder::error_policy) bears it. At the end, and when the stream is dropped, its workers have
/// ended.
#[must_use = "the batches are delivered when the stream is iterated over"]
pub struct Stream {
    feed: Feed,
    maker: Maker,
    account: Account,
    /// The samples and items that could not be had.
    failures: Vec<Failure>,
    most: Option<usize>,
    delivered: usize,
}

/// Where planned batches come from.
enum Feed {
    /// From a thread that begins them ahead.
    Ahead(Ahead),
    /// From the calling thread.
    Own(Box<Puller>),
    /// No more come.
    Ended,
}

/// The thread's end is that of the channel. When this is dropped the workers have ended; the thread may be in the iterator
/// still, so it has no part in the pool but while it begins a batch.
struct Ahead {
    fed: Receiver<Fed>,
    /// Where a batch that was taken leaves room for one more.
    room: Sender<()>,
    pool: Arc<Mutex<Option<Pool>>>,
}

/// A batch as the consumer receives it, or the end.
struct Fed {
    /// The items that could not be had before it.
    failures: Vec<Failure>,
    /// None at the end.
    batch: Result<Option<(Planned, Receiver<Made>)>>,
}

/// What was planned for the samples of a batch: their slots, and whether their images come again.
struct Planned {
    slots: Vec<Slot>,
    repeats: Vec<bool>,
}

/// Makes batches.
#[derive(Clone)]
struct Maker {
    recipe: Arc<Recipe>,
    meter: Arc<Meter>,
    cancelled: Arc<AtomicBool>,
    /// The failures that the stream bears.
    most: usize,
}

impl Stream {
    fn start(puller: Puller, equipment: Equipment, epoch: u64, most: Option<usize>) -> Result<Self> {
        let Equipment { recipe, pool, window, ledger } = equipment;
        let account = ledger.open(epoch, None);
        let (meter, cancelled) = (Arc::clone(account.meter()), Arc::new(AtomicBool::new(false)));
        let maker = Maker { recipe, meter, cancelled, most: most.unwrap_or(0) };
        let feed = match pool {
            Some(pool) => Feed::ahead(puller, pool, maker.clone(), window)?,
            None => Feed::Own(Box::new(puller)),
        };
        Ok(Self { feed, maker, account, failures: Vec::new(), most, delivered: 0 })
    }

    /// The names of the classes, in the order of their labels.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.maker.recipe.dataset.classes()
    }

    /// The samples that could not be made and the items that the iterator failed to give, up to the batch that was delivered
    /// last, in order. Under [`ErrorPolicy::Fail`](crate::ErrorPolicy::Fail) there are none: the stream ends with the first
    /// error.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Counts and times so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.account.meter().statistics()
    }

    /// The next batch that has samples; None at the end.
    fn advance(&mut self) -> Result<Option<Batch>> {
        loop {
            let Some((planned, made)) = self.take_next()? else { return Ok(None) };
            self.failures.extend(made.failures);
            self.check_budget()?;
            let batch = made.batch?;
            let slots = batch.as_ref().map_or(&[][..], |batch| &batch.slots);
            self.account.meter().delivered_of_stream(slots, |slot| planned.repeats(slot));
            self.delivered += 1;
            if batch.is_some() {
                return Ok(batch);
            }
        }
    }

    fn take_next(&mut self) -> Result<Option<(Planned, Made)>> {
        let Self { feed, maker, .. } = self;
        let most_waiting = match feed {
            Feed::Ahead(Ahead { fed, room, .. }) if room.is_empty() => fed.len(),
            _ => usize::MAX,
        };
        let next = maker.meter.wait(most_waiting, || match feed {
            Feed::Ahead(Ahead { fed, room, .. }) => {
                let Fed { failures, batch } = fed.recv().ok()?;
                let made = match batch {
                    Ok(Some((planned, made))) => Ok(Some((planned, made.recv().ok()?))),
                    Ok(None) => Ok(None),
                    Err(error) => Err(error),
                };
                // The thread may have ended.
                let _ = room.try_send(());
                Some((failures, made))
            }
            Feed::Own(puller) => {
                let number = self.delivered;
                let batch = puller.next_batch(&maker.meter, &maker.cancelled);
                let made = batch.map(|batch| batch.map(|batch| maker.make(number, batch, Hands::OWN)));
                Some((puller.failures(), made))
            }
            Feed::Ended => Some((Vec::new(), Ok(None))),
        });
        let Some((failures, made)) = next else {
            let message = "a thread of the stream panicked: this is a defect of the loader";
            return Err(Error::new(ErrorKind::Panic, message));
        };
        self.failures.extend(failures);
        self.check_budget()?;
        made
    }

    fn check_budget(&self) -> Result<()> {
        match self.most {
            Some(most) if self.failures.len() > most => Err(too_many(&self.failures, most)),
            _ => Ok(()),
        }
    }

    /// Lets go of the iterator and the workers.
    fn end(&mut self) {
        self.maker.cancelled.store(true, Ordering::Relaxed);
        self.feed = Feed::Ended;
        self.account.meter().stop();
    }
}

impl Feed {
    fn ahead(puller: Puller, pool: Pool, maker: Maker, window: usize) -> Result<Self> {
        let window = window.min(MOST_AHEAD);
        let (sender, fed) = unbounded();
        let (room, taken) = bounded(window);
        (0..window).for_each(|_| room.send(()).expect("there is room for a window"));
        let pool = Arc::new(Mutex::new(Some(pool)));
        let theirs = Arc::clone(&pool);
        let feed = move || feed(puller, &theirs, &maker, &taken, &sender);
        thread::Builder::new().name("augment-stream".to_owned()).spawn(feed).map_err(|error| {
            Error::new(ErrorKind::Io, format!("cannot start the thread of a stream: {error}")).with_source(error)
        })?;
        Ok(Self::Ahead(Ahead { fed, room, pool }))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(pool);
    }
}

/// Plans batches and begins them, until the iterator or the stream ends.
fn feed(mut puller: Puller, pool: &Mutex<Option<Pool>>, maker: &Maker, room: &Receiver<()>, fed: &Sender<Fed>) {
    for number in 0.. {
        let batch = puller.next_batch(&maker.meter, &maker.cancelled);
        let failures = puller.failures();
        let batch = match batch {
            Ok(Some(batch)) => batch,
            last => {
                // Nobody receives it if the stream was dropped.
                let _ = fed.send(Fed { failures, batch: last.map(|_| None) });
                return;
            }
        };
        let (sender, made) = bounded(1);
        let (planned, images) = Planned::of(batch);
        let task = maker.clone();
        let slots = planned.slots.clone();
        let next = Fed { failures, batch: Ok(Some((planned, made))) };
        if room.recv().is_err() || fed.send(next).is_err() {
            return;
        }
        if let Some(pool) = &*pool.lock().unwrap_or_else(PoisonError::into_inner) {
            pool.begin(move |hands| {
                let _ = sender.send(task.make_of(number, slots, images, hands));
            });
        }
    }
}

impl Maker {
    fn make(&self, number: usize, batch: StreamBatch<Item>, hands: Hands<'_>) -> (Planned, Made) {
        let (planned, images) = Planned::of(batch);
        let made = self.make_of(number, planned.slots.clone(), images, hands);
        (planned, made)
    }

    fn make_of(&self, number: usize, slots: Vec<Slot>, images: Images, hands: Hands<'_>) -> Made {
        let (recipe, cancelled) = (Arc::clone(&self.recipe), Arc::clone(&self.cancelled));
        let made = BatchTask { recipe, cancelled, meter: &self.meter, slots, most: self.most, images }.run(hands);
        self.meter.finished(number, made.samples());
        made
    }
}

impl Planned {
    fn of(batch: StreamBatch<Item>) -> (Self, Images) {
        let (slots, repeats, images) = unpacked(batch);
        (Self { slots, repeats }, images)
    }

    /// Whether the sample is of an image that came before: planned as one, or put in the place of another.
    fn repeats(&self, slot: &Slot) -> bool {
        let first = self.slots.first().map_or(0, |slot| slot.key.position);
        let place = (slot.key.position - first) as usize;
        self.repeats[place] || self.slots[place].origin != slot.origin
    }
}

impl Iterator for Stream {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Feed::Ended = self.feed {
            return None;
        }
        let batch = self.advance().transpose();
        if !matches!(batch, Some(Ok(_))) {
            self.end();
        }
        batch
    }
}

impl FusedIterator for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("classes", &self.classes().len())
            .field("delivered", &self.delivered)
            .field("ended", &matches!(self.feed, Feed::Ended))
            .finish_non_exhaustive()
    }
}
