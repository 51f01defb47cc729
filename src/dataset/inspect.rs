//! What a data set holds: counts, sizes, colours, and the images that cannot be read.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Dataset;
use super::open::{check_count, unreadable_class};
use crate::error::Result;
use crate::image::Size;

/// The findings of [`inspect`]. It is printed as a report of a few lines and a line for each class and each unreadable
/// image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// The classes in the order of their labels.
    pub classes: Vec<ClassCount>,
    /// The number of images, readable or not.
    pub images: usize,
    /// Rows of the readable images.
    pub height: Spread,
    /// Columns of the readable images.
    pub width: Spread,
    /// Readable images of one channel.
    pub gray: usize,
    /// Readable images of three channels.
    pub rgb: usize,
    /// The readable images of the largest class for each one of the smallest; none where a class has no readable image.
    pub imbalance: Option<f64>,
    /// The images that cannot be read, in the order of their indices.
    pub unreadable: Vec<Unreadable>,
}

/// The images of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCount {
    /// The class.
    pub name: String,
    /// Its images, readable or not.
    pub images: usize,
    /// Those of them that cannot be read.
    pub unreadable: usize,
}

/// Smallest, middle and largest of some lengths in pixels; all 0 where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// The smallest.
    pub min: usize,
    /// The middle one in order; the larger of two.
    pub median: usize,
    /// The largest.
    pub max: usize,
}

/// An image that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its index in the data set.
    pub index: usize,
    /// Its file, where it has one of its own.
    pub path: Option<PathBuf>,
    /// What is wrong with it.
    pub reason: String,
}

impl Inspection {
    /// Refuses what [`open_data`](crate::open_data) refuses: fewer than two classes, or a class without a readable
    /// image.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`](crate::ErrorKind::Dataset), naming the class.
    pub fn check(&self) -> Result<()> {
        let names: Vec<String> = self.classes.iter().map(|class| class.name.clone()).collect();
        check_count(&names)?;
        match self.classes.iter().find(|class| class.images == class.unreadable) {
            Some(class) => Err(unreadable_class(&class.name, class.images, None)),
            None => Ok(()),
        }
    }
}

/// Decodes every image of `set` on rayon's pool and reports what is there. `progress` is called with the number of
/// images done and of all images, from any thread.
///
/// Sizes and channels are those of the images as the set gives them: open a folder with
/// [`Color::AsStored`](crate::Color::AsStored).
pub fn inspect(set: &dyn Dataset, progress: impl Fn(usize, usize) + Sync) -> Inspection {
    let done = AtomicUsize::new(0);
    let look = |index| {
        let found = set.load(index).map(|image| (image.size(), image.channels())).map_err(|error| Unreadable {
            index,
            path: set.path(index),
            reason: error.message().to_owned(),
        });
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, set.len());
        found
    };
    summarise(set, (0..set.len()).into_par_iter().map(look).collect())
}

fn summarise(set: &dyn Dataset, found: Vec<Result<(Size, usize), Unreadable>>) -> Inspection {
    let images = found.len();
    let (mut sizes, mut gray, mut unreadable) = (Vec::new(), 0, Vec::new());
    let count = |(name, images): (&String, usize)| ClassCount { name: name.clone(), images, unreadable: 0 };
    let mut classes: Vec<_> = set.classes().iter().zip(set.class_counts()).map(count).collect();
    for image in found {
        match image {
            Ok((size, channels)) => {
                sizes.push(size);
                gray += usize::from(channels == 1);
            }
            Err(image) => {
                classes[set.label(image.index) as usize].unreadable += 1;
                unreadable.push(image);
            }
        }
    }
    Inspection {
        images,
        height: spread(sizes.iter().map(|size| size.height)),
        width: spread(sizes.iter().map(|size| size.width)),
        gray,
        rgb: sizes.len() - gray,
        imbalance: imbalance(&classes),
        unreadable,
        classes,
    }
}

fn spread(lengths: impl Iterator<Item = usize>) -> Spread {
    let mut lengths: Vec<_> = lengths.collect();
    lengths.sort_unstable();
    match lengths[..] {
        [] => Spread::default(),
        [min, ..] => Spread { min, median: lengths[lengths.len() / 2], max: lengths[lengths.len() - 1] },
    }
}

fn imbalance(classes: &[ClassCount]) -> Option<f64> {
    let readable = || classes.iter().map(|class| class.images - class.unreadable);
    let (least, most) = (readable().min()?, readable().max()?);
    (least > 0).then(|| most as f64 / least as f64)
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} images in {} classes", self.images, self.classes.len())?;
        let longest = self.classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0);
        for class in &self.classes {
            write!(f, "  {:longest$}  {:>8}", class.name, class.images)?;
            match class.unreadable {
                0 => writeln!(f)?,
                count => writeln!(f, "  ({count} unreadable)")?,
            }
        }
        match self.imbalance {
            Some(ratio) => writeln!(f, "imbalance: {ratio:.1} (largest class to smallest)")?,
            None => writeln!(f, "imbalance: a class has no readable image")?,
        }
        writeln!(f, "height: {}", self.height)?;
        writeln!(f, "width: {}", self.width)?;
        writeln!(f, "channels: {} RGB, {} gray", self.rgb, self.gray)?;
        write!(f, "unreadable: {}", self.unreadable.len())?;
        for image in &self.unreadable {
            match &image.path {
                Some(path) => write!(f, "\n  {}: {}", path.display(), image.reason)?,
                None => write!(f, "\n  image {}: {}", image.index, image.reason)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} pixels, median {}", self.min, self.max, self.median)
    }
}
