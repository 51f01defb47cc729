//! Parts of a data set: chosen images, stratified splits, some images of each class; and the ways to other wrappers.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Concat, Dataset, Label, Relabeled, Stored, invalid};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::rng::{Purpose, SampleKey};

/// Some images of a data set, in a given order, with the classes of the whole set.
#[derive(Clone)]
pub struct Subset {
    whole: Arc<dyn Dataset>,
    indices: Vec<usize>,
}

impl Subset {
    /// The index in the whole set of each image.
    #[must_use]
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

impl Dataset for Subset {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.whole.label(self.indices[index])
    }

    fn load(&self, index: usize) -> Result<Image> {
        self.whole.load(self.indices[index])
    }

    fn stored(&self, index: usize, buffer: Vec<u8>) -> Result<Stored<'_>> {
        self.whole.stored(self.indices[index], buffer)
    }

    fn classes(&self) -> &[String] {
        self.whole.classes()
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        self.whole.path(self.indices[index])
    }
}

impl std::fmt::Debug for Subset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subset").field("indices", &self.indices).finish_non_exhaustive()
    }
}

/// Ways to take a part of any data set, to join it to another, and to give it other classes. Images are shared, not
/// copied: give an [`Arc`] to keep the set.
///
/// ```
/// use candle_augment::{Dataset, DatasetExt, digits};
///
/// let (train, test) = digits()?.split(0.8, 0)?;
/// let few = train.per_class(20, 0)?;
/// assert_eq!(few.class_counts(), [20; 10]);
/// # assert!(test.len() > 300);
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub trait DatasetExt: Dataset + Sized + 'static {
    /// The images at `indices`, in that order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for an index that the set does not have.
    fn subset(self, indices: impl Into<Vec<usize>>) -> Result<Subset> {
        let (indices, count) = (indices.into(), self.len());
        match indices.iter().find(|index| **index >= count) {
            Some(index) => {
                Err(Error::config(format!("expected indices below {count}, the number of images, got {index}")))
            }
            None => Ok(Subset { whole: Arc::new(self), indices }),
        }
    }

    /// Two parts that share no image, each with the classes in the proportions of the whole. The first gets `fraction`
    /// of each class, rounded to the nearest; of two or more images of a class each part gets at least one. Both keep
    /// the order of the set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) unless 0 < `fraction` < 1;
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if there are so few images that a part is empty.
    fn split(self, fraction: f64, seed: u64) -> Result<(Subset, Subset)> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(Error::config(format!("expected a fraction between 0 and 1 to split by, got {fraction}")));
        }
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for class in shuffled_classes(&self, seed, SPLIT) {
            let (head, tail) = class.split_at(first_count(class.len(), fraction));
            first.extend_from_slice(head);
            second.extend_from_slice(tail);
        }
        if first.is_empty() || second.is_empty() {
            return Err(invalid(format!(
                "too few images to split: one part would be empty, with {} images in {} classes; give more",
                self.len(),
                self.classes().len()
            )));
        }
        let whole: Arc<dyn Dataset> = Arc::new(self);
        Ok((sorted(whole.clone(), first), sorted(whole, second)))
    }

    /// `count` images of each class, drawn at random; all of a class that has fewer. For one seed a smaller count gives
    /// a part of what a larger one gives. The order is the set's.
    ///
    /// # Errors
    ///
    /// As [`DatasetExt::per_class_counts`].
    fn per_class(self, count: usize, seed: u64) -> Result<Subset> {
        let counts = vec![count; self.classes().len()];
        self.per_class_counts(&counts, seed)
    }

    /// As [`DatasetExt::per_class`], with a count for each class in the order of the labels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there are not as many counts as classes, or one is 0.
    fn per_class_counts(self, counts: &[usize], seed: u64) -> Result<Subset> {
        let classes = self.classes().len();
        if counts.len() != classes || counts.contains(&0) {
            return Err(Error::config(format!(
                "expected {classes} counts, one for each class, of at least 1 image, got {counts:?}"
            )));
        }
        let mut chosen = Vec::new();
        for (class, &count) in shuffled_classes(&self, seed, PER_CLASS).iter().zip(counts) {
            chosen.extend_from_slice(&class[..count.min(class.len())]);
        }
        Ok(sorted(Arc::new(self), chosen))
    }

    /// The images of some classes, given by their names or their labels, and numbered anew in the order they are given
    /// in. The images keep their order.
    ///
    /// ```
    /// use candle_augment::{Dataset, DatasetExt, digits};
    ///
    /// let pair = digits()?.filter_classes(["7", "1"])?;
    /// assert_eq!(pair.classes(), ["7", "1"]);
    /// assert_eq!(pair.class_counts(), digits()?.filter_classes([7, 1])?.class_counts());
    /// # Ok::<(), candle_augment::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a class that the set does not have, one that is given twice,
    /// or none at all.
    fn filter_classes<L: Into<Label>>(self, classes: impl IntoIterator<Item = L>) -> Result<Relabeled> {
        Relabeled::filter(Arc::new(self), classes.into_iter().map(Into::into).collect())
    }

    /// The same images with classes renamed or merged: `rename` is called once for the name of each class, in the order
    /// of the labels, and classes that get one name become one. The new classes are numbered as they first occur.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use candle_augment::{Dataset, DatasetExt, Image, InMemory};
    ///
    /// let images = vec![Image::filled(4, 4, &[0])?; 3];
    /// let set = InMemory::from_images(images, vec![0, 1, 2], ["cat", "dog", "rose"])?;
    /// let kinds = HashMap::from([("cat", "animal"), ("dog", "animal")]);
    /// let merged = set.map_classes(|name| kinds.get(name).copied().unwrap_or(name).to_owned());
    /// assert_eq!(merged.classes(), ["animal", "rose"]);
    /// assert_eq!(merged.class_counts(), [2, 1]);
    /// # Ok::<(), candle_augment::Error>(())
    /// ```
    fn map_classes<S: Into<String>>(self, rename: impl FnMut(&str) -> S) -> Relabeled {
        Relabeled::rename(Arc::new(self), rename)
    }

    /// The images of this set and then those of `other`, under the classes of both: [`Concat`] says how they are told.
    fn concat(self, other: impl Dataset + 'static) -> Concat {
        Concat::of(vec![Arc::new(self), Arc::new(other)])
    }
}

impl<D: Dataset + 'static> DatasetExt for D {}

/// What stands in the key's epoch, so that a split and a choice of one seed are independent.
const SPLIT: u64 = 0;
const PER_CLASS: u64 = 1;

/// The indices of each class in a random order that depends on nothing but the seed, the class and the indices.
fn shuffled_classes(set: &dyn Dataset, seed: u64, epoch: u64) -> Vec<Vec<usize>> {
    let mut classes = vec![Vec::new(); set.classes().len()];
    for index in 0..set.len() {
        classes[set.label(index) as usize].push(index);
    }
    for (class, indices) in classes.iter_mut().enumerate() {
        SampleKey { seed, epoch, position: class as u64, purpose: Purpose::Split }.rng().shuffle(indices);
    }
    classes
}

/// How many of `count` images the first part gets.
fn first_count(count: usize, fraction: f64) -> usize {
    let nearest = (count as f64 * fraction).round() as usize;
    if count < 2 { nearest.min(count) } else { nearest.clamp(1, count - 1) }
}

fn sorted(whole: Arc<dyn Dataset>, mut indices: Vec<usize>) -> Subset {
    indices.sort_unstable();
    Subset { whole, indices }
}

#[cfg(test)]
mod tests {
    use super::first_count;

    #[test]
    fn both_parts_get_an_image_where_there_are_two() {
        assert_eq!([0, 1, 2, 3, 10].map(|count| first_count(count, 0.01)), [0, 0, 1, 1, 1]);
        assert_eq!([0, 1, 2, 3, 10].map(|count| first_count(count, 0.99)), [0, 1, 1, 2, 9]);
    }
}
