//! Makes sources of synthetic samples from images in memory.

use std::sync::Arc;
use std::time::Duration;

use candle_augment::gan::{Budget, GanConfig, InterpolationSource, Supervisor, TrainedOn};
use candle_augment::{DataLoader, Dataset, Normalize, Pipeline, Result};
use candle_core::Device;

use super::classic::ClassicArgs;
use super::common::Common;
use super::size::default_size;
use super::training::{self, AUTOENCODER_PART, Flow};
use super::{autoencoder, exit, interrupt};

/// The most images whose codes are found at a time.
const BATCH: usize = 128;

/// So many of `images` at a time that no single one is left, which an autoencoder does not take.
fn batch_size(images: usize) -> usize {
    (2..=BATCH.min(images)).rev().find(|size| images % size != 1).unwrap_or(BATCH)
}

/// What sources are made with.
#[derive(Clone)]
pub struct Workshop {
    pub config: GanConfig,
    pub transform: Pipeline,
    /// The same in words.
    pub transforms: String,
    pub workers: usize,
}

impl Workshop {
    /// For the images `train`, which are yet to be brought to `size` or, if that is none, to their default size.
    pub fn new(train: &dyn Dataset, size: Option<usize>, classic: &ClassicArgs, common: &Common) -> Result<Self> {
        let channels = train.load(0)?.channels();
        let size = size.unwrap_or_else(|| default_size(train));
        let config = GanConfig::new(size, channels, train.classes()).for_images(train.len());
        let config = GanConfig { seed: common.seed, ..config };
        config.validate()?;
        let light = classic.light(channels);
        Ok(Self { config, transform: light.transform()?, transforms: light.to_string(), workers: common.workers() })
    }

    /// A GAN that is trained for so long.
    pub fn gan(&self, train: &Arc<dyn Dataset>, time: Duration) -> Result<Supervisor> {
        let loader = self.loader(train)?;
        let budget = Budget::Time(time);
        let mut supervisor = training::watch(self.config.clone(), None, &Device::Cpu, &loader, None, budget)?;
        supervisor.set_trained_on(TrainedOn::new(train, self.transforms.clone(), None)?);
        training::train(&mut supervisor, &loader, None, |_, _| {
            Ok(if interrupt::stopped() { Flow::Stop } else { Flow::Continue })
        })?;
        if interrupt::stopped() {
            return Err(exit::interrupted("stopped while a GAN was trained, of which nothing is kept"));
        }
        Ok(supervisor)
    }

    /// Samples between the codes of an autoencoder that is trained for so many steps.
    pub fn interpolation(&self, train: &Arc<dyn Dataset>, steps: u64) -> Result<InterpolationSource> {
        let autoencoder = autoencoder::train(steps, &self.config, &self.loader(train)?, &Device::Cpu)?;
        if interrupt::stopped() {
            return Err(exit::interrupted("stopped while an autoencoder was trained, of which nothing is kept"));
        }
        let codes = DataLoader::builder(Arc::clone(train))
            .batch_size(batch_size(train.len()))
            .shuffle(false)
            .normalize(Normalize::signed())
            .workers(self.workers)
            .build()?;
        autoencoder.interpolation(codes.epoch(0))
    }

    /// How many steps of an autoencoder fit into the part of `gan`, a GAN's time, that it gets.
    pub fn autoencoder_steps(&self, train: &Arc<dyn Dataset>, gan: Duration) -> Result<u64> {
        autoencoder::steps_in(gan.mul_f64(AUTOENCODER_PART), &self.config, &self.loader(train)?, &Device::Cpu)
    }

    fn loader(&self, train: &Arc<dyn Dataset>) -> Result<DataLoader> {
        training::loader(train, self.transform.clone(), self.config.batch_size, self.workers, self.config.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_image_is_left_alone() {
        assert!((2..3000).all(|images| images % batch_size(images) != 1));
        assert_eq!([2, 3, 128, 129, 1437].map(batch_size), [2, 3, 128, 127, 128]);
    }
}
