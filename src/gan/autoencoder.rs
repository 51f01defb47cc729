//! A class-conditional autoencoder whose decoder is the generator: it gives a GAN a start at which images already look like
//! something, and makes images between two real ones by itself.

use candle_core::{Device, Tensor};

use super::config::GanConfig;
use super::encoder::Encoder;
use super::generator::{Generator, Pass};
use super::interpolation::InterpolationSource;
use super::noise::draw_noise;
use super::schedule;
use super::trainer::{Trainer, first_not_finite};
use crate::error::{Error, ErrorKind, Result};
use crate::loader::Batch;
use crate::nn::{Adam, AdamConfig, Params, to_channels_last};
use crate::rng::{Purpose, SampleKey};

/// Standard deviation of the noise in a code of variance 1: neighbouring codes give similar images, so that what is between
/// them looks like something.
pub(super) const BLUR: f64 = 0.3;

/// The stream of the encoder's initial weights.
const ENCODER_STREAM: u64 = 2;

/// The first epoch of the keys of its noise, which no step of a [`Trainer`] has.
const EPOCH: u64 = 1 << 60;

/// Codes images as noise vectors of mean 0 and variance 1, and makes them again from code and class. The decoder can start a
/// GAN, as in G. Mariani et al., "BAGAN: Data Augmentation with Balancing GAN", 2018; other than there, it is given the class.
/// The loss is the mean absolute error of the pixels.
///
/// ```no_run
/// use candle_augment::gan::{Autoencoder, GanConfig, Trainer};
/// use candle_augment::{DataLoader, Dataset, Normalize, digits, endless};
/// use candle_core::Device;
///
/// let set = digits()?;
/// let config = GanConfig::new(8, 1, set.classes());
/// let loader = DataLoader::builder(set).batch_size(64).normalize(Normalize::signed()).build()?;
/// let mut autoencoder = Autoencoder::new(config.clone(), &Device::Cpu)?;
/// for batch in endless(&loader).take(300) {
///     autoencoder.step(&batch?)?;
/// }
/// let mut trainer = Trainer::new(config, &Device::Cpu)?;
/// trainer.start_from(&autoencoder)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub struct Autoencoder {
    /// A GAN of the same configuration, which checks batches.
    trainer: Trainer,
    encoder: Encoder,
    encoder_adam: Adam,
    decoder: Generator,
    decoder_params: Params,
    decoder_adam: Adam,
    step: u64,
    planned: Option<u64>,
}

impl Autoencoder {
    /// With the initial weights that the configuration's seed names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the configuration is out of range.
    pub fn new(config: GanConfig, device: &Device) -> Result<Self> {
        let trainer = Trainer::new(config.clone(), device)?;
        let mut encoder_params = Params::with_stream(config.seed, ENCODER_STREAM, device);
        let encoder = Encoder::new(&mut encoder_params, &config)?;
        let mut decoder_params = Params::with_stream(config.seed, super::trainer::GENERATOR_STREAM, device);
        let decoder = Generator::new(&mut decoder_params, &config)?.with_precision(config.precision);
        // No adversary: the usual decay of an optimiser, and the GAN's rate times two.
        let adam = AdamConfig { learning_rate: 2.0 * config.generator_rate, ..Default::default() };
        Ok(Self {
            encoder_adam: Adam::new(&encoder_params, adam)?,
            decoder_adam: Adam::new(&decoder_params, adam)?,
            encoder,
            decoder,
            decoder_params,
            trainer,
            step: 0,
            planned: None,
        })
    }

    /// Says how many steps there will be in all, over which the rates fall.
    pub fn plan(&mut self, steps: u64) {
        self.planned = Some(steps);
    }

    /// The number of steps made.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// One step on a batch as [`Trainer::step`] takes it. Gives the loss before it, in pixel values of [−1, 1].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a batch of another kind, or with values that are not finite; [`ErrorKind::Tensor`] if the
    /// loss is not finite. Then no weight has changed.
    pub fn step(&mut self, batch: &Batch) -> Result<f64> {
        let (images, labels) = self.trainer.take(batch)?;
        if let Some(index) = first_not_finite(&images)? {
            return Err(Error::config(format!(
                "image {index} of the batch has a value that is NaN or infinite: mend or leave it out"
            )));
        }
        // A step is many small parallel loops; begun outside the pool, each would have to wake it.
        rayon::scope(|_| self.descend(&to_channels_last(&images)?, &labels))
    }

    fn descend(&mut self, images: &Tensor, labels: &Tensor) -> Result<f64> {
        let codes = self.encoder.forward(images)?;
        let key = SampleKey {
            seed: self.trainer.config().seed,
            epoch: EPOCH + self.step,
            position: 0,
            purpose: Purpose::Training,
        };
        let noise = Tensor::from_vec(draw_noise(key, codes.elem_count()), codes.dims(), codes.device())?;
        // The variance stays 1.
        let codes = ((codes * (1.0 - BLUR * BLUR).sqrt())? + (noise * BLUR)?)?;
        let made = self.decoder.forward(&codes, labels, 1.0, Pass::Train)?;
        let loss = (made - images)?.abs()?.mean_all()?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        if !value.is_finite() {
            return Err(Error::new(
                ErrorKind::Tensor,
                format!("the autoencoder's loss is {value} at step {}: lower the generator's rate", self.step + 1),
            ));
        }
        let gradients = loss.backward()?;
        let progress = self.planned.map(|planned| (self.step as f64 / planned.max(1) as f64).min(1.0));
        let rate = 2.0 * self.trainer.config().generator_rate * schedule::rate(progress, 0.1);
        for adam in [&mut self.encoder_adam, &mut self.decoder_adam] {
            adam.set_learning_rate(rate);
            adam.step(&gradients)?;
        }
        self.step += 1;
        Ok(value)
    }

    /// A source of images between those of `batches`, which it keeps the codes of: all the batches of an epoch, say.
    ///
    /// # Errors
    ///
    /// Those of the batches; [`ErrorKind::Config`] if they do not fit, or hold no image.
    pub fn interpolation(&self, batches: impl IntoIterator<Item = Result<Batch>>) -> Result<InterpolationSource> {
        let config = self.trainer.config();
        let mut codes: Vec<Vec<Vec<f32>>> = vec![Vec::new(); config.classes.len()];
        for batch in batches {
            let (images, labels) = self.trainer.take(&batch?)?;
            let of_batch: Vec<Vec<f32>> = self.encoder.forward(&to_channels_last(&images)?)?.to_vec2()?;
            for (code, label) in of_batch.into_iter().zip(labels.to_vec1::<u32>()?) {
                codes[label as usize].push(code);
            }
        }
        InterpolationSource::new(config, &self.decoder_params, codes, self.trainer.device())
    }

    /// The generator's weights.
    pub(super) fn decoder(&self) -> &Params {
        &self.decoder_params
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &GanConfig {
        self.trainer.config()
    }
}
