//! Errors that are lost, or end more than they should.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_augment::{DataLoader, Dataset, Error, ErrorKind, Image, InMemory, Result};

use crate::common::loader::{Fault, Faulty, contents, counted, in_time, index};

/// Errors of workers vanish, or arrive as text without the file: pytorch #25522, #30147, #34130, #44631, #1137; vision
/// #485; Grain before 0.2.17.
///
/// Whichever image fails, exactly one error arrives, in the place of its batch, and names image, file and key.
#[test]
fn errors_lost_or_unnamed() -> Result<()> {
    for fault in [Fault::Error, Fault::Panic] {
        for bad in 0..30 {
            let set = Faulty::new(counted(&[30]), bad, fault);
            let loader = DataLoader::builder(set).batch_size(4).workers(3).build()?;
            let slots: Vec<_> = loader.plan(0).iter().flatten().collect();
            let place = slots.iter().position(|slot| index(slot) == bad).expect("every image has its place");
            let epoch = loader.epoch(0);
            let mut results = in_time(move || epoch.collect::<Vec<_>>());
            let error = results.pop().expect("an epoch has a batch").map(|_| ()).expect_err("an image fails");
            assert_eq!((error.index(), error.key()), (Some(bad), Some(slots[place].key)));
            assert_eq!(error.path(), Some(PathBuf::from(format!("folder/{bad}.png")).as_path()));
            assert!(error.to_string().contains("struck"), "{error}");
            assert_eq!(results.len(), place / 4);
            assert!(results.iter().all(|batch| batch.is_ok()));
        }
    }
    Ok(())
}

/// Fails at one image, but only the first time.
struct Heals {
    set: InMemory,
    at: usize,
    panic: bool,
    struck: AtomicBool,
}

impl Dataset for Heals {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.set.label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        if index == self.at && !self.struck.swap(true, Ordering::SeqCst) {
            assert!(!self.panic, "struck");
            return Err(Error::new(ErrorKind::Io, "struck"));
        }
        self.set.load(index)
    }

    fn classes(&self) -> &[String] {
        self.set.classes()
    }
}

/// A worker that panics ends the epoch as if it were read, and the next one cannot be begun: burn's loader.
#[test]
fn epoch_ends_silently_short() -> Result<()> {
    let whole = contents(DataLoader::builder(counted(&[50])).batch_size(6).build()?.epoch(1));
    for (at, panic, workers) in
        [(3, true, 0), (3, true, 1), (3, false, 2), (30, true, 2), (30, false, 8), (49, true, 8)]
    {
        let set = Heals { set: counted(&[50]), at, panic, struck: AtomicBool::new(false) };
        let loader = DataLoader::builder(set).batch_size(6).workers(workers).build()?;
        let epoch = loader.epoch(0);
        let error = in_time(move || epoch.collect::<Result<Vec<_>>>()).map(|_| ()).expect_err("an image failed");
        assert_eq!((error.index(), error.kind() == ErrorKind::Panic), (Some(at), panic));
        let epoch = loader.epoch(1);
        assert_eq!(in_time(move || contents(epoch)), whole, "image {at}, {workers} workers");
    }
    Ok(())
}
