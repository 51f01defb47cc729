//! What a GAN was trained on, in a few numbers, by which a resumed training and an evaluation know its data again.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;

/// What a GAN was trained on; it is stored in the checkpoint of a [`Trainer`](super::Trainer) that was told.
///
/// ```
/// use candle_augment::gan::TrainedOn;
/// use candle_augment::{DatasetExt, digits};
///
/// let all = TrainedOn::new(&digits()?, "none", None)?;
/// let few = TrainedOn::new(&digits()?.per_class(10, 0)?, "none", None)?;
/// assert!(all.expect(&all).is_ok());
/// let error = all.expect(&few).unwrap_err();
/// assert!(error.message().contains("1797 images, not on these 100"));
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedOn {
    images: Set,
    /// Of these the images that were held out.
    held_out: u64,
    transforms: String,
    unlabelled: Option<Set>,
}

/// Images and their labels, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    count: u64,
    fingerprint: u64,
}

impl TrainedOn {
    /// Of the images of `set` with their labels, as they are before the transforms that `transforms` describes, and of
    /// `unlabelled` images. Every image is loaded: let them be in memory, where 60,000 of 28×28 pixels take a tenth of a
    /// second.
    ///
    /// # Errors
    ///
    /// Those of loading the images.
    pub fn new(set: &dyn Dataset, transforms: impl Into<String>, unlabelled: Option<&dyn Dataset>) -> Result<Self> {
        let unlabelled = unlabelled.map(|set| Set::of(set, false)).transpose()?;
        Ok(Self { images: Set::of(set, true)?, held_out: 0, transforms: transforms.into(), unlabelled })
    }

    /// The same, but so many of the images were held out from the training.
    #[must_use]
    pub fn with_held_out(self, count: usize) -> Self {
        Self { held_out: count as u64, ..self }
    }

    /// How many of the images were held out from the training.
    #[must_use]
    pub fn held_out(&self) -> u64 {
        self.held_out
    }

    /// Whether it was these images, with their labels and in their order.
    ///
    /// # Errors
    ///
    /// Those of loading the images.
    pub fn is_images_of(&self, set: &dyn Dataset) -> Result<bool> {
        Ok(self.images.count == set.len() as u64 && self.images == Set::of(set, true)?)
    }

    /// Checks that `now`, what training would go on with, is the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Checkpoint`] naming the first thing that is another, and what to do.
    pub fn expect(&self, now: &Self) -> Result<()> {
        let refused = |was: String, like: &str| {
            let message = format!("the GAN was trained {was}: {like}, or train another");
            Err(Error::new(ErrorKind::Checkpoint, message))
        };
        if self.images != now.images {
            let (was, is) = (self.images.count, now.images.count);
            let was = if was == is {
                format!("on {was} other images or labels, or in another order")
            } else {
                format!("on {was} images, not on these {is}")
            };
            return refused(was, "give the images, and the choice of them, as before");
        }
        if self.transforms != now.transforms {
            let was = format!("with the transforms {:?}, not {:?}", self.transforms, now.transforms);
            return refused(was, "give the transforms' options as before");
        }
        match (self.unlabelled, now.unlabelled) {
            (was, is) if was == is => Ok(()),
            (None, Some(_)) => refused("without unlabelled images".into(), "leave them out"),
            (Some(was), None) => {
                refused(format!("with {} unlabelled images beside the others", was.count), "give them again")
            }
            _ => refused("with other unlabelled images".into(), "give those as before"),
        }
    }
}

impl Set {
    fn of(set: &dyn Dataset, labelled: bool) -> Result<Self> {
        let of_image = |index| {
            let image = set.load(index)?;
            let mut fingerprint = Fingerprint::new();
            let label = if labelled { set.label(index) } else { 0 };
            fingerprint.add(&label.to_le_bytes());
            for side in [image.height(), image.width(), image.channels()] {
                fingerprint.add(&(side as u64).to_le_bytes());
            }
            fingerprint.add(image.data());
            Ok(fingerprint.finish())
        };
        let of_images = (0..set.len()).into_par_iter().map(of_image).collect::<Result<Vec<u64>>>()?;
        let mut fingerprint = Fingerprint::new();
        of_images.iter().for_each(|image| fingerprint.add(&image.to_le_bytes()));
        Ok(Self { count: set.len() as u64, fingerprint: fingerprint.finish() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DatasetExt, InMemory, digits};

    #[test]
    fn whatever_differs_is_named() -> Result<()> {
        let set = digits()?.per_class(5, 0)?;
        let images = || (0..set.len()).map(|index| set.load(index)).collect::<Result<Vec<_>>>();
        let labels: Vec<u32> = (0..set.len()).map(|index| set.label(index)).collect();
        let of = |images, labels| InMemory::from_images(images, labels, set.classes().to_vec());
        let (mut swapped, mut mislabelled) = (images()?, labels.clone());
        swapped.swap(0, 49);
        mislabelled.swap(0, 49);
        let (swapped, mislabelled) = (of(swapped, labels.clone())?, of(images()?, mislabelled)?);
        let plain = TrainedOn::new(&set, "none", None)?;
        assert!(plain.is_images_of(&set)? && !plain.is_images_of(&swapped)?);
        assert!(!plain.is_images_of(&digits()?.per_class(4, 0)?)?);
        let with = TrainedOn::new(&set, "none", Some(&set))?;
        plain.expect(&TrainedOn::new(&of(images()?, labels)?, "none", None)?)?;
        for (was, now, words) in [
            (&plain, TrainedOn::new(&digits()?.per_class(4, 0)?, "none", None)?, "on 50 images, not on these 40"),
            (&plain, TrainedOn::new(&swapped, "none", None)?, "50 other images or labels"),
            (&plain, TrainedOn::new(&mislabelled, "none", None)?, "50 other images or labels"),
            (&plain, TrainedOn::new(&set, "flip", None)?, "the transforms \"none\", not \"flip\""),
            (&plain, with.clone(), "without unlabelled images: leave them out"),
            (&with, plain.clone(), "with 50 unlabelled images beside the others: give them again"),
            (&with, TrainedOn::new(&set, "none", Some(&swapped))?, "other unlabelled images"),
        ] {
            let error = was.expect(&now).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Checkpoint);
            assert!(error.message().contains(words), "{error}, expected {words:?}");
        }
        // Their labels say nothing.
        assert_eq!(with, TrainedOn::new(&set, "none", Some(&mislabelled))?);
        Ok(())
    }
}
