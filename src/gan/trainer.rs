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
use super::ema::decay;
use super::generator::{Generator, Pass};
use super::loss::Loss;
use super::noise::draw_noise;
use super::precision::Precision;
use super::regularizer::{PROBE, consistency_penalty, gradient_penalty};
use super::schedule;
use super::source::{GeneratorSource, calibrate};
use super::state::State;
use super::trained_on::TrainedOn;
use crate::error::{Error, Result};
use crate::loader::Batch;
use crate::nn::{Adam, AdamConfig, Params, add_noise, gradient_norm, to_channels_last, update_average};
use crate::rng::{Purpose, SampleKey};

const GENERATOR_ADAM: &str = "generator_adam";
const DISCRIMINATOR_ADAM: &str = "discriminator_adam";

/// What counts as infinite: the square of a gradient beyond is, in f32, and would stop its weight for good.
const TOO_LARGE: f64 = 1e18;

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
    /// What the discriminator sees of unlabelled images in its own step, and in the generator's.
    Unlabelled,
    UnlabelledBeside,
    /// What it sees where it is asked outside of a step.
    Asked,
}

/// What one step measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// The number of steps made, this one included.
    pub step: u64,
    /// The discriminator's loss before its step, without penalties; with unlabelled images the sum of both losses, here
    /// and for the generator.
    pub d_loss: f64,
    /// The sum of the penalties of [`GanConfig::regularizers`].
    pub d_penalty: f64,
    /// The generator's loss before its step; where it made none, the one before.
    pub g_loss: f64,
    /// The discriminator's mean logit of the real images.
    pub d_real: f64,
    /// The discriminator's mean logit of the generated images.
    pub d_fake: f64,
    /// The discriminator's mean logit, without the class term, of unlabelled images, if there were any.
    pub d_unlabelled: Option<f64>,
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
    /// Image `index` of the batch, or of the unlabelled ones, has a value that is not finite.
    Image { index: usize, unlabelled: bool },
    /// A loss or a gradient is not finite.
    Diverged { what: &'static str, value: f64 },
}

/// Trains a conditional GAN, one batch a step.
///
/// Everything random in step t comes from the configuration's seed and t, so that training that was stopped, saved,
/// loaded and given the remaining batches ends with the same weights, to the bit, as training that went through: on the CPU,
/// for any number of threads, and on processors with the same vector instructions. GPUs add in no fixed order.
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
    trained_on: Option<TrainedOn>,
}

/// What a step is given, on the device: images (N, H, W, C) with labels (N), and unlabelled ones (M, H, W, C).
struct Given {
    real: Tensor,
    labels: Tensor,
    unlabelled: Option<Tensor>,
}

/// The discriminator's loss, without penalties, and the logits that it comes from.
struct Judgement {
    loss: Tensor,
    real: Tensor,
    fake: Tensor,
    unlabelled: Option<Tensor>,
}

/// What the discriminator's step measured.
struct DiscriminatorStep {
    loss: f64,
    penalty: f64,
    gradient: f64,
    real: Vec<f32>,
    fake: Vec<f32>,
    unlabelled: Option<Vec<f32>>,
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
        let generator = Generator::new(&mut generator_params, &config)?.with_precision(config.precision);
        let mut average_params = Params::with_stream(config.seed, GENERATOR_STREAM, device);
        let average = Generator::new(&mut average_params, &config)?.frozen();
        let mut discriminator_params = Params::with_stream(config.seed, DISCRIMINATOR_STREAM, device);
        let discriminator = Discriminator::new(&mut discriminator_params, &config)?.with_precision(config.precision);
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
            trained_on: None,
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
        let Checkpoint { config, state, tensors, trained_on, .. } = Checkpoint::read(path)?;
        let mut trainer = Self { trained_on, ..Self::new(config, device)? };
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
        Checkpoint::write(path, &self.config, &self.state, supervised.as_ref(), self.trained_on.as_ref(), &tensors)
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

    /// What the discriminator answers to images (N, C, H, W) under labels (N), augmented and with noise as in training; up to
    /// the next step with the same draws for as many images.
    pub(super) fn judge(&self, images: &Tensor, labels: &Tensor) -> Result<Vec<f32>> {
        let images = to_channels_last(&images.to_device(&self.device)?)?;
        let labels = labels.to_device(&self.device)?;
        Ok(self.judge.forward(&self.see(&images, Use::Asked)?, &labels, self.strength())?.to_vec1()?)
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

    /// Has its checkpoints say what it is trained on, which whoever goes on from one can check.
    pub fn set_trained_on(&mut self, trained_on: TrainedOn) {
        self.trained_on = Some(trained_on);
    }

    /// What it was trained on, if it was told.
    #[must_use]
    pub fn trained_on(&self) -> Option<&TrainedOn> {
        self.trained_on.as_ref()
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
        self.step_with(batch, None)
    }

    /// The same with `unlabelled` images beside the batch, (M, C, H, W), f32 in [−1, 1], M at least 2: both networks get a
    /// second loss, of weight [`GanConfig::unlabelled`], in which these and the generated images are judged without regard
    /// to their class. So images without labels teach what images look like, and those with labels what the classes are.
    /// Their own share of the classes does not matter much, but a kind of image that is none of the classes will show in
    /// the samples. [`Loss::Relativistic`](super::Loss::Relativistic) pairs as many as there are of both.
    ///
    /// For as many unlabelled as labelled images the discriminator has half as many more to look at in its own step, and in
    /// the generator's none, save by the relativistic loss. Penalties look at labelled images alone.
    ///
    /// ```
    /// use candle_augment::Batch;
    /// use candle_augment::gan::{GanConfig, Trainer};
    /// use candle_core::{DType, Device, Tensor};
    ///
    /// let mut trainer = Trainer::new(GanConfig::new(8, 1, ["cat", "dog"]), &Device::Cpu)?;
    /// let images = Tensor::zeros((4, 1, 8, 8), DType::F32, &Device::Cpu)?;
    /// let unlabelled = Tensor::ones((4, 1, 8, 8), DType::F32, &Device::Cpu)?;
    /// let batch = Batch::new(images, Tensor::new(&[0u32, 1, 0, 1], &Device::Cpu)?);
    /// let report = trainer.step_with(&batch, Some(&unlabelled))?;
    /// assert!(report.d_unlabelled.is_some());
    /// # Ok::<(), candle_augment::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Trainer::step`], for the unlabelled images too.
    pub fn step_with(&mut self, batch: &Batch, unlabelled: Option<&Tensor>) -> Result<TrainReport> {
        let step = self.state.step + 1;
        self.try_step(batch, unlabelled)?.map_err(|fault| match fault {
            Fault::Image { index, unlabelled } => {
                let kind = if unlabelled { "unlabelled image" } else { "image" };
                Error::config(format!(
                    "{kind} {index} of the batch of step {step} has a value that is NaN or infinite: mend or leave it out"
                ))
            }
            Fault::Diverged { what, value } => Error::config(format!(
                "training diverged: the {what} is {value} at step {step}: \
                 go back to the last checkpoint and lower the learning rates, \
                 and check that the images are in [-1, 1]"
            )),
        })
    }

    /// The same, telling a batch that does not fit from a step that had to be given up, which counts as one nevertheless.
    pub(super) fn try_step(
        &mut self,
        batch: &Batch,
        unlabelled: Option<&Tensor>,
    ) -> Result<Result<TrainReport, Fault>> {
        let (images, labels) = self.take(batch)?;
        let unlabelled = unlabelled.map(|images| self.take_unlabelled(images)).transpose()?;
        // A step is hundreds of small parallel loops; begun outside the pool, each would have to wake it.
        let report = rayon::scope(|_| {
            let real = to_channels_last(&images)?;
            let unlabelled = unlabelled.as_ref().map(to_channels_last).transpose()?;
            self.attempt(&Given { real, labels, unlabelled })
        })?;
        if report.is_err() {
            self.state.step += 1;
        }
        Ok(report)
    }

    fn attempt(&mut self, given: &Given) -> Result<Result<TrainReport, Fault>> {
        if let Some(index) = first_not_finite(&given.real)? {
            return Ok(Err(Fault::Image { index, unlabelled: false }));
        }
        if let Some(index) = given.unlabelled.as_ref().map(first_not_finite).transpose()?.flatten() {
            return Ok(Err(Fault::Image { index, unlabelled: true }));
        }
        self.set_rates();
        let noise = self.normal(Use::Latent, &[given.labels.elem_count(), self.config.latent])?;
        let fake = self.generator.forward(&noise, &given.labels, self.strength(), Pass::Train)?;
        let d = match self.discriminator_step(given, &fake.detach())? {
            Ok(d) => d,
            Err(fault) => return Ok(Err(fault)),
        };
        let is_due = (self.state.step + 1).is_multiple_of(self.config.discriminator_steps);
        if is_due && let Err(fault) = self.generator_step(given, &fake)? {
            return Ok(Err(fault));
        }
        Ok(Ok(self.finish_step(&d)))
    }

    fn discriminator_step(&mut self, given: &Given, fake: &Tensor) -> Result<Result<DiscriminatorStep, Fault>> {
        self.discriminator.iterate()?;
        let Judgement { loss, real, fake: fake_logits, unlabelled } = self.discriminator_loss(given, fake)?;
        let penalty = self.penalty((&given.real, &real), (fake, &fake_logits), &given.labels)?;
        let total = penalty.as_ref().map_or_else(|| Ok(loss.clone()), |penalty| &loss + penalty)?;
        let gradients = total.backward()?;
        let gradient = gradient_norm(&self.discriminator_params, &gradients)?;
        let (value, total) = (scalar(&loss)?, scalar(&total)?);
        if let Err(fault) = finite("discriminator's loss", total).and(finite("discriminator's gradient", gradient)) {
            return Ok(Err(fault));
        }
        let (real, fake): (Vec<f32>, Vec<f32>) = (real.to_vec1()?, fake_logits.to_vec1()?);
        // Infinite on its right side, a logit costs nothing in some losses.
        let sum = real.iter().chain(&fake).map(|logit| f64::from(*logit)).sum();
        if let Err(fault) = finite("discriminator's answer", sum) {
            return Ok(Err(fault));
        }
        self.discriminator_adam.step(&gradients)?;
        self.state.discriminator_steps += 1;
        let unlabelled = unlabelled.map(|logits| logits.to_vec1()).transpose()?;
        Ok(Ok(DiscriminatorStep { loss: value, penalty: total - value, gradient, real, fake, unlabelled }))
    }

    /// What the discriminator minimises, but for penalties.
    fn discriminator_loss(&self, given: &Given, fake: &Tensor) -> Result<Judgement> {
        let Given { real, labels, unlabelled } = given;
        let strength = self.strength();
        let real = self.discriminator.forward(&self.see(real, Use::Real)?, labels, strength)?;
        let features = self.discriminator.features(&self.see(fake, Use::Fake)?)?;
        let fake = self.discriminator.logits(&features, labels, strength)?;
        let loss = self.config.loss.discriminator(&real, &fake)?;
        let Some(images) = unlabelled else { return Ok(Judgement { loss, real, fake, unlabelled: None }) };
        let seen = self.discriminator.features(&self.see(images, Use::Unlabelled)?)?;
        let unlabelled = self.discriminator.unconditional(&seen)?;
        let (of_real, of_fake) = self.paired(&unlabelled, &self.discriminator.unconditional(&features)?)?;
        let second = self.config.loss.discriminator(&of_real, &of_fake)?;
        let loss = (loss + (second * self.config.unlabelled)?)?;
        Ok(Judgement { loss, real, fake, unlabelled: Some(unlabelled) })
    }

    /// As many logits of both kinds as the loss asks for.
    fn paired(&self, real: &Tensor, fake: &Tensor) -> Result<(Tensor, Tensor)> {
        if self.config.loss != Loss::Relativistic {
            return Ok((real.clone(), fake.clone()));
        }
        let count = real.dim(0)?.min(fake.dim(0)?);
        Ok((real.narrow(0, 0, count)?, fake.narrow(0, 0, count)?))
    }

    /// The penalties of this step, or none. `real` and `fake` are images and their logits as [`Trainer::see`] shows them.
    fn penalty(
        &self,
        (real, real_logits): (&Tensor, &Tensor),
        (fake, fake_logits): (&Tensor, &Tensor),
        labels: &Tensor,
    ) -> Result<Option<Tensor>> {
        let weights = &self.config.regularizers;
        let logits = |network: &Discriminator, images: &Tensor, r#use| -> Result<Tensor> {
            network.forward(&self.see(images, r#use)?, labels, self.strength())
        };
        let is_mixed = self.config.precision != Precision::F32;
        let mut penalties = Vec::new();
        if self.state.step.is_multiple_of(weights.interval) {
            let factor = weights.interval as f64;
            for (weight, images, shown, r#use, probe) in [
                (weights.r1, real, real_logits, Use::Real, Use::ProbeReal),
                (weights.r2, fake, fake_logits, Use::Fake, Use::ProbeFake),
            ] {
                if weight > 0.0 {
                    let probed = add_noise(images, self.key(probe), PROBE)?;
                    // Fewer bits would round the differences away.
                    let exact = self.discriminator.clone().with_precision(Precision::F32);
                    let shown = if is_mixed { &logits(&exact, images, r#use)? } else { shown };
                    // The same use, so the same augmentation and noise.
                    penalties.push(gradient_penalty(weight * factor, shown, &logits(&exact, &probed, r#use)?)?);
                }
            }
        }
        if weights.consistency > 0.0 {
            for (images, shown, again) in [(real, real_logits, Use::RealAgain), (fake, fake_logits, Use::FakeAgain)] {
                let again = logits(&self.discriminator, images, again)?;
                penalties.push(consistency_penalty(weights.consistency, shown, &again)?);
            }
        }
        if weights.lecam > 0.0 && schedule::anchors_hold(self.state.step, self.state.progress()) {
            penalties.push(self.state.anchors.penalty(weights.lecam, real_logits, fake_logits)?);
        }
        let sum = penalties.into_iter().map(Ok).reduce(|a: candle_core::Result<Tensor>, b| a? + b?);
        Ok(sum.transpose()?)
    }

    fn generator_step(&mut self, given: &Given, fake: &Tensor) -> Result<Result<(), Fault>> {
        let loss = self.generator_loss(given, fake)?;
        let gradients = loss.backward()?;
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

    /// What the generator minimises. Real images count for the relativistic loss alone.
    fn generator_loss(&self, given: &Given, fake: &Tensor) -> Result<Tensor> {
        let Given { real, labels, unlabelled } = given;
        let relativistic = self.config.loss == Loss::Relativistic;
        let features = self.judge.features(&self.see(fake, Use::FakeJudged)?)?;
        let logits = self.judge.logits(&features, labels, self.strength())?;
        let real = if relativistic {
            self.judge.forward(&self.see(real, Use::RealBeside)?, labels, self.strength())?
        } else {
            logits.zeros_like()?
        };
        let loss = self.config.loss.generator(&real, &logits)?;
        let Some(images) = unlabelled else { return Ok(loss) };
        let logits = self.judge.unconditional(&features)?;
        let real = if relativistic {
            self.judge.unconditional(&self.judge.features(&self.see(images, Use::UnlabelledBeside)?)?)?
        } else {
            logits.zeros_like()?
        };
        let (real, logits) = self.paired(&real, &logits)?;
        Ok((loss + (self.config.loss.generator(&real, &logits)? * self.config.unlabelled)?)?)
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
        self.state.anchors.update(self.state.discriminator_steps, d_real, d_fake);
        if let Some(target) = self.config.augmentation.target {
            let images = schedule::ada_images(self.state.planned, d.real.len());
            let State { probability, sign, .. } = self.state;
            self.state.probability = adapt(probability, sign, target, d.real.len() as f64, images);
        }
        self.state.class_strength = self.strength();
        self.state.step += 1;
        TrainReport {
            step: self.state.step,
            d_loss: d.loss,
            d_penalty: d.penalty,
            g_loss: self.state.generator_loss,
            d_real,
            d_fake,
            d_unlabelled: d.unlabelled.as_deref().map(mean),
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
        schedule::class_strength(self.state.progress(), self.config.label_ramp).max(self.state.class_strength)
    }

    /// Images and labels of a batch on the trainer's device, if it fits.
    pub(super) fn take(&self, batch: &Batch) -> Result<(Tensor, Tensor)> {
        self.check(batch)?;
        Ok((batch.images.to_device(&self.device)?, batch.labels.flatten_all()?.to_device(&self.device)?))
    }

    /// Unlabelled images (M, C, H, W) on the trainer's device, if they fit.
    fn take_unlabelled(&self, images: &Tensor) -> Result<Tensor> {
        self.check_unlabelled(images)?;
        Ok(images.to_device(&self.device)?)
    }

    /// Refuses a batch that does not fit.
    pub(super) fn check(&self, batch: &Batch) -> Result<()> {
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
                "the GAN knows {} classes, the batch has an image of class {label}: \
                 train it on images of its own classes, or make one with all classes",
                classes.len()
            )));
        }
        Ok(())
    }

    /// Refuses unlabelled images, (M, C, H, W), that do not fit.
    pub(super) fn check_unlabelled(&self, images: &Tensor) -> Result<()> {
        let GanConfig { size, channels, .. } = &self.config;
        let dims = images.dims();
        let fits = dims.len() == 4 && dims[0] >= 2 && dims[1..] == [*channels, *size, *size];
        if fits && images.dtype() == DType::F32 {
            return Ok(());
        }
        Err(Error::config(format!(
            "the GAN takes at least 2 unlabelled images (M, {channels}, {size}, {size}) of dtype f32, \
             got {dims:?} of {}: resize and normalise the images to [-1, 1]",
            images.dtype().as_str()
        )))
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
            seen = add_noise(&seen, self.key(r#use), noise * self.state.noise)?;
        }
        Ok(seen)
    }

    fn calibrate(&self) -> Result<()> {
        calibrate(&self.average, &self.config, &self.device, None)
    }
}

fn finite(what: &'static str, value: f64) -> Result<(), Fault> {
    if value.abs() < TOO_LARGE { Ok(()) } else { Err(Fault::Diverged { what, value }) }
}

/// The first image (H, W, C) of (N, H, W, C) with a value that is not finite.
pub(super) fn first_not_finite(images: &Tensor) -> Result<Option<usize>> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::Var;
    use candle_core::backprop::GradStore;

    use super::*;
    use crate::nn::by_stock;
    use crate::{DataLoader, Dataset, DatasetExt, Normalize, digits, endless};

    fn images(position: u64, count: usize) -> Result<Tensor> {
        let mut rng = SampleKey { seed: 4, epoch: 0, position, purpose: Purpose::Training }.rng();
        let values: Vec<f32> = (0..count * 64).map(|_| rng.uniform(-1.0, 1.0) as f32).collect();
        Ok(Tensor::from_vec(values, (count, 8, 8, 1), &Device::Cpu)?)
    }

    /// That the gradient along a direction is what differences along it give. False if it is too small to tell.
    fn check(name: &str, var: &Var, gradients: &GradStore, loss: &dyn Fn() -> Result<f64>) -> Result<bool> {
        let gradient = gradients.get(var).expect("every variable counts");
        let length = f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?).sqrt();
        if length < 1e-3 {
            return Ok(false);
        }
        // Along the gradient itself differences are largest, so rounding counts least; a small one meets few kinks.
        let (old, step) = (var.as_tensor().copy()?, (1e-4 / length).clamp(1e-5, 1e-2));
        let value = |by: f64| -> Result<f64> {
            var.set(&(&old + (gradient * (by / length))?)?)?;
            loss()
        };
        let found = (value(step)? - value(-step)?) / (2.0 * step);
        var.set(&old)?;
        // Kinks make up to some hundredths; of small gradients rounding makes as much.
        assert!((found - length).abs() < 0.03 * length.max(0.01), "{name}: {found}, expected {length}");
        Ok(true)
    }

    #[test]
    fn gradients_of_both_losses_with_unlabelled_images_are_differences() -> Result<()> {
        for loss in [Loss::NonSaturating, Loss::Relativistic] {
            let config = GanConfig {
                loss,
                latent: 6,
                embedding: 4,
                generator_width: 8,
                discriminator_width: 4,
                unlabelled: 1.5,
                ..GanConfig::new(8, 1, ["a", "b"])
            };
            let trainer = Trainer::new(config, &Device::Cpu)?;
            // Far from the initial weights, where every logit is nearly 0.
            for (_, var) in trainer.discriminator_params.variables() {
                var.set(&(var.as_tensor() * 8.0)?)?;
            }
            let labels = Tensor::new(&[0u32, 1, 1, 0, 1], &Device::Cpu)?;
            let given = Given { real: images(0, 5)?, labels, unlabelled: Some(images(1, 7)?) };
            let noise = trainer.normal(Use::Latent, &[5, 6])?;
            let fake = || trainer.generator.forward(&noise, &given.labels, 1.0, Pass::Train);
            let fixed = fake()?.detach();
            let of_discriminator = || scalar(&trainer.discriminator_loss(&given, &fixed)?.loss);
            let gradients = trainer.discriminator_loss(&given, &fixed)?.loss.backward()?;
            let mut checked = Vec::new();
            for (name, var) in trainer.discriminator_params.variables() {
                checked.push(check(name, var, &gradients, &of_discriminator)?);
            }
            let of_generator = || scalar(&trainer.generator_loss(&given, &fake()?)?);
            let gradients = trainer.generator_loss(&given, &fake()?)?.backward()?;
            for (name, var) in trainer.generator_params.variables() {
                checked.push(check(name, var, &gradients, &of_generator)?);
            }
            let large = checked.iter().filter(|is_large| **is_large).count();
            assert!(4 * large >= 3 * checked.len(), "{large} of {} gradients are large enough to check", checked.len());
        }
        Ok(())
    }

    #[test]
    fn the_class_never_loses_weight_again() -> Result<()> {
        let config = GanConfig { label_ramp: 0.5, generator_width: 8, ..GanConfig::new(8, 1, ["a", "b"]) };
        let mut trainer = Trainer::new(config, &Device::Cpu)?;
        let images = images(0, 4)?.reshape((4, 1, 8, 8))?;
        let batch = Batch::new(images, Tensor::new(&[0u32, 1, 0, 1], &Device::Cpu)?);
        let mut strengths = Vec::new();
        // The plan of a time budget: longer than thought, then shorter.
        for planned in [16, 16, 16, 16, 160, 160, 16, 8] {
            trainer.plan(planned);
            strengths.push(trainer.strength());
            trainer.step(&batch)?;
        }
        assert_eq!(strengths, [0.0, 0.125, 0.25, 0.375, 0.375, 0.375, 0.75, 1.0]);
        Ok(())
    }

    /// How often a random value of `above` is the larger.
    fn separation(above: &[f32], below: &[f32]) -> f64 {
        let pairs = above.iter().flat_map(|a| below.iter().map(move |b| if a > b { 1.0 } else { 0.0 }));
        pairs.sum::<f64>() / (above.len() * below.len()) as f64
    }

    #[test]
    fn the_unconditional_head_learns_from_unlabelled_digits() -> Result<()> {
        let (unlabelled, unseen) = digits()?.split(0.8, 0)?;
        let labelled = unlabelled.clone().per_class(2, 0)?;
        let load = |set: Arc<dyn Dataset>, size| {
            DataLoader::builder(set).batch_size(size).normalize(Normalize::signed()).build()
        };
        let (labelled, unlabelled) = (load(Arc::new(labelled), 20)?, load(Arc::new(unlabelled), 32)?);
        let unseen = load(Arc::new(unseen), 200)?.epoch(0).next().expect("there are images")?;
        let config = GanConfig {
            generator_width: 16,
            discriminator_width: 8,
            // A generator that hardly moves: all there is to learn is what tells digits from noise.
            generator_rate: 1e-6,
            ..GanConfig::new(8, 1, digits()?.classes())
        };
        let mut trainer = Trainer::new(config, &Device::Cpu)?;
        let answers = |trainer: &Trainer| -> Result<f64> {
            let noise = trainer.normal(Use::Latent, &[200, 64])?;
            let fake = trainer.generator.forward(&noise, &unseen.labels, 1.0, Pass::Train)?;
            let logits = |images: &Tensor| -> Result<Vec<f32>> {
                Ok(trainer.judge.unconditional(&trainer.judge.features(images)?)?.to_vec1()?)
            };
            Ok(separation(&logits(&to_channels_last(&unseen.images)?)?, &logits(&fake)?))
        };
        let before = answers(&trainer)?;
        for (batch, unlabelled) in endless(&labelled).zip(endless(&unlabelled)).take(40) {
            trainer.step_with(&batch?, Some(&unlabelled?.images))?;
        }
        let after = answers(&trainer)?;
        assert!(after > 0.95 && after > before, "told apart {before} of the time before, {after} after");
        Ok(())
    }

    type Named = Vec<(String, Tensor)>;

    /// Every way to build the networks, with all there is to see, but few weights.
    fn configs() -> impl Iterator<Item = GanConfig> {
        use super::super::{Architecture, Augmentation, Conditioning, DiscriminatorNorm, Regularizers};

        let plain = || GanConfig {
            latent: 6,
            embedding: 4,
            generator_width: 8,
            discriminator_width: 4,
            augmentation: Augmentation {
                color: true,
                translation: true,
                cutout: true,
                probability: 0.7,
                ..Default::default()
            },
            regularizers: Regularizers { r1: 0.1, r2: 0.1, interval: 1, consistency: 0.5, ..Default::default() },
            ..GanConfig::new(16, 3, ["a", "b"])
        };
        [Architecture::Transposed, Architecture::Upsampled, Architecture::Residual].into_iter().flat_map(move |a| {
            [
                (Conditioning::Concatenated, DiscriminatorNorm::Batch),
                (Conditioning::BatchNorm, DiscriminatorNorm::Spectral),
            ]
            .map(|(conditioning, discriminator_norm)| GanConfig {
                architecture: a,
                conditioning,
                discriminator_norm,
                ..plain()
            })
        })
    }

    /// The gradients of both networks on made-up images, and what two steps report.
    fn two_steps(config: &GanConfig) -> Result<(Vec<TrainReport>, Named)> {
        let images = |position, count| -> Result<Tensor> {
            let mut rng = SampleKey { seed: 5, epoch: 0, position, purpose: Purpose::Training }.rng();
            let values: Vec<f32> = (0..count * 3 * 256).map(|_| rng.uniform(-1.0, 1.0) as f32).collect();
            Ok(Tensor::from_vec(values, (count, 3, 16, 16), &Device::Cpu)?)
        };
        let labels = Tensor::new(&[0u32, 1, 1, 0, 1, 0], &Device::Cpu)?;
        let (batch, unlabelled) = (Batch::new(images(0, 6)?, labels.clone()), images(1, 4)?);
        let mut trainer = Trainer::new(config.clone(), &Device::Cpu)?;
        let beside = Some(to_channels_last(&unlabelled)?);
        let given = Given { real: to_channels_last(&batch.images)?, labels, unlabelled: beside };
        let noise = trainer.normal(Use::Latent, &[6, 6])?;
        let fake = trainer.generator.forward(&noise, &given.labels, 1.0, Pass::Train)?;
        let mut tensors = vec![("image".to_owned(), fake.detach())];
        let losses = [
            (&trainer.discriminator_params, trainer.discriminator_loss(&given, &fake.detach())?.loss),
            (&trainer.generator_params, trainer.generator_loss(&given, &fake)?),
        ];
        for (params, loss) in losses {
            let gradients = loss.backward()?;
            let named =
                params.variables().map(|(name, var)| (name.to_owned(), gradients.get(var).expect(name).clone()));
            tensors.extend(named);
        }
        let reports = (0..2).map(|_| trainer.step_with(&batch, Some(&unlabelled))).collect::<Result<_>>()?;
        Ok((reports, tensors))
    }

    /// How far `found` is from `expected`, as a share of the length of the latter, which is 0 but for rounding where a
    /// batch norm takes a bias away.
    fn difference(found: &Tensor, expected: &Tensor) -> Result<f64> {
        let length = |x: &Tensor| -> Result<f64> { Ok(f64::from(x.sqr()?.sum_all()?.to_scalar::<f32>()?).sqrt()) };
        Ok(length(&(found - expected)?)? / length(expected)?.max(0.1))
    }

    #[test]
    fn the_path_of_other_devices_computes_the_same() -> Result<()> {
        for config in configs() {
            let (own, own_tensors) = two_steps(&config)?;
            let (stock, stock_tensors) = by_stock(|| two_steps(&config))?;
            for (own, stock) in own.iter().zip(&stock) {
                for (own, stock) in [
                    (own.d_loss, stock.d_loss),
                    (own.d_penalty, stock.d_penalty),
                    (own.g_loss, stock.g_loss),
                    (own.d_gradient, stock.d_gradient),
                    (own.g_gradient, stock.g_gradient),
                ] {
                    assert!((own - stock).abs() < 1e-4 * own.abs().max(1.0), "{config:?}: {own}, by candle {stock}");
                }
            }
            for ((name, own), (_, stock)) in own_tensors.iter().zip(&stock_tensors) {
                let apart = difference(stock, own)?;
                assert!(apart < 1e-4, "{config:?}: {name} {apart} apart");
            }
        }
        Ok(())
    }

    #[test]
    fn mixed_precision_trains_alike_on_the_cpu() -> Result<()> {
        for config in configs() {
            let mixed = GanConfig { precision: Precision::Bf16, ..config.clone() };
            let ((full, _), (half, tensors)) = (two_steps(&config)?, two_steps(&mixed)?);
            for (full, half) in full.iter().zip(&half) {
                for (full, half) in [(full.d_loss, half.d_loss), (full.g_loss, half.g_loss)] {
                    assert!((full - half).abs() < 0.03 * full.abs().max(1.0), "{config:?}: {full}, mixed {half}");
                }
            }
            assert_ne!(full[0].d_loss, half[0].d_loss, "it is not f32");
            // What is added up over many steps stays in f32.
            assert!(tensors.iter().all(|(_, tensor)| tensor.dtype() == DType::F32));
        }
        Ok(())
    }
}
