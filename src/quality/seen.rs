//! What one classifier makes of images.

use std::sync::Arc;

use candle_core::DType;

use super::config::QualityConfig;
use super::features::Features;
use super::training::in_order;
use crate::classifier::Classifier;
use crate::dataset::Dataset;
use crate::error::Result;

/// The features of labelled images, and the probability that the classifier gives to the class of each.
pub(super) struct Seen {
    pub features: Features,
    pub probabilities: Vec<f64>,
}

impl Seen {
    pub fn new(classifier: &Classifier, set: &Arc<dyn Dataset>, config: &QualityConfig) -> Result<Self> {
        let (mut values, mut labels, mut own) = (Vec::new(), Vec::new(), Vec::new());
        let mut dimensions = 1;
        for batch in in_order(set, config)? {
            let batch = batch?;
            let (features, probabilities) = classifier.features(&batch.images)?;
            dimensions = features.dim(1)?;
            values.append(&mut features.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?);
            let batch_labels: Vec<u32> = batch.labels.to_vec1()?;
            let rows: Vec<Vec<f32>> = probabilities.to_vec2()?;
            own.extend(rows.iter().zip(&batch_labels).map(|(row, label)| f64::from(row[*label as usize])));
            labels.extend(batch_labels);
        }
        Ok(Self { features: Features::new(values, dimensions, labels)?, probabilities: own })
    }
}
