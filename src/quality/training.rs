//! Classifiers that figures are measured by.

use std::sync::Arc;

use candle_core::D;

use super::config::QualityConfig;
use crate::classifier::{Classifier, ClassifierConfig, ClassifierTrainer, endless};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::loader::{DataLoader, DataLoaderBuilder, Epoch};
use crate::plan::Balance;
use crate::transform::Normalize;

/// Images that go through a network at a time.
const CHUNK: usize = 256;

/// Trains a classifier on images whose classes take turns; `step` is told of every step made.
pub(super) fn train(
    set: &Arc<dyn Dataset>,
    config: &QualityConfig,
    seed: u64,
    mut step: impl FnMut(usize) -> Result<()>,
) -> Result<Classifier> {
    let first = set.load(0)?;
    let classifier = ClassifierConfig {
        steps: config.steps,
        seed,
        ..ClassifierConfig::new(first.size(), first.channels(), set.classes().len())
    };
    let loader = loader(Arc::clone(set), config)
        .batch_size(config.batch_size.min(set.len()))
        .balance(Balance::Uniform)
        .drop_last(true)
        .seed(seed)
        .build()?;
    let mut trainer = ClassifierTrainer::new(classifier, &config.device)?;
    for (done, batch) in endless(&loader).take(config.steps).enumerate() {
        trainer.step(&batch?)?;
        step(done + 1)?;
    }
    Ok(trainer.finish())
}

/// The class that the classifier takes each image for.
pub(super) fn predict(classifier: &Classifier, set: &Arc<dyn Dataset>, config: &QualityConfig) -> Result<Vec<u32>> {
    let mut predicted = Vec::with_capacity(set.len());
    for batch in in_order(set, config)? {
        predicted.append(&mut classifier.probabilities(&batch?.images)?.argmax(D::Minus1)?.to_vec1()?);
    }
    Ok(predicted)
}

/// All images once, in order.
pub(super) fn in_order(set: &Arc<dyn Dataset>, config: &QualityConfig) -> Result<Epoch> {
    Ok(loader(Arc::clone(set), config).batch_size(CHUNK).shuffle(false).build()?.epoch(0))
}

fn loader(set: Arc<dyn Dataset>, config: &QualityConfig) -> DataLoaderBuilder {
    DataLoader::builder(set).normalize(Normalize::signed()).workers(config.workers).device(config.device.clone())
}
