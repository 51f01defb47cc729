//! Errors that are lost, or end more than they should.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_augment::{
    Balance, DataLoader, Dataset, Error, ErrorBudget, ErrorKind, ErrorPolicy, Image, ImageFolder, InMemory, Result,
    Slot,
};
use candle_core::DType;
use tempfile::TempDir;

use crate::common::data::{png, put, scratch};
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

/// A folder of 12 sound images in each of two classes, and of two that are not; it goes when the folder does.
fn folder_with_bad_files() -> Result<(TempDir, ImageFolder)> {
    let folder = scratch();
    for n in 0..24 {
        put(folder.path(), &format!("{}/{n:02}.png", ["cat", "dog"][n / 12]), &png(Image::filled(4, 4, &[n as u8])?));
    }
    put(folder.path(), "cat/text.png", b"no image at all");
    put(folder.path(), "dog/torn.png", &png(Image::filled(4, 4, &[99])?)[..40]);
    let set = ImageFolder::open(folder.path())?;
    Ok((folder, set))
}

/// One damaged file ends a run of days, and nobody says which: pytorch #1137; vision #485; DALI #211, #3913 ("not
/// possible").
#[test]
fn one_bad_file_kills_the_run() -> Result<()> {
    let (_folder, set) = folder_with_bad_files()?;
    for workers in [0, 1, 3] {
        let build =
            |policy| DataLoader::builder(set.clone()).error_policy(policy).batch_size(5).workers(workers).build();
        let mut epoch = build(ErrorPolicy::Skip(ErrorBudget::Count(2)))?.epoch(0);
        let (samples, failures) = in_time(move || {
            let samples: usize = epoch.by_ref().map(|batch| batch.expect("the budget bears it").len()).sum();
            (samples, epoch.failures().to_vec())
        });
        assert_eq!(samples, 24);
        let mut found: Vec<_> = failures
            .iter()
            .map(|failure| {
                let path = failure.error.path().expect("the file is named");
                (
                    failure.class.as_deref(),
                    path.file_name().expect("a file has a name").to_owned(),
                    failure.error.kind(),
                )
            })
            .collect();
        found.sort_by_key(|(class, ..)| class.to_owned());
        assert_eq!(
            found,
            [(Some("cat"), "text.png".into(), ErrorKind::Decode), (Some("dog"), "torn.png".into(), ErrorKind::Decode),]
        );

        let epoch = build(ErrorPolicy::Skip(ErrorBudget::Count(1)))?.epoch(0);
        let error = in_time(move || epoch.collect::<Result<Vec<_>>>()).map(drop).expect_err("the budget is used up");
        let text = error.to_string();
        assert!(["text.png", "torn.png", "\"cat\"", "\"dog\""].iter().all(|part| text.contains(part)), "{text}");
    }
    Ok(())
}

/// One damaged image takes the rest of its batch with it: candle's `Batcher`.
#[test]
fn bad_item_discards_its_batch() -> Result<()> {
    let (_folder, set) = folder_with_bad_files()?;
    let policy = ErrorPolicy::Skip(ErrorBudget::Rate(0.1));
    let loader = DataLoader::builder(set.clone()).error_policy(policy).batch_size(5).workers(2).build()?;
    let good = |slot: &Slot| {
        !set.path(index(slot)).is_some_and(|path| path.ends_with("text.png") || path.ends_with("torn.png"))
    };
    let planned: Vec<Vec<Slot>> = loader.plan(3).iter().collect();
    assert!(planned.iter().any(|slots| !slots.iter().all(good)));
    let epoch = loader.epoch(3);
    let found = in_time(move || contents(epoch)).into_iter().map(|batch| batch.slots);
    assert!(found.eq(planned.into_iter().map(|slots| slots.into_iter().filter(good).collect::<Vec<_>>())));
    Ok(())
}

/// Leaving out damaged images shifts the classes, and only that can be had.
#[test]
fn bad_files_break_the_balance() -> Result<()> {
    let (_folder, set) = folder_with_bad_files()?;
    let policy = ErrorPolicy::ReplaceFromSameClass(ErrorBudget::Count(4));
    for workers in [0, 2] {
        let loader = DataLoader::builder(set.clone())
            .error_policy(policy)
            .balance(Balance::Uniform)
            .batch_size(4)
            .dtype(DType::U8)
            .workers(workers)
            .build()?;
        let mut epoch = loader.epoch(0);
        let (batches, failures) = in_time(move || (contents(epoch.by_ref()), epoch.failures().len()));
        assert_eq!(failures, 2);
        for batch in batches {
            let of_class = |label| batch.labels.iter().filter(|&&found| found == label).count();
            assert_eq!(of_class(0), of_class(1));
            for (slot, bits) in batch.slots.iter().zip(batch.bits.chunks_exact(batch.bits.len() / batch.slots.len())) {
                // What stands in the slot is what is in the picture.
                let shown = set.load(index(slot))?.data()[0];
                assert!(shown < 24 && bits.iter().all(|bits| f32::from_bits(*bits) == f32::from(shown)));
                assert_eq!(slot.label, set.label(index(slot)));
            }
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
