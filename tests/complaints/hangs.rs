//! Loaders that wait for ever.

use std::panic::panic_any;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::yield_now;

use candle_augment::{
    BatchOp, BatchTransform, ClassMixture, DataLoader, Dataset, Error, ErrorKind, Image, InMemory, Lambda, Op, Result,
    SampleInfo, SampleRng, Size, SyntheticRequest, SyntheticSource, Transform,
};
use rayon::prelude::*;

use crate::common::loader::{Content, contents, counted, in_time};

/// Where a worker dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Load,
    /// While it finds out the file of an image that failed.
    Path,
    Draw,
    Operation,
    Generate,
    BatchDraw,
}

/// Everything that a loader calls; kills its thread in one place.
#[derive(Clone)]
struct Deadly {
    set: Arc<InMemory>,
    place: Place,
    /// Not while the loader is built, on the caller's thread.
    armed: Arc<AtomicBool>,
}

/// What a panic carries; it panics once more when it is thrown away.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the bomb went off");
    }
}

impl Deadly {
    fn pass(&self, place: Place) {
        if place == self.place && self.armed.load(Ordering::SeqCst) {
            panic_any(Bomb);
        }
    }
}

impl Dataset for Deadly {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.set.label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        if index == 17 {
            self.pass(Place::Load);
            if self.place == Place::Path {
                return Err(Error::new(ErrorKind::Io, "struck"));
            }
        }
        self.set.load(index)
    }

    fn classes(&self) -> &[String] {
        self.set.classes()
    }

    fn path(&self, _: usize) -> Option<PathBuf> {
        self.pass(Place::Path);
        None
    }
}

impl Transform for Deadly {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if rng.bernoulli(0.1) {
            self.pass(Place::Draw);
            if self.place == Place::Operation {
                Lambda::new("bomb", |_, _| panic_any(Bomb)).draw(info, rng, ops);
            }
        }
    }
}

impl SyntheticSource for Deadly {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        self.pass(Place::Generate);
        requests.iter().map(|_| Image::filled(4, 4, &[0])).collect()
    }

    fn classes(&self) -> &[String] {
        self.set.classes()
    }
}

impl BatchTransform for Deadly {
    fn draw(&self, _: Size, _: &mut SampleRng) -> BatchOp {
        self.pass(Place::BatchDraw);
        BatchOp::Keep
    }
}

/// A worker dies and the training loop waits for its batch: pytorch #1355, #1579, #75147, #21554; streaming #617, #138;
/// ffcv #113 and its thread that catches one exception only.
#[test]
fn hangs_when_a_worker_dies() -> Result<()> {
    use Place::{BatchDraw, Draw, Generate, Load, Operation, Path};
    for place in [Load, Path, Draw, Operation, Generate, BatchDraw] {
        for workers in [0, 1, 2, 8] {
            let deadly = Deadly { set: Arc::new(counted(&[40])), place, armed: Arc::default() };
            let loader = DataLoader::builder(deadly.clone())
                .transform(deadly.clone())
                .batch_transform(deadly.clone())
                .mixture(ClassMixture::Share(0.1))
                .synthetic(deadly.clone())
                .batch_size(4)
                .workers(workers)
                .build()?;
            deadly.armed.store(true, Ordering::SeqCst);
            in_time(move || {
                for epoch in 0..3 {
                    let error = loader.epoch(epoch).find_map(Result::err).expect("an epoch is not cut short silently");
                    assert_eq!(error.kind(), ErrorKind::Panic, "{place:?}, {workers} workers: {error}");
                }
            });
        }
    }
    Ok(())
}

/// A set whose images are made by a thread pool, as OpenCV's and candle's operations are.
struct Parallel(Arc<InMemory>);

impl Dataset for Parallel {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.0.label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        let part = |_| {
            yield_now();
            self.0.load(index)
        };
        (0..16).into_par_iter().map(part).find_last(|_| true).expect("there are 16")
    }

    fn classes(&self) -> &[String] {
        self.0.classes()
    }
}

/// Code that is parallel itself never ends within a worker, or the loader not within a thread pool: pytorch #1355, #1838,
/// opencv #5150.
#[test]
fn hangs_with_parallel_code() -> Result<()> {
    let set = Arc::new(counted(&[60]));
    let expected = contents(DataLoader::builder(Arc::clone(&set)).batch_size(8).build()?.epoch(0));
    for workers in [0, 1, 2] {
        let loader = DataLoader::builder(Parallel(Arc::clone(&set))).batch_size(8).workers(workers).build()?;
        let found = in_time(move || {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be had");
            pool.install(|| contents(loader.epoch(0)))
        });
        assert!(found == expected, "{workers} workers");
    }
    Ok(())
}

/// Training and validation, or two data sets, read in turn from loaders side by side.
#[test]
fn hangs_with_two_loaders_in_turn() -> Result<()> {
    let build = |seed| DataLoader::builder(counted(&[60])).batch_size(8).seed(seed).workers(2).prefetch(0).build();
    let (first, second) = (build(1)?, build(2)?);
    let expected: Vec<Content> =
        contents(first.epoch(0)).into_iter().zip(contents(second.epoch(0))).flat_map(|(a, b)| [a, b]).collect();
    let (a, b) = (first.epoch(0), second.epoch(0));
    let found = in_time(move || contents(a.zip(b).flat_map(|(a, b)| [a, b])));
    assert!(found == expected);
    Ok(())
}

/// A set that holds a lock while it works in parallel, as one does that keeps a network or a reader behind a mutex.
struct Locked(Parallel, Mutex<()>);

impl Dataset for Locked {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.0.label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        let _locked = self.1.lock().expect("no thread panics with it");
        self.0.load(index)
    }

    fn classes(&self) -> &[String] {
        self.0.classes()
    }
}

/// A worker that waits for its own parallel work is given another sample meanwhile, which asks for the lock that it holds:
/// rayon #592, and whatever hands samples to a pool that their code uses as well.
#[test]
fn hangs_when_a_lock_is_held_over_parallel_code() -> Result<()> {
    let set = Arc::new(counted(&[400]));
    let expected = contents(DataLoader::builder(Arc::clone(&set)).batch_size(8).build()?.epoch(0));
    for workers in [2, 4] {
        let locked = Locked(Parallel(Arc::clone(&set)), Mutex::new(()));
        let loader = DataLoader::builder(locked).batch_size(8).workers(workers).build()?;
        assert!(in_time(move || contents(loader.epoch(0))) == expected, "{workers} workers");
    }
    Ok(())
}
