//! A data set held in memory, from images or tensors.

use candle_core::{DType, Tensor};

use super::{Dataset, Stored, class_names, invalid};
use crate::error::Result;
use crate::image::Image;

/// A labelled image set that lies decoded in memory.
///
/// ```
/// use candle_augment::{Dataset, Image, InMemory};
///
/// let images = vec![Image::filled(8, 8, &[0])?, Image::filled(8, 8, &[255])?];
/// let set = InMemory::from_images(images, vec![0, 1], ["black", "white"])?;
/// assert_eq!(set.classes()[set.label(1) as usize], "white");
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct InMemory {
    images: Vec<Image>,
    labels: Vec<u32>,
    classes: Vec<String>,
}

impl InMemory {
    /// A set of `images`, where `labels[i]` is the class of `images[i]`, an index into `classes`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if there are no images, not as many labels, a label without a
    /// name, or a name twice.
    pub fn from_images<S: Into<String>>(
        images: Vec<Image>,
        labels: Vec<u32>,
        classes: impl IntoIterator<Item = S>,
    ) -> Result<Self> {
        if images.is_empty() {
            return Err(invalid("expected at least one image, got none"));
        }
        if images.len() != labels.len() {
            return Err(invalid(format!(
                "expected a label for each image, got {} images and {} labels",
                images.len(),
                labels.len()
            )));
        }
        let classes = class_names(classes, &labels)?;
        Ok(Self { images, labels, classes })
    }

    /// A set from a tensor of images `(N, C, H, W)`, C = 1 or 3, u8 or f32 in [0, 1], and one of labels `(N)`, u8, u32
    /// or i64, as candle's own data sets give them (flat images need `images.reshape(((), channels, height, width))`
    /// first).
    ///
    /// The classes are named "0", "1" and so on up to the largest label; [`InMemory::with_classes`] gives others.
    ///
    /// # Errors
    ///
    /// As [`Image::from_tensor`] and [`InMemory::from_images`], and for labels of another shape or dtype.
    pub fn from_tensors(images: &Tensor, labels: &Tensor) -> Result<Self> {
        let images = Image::from_tensor(images)?;
        let labels = label_values(labels)?;
        let classes = numbered(&labels)?;
        Self::from_images(images, labels, classes)
    }

    /// The same set with other names for its classes, in the order of their labels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if a label is left without a name, or a name is there twice.
    pub fn with_classes<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Result<Self> {
        let classes = class_names(names, &self.labels)?;
        Ok(Self { classes, ..self })
    }
}

impl Dataset for InMemory {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.labels[index]
    }

    fn load(&self, index: usize) -> Result<Image> {
        Ok(self.images[index].clone())
    }

    fn stored(&self, index: usize, _buffer: Vec<u8>) -> Result<Stored<'_>> {
        Ok(Stored::Pixels((&self.images[index]).into()))
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// The names "0" to the largest label. Each number below it becomes a class, so an absurd one would take absurd memory.
pub(super) fn numbered(labels: &[u32]) -> Result<Vec<String>> {
    const MOST_CLASSES: u32 = 1 << 20;
    match labels.iter().find(|label| **label >= MOST_CLASSES) {
        Some(label) => {
            Err(invalid(format!("expected labels below {MOST_CLASSES}, got {label}: is it an index of a class?")))
        }
        None => Ok((0..labels.iter().max().map_or(0, |largest| largest + 1)).map(|label| label.to_string()).collect()),
    }
}

fn label_values(labels: &Tensor) -> Result<Vec<u32>> {
    if labels.rank() != 1 || !matches!(labels.dtype(), DType::U8 | DType::U32 | DType::I64) {
        let (shape, dtype) = (labels.dims(), labels.dtype().as_str());
        return Err(invalid(format!(
            "expected labels of shape (N) and dtype u8, u32 or i64, got {shape:?} and {dtype}"
        )));
    }
    let values: Vec<i64> = labels.to_dtype(DType::I64)?.to_vec1()?;
    let to_label =
        |value: i64| u32::try_from(value).map_err(|_| invalid(format!("expected labels from 0, got {value}")));
    values.into_iter().map(to_label).collect()
}
