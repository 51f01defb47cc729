//! Labelled image sets.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
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
    /// If the image cannot be read or decoded; the error names its file.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Dataset::len`].
    fn load(&self, index: usize) -> Result<Image>;

    /// The names of the classes, in the order of their labels.
    fn classes(&self) -> &[String];

    /// The file of image `index`, where it has one of its own.
    fn path(&self, _index: usize) -> Option<&Path> {
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

    fn classes(&self) -> &[String] {
        (**self).classes()
    }

    fn path(&self, index: usize) -> Option<&Path> {
        (**self).path(index)
    }
}
