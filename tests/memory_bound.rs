//! Memory stays at the bound that `DataLoaderBuilder::prefetch` documents, counted by the bytes that are allocated.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use candle_augment::{
    DataLoader, DataLoaderBuilder, Dataset, Image, Pipeline, RandomHorizontalFlip, RandomVerticalFlip, Result,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The tests count the memory of the process, so they take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

const SIDE: usize = 96;
/// The bytes of an image as the data set makes it.
const IMAGE: usize = SIDE * SIDE * 3;
/// And in a batch, as f32.
const SAMPLE: usize = 4 * IMAGE;

/// A set without memory of its own: each image is made when it is loaded.
struct Made {
    len: usize,
    side: usize,
    classes: Vec<String>,
}

impl Made {
    fn new(len: usize, side: usize) -> Self {
        Self { len, side, classes: vec!["one".to_owned()] }
    }
}

impl Dataset for Made {
    fn len(&self) -> usize {
        self.len
    }

    fn label(&self, _: usize) -> u32 {
        0
    }

    fn load(&self, index: usize) -> Result<Image> {
        Image::filled(self.side, self.side, &[index as u8; 3])
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

fn builder(len: usize, side: usize) -> Result<DataLoaderBuilder> {
    let flips = Pipeline::new().then(RandomHorizontalFlip::new(0.5)?).then(RandomVerticalFlip::new(0.5)?);
    Ok(DataLoader::builder(Made::new(len, side)).transform(flips))
}

/// The bytes in use once they have been the same for a while.
fn settled() -> usize {
    let deadline = Instant::now() + Duration::from_secs(60);
    let (mut bytes, mut since) = (MEMORY.current_usage(), Instant::now());
    while since.elapsed() < Duration::from_millis(60) {
        assert!(Instant::now() < deadline, "the memory in use changes for a minute");
        sleep(Duration::from_millis(2));
        let now = MEMORY.current_usage();
        if now != bytes {
            (bytes, since) = (now, Instant::now());
        }
    }
    bytes
}

/// For each worker one decoded image, what the transforms make of it, here two more, and its scratch memory of fixed size;
/// and for each sample its slot and operations.
fn beside_the_batches(workers: usize, samples: usize) -> usize {
    workers * (3 * IMAGE + (140 << 10)) + samples * 256 + (32 << 10)
}

/// A consumer that stops holds the workers back: pytorch #13246, and burn's fixed queue of 100 batches.
#[test]
fn a_consumer_that_stops_bounds_the_memory() -> Result<()> {
    let _turn = alone();
    for (workers, prefetch, batch_size) in [(1, 1, 8), (1, 6, 8), (2, 4, 16), (4, 3, 16), (8, 6, 3), (8, 2, 16)] {
        let what = format!("{workers} workers, prefetch {prefetch}, batches of {batch_size}");
        let loader = builder(2000, SIDE)?.workers(workers).prefetch(prefetch).batch_size(batch_size).build()?;
        let before = settled();
        let mut epoch = loader.epoch(0);
        let mut held = Vec::new();
        for taken in 0..3 {
            let batches = prefetch + taken;
            let found = settled() - before;
            let expected = batches * batch_size * SAMPLE;
            let bound = expected + beside_the_batches(workers, batches * batch_size);
            assert!((expected..=bound).contains(&found), "{what}, {taken} taken: {found} of {expected} to {bound}");
            held.push(epoch.next().expect("there are more batches")?);
        }
        drop((epoch, held));
        let after = settled() - before;
        assert!(after <= beside_the_batches(workers, 0), "{what}: {after} bytes are left when the epoch is dropped");
    }
    Ok(())
}

/// The most that was in use over an epoch, and what a loader without an epoch uses.
fn peak(loader: &DataLoader) -> Result<usize> {
    let before = settled();
    MEMORY.reset_peak_usage();
    for batch in loader.epoch(1) {
        batch?;
    }
    Ok(MEMORY.peak_usage() - before)
}

/// Memory that grows with every worker: pytorch #13246, #62066; ffcv #206.
///
/// The bound has nothing per worker but its own image; so eight workers need no more batches than one.
#[test]
fn memory_grows_with_workers() -> Result<()> {
    let _turn = alone();
    for workers in [0, 1, 2, 4, 8] {
        let (prefetch, batch_size) = (4, 16);
        let loader = builder(640, SIDE)?.workers(workers).prefetch(prefetch).batch_size(batch_size).build()?;
        let found = peak(&loader)?;
        // Beside them one that was handed out; without workers nothing but that, and nothing ahead.
        let batches = if workers == 0 { 1 } else { prefetch + 1 };
        let bound = batches * batch_size * SAMPLE + beside_the_batches(workers.max(1), batches * batch_size);
        assert!(found <= bound, "{workers} workers: {found} of at most {bound}");
    }
    Ok(())
}

/// Each worker holds the list of samples again: pytorch #13246.
#[test]
fn memory_grows_with_workers_times_the_data_set() -> Result<()> {
    let _turn = alone();
    let images = 100_000;
    for workers in [1, 8] {
        let before = settled();
        let loader = DataLoader::builder(Made::new(images, SIDE)).workers(workers).build()?;
        // Two numbers of 32 bits for each image, in a list that may have twice the room.
        let found = settled() - before;
        assert!(found <= images * 12 + (64 << 10), "{workers} workers: {found}");
        drop(loader);
    }
    Ok(())
}

/// Memory that grows with every epoch: pytorch #5902, #122935; streaming #771; burn #4792.
///
/// Each worker takes its scratch memory when it is first needed, and later nothing: so of more runs of 100 epochs than
/// there are workers one must need no more memory than the one before.
#[test]
fn memory_grows_with_epochs() -> Result<()> {
    let _turn = alone();
    for workers in [0, 3] {
        let loader = builder(48, 8)?.workers(workers).batch_size(8).build()?;
        let run = |run: u64| -> Result<usize> {
            for epoch in 0..100 {
                // Some are dropped in the middle.
                let batches = epoch as usize % 9;
                loader.epoch(100 * run + epoch).take(batches).try_for_each(|batch| batch.map(drop))?;
            }
            Ok(settled())
        };
        let used = (0..workers as u64 + 2).map(run).collect::<Result<Vec<usize>>>()?;
        assert!(used.windows(2).any(|pair| pair[1] < pair[0] + 1024), "{workers} workers: {used:?}");
    }
    Ok(())
}
