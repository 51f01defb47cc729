//! CIFAR-10 and CIFAR-100 in their binary version: records of label bytes and 3,072 bytes of pixels, the red plane
//! before the green and the blue (A. Krizhevsky, <https://www.cs.toronto.edu/~kriz/cifar.html>).

use std::io::Read;
use std::path::Path;

use super::packed::{Packed, Shape};
use super::{Dataset, Part, Stored, class_names, invalid};
use crate::error::{Error, Result};
use crate::file::open_file;
use crate::image::{Image, Size};

const SIZE: Size = Size::square(32);
const CHANNELS: usize = 3;
const PIXEL_BYTES: usize = SIZE.height * SIZE.width * CHANNELS;
/// What to do about a file that is no whole CIFAR file.
const REFETCH: &str = "fetch the binary version again";

/// Images of CIFAR-10 or CIFAR-100, 32×32 RGB, held in memory undivided: 3,073 or 3,074 bytes each.
///
/// ```no_run
/// use candle_augment::{Cifar, Dataset, Part};
///
/// let train = Cifar::open("cifar-10-batches-bin", Part::Train)?;
/// assert_eq!((train.len(), train.classes()[0].as_str()), (50_000, "airplane"));
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cifar(Packed);

impl Cifar {
    /// A part of CIFAR-10 (`data_batch_1.bin` to `data_batch_5.bin`, in this order, or `test_batch.bin`) or of
    /// CIFAR-100 (`train.bin` or `test.bin`) under its 100 fine labels, from the folder `dir`, where the binary version
    /// was unpacked.
    ///
    /// The classes have the names of `batches.meta.txt` or `fine_label_names.txt`; where the folder lacks it, they are
    /// named "0", "1" and so on. Files may hold any number of records.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the folder or a file is missing or cannot be read;
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if the folder holds neither set or both, or a file is cut
    /// short or holds a label that the set does not have.
    pub fn open(dir: impl AsRef<Path>, part: Part) -> Result<Self> {
        let dir = dir.as_ref();
        match version(dir)? {
            Some(Version::Ten) => Self::read(dir, part, &TEN),
            Some(Version::Hundred) => Self::read(dir, part, &FINE),
            None => Err(missing(dir)),
        }
    }

    /// As [`Cifar::open`] for CIFAR-100, under its 20 coarse labels, named by `coarse_label_names.txt`.
    ///
    /// # Errors
    ///
    /// As [`Cifar::open`]; [`ErrorKind::Config`](crate::ErrorKind::Config) for CIFAR-10, which has no coarse labels.
    pub fn open_coarse(dir: impl AsRef<Path>, part: Part) -> Result<Self> {
        let dir = dir.as_ref();
        match version(dir)? {
            Some(Version::Ten) => Err(Error::config(
                "CIFAR-10 has no coarse labels: open it under its own, or name the folder of CIFAR-100",
            )
            .with_path(dir)),
            Some(Version::Hundred) => Self::read(dir, part, &COARSE),
            None => Err(missing(dir)),
        }
    }

    /// The same set with other names for its classes, in the order of their labels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if a label is left without a name, or a name is there twice.
    pub fn with_classes<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Result<Self> {
        Ok(Self(self.0.with_classes(names)?))
    }

    fn read(dir: &Path, part: Part, format: &Format) -> Result<Self> {
        let files = match part {
            Part::Train => format.train,
            Part::Test => format.test,
        };
        let mut records = Vec::new();
        reserve(&mut records, dir, files)?;
        let mut labels = Vec::new();
        for name in files {
            let path = dir.join(name);
            append(&path, format, &mut records, &mut labels).map_err(|error| error.with_path(path))?;
        }
        let classes = names(&dir.join(format.names), format.classes)?;
        let shape = Shape { size: SIZE, channels: CHANNELS, planar: true };
        Ok(Self(Packed::new(shape, format.label_bytes, records, labels, classes)))
    }
}

impl Dataset for Cifar {
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
        self.0.stored(index, buffer)
    }

    fn classes(&self) -> &[String] {
        self.0.classes()
    }
}

/// How the records of a set are read.
struct Format {
    train: &'static [&'static str],
    test: &'static [&'static str],
    /// The file of the classes' names, one a line.
    names: &'static str,
    classes: usize,
    /// The bytes before the pixels, and which of them is the label.
    label_bytes: usize,
    label_at: usize,
}

const TEN: Format = Format {
    train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
    test: &["test_batch.bin"],
    names: "batches.meta.txt",
    classes: 10,
    label_bytes: 1,
    label_at: 0,
};

const FINE: Format = Format {
    train: &["train.bin"],
    test: &["test.bin"],
    names: "fine_label_names.txt",
    classes: 100,
    label_bytes: 2,
    label_at: 1,
};

const COARSE: Format = Format { names: "coarse_label_names.txt", classes: 20, label_at: 0, ..FINE };

impl Format {
    fn files(&self) -> impl Iterator<Item = &'static str> {
        self.train.iter().chain(self.test).copied()
    }
}

#[derive(Clone, Copy)]
enum Version {
    Ten,
    Hundred,
}

/// Which of the two sets lies in `dir`, if one does.
fn version(dir: &Path) -> Result<Option<Version>> {
    let holds = |format: &Format| format.files().any(|name| dir.join(name).is_file());
    match (holds(&TEN), holds(&FINE)) {
        (true, true) => {
            Err(invalid("expected CIFAR-10 or CIFAR-100, found files of both: give each a folder of its own")
                .with_path(dir))
        }
        (true, false) => Ok(Some(Version::Ten)),
        (false, true) => Ok(Some(Version::Hundred)),
        (false, false) => Ok(None),
    }
}

/// Whether a folder has files that are named as those of CIFAR are, in the binary version or the one for Python.
pub(super) fn holds_cifar_files(dir: &Path) -> bool {
    [TEN, FINE].iter().flat_map(Format::files).any(|name| dir.join(name).is_file()) || is_for_python(dir)
}

/// Whether a folder has a file of a part.
pub(super) fn has_part(dir: &Path, part: Part) -> bool {
    let of_part = |format: &Format| if part == Part::Train { format.train } else { format.test };
    [TEN, FINE].iter().any(|format| of_part(format).iter().any(|name| dir.join(name).is_file()))
}

/// Whether a folder holds the version of pickled Python objects.
fn is_for_python(dir: &Path) -> bool {
    let holds = |names: [&str; 2]| names.iter().all(|name| dir.join(name).is_file());
    holds(["data_batch_1", "batches.meta"]) || holds(["train", "meta"])
}

fn missing(dir: &Path) -> Error {
    if let Err(error) = dir.metadata() {
        return Error::io("open the folder", dir, error);
    }
    let found = if is_for_python(dir) { "the version for Python, which is not read" } else { "neither" };
    invalid(format!(
        "expected the binary version of CIFAR-10 ({}, {} …) or of CIFAR-100 ({}, {}), found {found}: fetch \
         cifar-10-binary.tar.gz or cifar-100-binary.tar.gz",
        TEN.test[0], TEN.train[0], FINE.train[0], FINE.test[0]
    ))
    .with_path(dir)
}

/// Makes room for all files at once, so that none is copied for the sake of the next.
fn reserve(records: &mut Vec<u8>, dir: &Path, files: &[&str]) -> Result<()> {
    // A file that is not there is reported when it is opened.
    let sizes = files.iter().map(|name| dir.join(name).metadata().map_or(0, |found| found.len()));
    let bytes = sizes.fold(0, u64::saturating_add);
    records.try_reserve_exact(usize::try_from(bytes).unwrap_or(usize::MAX)).map_err(|error| {
        invalid(format!("the {bytes} bytes of its files do not fit in memory: take a machine with more"))
            .with_path(dir)
            .with_source(error)
    })
}

/// Adds the records of a file, and their labels.
fn append(path: &Path, format: &Format, records: &mut Vec<u8>, labels: &mut Vec<u32>) -> Result<()> {
    let mut file = open_file(path, "CIFAR file")?;
    let start = records.len();
    file.read_to_end(records).map_err(|error| Error::io("read the CIFAR file", path, error))?;
    let (found, record) = (records.len() - start, format.label_bytes + PIXEL_BYTES);
    if found == 0 || found % record != 0 {
        return Err(invalid(format!(
            "expected records of {record} bytes, found {found} bytes, {} of them after the last whole record: {REFETCH}",
            found % record
        )));
    }
    for (index, record) in records[start..].chunks_exact(record).enumerate() {
        let label = record[format.label_at];
        if usize::from(label) >= format.classes {
            let most = format.classes - 1;
            return Err(invalid(format!(
                "expected labels from 0 to {most}, found {label} in record {index}: {REFETCH}"
            )));
        }
        labels.push(label.into());
    }
    Ok(())
}

/// The names of the classes, a line each, from a file that need not be there.
fn names(path: &Path, count: usize) -> Result<Vec<String>> {
    if !path.exists() {
        return Ok((0..count).map(|label| label.to_string()).collect());
    }
    let mut text = String::new();
    open_file(path, "file of class names")?
        .take(MOST_NAME_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| Error::io("read the names of the classes", path, error))?;
    let names: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if names.len() != count {
        return Err(invalid(format!(
            "expected {count} names of classes, one a line, found {}: {REFETCH}",
            names.len()
        ))
        .with_path(path));
    }
    class_names(names, &[]).map_err(|error| error.with_path(path))
}

/// Far more than the names of 100 classes take.
const MOST_NAME_BYTES: u64 = 1 << 16;
