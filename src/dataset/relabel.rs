//! A data set under other labels: some of its classes, or its classes renamed and merged.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::concat::number_names;
use super::{Dataset, DatasetExt, Label, Stored};
use crate::error::{Error, Result};
use crate::image::Image;

/// Images of a data set under classes of their own; made by [`DatasetExt::filter_classes`] and
/// [`DatasetExt::map_classes`].
#[derive(Clone)]
pub struct Relabeled {
    set: Arc<dyn Dataset>,
    labels: Vec<u32>,
    classes: Vec<String>,
}

impl Relabeled {
    /// The images of the chosen classes, which are numbered in the order they are given in.
    pub(super) fn filter(whole: Arc<dyn Dataset>, chosen: Vec<Label>) -> Result<Self> {
        if chosen.is_empty() {
            return Err(Error::config(format!("expected classes to keep, of {:?}, got none", whole.classes())));
        }
        let mut numbers = vec![None; whole.classes().len()];
        let mut classes = Vec::new();
        for class in &chosen {
            let old = find(whole.classes(), class)?;
            let name = &whole.classes()[old];
            if numbers[old].is_some() {
                return Err(Error::config(format!("class {name:?} is named twice: name each class to keep once")));
            }
            numbers[old] = Some(classes.len() as u32);
            classes.push(name.clone());
        }
        let kept = |index| Some((index, numbers[whole.label(index) as usize]?));
        let (indices, labels): (Vec<usize>, _) = (0..whole.len()).filter_map(kept).unzip();
        Ok(Self { set: Arc::new(whole.subset(indices)?), labels, classes })
    }

    /// All images, under the names that `rename` gives for the classes' names.
    pub(super) fn rename<S: Into<String>>(set: Arc<dyn Dataset>, rename: impl FnMut(&str) -> S) -> Self {
        let names: Vec<String> = set.classes().iter().map(String::as_str).map(rename).map(Into::into).collect();
        let mut classes = Vec::new();
        let numbers = number_names(&names, &mut classes);
        let labels = (0..set.len()).map(|index| numbers[set.label(index) as usize]).collect();
        Self { set, labels, classes }
    }
}

/// The number of a class that is given by its number or name.
fn find(classes: &[String], class: &Label) -> Result<usize> {
    let (found, what) = match class {
        Label::Name(name) => (classes.iter().position(|known| known == name), format!("{name:?}")),
        Label::Number(number) => {
            (usize::try_from(*number).ok().filter(|&number| number < classes.len()), number.to_string())
        }
    };
    found.ok_or_else(|| {
        Error::config(format!(
            "there is no class {what}: expected one of {classes:?}, or a label below {}",
            classes.len()
        ))
    })
}

impl Dataset for Relabeled {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.labels[index]
    }

    fn load(&self, index: usize) -> Result<Image> {
        self.set.load(index)
    }

    fn stored(&self, index: usize, buffer: Vec<u8>) -> Result<Stored<'_>> {
        self.set.stored(index, buffer)
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        self.set.path(index)
    }
}

impl fmt::Debug for Relabeled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relabeled").field("classes", &self.classes).field("len", &self.len()).finish_non_exhaustive()
    }
}
