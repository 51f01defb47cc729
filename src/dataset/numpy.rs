//! NumPy's arrays of images and labels: `.npy` files, and `.npz` archives such as MedMNIST's.

mod arrays;
mod header;
mod npy;
mod pair;

use std::path::Path;

use arrays::Place;

pub(super) use pair::{has_part, holds_arrays};

use super::packed::{Packed, Shape, number};
use super::{Dataset, Part, Stored, invalid};
use crate::error::Result;
use crate::image::Image;

/// Images and labels that NumPy saved, held in memory undivided: 1 byte a channel and pixel.
///
/// **Images** are of dtype uint8. An array of three axes is `(N, H, W)`, gray. Of four axes, the one that is 1 or 3
/// long is the channels: `(N, H, W, C)` if it is the last, `(N, C, H, W)` if it is the second. Where both or neither are
/// 1 or 3 long, the array is refused.
///
/// **Labels** are of any integer dtype and of shape `(N)` or `(N, 1)`, from 0. The classes are the label values that
/// occur, in ascending order, each named by its number. More than one label an image is refused.
///
/// Arrays must be C-contiguous, as `numpy.save`, `numpy.savez` and `numpy.savez_compressed` write almost all of them.
/// Pickled objects are refused and never run. The format is that of `numpy.lib.format`, versions 1.0 to 3.0.
///
/// ```no_run
/// use candle_augment::{Dataset, Numpy, Part};
///
/// let train = Numpy::open("bloodmnist.npz", Part::Train)?;
/// let validation = Numpy::from_npz("bloodmnist.npz", "val_images", "val_labels")?;
/// println!("{} and {} images of {:?}", train.len(), validation.len(), train.classes());
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Numpy(Packed);

impl Numpy {
    /// A part of an `.npz` archive, or of a folder that holds its arrays as `.npy` files, found by the arrays' names:
    ///
    /// | Part | Images, labels |
    /// |---|---|
    /// | [`Part::Train`] | `train_images`, `train_labels` (MedMNIST), or `x_train`, `y_train` (Keras) |
    /// | [`Part::Test`] | `test_images`, `test_labels`, or `x_test`, `y_test` |
    /// | [`Part::Train`], where no name tells a part | `images`, `labels`, or `x`, `y` |
    ///
    /// [`Numpy::from_npz`] takes any other names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if there is not exactly one such pair, and as
    /// [`Numpy::from_npz`] and [`Numpy::from_npy`].
    pub fn open(path: impl AsRef<Path>, part: Part) -> Result<Self> {
        let (images, labels) = pair::find(path.as_ref(), part)?;
        Self::read(&images, &labels)
    }

    /// The images and the labels of an `.npz` archive, plain or compressed, that go by these names there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the file cannot be read;
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if it is no such archive, is damaged, lacks an array, an array
    /// is of another shape, dtype or order than this type reads, or the counts of images and labels disagree;
    /// [`ErrorKind::Limits`](crate::ErrorKind::Limits) for images over the [`Limits`](crate::Limits).
    pub fn from_npz(path: impl AsRef<Path>, images: &str, labels: &str) -> Result<Self> {
        let entry = |key: &str| Place::Entry { archive: path.as_ref().to_owned(), key: key.to_owned() };
        Self::read(&entry(images), &entry(labels))
    }

    /// The images of one `.npy` file with the labels of another.
    ///
    /// # Errors
    ///
    /// As [`Numpy::from_npz`].
    pub fn from_npy(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        Self::read(&Place::File(images.as_ref().to_owned()), &Place::File(labels.as_ref().to_owned()))
    }

    /// The same set with other names for its classes, in the order of their labels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if a label is left without a name, or a name is there twice.
    pub fn with_classes<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Result<Self> {
        Ok(Self(self.0.with_classes(names)?))
    }

    fn read(images: &Place, labels: &Place) -> Result<Self> {
        // Labels first: they are small, and what is wrong with them is said before the images are read.
        let values = labels.read(|array| array.labels())?;
        let (shape, pixels) = images.read(|array| {
            let (count, shape) = array.header().images()?;
            if count != values.len() {
                return Err(invalid(format!(
                    "expected an image for each of the {} labels of {labels}, found {count}: the two arrays do not \
                     belong together, name two that do",
                    values.len()
                )));
            }
            Ok((shape, array.bytes()?))
        })?;
        let (labels, classes) = number(&values);
        Ok(Self(Packed::new(shape, 0, pixels, labels, classes)))
    }
}

impl Dataset for Numpy {
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
