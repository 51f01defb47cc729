//! Several data sets as one.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Dataset, Stored, invalid};
use crate::error::Result;
use crate::image::Image;

/// The images of several data sets, one set after the other. Nothing is copied.
///
/// Classes are told by their names, since the same number may mean another class in another set: classes of one name
/// are one class, whatever their numbers were. The classes of the first set keep their numbers; what the later ones
/// add follows in their order. Look at [`Dataset::classes`] where the sets should have the same: a name spelt in two
/// ways is there twice.
///
/// ```
/// use std::sync::Arc;
/// use candle_augment::{Concat, Dataset, DatasetExt, Image, InMemory};
///
/// let image = || Image::filled(4, 4, &[0]);
/// let farm = InMemory::from_images(vec![image()?, image()?], vec![0, 1], ["cow", "dog"])?;
/// let home = InMemory::from_images(vec![image()?, image()?], vec![0, 1], ["cat", "dog"])?;
/// let both = farm.concat(home);
/// assert_eq!(both.classes(), ["cow", "dog", "cat"]);
/// assert_eq!(both.class_counts(), [1, 2, 1]);
///
/// let many = (0..3).map(|_| Arc::new(both.clone()) as Arc<dyn Dataset>);
/// assert_eq!(Concat::new(many)?.len(), 12);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone)]
pub struct Concat {
    parts: Vec<Segment>,
    classes: Vec<String>,
    len: usize,
}

#[derive(Clone)]
struct Segment {
    set: Arc<dyn Dataset>,
    /// The index here of its first image.
    first: usize,
    /// The label here of each of its labels.
    labels: Vec<u32>,
}

impl Concat {
    /// All images of `sets`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset) if there is no set.
    pub fn new(sets: impl IntoIterator<Item = Arc<dyn Dataset>>) -> Result<Self> {
        let sets: Vec<_> = sets.into_iter().collect();
        if sets.is_empty() {
            return Err(invalid("expected at least one data set to concatenate, got none"));
        }
        Ok(Self::of(sets))
    }

    pub(super) fn of(sets: Vec<Arc<dyn Dataset>>) -> Self {
        let mut whole = Self { parts: Vec::with_capacity(sets.len()), classes: Vec::new(), len: 0 };
        for set in sets {
            let labels = number_names(set.classes(), &mut whole.classes);
            let first = whole.len;
            whole.len += set.len();
            whole.parts.push(Segment { set, first, labels });
        }
        whole
    }

    /// The part that has image `index`, and the index of the image there.
    fn locate(&self, index: usize) -> (&Segment, usize) {
        assert!(index < self.len, "image {index} of {}", self.len);
        let part = &self.parts[self.parts.partition_point(|part| part.first <= index) - 1];
        (part, index - part.first)
    }
}

/// The number of each of `names` among `known`, which takes in those that are new.
pub(super) fn number_names<S: AsRef<str>>(names: &[S], known: &mut Vec<String>) -> Vec<u32> {
    let mut numbers: HashMap<String, u32> = known.iter().cloned().zip(0..).collect();
    let number = |name: &S| {
        *numbers.entry(name.as_ref().to_owned()).or_insert_with(|| {
            known.push(name.as_ref().to_owned());
            known.len() as u32 - 1
        })
    };
    names.iter().map(number).collect()
}

impl Dataset for Concat {
    fn len(&self) -> usize {
        self.len
    }

    fn label(&self, index: usize) -> u32 {
        let (part, index) = self.locate(index);
        part.labels[part.set.label(index) as usize]
    }

    fn load(&self, index: usize) -> Result<Image> {
        let (part, index) = self.locate(index);
        part.set.load(index)
    }

    fn stored(&self, index: usize, buffer: Vec<u8>) -> Result<Stored<'_>> {
        let (part, index) = self.locate(index);
        part.set.stored(index, buffer)
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        let (part, index) = self.locate(index);
        part.set.path(index)
    }
}

impl fmt::Debug for Concat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lens: Vec<_> = self.parts.iter().map(|part| part.set.len()).collect();
        f.debug_struct("Concat").field("lens", &lens).field("classes", &self.classes).finish_non_exhaustive()
    }
}
