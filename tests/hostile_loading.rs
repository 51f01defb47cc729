//! Loaders of damaged and odd images, of sets and sources that misbehave, and at the edges of their options: errors, never a
//! hang, and the same outcome for any number of workers.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use candle_augment::{
    Cache, ClassMixture, DataLoader, Dataset, Error, ErrorBudget, ErrorKind, ErrorPolicy, Image, ImageFolder, InMemory,
    Op, RandomResizedCrop, Result, Size, Stored, SyntheticRequest, SyntheticSource, wrap,
};
use candle_core::DType;
use common::data::{encode, gradient, put, scratch};
use common::loader::{Content, Draw, counted, in_time, names};
use image::ImageFormat;

const ALL: ErrorBudget = ErrorBudget::Rate(1.0);

/// Two classes: sound images, among them the smallest and a very long one, and files of which no image can be made.
fn odd_folder(root: &Path) -> ImageFolder {
    for index in 0..12 {
        let format = if index % 2 == 0 { ImageFormat::Jpeg } else { ImageFormat::Png };
        let extension = if index % 2 == 0 { "jpg" } else { "png" };
        put(root, &format!("{}/{index:02}.{extension}", ["a", "b"][index % 2]), &encode(gradient(30, 40, 3), format));
    }
    let jpeg = encode(gradient(64, 64, 3), ImageFormat::Jpeg);
    put(root, "a/empty.jpg", &[]);
    put(root, "a/cut.jpg", &jpeg[..jpeg.len() / 2]);
    put(root, "a/header.jpg", &jpeg[..20]);
    put(root, "b/text.png", b"not an image");
    put(root, "b/dot.png", &encode(gradient(1, 1, 3), ImageFormat::Png));
    put(root, "b/long.png", &encode(gradient(1, 20_000, 1), ImageFormat::Png));
    put(root, "b/long.jpg", &encode(gradient(20_000, 2, 3), ImageFormat::Jpeg));
    ImageFolder::open(root).expect("it was made just now")
}

type Outcome = (Vec<Content>, Vec<String>, Option<String>);

fn outcome(loader: DataLoader) -> Outcome {
    in_time(move || {
        let mut epoch = loader.epoch(0);
        let (mut batches, mut error) = (Vec::new(), None);
        for batch in epoch.by_ref() {
            match batch {
                Ok(batch) => batches.push(Content::from(batch)),
                Err(found) => error = Some(format!("{found:?}")),
            }
        }
        assert_eq!(epoch.statistics().batches, batches.len() as u64);
        (batches, epoch.failures().iter().map(ToString::to_string).collect(), error)
    })
}

#[test]
fn damaged_and_odd_files_under_every_policy_and_cache() {
    let dir = scratch();
    let set = Arc::new(odd_folder(dir.path()));
    let policies = [ErrorPolicy::Fail, ErrorPolicy::Skip(ALL), ErrorPolicy::ReplaceFromSameClass(ALL)];
    let caches: [fn() -> Option<Cache>; 3] =
        [|| None, || Some(Cache::decoded(10_000)), || Some(Cache::resized(1 << 20, 16).expect("16 is a side"))];
    for policy in policies {
        for cache in caches {
            let run = |workers, prefetch, batch_size| {
                let transform = RandomResizedCrop::new(16, 16).expect("16 is a side");
                let builder = DataLoader::builder(Arc::clone(&set)).error_policy(policy).transform(transform);
                let builder = builder.workers(workers).prefetch(prefetch).batch_size(batch_size);
                let builder = if let Some(cache) = cache() { builder.cache(cache) } else { builder };
                outcome(builder.build().expect("it can be built"))
            };
            for (workers, prefetch, batch_size) in [(1, 0, 1), (8, 100, 5), (2, 1, 1000)] {
                let expected = run(0, 1, batch_size);
                let (batches, failures, error) = &expected;
                let samples: usize = batches.iter().map(|batch| batch.labels.len()).sum();
                match policy {
                    ErrorPolicy::Fail => assert!(error.is_some() && failures.is_empty()),
                    ErrorPolicy::Skip(_) => assert_eq!((samples, failures.len(), error), (15, 4, &None)),
                    _ => assert_eq!((samples, error), (19, &None)),
                }
                assert!(
                    run(workers, prefetch, batch_size) == expected,
                    "{policy:?}, {workers} workers, batches of {batch_size}"
                );
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_folder_is_an_error() {
    let dir = scratch();
    put(dir.path(), "a/0.png", &encode(gradient(4, 4, 3), ImageFormat::Png));
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("a/1.png")).status();
    assert!(made.expect("mkfifo is there").success());
    let set = ImageFolder::open(dir.path()).expect("it is a folder");
    let (_, _, error) = outcome(DataLoader::builder(set).workers(2).build().expect("it can be built"));
    assert!(error.is_some_and(|error| error.contains("a pipe")));
}

#[test]
fn edges_of_the_options() {
    let forms: [(DType, bool); 3] = [(DType::F32, false), (DType::U8, false), (DType::F32, true)];
    for (dtype, on_device) in forms {
        for (workers, prefetch, batch) in
            [(0, 0, 1), (1, 0, 1), (1, 1, 1000), (8, 0, 7), (8, 100, 1), (8, usize::MAX, 3)]
        {
            let loader = DataLoader::builder(counted(&[10, 13])).dtype(dtype).normalize_on_device(on_device);
            let loader = loader.workers(workers).prefetch(prefetch).batch_size(batch).build().expect("it can be built");
            let samples = in_time(move || loader.epoch(0).map(|batch| batch.expect("no error").len()).sum::<usize>());
            assert_eq!(samples, 23, "{dtype:?} {on_device} {workers} {prefetch} {batch}");
        }
    }
}

#[test]
fn more_workers_than_any_machine_has_cores_are_refused() {
    for workers in [usize::MAX, 1025] {
        let error = DataLoader::builder(counted(&[3])).workers(workers).batch_size(1).build().err();
        assert_eq!(error.expect("no machine has as many").kind(), ErrorKind::Config);
    }
}

#[test]
fn results_without_pixels_are_errors() {
    for op in [
        Op::Crop { top: 0, left: 0, size: Size::new(0, 4) },
        Op::Crop { top: usize::MAX, left: 2, size: Size::new(4, 4) },
        Op::Crop { top: 0, left: 0, size: Size::new(usize::MAX, usize::MAX) },
    ] {
        for workers in [0, 2] {
            let op = op.clone();
            let draw = Draw(move |_: Size, _: &mut _, ops: &mut Vec<Op>| ops.push(op.clone()));
            let loader = DataLoader::builder(counted(&[3])).transform(draw).workers(workers).build().expect("built");
            let error = in_time(move || loader.epoch(0).next()).expect("a batch or an error").expect_err("no pixels");
            assert_eq!(error.kind(), ErrorKind::Transform, "{error}");
        }
    }
}

/// What panics when it is dropped, again and again.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any(Bomb);
    }
}

/// Its `stored` panics with a payload that panics when dropped.
struct Mined(InMemory);

impl Dataset for Mined {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.0.label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        self.0.load(index)
    }

    fn stored(&self, index: usize, buffer: Vec<u8>) -> Result<Stored<'_>> {
        if index == 2 {
            std::panic::panic_any(Bomb);
        }
        self.0.stored(index, buffer)
    }

    fn classes(&self) -> &[String] {
        self.0.classes()
    }
}

#[test]
fn payloads_that_panic_are_errors_of_their_samples() {
    for workers in [0, 1, 8] {
        let loader = DataLoader::builder(Mined(counted(&[6]))).error_policy(ErrorPolicy::Skip(ALL)).workers(workers);
        let (batches, failures, error) = outcome(loader.batch_size(2).build().expect("it can be built"));
        assert_eq!(error, None);
        assert_eq!(batches.iter().map(|batch| batch.labels.len()).sum::<usize>(), 5);
        assert_eq!(failures.len(), 1);
        assert!(failures[0].contains("the data set panicked") && failures[0].contains("image 2"), "{failures:?}");
    }
}

/// An error of any kind is one of the sample.
struct Interrupting(InMemory);

impl Dataset for Interrupting {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.0.label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        match index {
            1 => Err(Error::new(ErrorKind::Interrupted, "a signal came")),
            _ => self.0.load(index),
        }
    }

    fn classes(&self) -> &[String] {
        self.0.classes()
    }
}

#[test]
fn an_interrupted_read_is_a_failure_as_any_other() {
    for workers in [0, 2] {
        let loader = DataLoader::builder(Interrupting(counted(&[6]))).error_policy(ErrorPolicy::Skip(ALL));
        let (_, failures, error) = outcome(loader.workers(workers).build().expect("it can be built"));
        assert_eq!((failures.len(), error), (1, None));
    }
}

/// Counts the calls, and takes its time.
struct Slow {
    classes: Vec<String>,
    calls: Arc<AtomicUsize>,
}

impl SyntheticSource for Slow {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(20));
        requests.iter().map(|_| Image::filled(4, 4, &[0])).collect()
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

#[test]
fn a_dropped_epoch_asks_for_no_more_synthetic_samples() {
    let calls = Arc::new(AtomicUsize::new(0));
    let source = Slow { classes: names(1), calls: Arc::clone(&calls) };
    let loader = DataLoader::builder(counted(&[200])).mixture(ClassMixture::Share(1.0)).synthetic(source);
    let loader = loader.batch_size(2).prefetch(100).workers(1).build().expect("it can be built");
    in_time(move || {
        loader.epoch(0).next().expect("there is a batch").expect("nothing fails");
        drop(loader);
    });
    let calls = calls.load(Ordering::SeqCst);
    assert!(calls < 20, "{calls}");
}

#[test]
fn streams_that_end_fail_or_hang_at_once() {
    for workers in [0, 1, 8] {
        let stream = |items: Vec<Result<(Image, u8)>>, policy| {
            let stream = wrap(items).classes(names(1)).workers(workers).error_policy(policy).build();
            let mut stream = stream.expect("it can be built");
            in_time(move || (stream.next(), stream.next().is_none(), stream.failures().len()))
        };
        let (first, ended, _) = stream(Vec::new(), ErrorPolicy::Fail);
        assert_eq!(first.expect("an error").expect_err("no image").kind(), ErrorKind::Dataset);
        assert!(ended);
        let (first, ended, _) = stream(vec![Err(Error::new(ErrorKind::Io, "gone"))], ErrorPolicy::Fail);
        assert_eq!(first.expect("an error").expect_err("it fails").kind(), ErrorKind::Io);
        assert!(ended);
        let skip = ErrorPolicy::Skip(ErrorBudget::Count(5));
        let (first, ended, failures) = stream(vec![Err(Error::new(ErrorKind::Io, "gone"))], skip);
        assert!(first.expect("an error").is_err() && ended);
        assert_eq!(failures, 1);
    }
    for workers in [1, 8] {
        for prefetch in [1, 100] {
            in_time(move || {
                let blocked = std::iter::from_fn(|| -> Option<Result<(Image, u8)>> {
                    loop {
                        thread::park();
                    }
                });
                drop(wrap(blocked).classes(names(1)).workers(workers).prefetch(prefetch).build().expect("built"));
                let endless = std::iter::repeat_with(|| Image::filled(4, 4, &[1]).map(|image| (image, 0)));
                let mut stream =
                    wrap(endless).classes(names(1)).workers(workers).prefetch(prefetch).build().expect("built");
                stream.next().expect("endless").expect("nothing fails");
                drop(stream);
                let bad = std::iter::repeat_with(|| Err::<(Image, u8), _>(Error::new(ErrorKind::Io, "gone")));
                let policy = ErrorPolicy::Skip(ErrorBudget::Count(usize::MAX));
                drop(wrap(bad).classes(names(1)).error_policy(policy).workers(workers).build().expect("built"));
            });
        }
    }
}
