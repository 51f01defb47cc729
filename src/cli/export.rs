//! Samples of a GAN as a data set: class folders of PNG files, or NumPy's arrays.
//!
//! They stream: memory holds one chunk of them, however many are asked for.

mod arrays;
mod class_folders;

use std::path::Path;

use candle_augment::gan::GeneratorSource;
use candle_augment::{Error, ErrorKind, Image, Result, SyntheticRequest, SyntheticSource};

use super::new_folder::NewFolder;
use super::pictures::request;
use super::progress::{Goal, Progress};
use super::words::count;
use super::{data, exit, interrupt};
use arrays::Arrays;
use class_folders::ClassFolders;

/// The most samples, and about the most bytes of pixels, that are made at a time.
const CHUNK: usize = 512;
const CHUNK_BYTES: usize = 8 << 20;

/// How a data set of samples is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A folder of PNG files for each class.
    ClassFolders,
    /// `images.npy` (N, H, W, C), u8, and `labels.npy` (N), i64, class by class.
    Arrays,
}

/// So many samples of some classes.
pub struct Export<'a> {
    pub source: &'a GeneratorSource,
    /// The labels of the classes.
    pub classes: &'a [usize],
    pub per_class: u32,
    pub seed: u64,
    pub workers: usize,
}

impl Export<'_> {
    /// Makes the samples, and writes them to the new folder `place`, whole or not at all.
    pub fn write(&self, layout: Layout, place: &Path) -> Result<()> {
        interrupt::listen("leaving nothing behind")?;
        let folder = NewFolder::beside(place)?;
        let made = match layout {
            Layout::ClassFolders => {
                ClassFolders::begin(folder.path(), self).and_then(|mut files| self.stream(|r, i| files.put(r, i)))
            }
            Layout::Arrays => Arrays::begin(folder.path(), self).and_then(|mut arrays| {
                self.stream(|requests, images| arrays.put(requests, images))?;
                arrays.finish(self.source.classes())
            }),
        };
        made.map_err(|error| error.with_path(place))?;
        folder.finish()
    }

    pub fn total(&self) -> u64 {
        self.classes.len() as u64 * u64::from(self.per_class)
    }

    /// Gives every sample to `put`, a chunk at a time.
    fn stream(&self, mut put: impl FnMut(&[SyntheticRequest], &[Image]) -> Result<()> + Send) -> Result<()> {
        let mut progress = Progress::new("sample", "images", Goal::Count(self.total()));
        let mut requests = self.requests();
        let mut done = 0;
        data::on_pool(self.workers, || {
            loop {
                let chunk: Vec<_> = requests.by_ref().take(self.chunk()).collect();
                if chunk.is_empty() {
                    return Ok(());
                }
                if interrupt::stopped() {
                    let message = format!("stopped after {done} of {} images: nothing is written", self.total());
                    return Err(exit::interrupted(message));
                }
                put(&chunk, &self.source.generate(&chunk)?)?;
                done += chunk.len() as u64;
                progress.update(done, String::new);
            }
        })??;
        progress.finish(&count(self.total(), "image", "images"));
        Ok(())
    }

    fn requests(&self) -> impl Iterator<Item = SyntheticRequest> + Send {
        let of_class =
            move |class: u32| (0..self.per_class).map(move |serial| request(class, serial.into(), self.seed));
        self.classes.iter().flat_map(move |class| of_class(*class as u32))
    }

    fn chunk(&self) -> usize {
        let config = self.source.config();
        (CHUNK_BYTES / (config.size * config.size * config.channels)).clamp(16, CHUNK)
    }
}

/// The error of a file of the data set, whose own name has no meaning for the user.
fn unwritable(source: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write the samples ({source}): make room, or name another with --out"))
        .with_source(source)
}
