//! Makes sources of synthetic samples from images in memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_augment::gan::{Autoencoder, Budget, GanConfig, InterpolationSource, Supervisor};
use candle_augment::{DataLoader, Dataset, Normalize, Pipeline, Result, endless};
use candle_core::Device;

use super::progress::{Goal, Progress};
use super::training::{self, Flow};
use super::words::count;
use super::{exit, interrupt};

/// How long an autoencoder is trained, as a part of what a GAN gets.
pub const AUTOENCODER_PART: f64 = 0.25;

/// Steps of an autoencoder that time is taken of, after some to warm up.
const TIMED: u32 = 4;
const WARM_UP: u32 = 2;
/// What any autoencoder needs, and beyond which none gains.
const AUTOENCODER_STEPS: std::ops::RangeInclusive<u64> = 10..=4000;
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
    pub workers: usize,
}

impl Workshop {
    /// A GAN that is trained for so long.
    pub fn gan(&self, train: &Arc<dyn Dataset>, time: Duration) -> Result<Supervisor> {
        let loader = self.loader(train)?;
        let budget = Budget::Time(time);
        let mut supervisor = training::watch(self.config.clone(), None, &Device::Cpu, &loader, None, budget)?;
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
        let mut autoencoder = Autoencoder::new(self.config.clone(), &Device::Cpu)?;
        autoencoder.plan(steps);
        let mut progress = Progress::new("train the autoencoder", "steps", Goal::Count(steps));
        for batch in endless(&self.loader(train)?).take(steps as usize) {
            let loss = autoencoder.step(&batch?)?;
            progress.update(autoencoder.steps(), || format!("loss {loss:.3}"));
            if interrupt::stopped() {
                return Err(exit::interrupted("stopped while an autoencoder was trained, of which nothing is kept"));
            }
        }
        progress.finish(&count(steps, "step", "steps"));
        let codes = DataLoader::builder(Arc::clone(train))
            .batch_size(batch_size(train.len()))
            .shuffle(false)
            .normalize(Normalize::signed())
            .workers(self.workers)
            .build()?;
        autoencoder.interpolation(codes.epoch(0))
    }

    /// How many steps of an autoencoder fit into the part of `gan`, a GAN's time, that it gets, by the pace of the first
    /// few.
    pub fn autoencoder_steps(&self, train: &Arc<dyn Dataset>, gan: Duration) -> Result<u64> {
        let mut autoencoder = Autoencoder::new(self.config.clone(), &Device::Cpu)?;
        let mut started = Instant::now();
        for (step, batch) in endless(&self.loader(train)?).take((WARM_UP + TIMED) as usize).enumerate() {
            if step == WARM_UP as usize {
                started = Instant::now();
            }
            autoencoder.step(&batch?)?;
        }
        let pace = started.elapsed().as_secs_f64() / f64::from(TIMED);
        let time = AUTOENCODER_PART * gan.as_secs_f64();
        Ok(((time / pace) as u64).clamp(*AUTOENCODER_STEPS.start(), *AUTOENCODER_STEPS.end()))
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
