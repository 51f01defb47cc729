//! A trained generator as a source of synthetic samples.

use std::path::Path;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::checkpoint::Checkpoint;
use super::config::GanConfig;
use super::generator::{Generator, Pass};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::nn::Params;
use crate::rng::{Purpose, SampleKey};
use crate::synthetic::{SyntheticRequest, SyntheticSource};

/// Samples that go through the network together. The number never changes, because products of another shape may round
/// otherwise: an image must not depend on how many others were asked for.
const CHUNK: usize = 16;

/// Samples whose statistics the batch norms of a finished generator use.
const CALIBRATION: usize = 512;

/// Makes synthetic images with the averaged weights of a trained generator.
///
/// Each image depends on its own request alone, to the bit: the noise comes from the request's key (for
/// [`Purpose::Synthetic`]), and the batch norms use fixed statistics.
#[derive(Debug)]
pub struct GeneratorSource {
    config: GanConfig,
    device: Device,
    generator: Generator,
    step: u64,
}

impl GeneratorSource {
    /// Reads the generator of a checkpoint that [`crate::gan::Trainer::save`] wrote, onto the CPU.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the file cannot be read; [`ErrorKind::Checkpoint`] if it is not such a checkpoint.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let checkpoint = Checkpoint::read(path)?;
        let device = Device::Cpu;
        let (config, step) = (checkpoint.config, checkpoint.step);
        let mut params = Params::new(config.seed, &device);
        let generator = Generator::new(&mut params, &config)?;
        params.load(&checkpoint.tensors, super::checkpoint::AVERAGE).map_err(|error| error.with_path(path))?;
        Ok(Self { config, device, generator, step })
    }

    /// A copy of the averaged generator `average`, whose batch norms have been calibrated.
    pub(super) fn new(config: &GanConfig, average: &Params, step: u64) -> Result<Self> {
        let device = average.device().clone();
        let mut params = Params::new(config.seed, &device);
        let generator = Generator::new(&mut params, config)?;
        params.copy_from(average)?;
        Ok(Self { config: config.clone(), device, generator, step })
    }

    /// The configuration that the generator was trained with.
    #[must_use]
    pub fn config(&self) -> &GanConfig {
        &self.config
    }

    /// The number of steps that it was trained for.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The images of at most [`CHUNK`] requests.
    fn chunk(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        let keys = requests.iter().map(|request| request.key.with_purpose(Purpose::Synthetic));
        let mut noise: Vec<f32> = keys.flat_map(|key| draw_noise(key, self.config.latent)).collect();
        noise.resize(CHUNK * self.config.latent, 0.0);
        let mut labels: Vec<u32> = requests.iter().map(|request| request.label).collect();
        labels.resize(CHUNK, 0);
        let noise = Tensor::from_vec(noise, (CHUNK, self.config.latent), &self.device)?;
        let labels = Tensor::from_vec(labels, CHUNK, &self.device)?;
        let images = self.generator.forward(&noise, &labels, Pass::Evaluate)?;
        let values: Vec<f32> = images.flatten_all()?.to_vec1()?;
        let (size, channels) = (self.config.size, self.config.channels);
        let images = values.chunks_exact(size * size * channels).take(requests.len());
        images.map(|values| Image::new(size, size, channels, values.iter().copied().map(to_byte).collect())).collect()
    }
}

impl SyntheticSource for GeneratorSource {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        let classes = self.config.classes.len();
        if let Some(request) = requests.iter().find(|request| request.label as usize >= classes) {
            return Err(Error::new(
                ErrorKind::Synthetic,
                format!("class {} was asked for, but the generator knows {classes} classes", request.label),
            )
            .with_key(request.key));
        }
        let chunks: Vec<Vec<Image>> = if self.device.is_cpu() {
            requests.par_chunks(CHUNK).map(|chunk| self.chunk(chunk)).collect::<Result<_>>()?
        } else {
            requests.chunks(CHUNK).map(|chunk| self.chunk(chunk)).collect::<Result<_>>()?
        };
        Ok(chunks.into_iter().flatten().collect())
    }

    fn classes(&self) -> &[String] {
        &self.config.classes
    }
}

/// The noise vector that `key` names.
pub(super) fn draw_noise(key: SampleKey, length: usize) -> Vec<f32> {
    let mut rng = key.rng();
    (0..length).map(|_| rng.normal() as f32).collect()
}

/// A value of [−1, 1] as a byte.
fn to_byte(value: f32) -> u8 {
    (value * 127.5 + 127.5).round() as u8
}

/// Sets the statistics of the generator's batch norms to those of a large batch of all classes alike ("standing
/// statistics" in A. Brock et al., "Large Scale GAN Training", 2019).
pub(super) fn calibrate(generator: &Generator, config: &GanConfig, device: &Device) -> Result<()> {
    let classes = config.classes.len();
    let count = CALIBRATION.max(classes.min(4096));
    // No training step has this number.
    let key = SampleKey { seed: config.seed, epoch: u64::MAX, position: 0, purpose: Purpose::Training };
    let noise = Tensor::from_vec(draw_noise(key, count * config.latent), (count, config.latent), device)?;
    let labels: Vec<u32> = (0..count).map(|i| (i % classes) as u32).collect();
    generator.forward(&noise, &Tensor::from_vec(labels, count, device)?, Pass::Calibrate)?;
    Ok(())
}
