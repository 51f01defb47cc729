//! Labelled image sets.

mod cifar;
mod collect;
mod concat;
mod digits;
mod folder;
mod folds;
mod idx;
mod inspect;
mod item;
mod label;
mod memory;
mod numpy;
mod open;
mod packed;
mod part;
mod relabel;
mod stored;
mod subset;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

pub use cifar::Cifar;
pub use concat::Concat;
pub use digits::digits;
pub use folder::ImageFolder;
pub(crate) use folds::{folds, rest};
pub use idx::Idx;
pub use inspect::{ClassCount, Inspection, Spread, Unreadable, inspect};
pub use item::IntoStored;
pub(crate) use item::image_and_label;
pub use label::Label;
pub use memory::InMemory;
pub use numpy::Numpy;
pub use open::{check_classes, has_part, inspect_data, open_data, open_unlabelled};
pub use part::Part;
pub use relabel::Relabeled;
pub use stored::{ImageFile, Stored};
pub use subset::{DatasetExt, Subset};

use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;

/// A labelled image set with random access.
///
/// The same index always gives the same image, from any thread. Labels are known without decoding.
pub trait Dataset: Send + Sync {
    /// The number of images.
    fn len(&self) -> usize;

    /// The class of image `index`, an index into [`Dataset::classes`].
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Dataset::len`].
    fn label(&self, index: usize) -> u32;

    /// Reads and decodes image `index`.
    ///
    /// # Errors
    ///
    /// If the image cannot be read or decoded; the error names its file. Its index is left to the caller, who may know
    /// the image by another than this one.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Dataset::len`].
    fn load(&self, index: usize) -> Result<Image>;

    /// Image `index` as the set has it, not yet decoded: what a loader asks for, so that it can decode no more than it
    /// needs, and copy no pixels. A set that reads files puts their bytes into `buffer`, whose contents do not matter, and
    /// gets it back for the next image. Default: [`Dataset::load`].
    ///
    /// # Errors
    ///
    /// As [`Dataset::load`], but for the errors of decoding.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Dataset::len`].
    fn stored(&self, index: usize, buffer: Vec<u8>) -> Result<Stored<'_>> {
        drop(buffer);
        self.load(index).map(Stored::Image)
    }

    /// The names of the classes, in the order of their labels.
    fn classes(&self) -> &[String];

    /// The file of image `index`, where it has one of its own.
    fn path(&self, _index: usize) -> Option<PathBuf> {
        None
    }

    /// Whether the set has no images.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of images of each class, in the order of the labels.
    fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes().len()];
        for index in 0..self.len() {
            counts[self.label(index) as usize] += 1;
        }
        counts
    }
}

impl<D: Dataset + ?Sized> Dataset for Arc<D> {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn label(&self, index: usize) -> u32 {
        (**self).label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        (**self).load(index)
    }

    fn stored(&self, index: usize, buffer: Vec<u8>) -> Result<Stored<'_>> {
        (**self).stored(index, buffer)
    }

    fn classes(&self) -> &[String] {
        (**self).classes()
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        (**self).path(index)
    }

    fn is_empty(&self) -> bool {
        (**self).is_empty()
    }

    fn class_counts(&self) -> Vec<usize> {
        (**self).class_counts()
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Dataset, message)
}

/// The names of the classes, if there is one for each label and none twice.
pub(crate) fn class_names<S: Into<String>>(names: impl IntoIterator<Item = S>, labels: &[u32]) -> Result<Vec<String>> {
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    if let Some(label) = labels.iter().find(|label| **label as usize >= names.len()) {
        return Err(invalid(format!(
            "label {label} has no name: expected labels below {}, the number of names",
            names.len()
        )));
    }
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(invalid(format!("two classes are named {name:?}: give each its own name"))),
        None => Ok(names),
    }
}
