//! Training: alternating steps of discriminator and generator.

use std::path::Path;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::checkpoint::{AVERAGE, Checkpoint, DISCRIMINATOR, GENERATOR};
use super::config::GanConfig;
use super::discriminator::Discriminator;
use super::ema::decay;
use super::generator::{Generator, Pass};
use super::source::{GeneratorSource, calibrate, draw_noise};
use crate::error::{Error, Result};
use crate::loader::Batch;
use crate::nn::{Adam, AdamConfig, Params, to_channels_last, update_average};
use crate::rng::{Purpose, SampleKey};

const GENERATOR_ADAM: &str = "generator_adam";
const DISCRIMINATOR_ADAM: &str = "discriminator_adam";

/// The streams of initial weights.
const GENERATOR_STREAM: u64 = 0;
const DISCRIMINATOR_STREAM: u64 = 1;

/// What one step measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// The number of steps made, this one included.
    pub step: u64,
    /// The discriminator's loss before its step.
    pub d_loss: f64,
    /// The generator's loss before its step.
    pub g_loss: f64,
    /// The discriminator's mean logit of the real images.
    pub d_real: f64,
    /// The discriminator's mean logit of the generated images.
    pub d_fake: f64,
    /// The Euclidean norm of the discriminator's gradient.
    pub d_gradient: f64,
    /// The Euclidean norm of the generator's gradient.
    pub g_gradient: f64,
}

/// Trains a conditional GAN, one batch a step.
///
/// Everything random in step t comes from the configuration's seed and t, so that training that was stopped, saved,
/// loaded and given the remaining batches ends with the same weights, to the bit, as training that went through.
pub struct Trainer {
    config: GanConfig,
    device: Device,
    step: u64,
    generator_params: Params,
    generator: Generator,
    generator_adam: Adam,
    discriminator_params: Params,
    discriminator: Discriminator,
    /// The discriminator as the generator sees it.
    judge: Discriminator,
    discriminator_adam: Adam,
    average_params: Params,
    average: Generator,
}

impl Trainer {
    /// A GAN with the initial weights that the configuration's seed names.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if the configuration is out of range.
    pub fn new(config: GanConfig, device: &Device) -> Result<Self> {
        config.validate()?;
        let mut generator_params = Params::with_stream(config.seed, GENERATOR_STREAM, device);
        let generator = Generator::new(&mut generator_params, &config)?;
        let mut average_params = Params::with_stream(config.seed, GENERATOR_STREAM, device);
        let average = Generator::new(&mut average_params, &config)?;
        let mut discriminator_params = Params::with_stream(config.seed, DISCRIMINATOR_STREAM, device);
        let discriminator = Discriminator::new(&mut discriminator_params, &config)?;
        let adam = |rate| AdamConfig {
            learning_rate: rate,
            beta1: config.beta1,
            beta2: config.beta2,
            ..AdamConfig::default()
        };
        Ok(Self {
            generator_adam: Adam::new(&generator_params, adam(config.generator_rate))?,
            discriminator_adam: Adam::new(&discriminator_params, adam(config.discriminator_rate))?,
            judge: discriminator.frozen(),
            step: 0,
            device: device.clone(),
            generator_params,
            generator,
            discriminator_params,
            discriminator,
            average_params,
            average,
            config,
        })
    }

    /// Goes on where [`Trainer::save`] stopped.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Io`] if the file cannot be read; [`crate::ErrorKind::Checkpoint`] if it is not such a
    /// checkpoint, or is damaged.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let Checkpoint { config, step, tensors } = Checkpoint::read(path)?;
        let mut trainer = Self::new(config, device)?;
        trainer.step = step;
        let load = |trainer: &mut Self| {
            trainer.generator_params.load(&tensors, GENERATOR)?;
            trainer.discriminator_params.load(&tensors, DISCRIMINATOR)?;
            trainer.average_params.load(&tensors, AVERAGE)?;
            trainer.generator_adam.load(&tensors, GENERATOR_ADAM, step)?;
            trainer.discriminator_adam.load(&tensors, DISCRIMINATOR_ADAM, step)
        };
        load(&mut trainer).map_err(|error: Error| error.with_path(path))?;
        Ok(trainer)
    }

    /// Writes everything that [`Trainer::load`] and [`GeneratorSource::load`] need, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Io`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.calibrate()?;
        let networks = [
            (GENERATOR, &self.generator_params),
            (DISCRIMINATOR, &self.discriminator_params),
            (AVERAGE, &self.average_params),
        ];
        let mut tensors: Vec<(String, Tensor)> = Vec::new();
        for (prefix, params) in networks {
            let named = params.tensors().map(|(name, var)| (format!("{prefix}{name}"), var.as_detached_tensor()));
            tensors.extend(named);
        }
        tensors.extend(self.generator_adam.tensors(GENERATOR_ADAM));
        tensors.extend(self.discriminator_adam.tensors(DISCRIMINATOR_ADAM));
        Checkpoint::write(path.as_ref(), &self.config, self.step, &tensors)
    }

    /// The averaged generator as it is now; it stays so while training goes on.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] if the device fails.
    pub fn source(&self) -> Result<GeneratorSource> {
        self.calibrate()?;
        GeneratorSource::new(&self.config, &self.average_params, self.step)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &GanConfig {
        &self.config
    }

    /// The number of steps made.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// One step of each network. The batch holds images (N, C, H, W), f32 in [−1, 1], and labels (N), u32, N at least
    /// 2; as many images of the same classes are generated.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for a batch of another kind, or if the training diverges: a loss or a gradient is
    /// no longer finite. Then no weights have changed in this step, except that the discriminator may have made its
    /// step.
    pub fn step(&mut self, batch: &Batch) -> Result<TrainReport> {
        let (images, labels) = self.check(batch)?;
        let count = labels.elem_count();
        let real = to_channels_last(&images)?;
        let noise = self.random(0, &[count, self.config.latent])?;
        let fake = self.generator.forward(&noise, &labels, Pass::Train)?;
        let real_logits = self.discriminator.forward(&self.blur(&real, 1)?, &labels)?;
        let fake_logits = self.discriminator.forward(&self.blur(&fake.detach(), 2)?, &labels)?;
        let d_loss = self.config.loss.discriminator(&real_logits, &fake_logits)?;
        let gradients = d_loss.backward()?;
        let d_loss = self.finite("discriminator's loss", scalar(&d_loss)?)?;
        let d_gradient = self.finite("discriminator's gradient", norm(&self.discriminator_params, &gradients)?)?;
        self.discriminator_adam.step(&gradients)?;

        let logits = self.judge.forward(&self.blur(&fake, 3)?, &labels)?;
        let g_loss = self.config.loss.generator(&logits)?;
        let gradients = g_loss.backward()?;
        let g_loss = self.finite("generator's loss", scalar(&g_loss)?)?;
        let g_gradient = self.finite("generator's gradient", norm(&self.generator_params, &gradients)?)?;
        self.generator_adam.step(&gradients)?;

        self.step += 1;
        update_average(&self.average_params, &self.generator_params, decay(self.step, self.config.average_decay))?;
        Ok(TrainReport {
            step: self.step,
            d_loss,
            g_loss,
            d_real: scalar(&real_logits.mean_all()?)?,
            d_fake: scalar(&fake_logits.mean_all()?)?,
            d_gradient,
            g_gradient,
        })
    }

    /// Images and labels of a batch, on the trainer's device.
    fn check(&self, batch: &Batch) -> Result<(Tensor, Tensor)> {
        let GanConfig { size, channels, classes, .. } = &self.config;
        let (images, labels) = (&batch.images, &batch.labels);
        let count = labels.elem_count();
        let fits = images.dims() == [count, *channels, *size, *size] && images.dtype() == DType::F32 && count >= 2;
        if !fits || labels.dtype() != DType::U32 {
            return Err(Error::config(format!(
                "the GAN takes batches of at least 2 images (N, {channels}, {size}, {size}) of dtype f32 \
                 with labels (N) of dtype u32, \
                 got {:?} of {} with {:?} of {}: resize and normalise the images to [-1, 1]",
                images.dims(),
                images.dtype().as_str(),
                labels.dims(),
                labels.dtype().as_str(),
            )));
        }
        if batch.soft_labels.is_some() {
            return Err(Error::config(
                "the GAN takes images of one class each, this batch is mixed: leave the loader's batch transform out",
            ));
        }
        let known = labels.flatten_all()?.to_vec1::<u32>()?;
        if let Some(label) = known.iter().find(|label| **label as usize >= classes.len()) {
            return Err(Error::config(format!(
                "the GAN knows {} classes, the batch has an image of class {label}",
                classes.len()
            )));
        }
        Ok((images.to_device(&self.device)?, labels.flatten_all()?.to_device(&self.device)?))
    }

    /// Standard normal values that this step draws for its use number `position`.
    fn random(&self, position: u64, shape: &[usize]) -> Result<Tensor> {
        let key = SampleKey { seed: self.config.seed, epoch: self.step, position, purpose: Purpose::Training };
        Ok(Tensor::from_vec(draw_noise(key, shape.iter().product()), shape, &self.device)?)
    }

    /// The images as the discriminator sees them: with the noise of use number `position`.
    fn blur(&self, images: &Tensor, position: u64) -> Result<Tensor> {
        if self.config.noise == 0.0 {
            return Ok(images.clone());
        }
        Ok((images + (self.random(position, images.dims())? * self.config.noise)?)?)
    }

    fn finite(&self, what: &str, value: f64) -> Result<f64> {
        if value.is_finite() {
            return Ok(value);
        }
        Err(Error::config(format!(
            "training diverged: the {what} is {value} at step {}: \
             go back to the last checkpoint and lower the learning rates, \
             and check that the images are in [-1, 1]",
            self.step + 1
        )))
    }

    fn calibrate(&self) -> Result<()> {
        calibrate(&self.average, &self.config, &self.device)
    }
}

fn scalar(value: &Tensor) -> Result<f64> {
    Ok(f64::from(value.to_scalar::<f32>()?))
}

/// The Euclidean norm of the gradients of `params`.
fn norm(params: &Params, gradients: &GradStore) -> Result<f64> {
    let mut sum = 0.0;
    for (_, var) in params.variables() {
        if let Some(gradient) = gradients.get(var) {
            sum += scalar(&gradient.sqr()?.sum_all()?)?;
        }
    }
    Ok(sum.sqrt())
}
