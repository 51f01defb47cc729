//! Spaces of features in which real images and samples can be compared.
//!
//! A classifier pulls the images that it was trained on together by class, farther than any it has not seen. So a
//! sample compared with them would look bad for being new, and a copy of one would look good. Therefore the training
//! images are cut into folds, a classifier is trained on all but each fold, and in its space the samples and the
//! held-out images are compared with that fold alone: none of the three has been seen. Distances are never taken
//! between the spaces of two classifiers: a figure is computed in each, and averaged.

use std::sync::Arc;

use super::config::{QualityConfig, check_two_classes};
use super::features::FeatureExtractor;
use super::training;
use crate::classifier::Classifier;
use crate::dataset::{Dataset, DatasetExt};
use crate::error::{Error, ErrorKind, Result};
use crate::rng::{Purpose, SampleKey};

/// An extractor, and the training images that samples are compared with in its space.
#[derive(Clone)]
pub struct View {
    /// What makes the features.
    pub extractor: Arc<dyn FeatureExtractor>,
    /// Indices of training images that the extractor has not been trained on.
    pub reference: Vec<usize>,
}

impl View {
    /// An extractor that was trained on other images, so that it has seen none of `train`.
    #[must_use]
    pub fn whole(extractor: Arc<dyn FeatureExtractor>, train: &dyn Dataset) -> Self {
        Self { extractor, reference: (0..train.len()).collect() }
    }
}

/// A classifier, and the training images that it has not seen.
#[derive(Clone)]
pub struct Fold {
    /// Trained on all training images but those of this fold.
    pub classifier: Arc<Classifier>,
    /// The indices of this fold's images, in order.
    pub reference: Vec<usize>,
}

impl Fold {
    /// The space of what the classifier's last layer decides by.
    #[must_use]
    pub fn view(&self) -> View {
        View { extractor: Arc::clone(&self.classifier) as _, reference: self.reference.clone() }
    }
}

/// Cuts the training images into [`QualityConfig::folds`], with every class in each, and trains for each fold a
/// classifier on the others; `step` is told of every step made, of all classifiers.
///
/// An [evaluation](super::evaluate_in) and a [`Filter`](super::Filter) of the same images can share the classifiers.
///
/// # Errors
///
/// [`ErrorKind::Config`] for a configuration out of range; [`ErrorKind::Dataset`] if there are fewer images than folds,
/// or of only one class; and the errors of the data and of `step`.
pub fn cross_fit(
    train: &Arc<dyn Dataset>,
    config: &QualityConfig,
    mut step: impl FnMut(usize) -> Result<()>,
) -> Result<Vec<Fold>> {
    config.check()?;
    check_two_classes(&**train)?;
    let indices = folds(&**train, config.folds, config.seed);
    let mut folds = Vec::with_capacity(indices.len());
    for (number, reference) in indices.into_iter().enumerate() {
        let mut rest: Vec<usize> = (0..train.len()).collect();
        rest.retain(|index| reference.binary_search(index).is_err());
        if rest.is_empty() || reference.is_empty() {
            return Err(Error::new(
                ErrorKind::Dataset,
                format!("{} training images cannot be cut into {} folds: give more images", train.len(), config.folds),
            ));
        }
        let rest: Arc<dyn Dataset> = Arc::new(Arc::clone(train).subset(rest)?);
        let seed = config.seed.wrapping_add(number as u64);
        let classifier = training::train(&rest, config, seed, |done| step(number * config.steps + done))?;
        folds.push(Fold { classifier: Arc::new(classifier), reference });
    }
    Ok(folds)
}

/// What stands in the key's epoch: splits and choices of images have 0 and 1.
const FOLDS: u64 = 2;

/// The indices of each fold, in order. Each has its share of every class; of classes smaller than the folds are many,
/// different folds go without.
fn folds(set: &dyn Dataset, count: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut classes = vec![Vec::new(); set.classes().len()];
    for index in 0..set.len() {
        classes[set.label(index) as usize].push(index);
    }
    let mut folds = vec![Vec::new(); count];
    let mut next = 0;
    for (label, mut indices) in classes.into_iter().enumerate() {
        SampleKey { seed, epoch: FOLDS, position: label as u64, purpose: Purpose::Split }.rng().shuffle(&mut indices);
        for index in indices {
            folds[next].push(index);
            next = (next + 1) % count;
        }
    }
    folds.iter_mut().for_each(|fold| fold.sort_unstable());
    folds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::InMemory;
    use crate::image::Image;

    #[test]
    fn every_image_is_in_one_fold_and_every_class_in_all() {
        let labels: Vec<u32> = [0; 9].into_iter().chain([1; 3]).chain([2; 1]).chain([3; 8]).collect();
        let images = vec![Image::filled(8, 8, &[0]).unwrap(); labels.len()];
        let set = InMemory::from_images(images, labels.clone(), ["a", "b", "c", "d"]).unwrap();
        let folds = folds(&set, 3, 5);
        let mut all = folds.concat();
        all.sort_unstable();
        assert_eq!(all, (0..21).collect::<Vec<_>>());
        assert!(folds.iter().all(|fold| fold.len() == 7 && fold.is_sorted()));
        for (label, counts) in [(0, [3, 3]), (1, [1, 1]), (3, [2, 3])] {
            for fold in &folds {
                let count = fold.iter().filter(|&&index| labels[index] == label).count();
                assert!((counts[0]..=counts[1]).contains(&count), "{label}: {count}");
            }
        }
    }
}
