//! What classifiers of training images and of samples say: GAN-train and GAN-test.

use std::sync::Arc;

use super::bootstrap::Figure;
use super::config::{QualityConfig, QualityData};
use super::measure::{Measure, Metric};
use super::sides::{Side, Sides, first_of_each};
use super::training::{predict, train};
use crate::classifier::Classifier;
use crate::dataset::DatasetExt;
use crate::error::Result;

/// Whether classifiers are right: 1 or 0 for each image.
pub(super) struct Answers {
    /// A classifier of samples on held-out images.
    synthetic_on_real: Vec<f64>,
    /// A classifier of training images on held-out images.
    real_on_real: Vec<f64>,
    /// The same on samples.
    real_on_synthetic: Vec<f64>,
}

impl Answers {
    pub fn train(
        config: &QualityConfig,
        data: &QualityData,
        sides: &Sides,
        mut step: impl FnMut(usize) -> Result<()>,
    ) -> Result<Self> {
        let counts = data.train.class_counts();
        let enough = Arc::clone(&data.synthetic).subset(first_of_each(&*data.synthetic, &counts))?;
        let of_real = train(&data.train, config, config.seed, &mut step)?;
        let of_samples = train(&(Arc::new(enough) as _), config, config.seed, |done| step(config.steps + done))?;
        let right = |classifier: &Classifier, side: &Side| -> Result<Vec<f64>> {
            let predicted = predict(classifier, &side.images, config)?;
            Ok(predicted.iter().zip(&side.labels).map(|(a, b)| f64::from(u8::from(a == b))).collect())
        };
        Ok(Self {
            synthetic_on_real: right(&of_samples, &sides.real)?,
            real_on_real: right(&of_real, &sides.real)?,
            real_on_synthetic: right(&of_real, &sides.samples)?,
        })
    }

    /// Over all classes.
    pub fn measures(&self, sides: &Sides) -> [Measure; 2] {
        let balanced = |right: &[f64], side: &Side| Figure::mean_of(&weighed(right, side, &sides.counts), &side.draws);
        let real = balanced(&self.real_on_real, &sides.real);
        let of_samples = balanced(&self.synthetic_on_real, &sides.real);
        let on_samples = balanced(&self.real_on_synthetic, &sides.samples);
        [Measure::new(Metric::GanTrain, &of_samples, &real), Measure::new(Metric::GanTest, &on_samples, &real)]
    }

    /// [`Metric::GanTest`] of one class that has samples.
    pub fn measure_of_class(&self, label: u32, sides: &Sides) -> Measure {
        let recall = |right: &[f64], side: &Side| {
            let indices = side.of_class(label);
            let right: Vec<f64> = indices.iter().map(|&index| right[index]).collect();
            Figure::mean_of(&right, &side.draws.select(&indices))
        };
        let [on_samples, on_real] =
            [recall(&self.real_on_synthetic, &sides.samples), recall(&self.real_on_real, &sides.real)];
        Measure::new(Metric::GanTest, &on_samples, &on_real)
    }
}

/// Scaled so that the mean over all images is the mean over the classes: draws keep the sizes of the classes.
fn weighed(right: &[f64], side: &Side, counts: &[usize]) -> Vec<f64> {
    let classes = counts.iter().filter(|count| **count > 0).count();
    let weight = |label: u32| right.len() as f64 / (classes * counts[label as usize]) as f64;
    right.iter().zip(&side.labels).map(|(right, label)| right * weight(*label)).collect()
}
