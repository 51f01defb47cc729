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
use crate::dataset::{Dataset, DatasetExt, folds, rest};
use crate::error::{Error, ErrorKind, Result};

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
        let rest = rest(&**train, &reference);
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
