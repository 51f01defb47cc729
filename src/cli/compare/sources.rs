//! The generators whose samples are compared: trained on the training images alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_augment::gan::{Autoencoder, Budget, GanConfig, GeneratorSource};
use candle_augment::{DataLoader, Dataset, Error, ErrorKind, Normalize, Pipeline, Result, SyntheticSource, endless};
use candle_core::Device;

use super::super::progress::{Goal, Progress};
use super::super::training::{self, Flow};
use super::super::words::count;
use super::super::{exit, interrupt};
use super::store::{Folder, Stored};

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

/// What generators are trained on.
pub struct Workshop<'a> {
    pub config: GanConfig,
    pub train: &'a Arc<dyn Dataset>,
    pub transform: Pipeline,
    pub workers: usize,
    pub folder: &'a Folder,
}

impl Workshop<'_> {
    /// The GAN that `stored` tells of, or one that is trained for so long and kept.
    pub fn gan(&self, time: Duration, stored: &mut Stored) -> Result<GeneratorSource> {
        let path = self.folder.gan();
        let Some(steps) = stored.gan_steps else {
            let source = self.train_gan(time)?;
            stored.gan_steps = Some(source.step());
            stored.save(self.folder)?;
            return Ok(source);
        };
        let source = GeneratorSource::load(&path)?;
        if source.step() != steps {
            let message = format!(
                "the results so far are of a GAN after {}, but this one has made {}: put it back, or start anew with --force",
                count(steps, "step", "steps"),
                source.step()
            );
            return Err(Error::new(ErrorKind::Checkpoint, message).with_path(&path));
        }
        Ok(source)
    }

    fn train_gan(&self, time: Duration) -> Result<GeneratorSource> {
        let budget = Budget::Time(time);
        let loader = self.loader()?;
        let mut supervisor = training::watch(self.config.clone(), None, &Device::Cpu, &loader, None, budget)?;
        training::train(&mut supervisor, &loader, None, |_, _| {
            Ok(if interrupt::stopped() { Flow::Stop } else { Flow::Continue })
        })?;
        if interrupt::stopped() {
            return Err(exit::interrupted("stopped while the GAN was trained, of which nothing is kept"));
        }
        // It says so where nothing was learnt.
        training::best(&supervisor)?;
        supervisor.save(self.folder.gan())?;
        // Read as it will be when the comparison goes on.
        GeneratorSource::load(self.folder.gan())
    }

    /// Samples between the codes of an autoencoder that is trained for so long, or for as many steps as `stored` tells of: then it is
    /// the same to the bit.
    pub fn interpolation(&self, time: Duration, stored: &mut Stored) -> Result<Arc<dyn SyntheticSource>> {
        let steps = match stored.autoencoder_steps {
            Some(steps) => steps,
            None => self.autoencoder_steps(time)?,
        };
        let mut autoencoder = Autoencoder::new(self.config.clone(), &Device::Cpu)?;
        autoencoder.plan(steps);
        let mut progress = Progress::new("train the autoencoder", "steps", Goal::Count(steps));
        for batch in endless(&self.loader()?).take(steps as usize) {
            let loss = autoencoder.step(&batch?)?;
            progress.update(autoencoder.steps(), || format!("loss {loss:.3}"));
            if interrupt::stopped() {
                return Err(exit::interrupted("stopped while the autoencoder was trained, of which nothing is kept"));
            }
        }
        progress.finish(&count(steps, "step", "steps"));
        stored.autoencoder_steps = Some(steps);
        stored.save(self.folder)?;
        let codes = DataLoader::builder(Arc::clone(self.train))
            .batch_size(batch_size(self.train.len()))
            .shuffle(false)
            .normalize(Normalize::signed())
            .workers(self.workers)
            .build()?;
        Ok(Arc::new(autoencoder.interpolation(codes.epoch(0))?))
    }

    /// How many steps fit into `time`, by the pace of the first few.
    fn autoencoder_steps(&self, time: Duration) -> Result<u64> {
        let mut autoencoder = Autoencoder::new(self.config.clone(), &Device::Cpu)?;
        let mut started = Instant::now();
        for (step, batch) in endless(&self.loader()?).take((WARM_UP + TIMED) as usize).enumerate() {
            if step == WARM_UP as usize {
                started = Instant::now();
            }
            autoencoder.step(&batch?)?;
        }
        let pace = started.elapsed().as_secs_f64() / f64::from(TIMED);
        Ok(((time.as_secs_f64() / pace) as u64).clamp(*AUTOENCODER_STEPS.start(), *AUTOENCODER_STEPS.end()))
    }

    fn loader(&self) -> Result<DataLoader> {
        training::loader(self.train, self.transform.clone(), self.config.batch_size, self.workers, self.config.seed)
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
