//! A data set in memory from everything that an iterator gives.

use std::collections::BTreeMap;
use std::error::Error as StdError;

use super::item::image_and_label;
use super::memory::numbered;
use super::{InMemory, IntoStored, Label, invalid};
use crate::decode::Decoder;
use crate::error::Result;

impl InMemory {
    /// Takes everything that an iterator of `Result<(image, label), E>` gives.
    ///
    /// An image is anything that converts into [`Image`](crate::Image), or the bytes of a file, see [`IntoStored`]. A label
    /// is a number from 0 or the name of a class, the same kind throughout. Names are sorted into classes; numbers are kept,
    /// and name the classes up to the largest ([`InMemory::with_classes`] gives other names). `E` is any error.
    ///
    /// Everything is held in memory, decoded, at a byte for each channel and pixel; so the iterator must end, and its images
    /// must fit. [`wrap`](crate::wrap) streams one that does not.
    ///
    /// ```
    /// use candle_augment::{Dataset, Image, InMemory};
    ///
    /// let records = [("cat", 10), ("dog", 200), ("cat", 30)];
    /// let items = records.iter().map(|&(name, gray)| Image::filled(4, 4, &[gray]).map(|image| (image, name)));
    /// let set = InMemory::collect(items)?;
    /// assert_eq!(set.classes(), ["cat", "dog"]);
    /// assert_eq!(set.class_counts(), [2, 1]);
    /// # Ok::<(), candle_augment::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first error of the iterator or of a conversion, with the index of its item: as it is if it is this crate's,
    /// otherwise as the source of an [`ErrorKind::Dataset`](crate::ErrorKind::Dataset). The same kind if names and numbers
    /// are mixed or there are no items.
    pub fn collect<I, L, E>(items: impl IntoIterator<Item = Result<(I, L), E>>) -> Result<Self>
    where
        I: IntoStored,
        L: Into<Label>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (mut images, mut labels, mut decoder) = (Vec::new(), Vec::new(), Decoder::new());
        for (index, item) in items.into_iter().enumerate() {
            let image = image_and_label(item).and_then(|(image, label)| Ok((image.into_image(&mut decoder)?, label)));
            let (image, label) = image.map_err(|error| error.with_index(index))?;
            images.push(image);
            labels.push(label);
        }
        let (labels, classes) = classes_of(labels)?;
        Self::from_images(images, labels, classes)
    }
}

/// The labels as indices, and the names of the classes.
fn classes_of(labels: Vec<Label>) -> Result<(Vec<u32>, Vec<String>)> {
    let (mut names, mut numbers) = (Vec::new(), Vec::new());
    for (index, label) in labels.into_iter().enumerate() {
        match label {
            Label::Name(name) => names.push(name),
            Label::Number(number) => numbers.push(u32::try_from(number).map_err(|_| {
                invalid(format!("expected an index of a class, got {number}: number the classes from 0"))
                    .with_index(index)
            })?),
        }
        if !names.is_empty() && !numbers.is_empty() {
            return Err(
                invalid("the labels before are of another kind: expected only names or only numbers").with_index(index)
            );
        }
    }
    if names.is_empty() {
        let classes = numbered(&numbers)?;
        return Ok((numbers, classes));
    }
    let mut sorted: BTreeMap<&str, u32> = names.iter().map(|name| (name.as_str(), 0)).collect();
    sorted.values_mut().zip(0..).for_each(|(number, next)| *number = next);
    let labels = names.iter().map(|name| sorted[name.as_str()]).collect();
    Ok((labels, sorted.into_keys().map(str::to_owned).collect()))
}
