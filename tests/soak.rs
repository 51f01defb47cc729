//! Hundreds of epochs under everything that goes wrong at once: samples that fail, panic or take long, a slow consumer,
//! epochs dropped, resumed and read side by side. No hang, no thread left, no memory that grows, and every count exact.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use candle_augment::{
    Batch, ClassMixture, DataLoader, Dataset, Epoch, EpochPlan, Error, ErrorBudget, ErrorKind, ErrorPolicy, Failure,
    Image, Lambda, Origin, Pipeline, Purpose, RandomHorizontalFlip, Result, SampleKey, SampleRng, Slot,
    SyntheticRequest, SyntheticSource,
};
use candle_core::DType;
use common::loader::{index, names};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const EPOCHS: u64 = 200;
const COUNTS: [usize; 3] = [120, 70, 20];
/// The gray of an image at which the operation panics.
const EXPLOSIVE: u8 = 255;

/// What is wrong with an image: 5 of 100 fail, in three ways, and 3 are slow.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Health {
    Sound,
    Slow,
    Damaged,
    PanicsInLoad,
    PanicsInOperation,
}

fn health(index: usize) -> Health {
    match index % 100 {
        7 | 50 => Health::Damaged,
        23 | 71 => Health::PanicsInLoad,
        94 => Health::PanicsInOperation,
        11 | 42 | 83 => Health::Slow,
        _ => Health::Sound,
    }
}

fn fails(index: usize) -> bool {
    !matches!(health(index), Health::Sound | Health::Slow)
}

fn gray(index: usize) -> u8 {
    (index % 250) as u8
}

fn label(index: usize) -> u32 {
    let ends = COUNTS.iter().scan(0, |sum, count| {
        *sum += count;
        Some(*sum)
    });
    ends.take_while(|end| index >= *end).count() as u32
}

struct Images {
    classes: Vec<String>,
    /// What every load takes.
    pause: Arc<AtomicU64>,
}

impl Dataset for Images {
    fn len(&self) -> usize {
        COUNTS.iter().sum()
    }

    fn label(&self, index: usize) -> u32 {
        label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        sleep(Duration::from_micros(self.pause.load(Ordering::Relaxed)));
        match health(index) {
            Health::Damaged => Err(Error::new(ErrorKind::Decode, "struck")),
            Health::PanicsInLoad => panic!("struck"),
            Health::PanicsInOperation => Image::filled(4, 4, &[EXPLOSIVE]),
            Health::Slow => {
                sleep(Duration::from_micros(500));
                Image::filled(4, 4, &[gray(index)])
            }
            Health::Sound => Image::filled(4, 4, &[gray(index)]),
        }
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        Some(PathBuf::from(format!("{index}.png")))
    }
}

/// A source that fails for one request in a hundred, and with it for all of the same batch.
struct Source(Vec<String>);

fn request_fails(key: SampleKey) -> bool {
    key.with_purpose(Purpose::Synthetic).rng().bernoulli(0.01)
}

impl SyntheticSource for Source {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        if requests.iter().any(|request| request_fails(request.key)) {
            return Err(Error::new(ErrorKind::Synthetic, "struck"));
        }
        requests.iter().map(|request| Image::filled(4, 4, &[request.label as u8])).collect()
    }

    fn classes(&self) -> &[String] {
        &self.0
    }
}

fn loader(workers: usize, policy: ErrorPolicy, pause: &Arc<AtomicU64>) -> Result<DataLoader> {
    let explode = Lambda::new("explode", |image, _| {
        assert!(image.data()[0] != EXPLOSIVE, "struck");
        Ok(image)
    });
    DataLoader::builder(Images { classes: names(COUNTS.len()), pause: Arc::clone(pause) })
        .transform(Pipeline::new().then(RandomHorizontalFlip::new(0.5)?).then(explode))
        .mixture(ClassMixture::Share(0.1))
        .synthetic(Source(names(COUNTS.len())))
        .dtype(DType::U8)
        .batch_size(16)
        .error_policy(policy)
        .workers(workers)
        .prefetch(workers % 4)
        .seed(workers as u64)
        .build()
}

/// Whether the sample of each slot of a batch fails, by the plan alone.
fn failing(planned: &[Slot]) -> Vec<bool> {
    let synthetic = |slot: &Slot| matches!(slot.origin, Origin::Synthetic(_));
    let source_fails = planned.iter().any(|slot| synthetic(slot) && request_fails(slot.key));
    let fails = |slot: &Slot| match slot.origin {
        Origin::Real(index) => fails(index),
        Origin::Synthetic(_) => source_fails,
    };
    planned.iter().map(fails).collect()
}

/// Reads an epoch batch by batch, and checks each against the plan.
struct Reader {
    policy: ErrorPolicy,
    plan: EpochPlan,
    epoch: Epoch,
    /// The batch of the plan that comes next.
    next: usize,
    batches: u64,
    samples: u64,
    /// The failures of the batches read.
    failures: usize,
    /// Whether an error ended the epoch.
    failed: bool,
}

impl Reader {
    fn new(loader: &DataLoader, policy: ErrorPolicy, epoch: u64) -> Self {
        Self {
            policy,
            plan: loader.plan(epoch),
            epoch: loader.epoch(epoch),
            next: 0,
            batches: 0,
            samples: 0,
            failures: 0,
            failed: false,
        }
    }

    /// Drops the epoch, and goes on with what was not read.
    fn resumed(self, loader: &DataLoader) -> Result<Self> {
        let state = self.epoch.state();
        let Self { policy, plan, epoch, next, .. } = self;
        drop(epoch);
        Ok(Self {
            policy,
            plan,
            epoch: loader.resume(&state)?,
            next,
            batches: 0,
            samples: 0,
            failures: 0,
            failed: false,
        })
    }

    /// Reads one batch; false at the end of the epoch, which may be an error.
    fn step(&mut self) -> bool {
        let Some(result) = self.epoch.next() else {
            assert!(
                self.failed || self.next == self.plan.len(),
                "an epoch of {} batches ended after {}",
                self.plan.len(),
                self.next
            );
            return false;
        };
        let planned = self.plan.batch(self.next);
        let failing = failing(&planned);
        self.next += 1;
        let batch = match (self.policy, result) {
            (ErrorPolicy::Fail, Err(error)) => {
                let first = failing.iter().position(|fails| *fails).expect("only what is bad fails");
                assert_eq!(error.key(), Some(planned[first].key.with_purpose(purpose(&planned[first]))));
                assert!(self.epoch.failures().is_empty());
                self.failed = true;
                return false;
            }
            (_, result) => result.unwrap_or_else(|error| panic!("the policy bears it: {error}")),
        };
        let failures = &self.epoch.failures()[self.failures..];
        match self.policy {
            ErrorPolicy::Fail => assert!(!failing.contains(&true) && batch.slots == planned),
            ErrorPolicy::Skip(_) => check_skipped(&batch, &planned, &failing, failures),
            ErrorPolicy::ReplaceFromSameClass(_) => check_replaced(&batch, &planned, &failing, failures),
        }
        check_pixels(&batch);
        (self.batches, self.samples) = (self.batches + 1, self.samples + batch.len() as u64);
        self.failures = self.epoch.failures().len();
        let statistics = self.epoch.statistics();
        assert_eq!((statistics.batches, statistics.samples), (self.batches, self.samples));
        // Those of batches that wait to be taken are counted already.
        let failures =
            self.failures as u64..=if self.next == self.plan.len() { self.failures as u64 } else { u64::MAX };
        assert!(failures.contains(&statistics.failures), "{} of {failures:?}", statistics.failures);
        true
    }
}

/// The purpose of the key that an error of the slot bears.
fn purpose(slot: &Slot) -> Purpose {
    match slot.origin {
        Origin::Real(_) => Purpose::Transform,
        Origin::Synthetic(_) => Purpose::Synthetic,
    }
}

fn check_skipped(batch: &Batch, planned: &[Slot], failing: &[bool], failures: &[Failure]) {
    let (bad, good): (Vec<_>, Vec<_>) = planned.iter().zip(failing).partition(|(_, fails)| **fails);
    assert!(batch.slots.iter().eq(good.into_iter().map(|(slot, _)| slot)));
    assert!(failures.iter().map(slot_of).eq(bad.into_iter().map(|(slot, _)| slot)));
    failures.iter().for_each(check_named);
}

fn check_replaced(batch: &Batch, planned: &[Slot], failing: &[bool], failures: &[Failure]) {
    let mut of_key: BTreeMap<u64, Vec<&Failure>> = BTreeMap::new();
    for failure in failures {
        check_named(failure);
        of_key.entry(slot_of(failure).key.position).or_default().push(failure);
    }
    assert_eq!(batch.slots.len(), planned.len());
    for ((found, planned), bad) in batch.slots.iter().zip(planned).zip(failing) {
        assert_eq!((found.label, found.key), (planned.label, planned.key));
        let tried = of_key.remove(&planned.key.position).unwrap_or_default();
        if !bad {
            assert!(found == planned && tried.is_empty());
            continue;
        }
        // First itself, then other images of its class that fail too, each once.
        assert_eq!(slot_of(tried[0]), planned);
        let others: BTreeSet<usize> = tried[1..].iter().map(|failure| index(slot_of(failure))).collect();
        assert!(others.len() == tried.len() - 1 && others.iter().all(|&other| fails(other)));
        assert!(!fails(index(found)) && label(index(found)) == planned.label);
    }
    assert!(of_key.is_empty());
}

/// Samples of a data set fail at their places; only an iterator fails without one.
fn slot_of(failure: &Failure) -> &Slot {
    failure.slot.as_ref().expect("a sample has a place")
}

/// A failure names class, file and reason.
fn check_named(failure: &Failure) {
    let (slot, error) = (slot_of(failure), &failure.error);
    assert_eq!(failure.class, Some(format!("class {}", slot.label)));
    assert!(error.message().contains("struck"), "{error}");
    if let Origin::Real(index) = slot.origin {
        assert_eq!((error.index(), error.key()), (Some(index), Some(slot.key)));
        assert_eq!(error.path(), Some(PathBuf::from(format!("{index}.png")).as_path()));
    }
}

/// Every sample has the gray of its image, a synthetic one that of its class.
fn check_pixels(batch: &Batch) {
    let pixels: Vec<u8> = batch.images.flatten_all().and_then(|images| images.to_vec1()).expect("images are bytes");
    assert_eq!(pixels.len(), batch.slots.len() * 16);
    for (slot, pixels) in batch.slots.iter().zip(pixels.chunks_exact(16)) {
        let expected = match slot.origin {
            Origin::Real(index) => gray(index),
            Origin::Synthetic(_) => slot.label as u8,
        };
        assert!(pixels.iter().all(|pixel| *pixel == expected), "{slot:?}: {pixels:?}");
    }
}

/// Ends the process with a message where no progress is made. Time is counted in naps, so that a process that is
/// itself stopped for a while is not taken for one that hangs.
struct Watchdog(Arc<AtomicU64>);

impl Watchdog {
    const NAP: Duration = Duration::from_millis(100);
    const NAPS: u64 = 600;

    fn start() -> Self {
        let naps = Arc::new(AtomicU64::new(0));
        let counter = Arc::downgrade(&naps);
        thread::spawn(move || {
            while let Some(naps) = counter.upgrade() {
                if naps.fetch_add(1, Ordering::Relaxed) > Self::NAPS {
                    let _ = writeln!(std::io::stderr(), "soak: no progress for {:?}", Self::NAP * Self::NAPS as u32);
                    std::process::abort();
                }
                drop(naps);
                sleep(Self::NAP);
            }
        });
        Self(naps)
    }

    fn progress(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// What `value` gives once it has been the same for a while.
fn settled(value: impl Fn() -> usize) -> usize {
    let (mut last, mut same) = (value(), 0);
    while same < 20 {
        sleep(Duration::from_millis(1));
        let now = value();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    last
}

/// The threads of this process; 0 where they cannot be counted.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Reads one epoch in one of several ways.
fn run_epoch(loader: &DataLoader, policy: ErrorPolicy, epoch: u64, rng: &mut SampleRng) -> Result<()> {
    let mut reader = Reader::new(loader, policy, epoch);
    let until = rng.below(reader.plan.len() + 1);
    let mut read = |reader: &mut Reader, batches: usize| {
        for _ in 0..batches {
            if rng.bernoulli(0.05) {
                sleep(Duration::from_millis(1));
            }
            if !reader.step() {
                return false;
            }
        }
        true
    };
    match epoch % 4 {
        0 => drop(read(&mut reader, usize::MAX)),
        1 => drop(read(&mut reader, until)),
        2 if read(&mut reader, until) => drop(read(&mut reader.resumed(loader)?, usize::MAX)),
        _ => {
            // Two side by side, of which one is dropped.
            let mut other = Reader::new(loader, policy, epoch + 1000);
            for _ in 0..until {
                let _ = other.step() && read(&mut reader, 1);
            }
            drop(other);
            read(&mut reader, usize::MAX);
        }
    }
    Ok(())
}

fn soak(workers: usize, watchdog: &Watchdog) -> Result<()> {
    let pause = Arc::new(AtomicU64::new(0));
    let budget = ErrorBudget::Rate(0.5);
    let policies = [ErrorPolicy::Skip(budget), ErrorPolicy::ReplaceFromSameClass(budget), ErrorPolicy::Fail];
    let loaders = policies.map(|policy| Ok((policy, loader(workers, policy, &pause)?)));
    let loaders = loaders.into_iter().collect::<Result<Vec<(ErrorPolicy, DataLoader)>>>()?;
    let memory = || settled(|| MEMORY.current_usage());
    let mut tenth = 0;
    for epoch in 0..EPOCHS {
        // At first every image is slow, so that all workers are needed and have taken their memory by the tenth epoch.
        pause.store(if epoch < 6 { 300 } else { 0 }, Ordering::Relaxed);
        let (policy, loader) = &loaders[epoch as usize % loaders.len()];
        let mut rng = SampleKey { seed: workers as u64, epoch, position: 0, purpose: Purpose::Split }.rng();
        run_epoch(loader, *policy, epoch, &mut rng)?;
        watchdog.progress();
        if epoch == 9 {
            tenth = memory();
        }
    }
    let last = memory();
    assert!(last <= tenth + tenth / 100, "{workers} workers: {tenth} bytes after 10 epochs, {last} after {EPOCHS}");

    // The loaders go while epochs are under way.
    let epochs: Vec<Epoch> = loaders.iter().map(|(_, loader)| loader.epoch(EPOCHS)).collect();
    drop(loaders);
    drop(epochs);
    watchdog.progress();
    Ok(())
}

#[test]
fn two_hundred_epochs_with_any_number_of_workers() -> Result<()> {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some("struck") {
            report(info);
        }
    }));
    let watchdog = Watchdog::start();
    let before = settled(threads);
    for workers in 0..=8 {
        soak(workers, &watchdog)?;
        assert_eq!(settled(threads), before, "threads after {workers} workers");
    }
    Ok(())
}
