//! Any iterator of images and labels as a data set.

use std::collections::BTreeMap;
use std::error::Error as StdError;

use super::memory::numbered;
use super::{InMemory, invalid};
use crate::error::{Error, Result};
use crate::image::Image;

type Boxed = Box<dyn StdError + Send + Sync>;

/// The class of one image: its number, or its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// An index into the classes, from 0. [`wrap`] refuses those below.
    Number(i128),
    /// The name of a class.
    Name(String),
}

macro_rules! label_from_number {
    ($($number:ty),*) => {$(
        impl From<$number> for Label {
            fn from(number: $number) -> Self {
                Self::Number(number as i128)
            }
        }
    )*};
}

label_from_number!(u8, u16, u32, u64, usize, i32, i64);

impl From<&str> for Label {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for Label {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

/// Takes everything that an iterator of `Result<(image, label), E>` gives into an [`InMemory`] set.
///
/// An image is anything that converts into [`Image`]: one itself, an `image::DynamicImage`, a candle tensor `(C, H, W)`
/// of u8 or of f32 in [0, 1]. A label is a number from 0 or the name of a class, the same kind throughout. Names are
/// sorted into classes; numbers are kept, and name the classes up to the largest ([`InMemory::with_classes`] gives
/// other names). `E` is any error.
///
/// Everything is held in memory, decoded, at a byte for each channel and pixel; so the iterator must end, and its images
/// must fit.
///
/// ```
/// use candle_augment::{Dataset, Image, wrap};
///
/// let records = [("cat", 10), ("dog", 200), ("cat", 30)];
/// let set = wrap(records.iter().map(|&(name, gray)| Image::filled(4, 4, &[gray]).map(|image| (image, name))))?;
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
pub fn wrap<I, L, E>(items: impl IntoIterator<Item = Result<(I, L), E>>) -> Result<InMemory>
where
    I: TryInto<Image>,
    I::Error: Into<Boxed>,
    L: Into<Label>,
    E: Into<Boxed>,
{
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        let (image, label) = item.map_err(|error| at(index, "the iterator failed", error.into()))?;
        images.push(image.try_into().map_err(|error| at(index, "the image does not convert", error.into()))?);
        labels.push(label.into());
    }
    let (labels, classes) = classes_of(labels)?;
    InMemory::from_images(images, labels, classes)
}

fn at(index: usize, what: &str, error: Boxed) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => own.with_index(index),
        Err(other) => invalid(format!("{what}: {other}")).with_index(index).with_source(other),
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
