//! MNIST's IDX format: one file of images, one of labels, plain or gzip (Y. LeCun, "The MNIST database of handwritten
//! digits").

mod array;
mod pair;

use std::path::Path;

pub(super) use array::IdxArray;
use array::REFETCH;
pub(super) use pair::holds_idx_files;

use super::packed::{Packed, Shape, number};
use super::{Dataset, Part, Stored, invalid};
use crate::decode::Limits;
use crate::error::Result;
use crate::image::{Image, Size};

/// Images and labels in IDX files, held in memory undivided: 1 byte a channel and pixel.
///
/// The images are gray, `(N, H, W)`, or RGB, `(N, H, W, 3)`; pixels and labels are unsigned bytes. The classes are the
/// label values that occur, in ascending order, each named by its number.
#[derive(Clone, Debug)]
pub struct Idx(Packed);

impl Idx {
    /// The part of the folder `dir` that is asked for, found by the names that MNIST and its followers use:
    /// `train-images-idx3-ubyte`, `t10k-labels.idx1-ubyte.gz`, `emnist-letters-test-images-idx3-ubyte.gz` and so on.
    /// Training files have `train` in their names, test files `t10k` or `test`; the only pair of a folder may be named
    /// by no part, and is for training.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if the folder has not exactly one such pair, and as
    /// [`Idx::from_files`].
    pub fn open(dir: impl AsRef<Path>, part: Part) -> Result<Self> {
        let pair = pair::find(dir.as_ref(), part)?;
        Self::from_files(pair.images, pair.labels)
    }

    /// Whether the folder `dir` has a file of images or labels that [`Idx::open`] would take for this part, by its name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the folder is missing or cannot be listed.
    pub fn has_part(dir: impl AsRef<Path>, part: Part) -> Result<bool> {
        pair::has_part(dir.as_ref(), part)
    }

    /// The images of one file with the labels of another.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if a file cannot be read;
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if one is not IDX, holds more or less than its header says, or
    /// the counts of images and labels disagree.
    pub fn from_files(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        let (image_path, label_path) = (images.as_ref(), labels.as_ref());
        let images = IdxArray::open(image_path)?;
        images.image_shape().map_err(|error| error.with_path(image_path))?;
        Self::from_arrays(images, IdxArray::open(label_path)?).map_err(|error| error.with_path(label_path))
    }

    pub(super) fn from_arrays(images: IdxArray, labels: IdxArray) -> Result<Self> {
        let [count, height, width, channels] = images.image_shape()?;
        let values = labels.into_labels()?;
        if values.len() != count {
            return Err(invalid(format!(
                "expected a label for each of the {count} images, got {}: the two files do not belong together, \
                 name two that do",
                values.len()
            )));
        }
        let (labels, classes) = number(&values);
        let shape = Shape { size: Size::new(height, width), channels, planar: false };
        Ok(Self(Packed::new(shape, 0, images.into_data(), labels, classes)))
    }

    /// The same set with other names for its classes, in the order of their labels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if a label is left without a name, or a name is there twice.
    pub fn with_classes<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Result<Self> {
        Ok(Self(self.0.with_classes(names)?))
    }
}

impl Dataset for Idx {
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

impl IdxArray {
    /// Count, height, width and channels of an array of images, which has at least one of at least 1×1 pixels.
    fn image_shape(&self) -> Result<[usize; 4]> {
        let shape = match *self.dims() {
            [count, height, width] => [count, height, width, 1],
            [count, height, width, channels @ (1 | 3)] => [count, height, width, channels],
            _ => {
                return Err(invalid(format!(
                    "expected images of shape (N, H, W) or (N, H, W, 3), got {:?}: is this the file of images?",
                    self.dims()
                )));
            }
        };
        if shape.contains(&0) {
            return Err(invalid(format!(
                "expected at least one image of at least 1×1 pixels, got {:?}: {REFETCH}",
                self.dims()
            )));
        }
        Limits::default().check(Size::new(shape[1], shape[2]))?;
        Ok(shape)
    }

    fn into_labels(self) -> Result<Vec<u8>> {
        match self.dims() {
            [_] => Ok(self.into_data()),
            other => Err(invalid(format!("expected labels of shape (N), got {other:?}: is this the file of labels?"))),
        }
    }
}
