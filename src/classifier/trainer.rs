//! Trains the classifier, one batch at a time.

use candle_core::{Device, Tensor};
use candle_nn::loss::cross_entropy;
use candle_nn::ops::log_softmax;

use super::config::ClassifierConfig;
use super::model::{Classifier, channels_last};
use super::network::Network;
use crate::error::{Error, ErrorKind, Result};
use crate::loader::{Batch, DataLoader};
use crate::nn::{Adam, AdamConfig, Params};

/// Trains a [`Classifier`] step by step: softmax cross-entropy from logits, Adam, one cycle of the learning rate.
///
/// Batches are f32 in [−1, 1] ([`Normalize::signed`](crate::Normalize::signed)), of the configured size and channels.
///
/// ```no_run
/// use candle_augment::{
///     ClassifierConfig, ClassifierTrainer, DataLoader, Normalize, Size, digits, endless,
/// };
/// use candle_core::Device;
///
/// let loader = DataLoader::builder(digits()?).batch_size(64).normalize(Normalize::signed()).build()?;
/// let config = ClassifierConfig::new(Size::square(8), 1, 10);
/// let mut trainer = ClassifierTrainer::new(config.clone(), &Device::Cpu)?;
/// for batch in endless(&loader).take(config.steps) {
///     trainer.step(&batch?)?;
/// }
/// let classifier = trainer.finish();
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub struct ClassifierTrainer {
    config: ClassifierConfig,
    network: Network,
    adam: Adam,
    steps: usize,
    device: Device,
}

impl ClassifierTrainer {
    /// An untrained classifier; its weights depend on the configuration alone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the configuration is out of range.
    pub fn new(config: ClassifierConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let mut params = Params::new(config.seed, device);
        let network = Network::new(&mut params, &config)?;
        let adam = Adam::new(&params, AdamConfig { learning_rate: config.learning_rate, ..Default::default() })?;
        Ok(Self { config, network, adam, steps: 0, device: device.clone() })
    }

    /// One optimiser step; gives the loss before it, the mean cross-entropy in nats. Of a mixed batch the soft labels count.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] after the last configured step, or if the batch does not fit the configuration;
    /// [`ErrorKind::Tensor`] if the loss is not finite.
    pub fn step(&mut self, batch: &Batch) -> Result<f64> {
        self.step_on(batch, None)
    }

    /// As [`ClassifierTrainer::step`], but the loss is the mean weighted by `weights`, `(N)` f32, Σ w · loss / Σ w: those of
    /// [`Batch::sample_weights`], or of the samples' classes. None may be negative, nor all of them 0.
    ///
    /// # Errors
    ///
    /// As [`ClassifierTrainer::step`], and [`ErrorKind::Config`] for weights of another kind.
    pub fn step_weighted(&mut self, batch: &Batch, weights: &Tensor) -> Result<f64> {
        check_weights(weights, batch.len())?;
        self.step_on(batch, Some(weights))
    }

    fn step_on(&mut self, batch: &Batch, weights: Option<&Tensor>) -> Result<f64> {
        if self.steps == self.config.steps {
            return Err(Error::config(format!(
                "the classifier has made its {} steps, and its learning rate has fallen to 0: configure more steps",
                self.steps
            )));
        }
        check_labels(&batch.labels, self.config.classes)?;
        let images = channels_last(&batch.images.to_device(&self.device)?, &self.config)?;
        // A step is many small parallel loops; begun outside the pool, each would have to wake it.
        rayon::scope(|_| self.descend(&images, batch, weights))
    }

    fn descend(&mut self, images: &Tensor, batch: &Batch, weights: Option<&Tensor>) -> Result<f64> {
        let logits = self.network.logits(images, true)?;
        let loss = match (weights, &batch.soft_labels) {
            (None, None) => cross_entropy(&logits, &batch.labels.to_device(&self.device)?)?,
            (None, Some(shares)) => soft_losses(&logits, &shares.to_device(&self.device)?)?.mean(0)?,
            (Some(weights), shares) => {
                let losses = match shares {
                    Some(shares) => soft_losses(&logits, &shares.to_device(&self.device)?)?,
                    None => losses(&logits, &batch.labels.to_device(&self.device)?)?,
                };
                let weights = weights.to_device(&self.device)?;
                ((losses * &weights)?.sum_all()? / weights.sum_all()?)?
            }
        };
        let value = f64::from(loss.to_scalar::<f32>()?);
        if !value.is_finite() {
            return Err(Error::new(
                ErrorKind::Tensor,
                format!("the classifier's loss is {value} at step {}: lower the learning rate", self.steps),
            ));
        }
        self.adam.set_learning_rate(self.config.learning_rate_at(self.steps));
        self.adam.step(&loss.backward()?)?;
        self.steps += 1;
        Ok(value)
    }

    /// The classifier as trained so far.
    #[must_use]
    pub fn finish(self) -> Classifier {
        Classifier { config: self.config, network: self.network, device: self.device }
    }
}

/// For each sample −log p of its label; logits are `(N, classes)`, labels `(N)` u32.
fn losses(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    Ok(log_softmax(logits, 1)?.gather(&labels.unsqueeze(1)?, 1)?.squeeze(1)?.neg()?)
}

/// For each sample −Σ share · log p; logits and shares are `(N, classes)`.
fn soft_losses(logits: &Tensor, shares: &Tensor) -> Result<Tensor> {
    if logits.dims() != shares.dims() {
        return Err(Error::config(format!(
            "soft labels of shape {:?} for a classifier whose logits have shape {:?}",
            shares.dims(),
            logits.dims()
        )));
    }
    Ok((log_softmax(logits, 1)? * shares)?.sum(1)?.neg()?)
}

fn check_weights(weights: &Tensor, samples: usize) -> Result<()> {
    if weights.dims() != [samples] {
        return Err(Error::config(format!(
            "weights of shape {:?} for a batch of {samples}: give one for each sample",
            weights.dims()
        )));
    }
    let values: Vec<f32> = weights.to_vec1()?;
    if values.iter().any(|weight| !(0.0..f32::INFINITY).contains(weight)) || values.iter().all(|weight| *weight == 0.0)
    {
        return Err(Error::config(
            "the weights of a batch must be finite and not negative, and one of them above 0".to_owned(),
        ));
    }
    Ok(())
}

fn check_labels(labels: &Tensor, classes: usize) -> Result<()> {
    match labels.to_vec1::<u32>()?.into_iter().find(|label| *label as usize >= classes) {
        Some(label) => Err(Error::config(format!("label {label} in a batch for a classifier of {classes} classes"))),
        None => Ok(()),
    }
}

/// The batches of epoch 0, then those of epoch 1, and so on without end: what a fixed number of optimiser steps is taken from.
pub fn endless(loader: &DataLoader) -> impl Iterator<Item = Result<Batch>> + '_ {
    // Every epoch has a batch: a loader without one is not built.
    (0..).flat_map(|epoch| loader.epoch(epoch))
}
