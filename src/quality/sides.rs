//! The two sides that are compared with the training images: samples, and held-out images.

use std::sync::Arc;

use super::bootstrap::Draws;
use super::config::{QualityConfig, QualityData};
use crate::dataset::{Dataset, DatasetExt};
use crate::error::{Error, ErrorKind, Result};

/// One of two things that are compared with the training images: samples, or held-out images.
pub(super) struct Side {
    pub images: Arc<dyn Dataset>,
    pub labels: Vec<u32>,
    /// Bootstrap draws.
    pub draws: Draws,
    /// Its indices in the set that it was taken from.
    pub indices: Vec<usize>,
}

impl Side {
    fn new(set: &Arc<dyn Dataset>, counts: &[usize], config: &QualityConfig, stream: u64) -> Result<Self> {
        let indices = first_of_each(&**set, counts);
        let images: Arc<dyn Dataset> = Arc::new(Arc::clone(set).subset(indices.clone())?);
        let labels: Vec<u32> = (0..images.len()).map(|index| images.label(index)).collect();
        let draws = Draws::bootstrap(&labels, config.resamples, config.seed, stream);
        Ok(Self { images, labels, draws, indices })
    }

    pub fn of_class(&self, label: u32) -> Vec<usize> {
        (0..self.labels.len()).filter(|&index| self.labels[index] == label).collect()
    }
}

/// The samples and the held-out images, as many of each class of both.
pub(super) struct Sides {
    pub samples: Side,
    pub real: Side,
    /// How many of each class.
    pub counts: Vec<usize>,
}

impl Sides {
    pub fn new(config: &QualityConfig, data: &QualityData) -> Result<Self> {
        let (held_out, synthetic) = (data.held_out.class_counts(), data.synthetic.class_counts());
        let counts: Vec<usize> = held_out.into_iter().zip(synthetic).map(|(a, b)| a.min(b)).collect();
        let total: usize = counts.iter().sum();
        if total <= config.neighbours {
            return Err(too_few("held-out images with samples beside them", total, config.neighbours));
        }
        Ok(Self {
            samples: Side::new(&data.synthetic, &counts, config, 0)?,
            real: Side::new(&data.held_out, &counts, config, 1)?,
            counts,
        })
    }

    pub fn each(&self) -> [&Side; 2] {
        [&self.samples, &self.real]
    }
}

pub(super) fn too_few(what: &str, count: usize, neighbours: usize) -> Error {
    Error::new(
        ErrorKind::Dataset,
        format!(
            "{count} {what}: neighbourhoods that reach to neighbour {neighbours} need {} at least; give more images",
            neighbours + 1
        ),
    )
}

/// The indices of the first `counts[c]` images of each class c, class after class.
pub(super) fn first_of_each(set: &dyn Dataset, counts: &[usize]) -> Vec<usize> {
    let mut chosen = vec![Vec::new(); counts.len()];
    for index in 0..set.len() {
        let label = set.label(index) as usize;
        if chosen[label].len() < counts[label] {
            chosen[label].push(index);
        }
    }
    chosen.concat()
}
