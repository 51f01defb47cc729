//! A trained generator as a source of synthetic samples.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::checkpoint::{AVERAGE, BEST, Checkpoint};
use super::config::GanConfig;
use super::generator::{Generator, Pass};
use super::noise::draw_within;
use super::trained_on::TrainedOn;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::nn::Params;
use crate::rng::{Purpose, SampleKey};
use crate::synthetic::{SyntheticRequest, SyntheticSource};

/// The most samples that go through the network together: what each layer makes for the next then stays in the cache, which gains
/// more than larger products would.
const CHUNK: usize = 8;
/// The fewest: a product with a single row may round otherwise than one with more, and an image must not depend on how
/// many others were asked for.
const FEWEST: usize = 2;

/// The most on other devices, which have many more units to keep busy.
const DEVICE_CHUNK: usize = 256;

/// The images of `requests`, of which `draw` makes as many at once as suits the device: on the CPU about as many in every chunk.
pub(super) fn in_chunks(
    requests: &[SyntheticRequest],
    device: &Device,
    draw: impl Fn(&[SyntheticRequest]) -> Result<Vec<Image>> + Send + Sync,
) -> Result<Vec<Image>> {
    let count = requests.len();
    let chunks: Vec<Vec<Image>> = if device.is_cpu() {
        let chunk = count.div_ceil(count.div_ceil(CHUNK).max(1)).max(1);
        requests.par_chunks(chunk).map(draw).collect::<Result<_>>()?
    } else {
        requests.chunks(DEVICE_CHUNK).map(draw).collect::<Result<_>>()?
    };
    Ok(chunks.into_iter().flatten().collect())
}

/// Samples whose statistics the batch norms of a finished generator use.
const CALIBRATION: usize = 512;
/// The most of them that go through the network together, which keeps what each layer made.
const CALIBRATION_BATCH: usize = 64;

/// Makes synthetic images with the averaged weights of a trained generator.
///
/// Each image depends on its own request alone, on the CPU to the bit: the noise comes from the request's key (for
/// [`Purpose::Synthetic`]), and the batch norms use fixed statistics.
#[derive(Debug)]
pub struct GeneratorSource {
    config: GanConfig,
    device: Device,
    generator: Generator,
    step: u64,
    learnt: Option<bool>,
    trained_on: Option<TrainedOn>,
    truncation: Option<f64>,
}

impl GeneratorSource {
    /// Reads the generator of a checkpoint that [`crate::gan::Trainer::save`] wrote, onto the CPU.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the file cannot be read; [`ErrorKind::Checkpoint`] if it is not such a checkpoint.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_on(path, &Device::Cpu)
    }

    /// The same, onto any device.
    ///
    /// # Errors
    ///
    /// As [`GeneratorSource::load`]; [`ErrorKind::Tensor`] if the device fails.
    pub fn load_on(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let (path, device) = (path.as_ref(), device.clone());
        let checkpoint = Checkpoint::read(path)?;
        let config = checkpoint.config;
        // A supervised training's best generator, not its last, once one was any good.
        let (prefix, step) = match &checkpoint.supervised {
            Some(supervised) if supervised.watch.has_best() => (format!("{BEST}{AVERAGE}"), supervised.best.step),
            _ => (AVERAGE.to_owned(), checkpoint.state.step),
        };
        let source = Self::of(&config, &device, step, |params| params.load(&checkpoint.tensors, &prefix));
        let source = source.map_err(|error| error.with_path(path))?;
        let learnt = checkpoint.supervised.map(|supervised| supervised.watch.has_best());
        Ok(Self { learnt, trained_on: checkpoint.trained_on, ..source })
    }

    /// A copy of the averaged generator `average`, whose batch norms have been calibrated.
    pub(super) fn new(config: &GanConfig, average: &Params, step: u64) -> Result<Self> {
        Self::of(config, average.device(), step, |params| params.copy_from(average))
    }

    /// The best generator of a training under watch, whose averaged weights are among `tensors` as they were when it was
    /// examined, so its batch norms have been calibrated.
    pub(super) fn best(
        config: &GanConfig,
        device: &Device,
        step: u64,
        tensors: &HashMap<String, Tensor>,
    ) -> Result<Self> {
        let source = Self::of(config, device, step, |params| params.load(tensors, AVERAGE))?;
        Ok(Self { learnt: Some(true), ..source })
    }

    /// With the weights and statistics that `fill` gives.
    fn of(config: &GanConfig, device: &Device, step: u64, fill: impl FnOnce(&Params) -> Result<()>) -> Result<Self> {
        let mut params = Params::blank(device);
        let mut generator = Generator::new(&mut params, config)?;
        fill(&params)?;
        generator.prepare()?;
        let (config, device) = (config.clone(), device.clone());
        Ok(Self { config, device, generator, step, learnt: None, trained_on: None, truncation: None })
    }

    /// The same source, its noise kept within ±`truncation` by drawing again what is beyond: the lower, the more alike and
    /// the more typical the samples (A. Brock et al., "Large Scale GAN Training for High Fidelity Natural Image
    /// Synthesis", 2019, section 3.1). Without, nothing is drawn again. The batch norms take the statistics of such noise.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is below 0.01, where nearly every draw would be drawn again; [`ErrorKind::Tensor`] if the
    /// device fails.
    pub fn with_truncation(self, truncation: f64) -> Result<Self> {
        if truncation.is_nan() || truncation < 0.01 {
            return Err(Error::config(format!("the truncation must be at least 0.01, such as 1.5, got {truncation}")));
        }
        calibrate(&self.generator, &self.config, &self.device, Some(truncation))?;
        Ok(Self { truncation: Some(truncation), ..self })
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

    /// Whether a [`Supervisor`](super::Supervisor) found samples of this training any good; none if none watched. If it
    /// found none, these are the last weights, and their samples hardly are what they are made for.
    #[must_use]
    pub fn has_learnt(&self) -> Option<bool> {
        self.learnt
    }

    /// What it was trained on, if the file that it was read from says so.
    #[must_use]
    pub fn trained_on(&self) -> Option<&TrainedOn> {
        self.trained_on.as_ref()
    }

    /// The images of some requests.
    fn chunk(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        let keys = requests.iter().map(|request| request.key.with_purpose(Purpose::Synthetic));
        let draw = |key| draw_within(key, self.config.latent, self.truncation);
        render(&self.generator, &self.config, &self.device, keys.flat_map(draw).collect(), requests)
    }
}

/// The images of some requests, whose noise vectors are those of `noise` one after the other.
pub(super) fn render(
    generator: &Generator,
    config: &GanConfig,
    device: &Device,
    mut noise: Vec<f32>,
    requests: &[SyntheticRequest],
) -> Result<Vec<Image>> {
    let GanConfig { size, channels, latent, .. } = *config;
    let count = requests.len().max(FEWEST);
    noise.resize(count * latent, 0.0);
    let mut labels: Vec<u32> = requests.iter().map(|request| request.label).collect();
    labels.resize(count, 0);
    let noise = Tensor::from_vec(noise, (count, latent), device)?;
    let labels = Tensor::from_vec(labels, count, device)?;
    let images = generator.forward(&noise, &labels, 1.0, Pass::Evaluate)?;
    let values: Vec<f32> = images.flatten_all()?.to_vec1()?;
    let images = values.chunks_exact(size * size * channels).take(requests.len());
    images.map(|values| Image::new(size, size, channels, values.iter().copied().map(to_byte).collect())).collect()
}

/// Refuses a request for a class that is none of `classes`.
pub(super) fn check_requests(requests: &[SyntheticRequest], classes: usize) -> Result<()> {
    match requests.iter().find(|request| request.label as usize >= classes) {
        Some(request) => Err(Error::new(
            ErrorKind::Synthetic,
            format!("class {} was asked for, but the generator knows {classes} classes", request.label),
        )
        .with_key(request.key)),
        None => Ok(()),
    }
}

impl SyntheticSource for GeneratorSource {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        check_requests(requests, self.config.classes.len())?;
        in_chunks(requests, &self.device, |requests| self.chunk(requests))
    }

    fn classes(&self) -> &[String] {
        &self.config.classes
    }
}

/// A value of [−1, 1] as a byte.
fn to_byte(value: f32) -> u8 {
    // A half more and cut off: that rounds what is not negative, and vectors can do it, unlike `round`.
    (value * 127.5 + 128.0) as u8
}

/// Sets the statistics of the generator's batch norms to the mean of those of batches of all classes alike ("standing
/// statistics" in A. Brock et al., "Large Scale GAN Training", 2019), of noise within ±`truncation`.
pub(super) fn calibrate(
    generator: &Generator,
    config: &GanConfig,
    device: &Device,
    truncation: Option<f64>,
) -> Result<()> {
    let classes = config.classes.len();
    let count = CALIBRATION.max(classes.min(4096));
    // No training step has this number.
    let key = SampleKey { seed: config.seed, epoch: u64::MAX, position: 0, purpose: Purpose::Training };
    let labels: Vec<u32> = (0..count).map(|i| (i % classes) as u32).collect();
    calibrate_by(generator, config, device, &draw_within(key, count * config.latent, truncation), &labels)
}

/// Sets the statistics of the generator's batch norms to the mean of those of batches of these noise vectors, one after the
/// other in `noise`, and labels.
pub(super) fn calibrate_by(
    generator: &Generator,
    config: &GanConfig,
    device: &Device,
    noise: &[f32],
    labels: &[u32],
) -> Result<()> {
    // Equal ones, so that the mean over the batches is that over the samples.
    let batch = labels.len().div_ceil(labels.len().div_ceil(CALIBRATION_BATCH));
    for (index, (labels, noise)) in labels.chunks(batch).zip(noise.chunks(batch * config.latent)).enumerate() {
        let noise = Tensor::from_slice(noise, (labels.len(), config.latent), device)?;
        let labels = Tensor::new(labels, device)?;
        generator.forward(&noise, &labels, 1.0, Pass::Calibrate(1.0 / (index + 1) as f64))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gan::Architecture;
    use crate::nn::by_stock;

    fn key(position: u64) -> SampleKey {
        SampleKey { seed: 0, epoch: 0, position, purpose: Purpose::Synthetic }
    }

    #[test]
    fn values_become_the_nearest_bytes() {
        let values = [-1.0, -0.997, -0.995, 0.0, 0.003, 0.005, 0.999, 1.0, f32::NAN];
        assert_eq!(values.map(to_byte), [0, 0, 1, 128, 128, 128, 255, 255, 0]);
    }

    #[test]
    fn what_is_made_once_gives_the_same_samples() -> Result<()> {
        prepared_samples_are_the_same()?;
        by_stock(prepared_samples_are_the_same)
    }

    fn prepared_samples_are_the_same() -> Result<()> {
        let noise = Tensor::from_vec(draw_within(key(0), 8 * 8, None), (8, 8), &Device::Cpu)?;
        let labels = Tensor::from_vec((0..8).map(|i| i % 2).collect::<Vec<u32>>(), 8, &Device::Cpu)?;
        for architecture in [Architecture::Upsampled, Architecture::Transposed, Architecture::Residual] {
            let config =
                GanConfig { architecture, latent: 8, generator_width: 64, ..GanConfig::new(16, 3, ["a", "b"]) };
            let mut generator = Generator::new(&mut Params::new(3, &Device::Cpu), &config)?;
            let samples = |generator: &Generator| -> Result<Vec<f32>> {
                Ok(generator.forward(&noise, &labels, 1.0, Pass::Evaluate)?.flatten_all()?.to_vec1()?)
            };
            let before = samples(&generator)?;
            generator.prepare()?;
            assert!(samples(&generator)? == before, "{architecture:?}");
        }
        Ok(())
    }

    #[test]
    fn truncated_samples_are_normalised_by_statistics_of_their_own() -> Result<()> {
        let small = GanConfig { latent: 8, embedding: 4, generator_width: 8, ..GanConfig::new(8, 1, ["a", "b"]) };
        let mut average = Params::new(3, &Device::Cpu);
        Generator::new(&mut average, &small)?;
        let noise: Vec<f32> = (0..200).flat_map(|i| draw_within(key(i), 8, Some(0.2))).collect();
        let noise = Tensor::from_vec(noise, (200, 8), &Device::Cpu)?;
        let labels = Tensor::from_vec((0..200).map(|i| i % 2).collect::<Vec<u32>>(), 200, &Device::Cpu)?;
        // How far images by fixed statistics are from those by the batch's own.
        let apart = |source: &GeneratorSource| -> Result<f32> {
            let fixed = source.generator.forward(&noise, &labels, 1.0, Pass::Evaluate)?;
            let own = source.generator.forward(&noise, &labels, 1.0, Pass::Calibrate(1.0))?;
            Ok((fixed - own)?.abs()?.mean_all()?.to_scalar()?)
        };
        let source = || GeneratorSource::new(&small, &average, 0);
        let wide = source()?;
        calibrate(&wide.generator, &small, &Device::Cpu, None)?;
        let (wide, narrow) = (apart(&wide)?, apart(&source()?.with_truncation(0.2)?)?);
        assert!(narrow < 0.2 * wide, "{narrow}, by the statistics of wide noise {wide}");
        Ok(())
    }
}
