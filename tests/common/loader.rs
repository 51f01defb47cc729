//! A synthetic source, data sets that fail, batches made comparable, and a deadline for what might hang.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use candle_augment::{
    Batch, Dataset, Error, ErrorKind, Image, InMemory, Op, Origin, Result, SampleInfo, SampleRng, Size, Slot,
    SyntheticRequest, SyntheticSource, Transform,
};
use candle_core::DType;

/// A set of `counts[c]` images of class c, named "class c"; image i is filled with the value i mod 256.
pub fn counted(counts: &[usize]) -> InMemory {
    let labels: Vec<u32> = counts.iter().zip(0..).flat_map(|(&count, label)| vec![label; count]).collect();
    let images = (0..labels.len()).map(|i| Image::filled(4, 4, &[i as u8]).expect("4×4 is a size")).collect();
    InMemory::from_images(images, labels, names(counts.len())).expect("the labels have names")
}

pub fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("class {class}")).collect()
}

/// Images of noise from the request's key, on a ground that tells the label.
pub struct Noise {
    pub classes: Vec<String>,
    pub size: Size,
    pub channels: usize,
}

impl SyntheticSource for Noise {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        let Self { size, channels, .. } = *self;
        let image = |request: &SyntheticRequest| {
            let mut rng = request.key.rng();
            let data =
                (0..size.height * size.width * channels).map(|_| (request.label * 16) as u8 + rng.below(16) as u8);
            Image::new(size.height, size.width, channels, data.collect())
        };
        requests.iter().map(image).collect()
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// Where the code that the loader calls goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    Error,
    Panic,
}

impl Fault {
    pub fn strike(self) -> Error {
        match self {
            Self::Error => Error::new(ErrorKind::Decode, "struck"),
            Self::Panic => panic!("struck"),
        }
    }
}

/// A set that fails at one image; each image claims a file.
pub struct Faulty {
    set: InMemory,
    paths: Vec<PathBuf>,
    pub at: usize,
    pub fault: Fault,
}

impl Faulty {
    pub fn new(set: InMemory, at: usize, fault: Fault) -> Self {
        let paths = (0..set.len()).map(|i| PathBuf::from(format!("folder/{i}.png"))).collect();
        Self { set, paths, at, fault }
    }
}

impl Dataset for Faulty {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.set.label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        if index == self.at { Err(self.fault.strike()) } else { self.set.load(index) }
    }

    fn classes(&self) -> &[String] {
        self.set.classes()
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        Some(self.paths[index].clone())
    }
}

/// A set that counts its loads and takes `pause` for each.
pub struct Counting {
    set: InMemory,
    pause: Duration,
    loads: Arc<AtomicUsize>,
}

impl Counting {
    /// The set, and the number of loads so far.
    pub fn new(set: InMemory, pause: Duration) -> (Self, Arc<AtomicUsize>) {
        let loads = Arc::new(AtomicUsize::new(0));
        (Self { set, pause, loads: Arc::clone(&loads) }, loads)
    }
}

impl Dataset for Counting {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.set.label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        thread::sleep(self.pause);
        self.set.load(index)
    }

    fn classes(&self) -> &[String] {
        self.set.classes()
    }
}

/// The image that stands in the slot.
pub fn index(slot: &Slot) -> usize {
    match slot.origin {
        Origin::Real(index) => index,
        Origin::Synthetic(serial) => panic!("expected an image of the data set, got synthetic sample {serial}"),
    }
}

/// A transform from a closure.
pub struct Draw<F>(pub F);

impl<F: Fn(Size, &mut SampleRng, &mut Vec<Op>) + Send + Sync> Transform for Draw<F> {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        (self.0)(info.size, rng, ops);
    }
}

/// The content of a batch, to the bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub dims: Vec<usize>,
    pub bits: Vec<u32>,
    pub labels: Vec<u32>,
    pub slots: Vec<Slot>,
}

impl From<Batch> for Content {
    fn from(batch: Batch) -> Self {
        let flat = batch.images.flatten_all().expect("a tensor can be flattened");
        let values: Vec<f32> = flat.to_dtype(DType::F32).and_then(|flat| flat.to_vec1()).expect("images are numbers");
        Self {
            dims: batch.images.dims().to_vec(),
            bits: values.into_iter().map(f32::to_bits).collect(),
            labels: batch.labels.to_vec1().expect("labels are u32"),
            slots: batch.slots,
        }
    }
}

pub fn contents(batches: impl Iterator<Item = Result<Batch>>) -> Vec<Content> {
    batches.map(|batch| Content::from(batch.expect("nothing fails here"))).collect()
}

/// Runs what might hang; panics if it has not ended after 30 seconds, counted in naps: a process that is itself stopped
/// for a while does not hang.
pub fn in_time<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || sender.send(run()));
    for _ in 0..300 {
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok(result) => return result,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) if panic.is::<&str>() || panic.is::<String>() => std::panic::resume_unwind(panic),
                Err(panic) => {
                    // The test's own thread would die of what it carries.
                    std::mem::forget(panic);
                    panic!("a panic that carries no text");
                }
                Ok(_) => unreachable!("the result is sent unless the thread panics"),
            },
        }
    }
    panic!("still running after 30 seconds")
}
