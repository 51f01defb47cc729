//! Counts and times an epoch while it runs, for [`Statistics`]; shared by all threads that work on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::statistics::{ClassStatistics, Stage, StageTimes, Statistics};
use super::trace::Trace;
use crate::error::Error;
use crate::plan::{Origin, Slot};

/// The meter of one epoch.
pub(super) struct Meter {
    workers: usize,
    started: Instant,
    elapsed: OnceLock<Duration>,
    nanoseconds: [AtomicU64; Stage::COUNT],
    cache_hits: AtomicU64,
    cache_misses: AtomicU64,
    finished: AtomicU64,
    /// When the last of them was, in nanoseconds from the start.
    last_finished: AtomicU64,
    counts: Mutex<Counts>,
    trace: Trace,
}

/// What changes by the batch, not by the sample.
struct Counts {
    /// The finished batches that the consumer took, also those that no sample is left of.
    taken: u64,
    delivered: u64,
    /// How often the consumer asked for a batch, and how many finished ones it found in all.
    asked: u64,
    found: u64,
    failed: u64,
    classes: Vec<ClassStatistics>,
    seen: Seen,
}

/// The images delivered so far, a bit each.
#[derive(Default)]
struct Seen(Vec<u64>);

impl Seen {
    /// Whether the slot's image was there before.
    fn repeats(&mut self, slot: &Slot) -> bool {
        let Origin::Real(index) = slot.origin else { return false };
        let (word, bit) = (index / 64, 1 << (index % 64));
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let before = self.0[word] & bit != 0;
        self.0[word] |= bit;
        before
    }
}

impl Meter {
    fn start(classes: &[String], workers: usize, trace: Trace) -> Self {
        let classes =
            classes.iter().map(|name| ClassStatistics { name: name.clone(), ..ClassStatistics::default() }).collect();
        Self {
            workers,
            started: Instant::now(),
            elapsed: OnceLock::new(),
            nanoseconds: Default::default(),
            cache_hits: AtomicU64::new(0),
            cache_misses: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            last_finished: AtomicU64::new(0),
            counts: Mutex::new(Counts {
                taken: 0,
                delivered: 0,
                asked: 0,
                found: 0,
                failed: 0,
                classes,
                seen: Seen::default(),
            }),
            trace,
        }
    }

    /// Adds `time` to `stage`.
    pub fn add(&self, stage: Stage, time: Duration) {
        self.nanoseconds[stage as usize].fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    /// Runs `work` and adds its time to `stage`.
    pub fn time<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(stage, start.elapsed());
        result
    }

    /// A watch for a thread that goes through the stages of sample after sample: it reads the clock once a lap, and
    /// touches the shared sums only when it is dropped.
    pub fn stopwatch(&self) -> Stopwatch<'_> {
        Stopwatch { meter: self, last: Instant::now(), laps: [Duration::ZERO; Stage::COUNT] }
    }

    /// An image was looked up in the cache.
    pub fn looked_up(&self, hit: bool) {
        let counter = if hit { &self.cache_hits } else { &self.cache_misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A sample failed, of class `label` if that is known.
    pub fn failed(&self, label: Option<u32>, error: &Error) {
        self.trace.sample_failed(error);
        let mut counts = self.counts();
        counts.failed += 1;
        if let Some(class) = label.and_then(|label| counts.classes.get_mut(label as usize)) {
            class.failed += 1;
        }
    }

    /// Batch `number` of the epoch, of `samples` samples, is finished, and will wait to be taken.
    pub fn finished(&self, number: usize, samples: usize) {
        self.trace.batch_made(number, samples);
        self.last_finished.store(self.started.elapsed().as_nanos() as u64, Ordering::Relaxed);
        self.finished.fetch_add(1, Ordering::Relaxed);
    }

    /// The consumer asks for a batch, for which it waits by `wait`. If `most` finished ones wait to be taken, the workers had
    /// nothing to do since the last of them.
    pub fn wait<T>(&self, most: usize, wait: impl FnOnce() -> T) -> T {
        {
            let mut counts = self.counts();
            let queued = self.queued(&counts);
            counts.asked += 1;
            counts.found += queued;
            if queued >= most as u64 {
                let last = Duration::from_nanos(self.last_finished.load(Ordering::Relaxed));
                self.add(Stage::WaitForConsumer, self.started.elapsed().saturating_sub(last));
            }
        }
        self.time(Stage::WaitForWorkers, wait)
    }

    /// The consumer took a finished batch, and was given it if there are samples in it.
    pub fn delivered(&self, slots: &[Slot]) {
        self.count(slots, Seen::repeats);
    }

    /// The same for a stream, which knows by itself which samples are of images that came before, however many come.
    pub fn delivered_of_stream(&self, slots: &[Slot], repeats: impl Fn(&Slot) -> bool) {
        self.count(slots, |_, slot| repeats(slot));
    }

    fn count(&self, slots: &[Slot], repeats: impl Fn(&mut Seen, &Slot) -> bool) {
        let mut counts = self.counts();
        let counts = &mut *counts;
        counts.taken += 1;
        counts.delivered += u64::from(!slots.is_empty());
        for slot in slots {
            let Some(class) = counts.classes.get_mut(slot.label as usize) else { continue };
            match slot.origin {
                Origin::Real(_) => {
                    class.real += 1;
                    class.repeated += u64::from(repeats(&mut counts.seen, slot));
                }
                Origin::Synthetic(_) => class.synthetic += 1,
            }
        }
    }

    /// The epoch is over: its time stops. Only the first call counts.
    pub fn stop(&self) {
        if self.elapsed.set(self.started.elapsed()).is_ok() {
            self.trace.epoch_ended(|| self.statistics());
        }
    }

    pub fn statistics(&self) -> Statistics {
        let nanoseconds = |stage: usize| self.nanoseconds[stage].load(Ordering::Relaxed) as f64;
        let counts = self.counts();
        let classes = counts.classes.clone();
        Statistics {
            epochs: 1,
            workers: self.workers,
            seconds: self.elapsed.get().copied().unwrap_or_else(|| self.started.elapsed()).as_secs_f64(),
            batches: counts.delivered,
            samples: classes.iter().map(|class| class.real + class.synthetic).sum(),
            failures: counts.failed,
            stages: StageTimes::from_seconds(std::array::from_fn(|stage| nanoseconds(stage) / 1e9)),
            queued: self.queued(&counts),
            mean_queued: if counts.asked > 0 { counts.found as f64 / counts.asked as f64 } else { 0.0 },
            cache_hits: self.cache_hits.load(Ordering::Relaxed),
            cache_misses: self.cache_misses.load(Ordering::Relaxed),
            classes,
        }
    }

    /// The finished batches that wait to be taken. After the end nobody will take them.
    fn queued(&self, counts: &Counts) -> u64 {
        let waiting = self.finished.load(Ordering::Relaxed).saturating_sub(counts.taken);
        if self.elapsed.get().is_some() { 0 } else { waiting }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Times one thread; see [`Meter::stopwatch`].
pub(super) struct Stopwatch<'a> {
    pub meter: &'a Meter,
    last: Instant,
    laps: [Duration; Stage::COUNT],
}

impl Stopwatch<'_> {
    /// Adds the time since the last lap to `stage`.
    pub fn lap(&mut self, stage: Stage) {
        let now = Instant::now();
        self.laps[stage as usize] += now - self.last;
        self.last = now;
    }
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        for (sum, lap) in self.meter.nanoseconds.iter().zip(self.laps) {
            if !lap.is_zero() {
                sum.fetch_add(lap.as_nanos() as u64, Ordering::Relaxed);
            }
        }
    }
}

/// Sums the epochs of a loader.
pub(super) struct Ledger {
    books: Mutex<Books>,
}

struct Books {
    /// The epochs that are over; of no epoch, it names the classes.
    closed: Statistics,
    open: Vec<Arc<Meter>>,
}

impl Ledger {
    pub fn new(classes: &[String], workers: usize) -> Arc<Self> {
        let none = Meter::start(classes, workers, Trace::none()).statistics();
        let closed = Statistics { epochs: 0, seconds: 0.0, ..none };
        Arc::new(Self { books: Mutex::new(Books { closed, open: Vec::new() }) })
    }

    /// Begins the account of an epoch of `batches` batches, if their number is known.
    pub fn open(self: &Arc<Self>, epoch: u64, batches: Option<usize>) -> Account {
        let mut books = self.books();
        let names: Vec<String> = books.closed.classes.iter().map(|class| class.name.clone()).collect();
        let meter = Arc::new(Meter::start(&names, books.closed.workers, Trace::begin(epoch, batches)));
        books.open.push(Arc::clone(&meter));
        Account { ledger: Arc::clone(self), meter }
    }

    /// Of all epochs, those under way too.
    pub fn statistics(&self) -> Statistics {
        let books = self.books();
        let mut sum = books.closed.clone();
        books.open.iter().for_each(|meter| sum.add(&meter.statistics()));
        sum
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An epoch's entry in its loader's ledger, which is closed when this is dropped; what workers still do then for
/// batches that nobody will take is not counted.
pub(super) struct Account {
    ledger: Arc<Ledger>,
    meter: Arc<Meter>,
}

impl Account {
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.meter.stop();
        let mut books = self.ledger.books();
        books.open.retain(|meter| !Arc::ptr_eq(meter, &self.meter));
        books.closed.add(&self.meter.statistics());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, SampleKey};

    const KEY: SampleKey = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Transform };

    fn ledger() -> Arc<Ledger> {
        Ledger::new(&["cat".to_owned(), "dog".to_owned()], 2)
    }

    fn real(label: u32, index: usize) -> Slot {
        Slot { label, origin: Origin::Real(index), key: KEY }
    }

    fn synthetic(label: u32, serial: u64) -> Slot {
        Slot { label, origin: Origin::Synthetic(serial), key: KEY }
    }

    #[test]
    fn samples_are_counted_by_class_and_repeats_within_an_epoch() {
        let ledger = ledger();
        for epoch in 0..2 {
            let account = ledger.open(epoch, Some(2));
            account.meter().delivered(&[real(0, 64), real(1, 3), synthetic(1, 0)]);
            account.meter().delivered(&[real(0, 64), real(0, 0), real(0, 64), synthetic(1, 1)]);
            account.meter().failed(Some(1), &Error::config("bad"));
            let Statistics { batches, samples, failures, classes, .. } = account.meter().statistics();
            assert_eq!((batches, samples, failures), (2, 7, 1));
            let cat = ClassStatistics { name: "cat".to_owned(), real: 4, synthetic: 0, repeated: 2, failed: 0 };
            let dog = ClassStatistics { name: "dog".to_owned(), real: 1, synthetic: 2, repeated: 0, failed: 1 };
            assert_eq!(classes, [cat, dog]);
        }
        let sum = ledger.statistics();
        assert_eq!((sum.epochs, sum.batches, sum.samples, sum.failures), (2, 4, 14, 2));
        assert_eq!(sum.classes.iter().map(|class| class.repeated).collect::<Vec<_>>(), [4, 0]);
    }

    #[test]
    fn the_queue_is_what_is_finished_and_not_taken() {
        let account = ledger().open(0, Some(3));
        let meter = account.meter();
        meter.wait(usize::MAX, || meter.finished(0, 1));
        meter.delivered(&[real(0, 0)]);
        meter.finished(1, 1);
        meter.finished(2, 1);
        assert_eq!(meter.statistics().queued, 2);
        meter.wait(usize::MAX, || ());
        meter.delivered(&[real(0, 1)]);
        assert_eq!((meter.statistics().queued, meter.statistics().mean_queued), (1, 1.0));
        meter.stop();
        assert_eq!(meter.statistics().queued, 0);
    }

    #[test]
    fn times_go_to_their_stages_and_into_the_sum() {
        let ledger = ledger();
        let account = ledger.open(0, Some(1));
        let meter = account.meter();
        meter.add(Stage::Decode, Duration::from_millis(1500));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut watch = meter.stopwatch();
                    watch.laps[Stage::Transform as usize] = Duration::from_secs(2);
                    watch.lap(Stage::Read);
                    watch.last = Instant::now() - Duration::from_secs(3);
                    watch.lap(Stage::Decode);
                });
            }
        });
        meter.looked_up(true);
        meter.looked_up(false);
        meter.looked_up(false);
        drop(account);
        let sum = ledger.statistics();
        assert_eq!(sum.stages.transform, 4.0);
        assert!((7.5..8.0).contains(&sum.stages.decode), "{}", sum.stages.decode);
        assert!(sum.stages.read > 0.0 && sum.stages.read < 0.5, "{}", sum.stages.read);
        assert_eq!((sum.cache_hits, sum.cache_misses), (1, 2));
        assert_eq!((sum.stages.generate, sum.stages.collate, sum.stages.wait_for_workers), (0.0, 0.0, 0.0));
    }

    #[test]
    fn the_clock_stops_with_the_epoch() {
        let ledger = ledger();
        assert_eq!((ledger.statistics().epochs, ledger.statistics().seconds), (0, 0.0));
        let account = ledger.open(0, Some(1));
        account.meter().stop();
        let seconds = ledger.statistics().seconds;
        std::thread::sleep(Duration::from_millis(2));
        account.meter().stop();
        drop(account);
        assert_eq!((ledger.statistics().epochs, ledger.statistics().seconds), (1, seconds));
    }
}
