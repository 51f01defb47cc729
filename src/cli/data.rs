//! DATA opened in parts, and read into memory at the size that a network takes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_augment::{
    Color, Dataset, DatasetExt, Error, Image, InMemory, Part, Purpose, Resize, Result, SampleKey, Size, Transform,
    has_part, open_data,
};
use rayon::prelude::*;

use super::progress::SharedProgress;
use super::size::check_shape;
use super::words::tell;

/// The most bytes of pixels that the program keeps in memory.
const MOST_BYTES: u64 = 8 << 30;
/// Errors that a message lists one by one.
const LISTED_ERRORS: usize = 5;
/// Resizing draws nothing.
const UNUSED_KEY: SampleKey = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Transform };

/// Runs `work` on a pool of `workers` threads.
pub fn on_pool<T: Send>(workers: usize, work: impl FnOnce() -> T + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers.max(1)).build().map_err(|source| {
        Error::config(format!("cannot start {workers} threads ({source}): give fewer with --workers"))
            .with_source(source)
    })?;
    Ok(pool.install(work))
}

/// What to train on, and what to hold out from it.
pub struct Parts {
    pub train: Arc<dyn Dataset>,
    pub held_out: Arc<dyn Dataset>,
    /// Where the second comes from, in words.
    pub origin: String,
    /// Whether it was split off from the same images, and not a set of its own.
    pub is_split: bool,
}

/// The share of each class that is held out where there is no test set.
const HELD_OUT: f64 = 0.2;

/// Opens DATA and what to hold out: `test` if given, else the test part of DATA, else a share of each class.
pub fn open_parts(data: &Path, test: Option<&Path>, seed: u64) -> Result<Parts> {
    let train = open_data(data, Part::Train)?;
    if let Some(test) = test {
        check_apart(data, test)?;
        let origin = format!("the images of {}", test.display());
        return Ok(Parts { train, held_out: open_data(test, Part::Test)?, origin, is_split: false });
    }
    if has_part(data, Part::Test)? {
        let origin = format!("the test part of {}", data.display());
        return Ok(Parts { train, held_out: open_data(data, Part::Test)?, origin, is_split: false });
    }
    let (train, held_out) = train.split(1.0 - HELD_OUT, seed)?;
    let origin = format!("{:.0} % of each class, split off before anything else", 100.0 * HELD_OUT);
    Ok(Parts { train: Arc::new(train), held_out: Arc::new(held_out), origin, is_split: true })
}

/// Refuses to hold out the images that are trained on.
fn check_apart(data: &Path, test: &Path) -> Result<()> {
    let same_place = matches!((data.canonicalize(), test.canonicalize()), (Ok(data), Ok(test)) if data == test);
    if (data == test || same_place) && !has_part(test, Part::Test)? {
        let message =
            "--test names the images that are trained on: give others, or leave it out to hold out a part of them";
        return Err(Error::config(message).with_path(test));
    }
    Ok(())
}

/// Reads every image into memory, resized to a square of `size` and in `color`.
///
/// Images that cannot be read, or are too far from square, are an error that names the first of them, before any training.
pub fn read(set: &Arc<dyn Dataset>, size: usize, color: Color, workers: usize) -> Result<Arc<dyn Dataset>> {
    check_memory(set.len(), Size::square(size))?;
    let resize = Resize::exact(size, size)?;
    let progress = SharedProgress::new("read", "images");
    let (done, stretched) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let read_one = |index| {
        let image = set.load(index).and_then(|image| {
            let found = image.size();
            check_shape(found).map_err(|error| place(error, &**set, index))?;
            stretched.fetch_add(usize::from(found.height != found.width), Ordering::Relaxed);
            resize.apply(image.into_color(color), &mut UNUSED_KEY.rng())
        });
        progress.update(done.fetch_add(1, Ordering::Relaxed) + 1, set.len());
        image
    };
    let images = on_pool(workers, || (0..set.len()).into_par_iter().map(read_one).collect())?;
    let images = all_or_error(images)?;
    let stretched = stretched.into_inner();
    if stretched > 0 {
        let all = images.len();
        tell(format_args!("{stretched} of {all} images are not square: they are stretched to {size}×{size} pixels"));
    }
    let labels = (0..set.len()).map(|index| set.label(index)).collect();
    Ok(Arc::new(InMemory::from_images(images, labels, set.classes().to_vec())?))
}

/// The error with what tells the image.
fn place(error: Error, set: &dyn Dataset, index: usize) -> Error {
    match set.path(index) {
        Some(path) => error.with_path(path),
        None => error.with_index(index),
    }
}

fn check_memory(images: usize, size: Size) -> Result<()> {
    let bytes = (images as u64).saturating_mul(3 * (size.height * size.width) as u64);
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(Error::config(format!(
        "{images} images of {}×{} pixels would take {:.0} GB of memory: take fewer with --per-class, or a smaller --size",
        size.width,
        size.height,
        bytes as f64 / 1e9
    )))
}

fn all_or_error(results: Vec<Result<Image>>) -> Result<Vec<Image>> {
    let total = results.len();
    let mut images = Vec::with_capacity(total);
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(image) => images.push(image),
            Err(error) => errors.push(error),
        }
    }
    match errors.len() {
        0 => Ok(images),
        1 => Err(errors.remove(0)),
        count => Err(Error::new(errors[0].kind(), list_errors(&errors, count, total))),
    }
}

fn list_errors(errors: &[Error], count: usize, total: usize) -> String {
    let mut message = format!("{count} of {total} images cannot be used:");
    for error in errors.iter().take(LISTED_ERRORS) {
        message += &format!("\n  {error}");
    }
    if count > LISTED_ERRORS {
        message += &format!("\n  and {} more", count - LISTED_ERRORS);
    }
    message + "\nMend or remove them; `candle-augment inspect` lists all that cannot be read."
}
