//! Training: alternating steps of discriminator and generator.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::augment::{Draws, adapt};
use super::autoencoder::Autoencoder;
use super::checkpoint::{AVERAGE, BEST, Checkpoint, DISCRIMINATOR, GENERATOR, Supervised};
use super::config::GanConfig;
use super::discriminator::Discriminator;
use super::diversity::diversity_penalty;
use super::ema::decay;
use super::generator::{Generator, Pass};
use super::noise::draw_noise;
use super::regularizer::{PROBE, consistency_penalty, gradient_penalty};
use super::schedule;
use super::source::{GeneratorSource, calibrate};
use super::state::State;
use crate::error::{Error, Result};
use crate::loader::Batch;
use crate::nn::{Adam, AdamConfig, Params, add_noise, gradient_norm, to_channels_last, update_average};
use crate::rng::{Purpose, SampleKey};

const GENERATOR_ADAM: &str = "generator_adam";
const DISCRIMINATOR_ADAM: &str = "discriminator_adam";

/// The streams of initial weights.
pub(super) const GENERATOR_STREAM: u64 = 0;
const DISCRIMINATOR_STREAM: u64 = 1;

/// What a step draws random numbers for; each has a stream of its own.
#[derive(Clone, Copy)]
enum Use {
    /// The generator's noise.
    Latent,
    /// What the discriminator sees of real and of generated images in its own step.
    Real,
    Fake,
    /// And in the generator's.
    RealBeside,
    FakeJudged,
    /// The other draw of the augmentation that a consistent discriminator answers alike.
    RealAgain,
    FakeAgain,
    /// The differences that stand for gradients.
    ProbeReal,
    ProbeFake,
}

/// What one step measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// The number of steps made, this one included.
    pub step: u64,
    /// The discriminator's loss before its step, without penalties.
    pub d_loss: f64,
    /// The sum of the penalties of [`GanConfig::regularizers`].
    pub d_penalty: f64,
    /// The generator's loss before its step; where it made none, the one before.
    pub g_loss: f64,
    /// The discriminator's mean logit of the real images.
    pub d_real: f64,
    /// The discriminator's mean logit of the generated images.
    pub d_fake: f64,
    /// The share of the images, real and generated, that the discriminator took for what they are; with
    /// [`Loss::Relativistic`](super::Loss::Relativistic) the share of the pairs.
    pub d_accuracy: f64,
    /// The Euclidean norm of the discriminator's gradient.
    pub d_gradient: f64,
    /// The Euclidean norm of the generator's gradient; where it made no step, that of the one before.
    pub g_gradient: f64,
    /// The probability of each operation of [`GanConfig::augmentation`].
    pub augmentation: f64,
}

/// Why a step was given up.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// Image `index` of the batch has a value that is not finite.
    Image { index: usize },
    /// A loss or a gradient is not finite.
    Diverged { what: &'static str, value: f64 },
}

/// Trains a conditional GAN, one batch a step.
///
/// Everything random in step t comes from the configuration's seed and t, so that training that was stopped, saved,
/// loaded and given the remaining batches ends with the same weights, to the bit, as training that went through.
pub struct Trainer {
    config: GanConfig,
    device: Device,
    state: State,
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

/// What the discriminator's step measured.
struct DiscriminatorStep {
    loss: f64,
    penalty: f64,
    gradient: f64,
    real: Vec<f32>,
    fake: Vec<f32>,
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
            state: State::new(config.augmentation.probability),
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
        let Checkpoint { config, state, tensors, .. } = Checkpoint::read(path)?;
        let mut trainer = Self::new(config, device)?;
        trainer.restore(state, &tensors).map_err(|error: Error| error.with_path(path))?;
        Ok(trainer)
    }

    /// Writes everything that [`Trainer::load`] and [`GeneratorSource::load`] need, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Io`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with(path.as_ref(), None)
    }

    /// The same with what a supervisor adds, and the tensors of the best step.
    pub(super) fn save_with(
        &self,
        path: &Path,
        supervised: Option<(Supervised, &HashMap<String, Tensor>)>,
    ) -> Result<()> {
        self.calibrate()?;
        let mut tensors = self.tensors();
        let supervised = supervised.map(|(supervised, best)| {
            // In the order of the others, which is always the same.
            let named = tensors.iter().filter_map(|(name, _)| Some((format!("{BEST}{name}"), best.get(name)?.clone())));
            let named: Vec<_> = named.collect();
            tensors.extend(named);
            supervised
        });
        Checkpoint::write(path, &self.config, &self.state, supervised.as_ref(), &tensors)
    }

    /// Weights, statistics and moments with their names, sharing their memory.
    pub(super) fn tensors(&self) -> Vec<(String, Tensor)> {
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
        tensors
    }

    /// Takes what [`Trainer::tensors`] and [`Trainer::state`] gave.
    pub(super) fn restore(&mut self, state: State, tensors: &HashMap<String, Tensor>) -> Result<()> {
        self.generator_params.load(tensors, GENERATOR)?;
        self.discriminator_params.load(tensors, DISCRIMINATOR)?;
        self.average_params.load(tensors, AVERAGE)?;
        self.generator_adam.load(tensors, GENERATOR_ADAM, state.generator_steps)?;
        self.discriminator_adam.load(tensors, DISCRIMINATOR_ADAM, state.discriminator_steps)?;
        self.state = state;
        Ok(())
    }

    /// The state beside the tensors.
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// The state beside the tensors, to change.
    pub(super) fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// The device that it trains on.
    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// What the discriminator answers to images (N, C, H, W) under labels (N), without augmentation and noise.
    pub(super) fn judge(&self, images: &Tensor, labels: &Tensor) -> Result<Vec<f32>> {
        let images = to_channels_last(&images.to_device(&self.device)?)?;
        let labels = labels.to_device(&self.device)?;
        Ok(self.judge.forward(&images, &labels, self.strength())?.to_vec1()?)
    }

    /// Gives the generator, and its average, the weights of an autoencoder's decoder, which was made by the same
    /// configuration. Before the first step.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if steps have been made, or the configuration is another.
    pub fn start_from(&mut self, autoencoder: &Autoencoder) -> Result<()> {
        if self.state.step > 0 || *autoencoder.config() != self.config {
            return Err(Error::config(
                "an autoencoder gives a start to a GAN of its own configuration that has made no step: make it anew",
            ));
        }
        self.generator_params.copy_from(autoencoder.decoder())?;
        self.average_params.copy_from(autoencoder.decoder())
    }

    /// Says how many steps there will be in all: the rates fall, the class gains weight and the augmentation adapts at a
    /// pace that follows from it. A later call changes it; training may go on beyond it.
    pub fn plan(&mut self, steps: u64) {
        self.state.planned = Some(steps);
    }

    /// The number of steps that training is planned for, if it is.
    #[must_use]
    pub fn planned(&self) -> Option<u64> {
        self.state.planned
    }

    /// The averaged generator as it is now; it stays so while training goes on.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] if the device fails.
    pub fn source(&self) -> Result<GeneratorSource> {
        self.calibrate()?;
        GeneratorSource::new(&self.config, &self.average_params, self.state.step)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &GanConfig {
        &self.config
    }

    /// The number of steps made.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state.step
    }

    /// One step of the discriminator, and of the generator after every [`GanConfig::discriminator_steps`] of them. The batch
    /// holds images (N, C, H, W), f32 in [−1, 1], and labels (N), u32, N at least 2; as many images of the same classes
    /// are generated.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for a batch of another kind, or if an image, a loss or a gradient is not finite. Then
    /// no weights have changed in this step, except that the discriminator may have made its step; it counts as a step.
    pub fn step(&mut self, batch: &Batch) -> Result<TrainReport> {
        let step = self.state.step + 1;
        self.try_step(batch)?.map_err(|fault| match fault {
            Fault::Image { index } => Error::config(format!(
                "image {index} of the batch of step {step} has a value that is NaN or infinite: mend or leave it out"
            )),
            Fault::Diverged { what, value } => Error::config(format!(
                "training diverged: the {what} is {value} at step {step}: \
                 go back to the last checkpoint and lower the learning rates, \
                 and check that the images are in [-1, 1]"
            )),
        })
    }

    /// The same, telling a batch that does not fit from a step that had to be given up, which counts as one nevertheless.
    pub(super) fn try_step(&mut self, batch: &Batch) -> Result<Result<TrainReport, Fault>> {
        let (images, labels) = self.check(batch)?;
        // A step is hundreds of small parallel loops; begun outside the pool, each would have to wake it.
        let report = rayon::scope(|_| self.attempt(&images, &labels))?;
        if report.is_err() {
            self.state.step += 1;
        }
        Ok(report)
    }

    fn attempt(&mut self, images: &Tensor, labels: &Tensor) -> Result<Result<TrainReport, Fault>> {
        let real = to_channels_last(images)?;
        if let Some(index) = first_not_finite(&real)? {
            return Ok(Err(Fault::Image { index }));
        }
        self.set_rates();
        let noise = self.normal(Use::Latent, &[labels.elem_count(), self.config.latent])?;
        let fake = self.generator.forward(&noise, labels, self.strength(), Pass::Train)?;
        let d = match self.discriminator_step(&real, &fake.detach(), labels)? {
            Ok(d) => d,
            Err(fault) => return Ok(Err(fault)),
        };
        let is_due = (self.state.step + 1).is_multiple_of(self.config.discriminator_steps);
        if is_due && let Err(fault) = self.generator_step(&real, &fake, labels)? {
            return Ok(Err(fault));
        }
        Ok(Ok(self.finish_step(&d)))
    }

    fn discriminator_step(
        &mut self,
        real: &Tensor,
        fake: &Tensor,
        labels: &Tensor,
    ) -> Result<Result<DiscriminatorStep, Fault>> {
        let strength = self.strength();
        self.discriminator.iterate()?;
        let real_logits = self.discriminator.forward(&self.see(real, Use::Real)?, labels, strength)?;
        let fake_logits = self.discriminator.forward(&self.see(fake, Use::Fake)?, labels, strength)?;
        let loss = self.config.loss.discriminator(&real_logits, &fake_logits)?;
        let penalty = self.penalty((real, &real_logits), (fake, &fake_logits), labels)?;
        let total = penalty.as_ref().map_or_else(|| Ok(loss.clone()), |penalty| &loss + penalty)?;
        let gradients = total.backward()?;
        let gradient = gradient_norm(&self.discriminator_params, &gradients)?;
        let (value, total) = (scalar(&loss)?, scalar(&total)?);
        if let Err(fault) = finite("discriminator's loss", total).and(finite("discriminator's gradient", gradient)) {
            return Ok(Err(fault));
        }
        self.discriminator_adam.step(&gradients)?;
        self.state.discriminator_steps += 1;
        let (real, fake) = (real_logits.to_vec1()?, fake_logits.to_vec1()?);
        Ok(Ok(DiscriminatorStep { loss: value, penalty: total - value, gradient, real, fake }))
    }

    /// The penalties of this step, or none. `real` and `fake` are images and their logits as [`Trainer::see`] shows them.
    fn penalty(
        &self,
        (real, real_logits): (&Tensor, &Tensor),
        (fake, fake_logits): (&Tensor, &Tensor),
        labels: &Tensor,
    ) -> Result<Option<Tensor>> {
        let weights = &self.config.regularizers;
        let logits = |images: &Tensor, r#use| -> Result<Tensor> {
            self.discriminator.forward(&self.see(images, r#use)?, labels, self.strength())
        };
        let mut penalties = Vec::new();
        if self.state.step.is_multiple_of(weights.interval) {
            let factor = weights.interval as f64;
            for (weight, images, shown, r#use, probe) in [
                (weights.r1, real, real_logits, Use::Real, Use::ProbeReal),
                (weights.r2, fake, fake_logits, Use::Fake, Use::ProbeFake),
            ] {
                if weight > 0.0 {
                    let probed = add_noise(images, self.key(probe), PROBE)?;
                    // The same use, so the same augmentation and noise.
                    penalties.push(gradient_penalty(weight * factor, shown, &logits(&probed, r#use)?)?);
                }
            }
        }
        if weights.consistency > 0.0 {
            penalties.push(consistency_penalty(weights.consistency, real_logits, &logits(real, Use::RealAgain)?)?);
            penalties.push(consistency_penalty(weights.consistency, fake_logits, &logits(fake, Use::FakeAgain)?)?);
        }
        if weights.lecam > 0.0 && schedule::anchors_hold(self.state.step, self.state.progress()) {
            penalties.push(self.state.anchors.penalty(weights.lecam, real_logits, fake_logits)?);
        }
        let sum = penalties.into_iter().map(Ok).reduce(|a: candle_core::Result<Tensor>, b| a? + b?);
        Ok(sum.transpose()?)
    }

    fn generator_step(&mut self, real: &Tensor, fake: &Tensor, labels: &Tensor) -> Result<Result<(), Fault>> {
        let strength = self.strength();
        let logits = self.judge.forward(&self.see(fake, Use::FakeJudged)?, labels, strength)?;
        let real_logits = if self.config.loss == super::Loss::Relativistic {
            self.judge.forward(&self.see(real, Use::RealBeside)?, labels, strength)?
        } else {
            logits.zeros_like()?
        };
        let loss = self.config.loss.generator(&real_logits, &logits)?;
        let weight = self.config.regularizers.diversity;
        let penalty = (weight > 0.0).then(|| diversity_penalty(weight, real, fake, &labels.to_vec1::<u32>()?));
        let total = penalty.transpose()?.flatten().map_or_else(|| Ok(loss.clone()), |penalty| &loss + penalty)?;
        let gradients = total.backward()?;
        let (loss, gradient) = (scalar(&loss)?, gradient_norm(&self.generator_params, &gradients)?);
        if let Err(fault) = finite("generator's loss", loss).and(finite("generator's gradient", gradient)) {
            return Ok(Err(fault));
        }
        self.generator_adam.step(&gradients)?;
        self.state.generator_steps += 1;
        let decay = decay(self.state.generator_steps, self.config.average);
        update_average(&self.average_params, &self.generator_params, decay)?;
        (self.state.generator_loss, self.state.generator_gradient) = (loss, gradient);
        Ok(Ok(()))
    }

    /// Counts the step and lets what it measured enter the state.
    fn finish_step(&mut self, d: &DiscriminatorStep) -> TrainReport {
        let mean = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
        let (d_real, d_fake) = (mean(&d.real), mean(&d.fake));
        let (real, fake) = self.config.loss.margins(&d.real, &d.fake);
        let above = |values: &[f64]| values.iter().filter(|value| **value > 0.0).count() as f64;
        let below = |values: &[f64]| values.iter().filter(|value| **value < 0.0).count() as f64;
        let d_accuracy = (above(&real) + below(&fake)) / (real.len() + fake.len()) as f64;
        self.state.update_sign((above(&real) - below(&real)) / real.len() as f64);
        self.state.anchors.update(d_real, d_fake);
        if let Some(target) = self.config.augmentation.target {
            let images = schedule::ada_images(self.state.planned, d.real.len());
            let State { probability, sign, .. } = self.state;
            self.state.probability = adapt(probability, sign, target, d.real.len() as f64, images);
        }
        self.state.step += 1;
        TrainReport {
            step: self.state.step,
            d_loss: d.loss,
            d_penalty: d.penalty,
            g_loss: self.state.generator_loss,
            d_real,
            d_fake,
            d_accuracy,
            d_gradient: d.gradient,
            g_gradient: self.state.generator_gradient,
            augmentation: self.state.probability,
        }
    }

    fn set_rates(&mut self) {
        let factor = self.state.rate * schedule::rate(self.state.progress(), self.config.final_rate);
        self.generator_adam.set_learning_rate(self.config.generator_rate * factor);
        let factor = factor * self.state.discriminator_rate;
        self.discriminator_adam.set_learning_rate(self.config.discriminator_rate * factor);
    }

    /// How much the class counts in this step.
    fn strength(&self) -> f64 {
        schedule::class_strength(self.state.progress(), self.config.label_ramp)
    }

    /// Images and labels of a batch, on the trainer's device.
    pub(super) fn check(&self, batch: &Batch) -> Result<(Tensor, Tensor)> {
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

    /// The key of what this step draws.
    fn key(&self, r#use: Use) -> SampleKey {
        let (seed, epoch, position) = (self.config.seed, self.state.step, r#use as u64);
        SampleKey { seed, epoch, position, purpose: Purpose::Training }
    }

    /// Standard normal values.
    fn normal(&self, r#use: Use, shape: &[usize]) -> Result<Tensor> {
        Ok(Tensor::from_vec(draw_noise(self.key(r#use), shape.iter().product()), shape, &self.device)?)
    }

    /// The images as the discriminator sees them: augmented, and with noise.
    fn see(&self, images: &Tensor, r#use: Use) -> Result<Tensor> {
        let GanConfig { augmentation, size, channels, noise, .. } = &self.config;
        let mut seen = images.clone();
        if augmentation.is_on() && self.state.probability > 0.0 {
            let mut rng = self.key(r#use).with_purpose(Purpose::Noise).rng();
            let kind = (images.dim(0)?, *size, *channels);
            seen = Draws::new(augmentation, self.state.probability, kind, &mut rng).apply(&seen)?;
        }
        if *noise > 0.0 {
            seen = add_noise(&seen, self.key(r#use), *noise)?;
        }
        Ok(seen)
    }

    fn calibrate(&self) -> Result<()> {
        calibrate(&self.average, &self.config, &self.device)
    }
}

fn finite(what: &'static str, value: f64) -> Result<(), Fault> {
    if value.is_finite() { Ok(()) } else { Err(Fault::Diverged { what, value }) }
}

/// The first image (H, W, C) of (N, H, W, C) with a value that is not finite.
fn first_not_finite(images: &Tensor) -> Result<Option<usize>> {
    // The sum tells it, at less cost than looking at each value; only then is it looked for.
    if scalar(&images.sum_all()?)?.is_finite() {
        return Ok(None);
    }
    let images: Vec<Vec<f32>> = images.flatten_from(1)?.to_vec2()?;
    Ok(images.iter().position(|image| image.iter().any(|value| !value.is_finite())))
}

fn scalar(value: &Tensor) -> Result<f64> {
    Ok(f64::from(value.to_scalar::<f32>()?))
}
