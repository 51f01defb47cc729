//! Looks through samples, by classifiers of the real images.

use std::sync::Arc;

use candle_augment::compare::Training;
use candle_augment::quality::{Filter, FilteredSource, Fold, PoolConfig, QualityConfig, cross_fit};
use candle_augment::{Dataset, Result, SyntheticSource};

use super::progress::{Goal, Progress};
use super::words::count;
use super::{exit, interrupt};

/// Any source, of which only the samples that a filter accepts are given.
pub type Filtered = FilteredSource<Arc<dyn SyntheticSource>>;

/// With classifiers that are trained as others are.
pub fn config(training: &Training) -> QualityConfig {
    QualityConfig {
        steps: training.steps,
        batch_size: training.batch_size,
        seed: training.seed,
        workers: training.workers,
        ..QualityConfig::default()
    }
}

/// An error once Ctrl-C was pressed.
pub fn go_on() -> Result<()> {
    match interrupt::stopped() {
        true => Err(exit::interrupted("stopped while samples were looked through")),
        false => Ok(()),
    }
}

/// Classifiers of all images but a part of them, a part for each. An error of `go_on`, such as [`go_on`]'s, ends the work.
pub fn judges(config: &QualityConfig, train: &Arc<dyn Dataset>, go_on: impl Fn() -> Result<()>) -> Result<Vec<Fold>> {
    let total = (config.folds * config.steps) as u64;
    let mut bar = Progress::new("train judges of samples", "steps", Goal::Count(total));
    let folds = cross_fit(train, config, |done| {
        bar.update(done as u64, String::new);
        go_on()
    })?;
    bar.finish(&count(total, "step", "steps"));
    Ok(folds)
}

/// The samples of `source` that `folds`, classifiers of the images `train`, accept, in pools. An error of `go_on` ends the work.
pub fn filtered(
    config: &QualityConfig,
    train: &Arc<dyn Dataset>,
    folds: &[Fold],
    source: Arc<dyn SyntheticSource>,
    pools: PoolConfig,
    go_on: impl Fn() -> Result<()>,
) -> Result<Filtered> {
    let classes = source.classes().len() as u64;
    let mut bar = Progress::new("filter samples", "classes", Goal::Count(classes));
    let filter = Filter::fit(config, train, folds, &source)?;
    let filtered = FilteredSource::new(source, filter, pools, |done| {
        bar.update(done as u64, String::new);
        go_on()
    })?;
    bar.finish(&count(classes, "class", "classes"));
    Ok(filtered)
}
