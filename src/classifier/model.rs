//! The trained classifier: probabilities, and how often they are right.

use candle_core::{D, Device, Tensor};
use candle_nn::ops::softmax;

use super::config::ClassifierConfig;
use super::confusion::Confusion;
use super::network::Network;
use crate::error::{Error, Result};
use crate::image::{Image, Size};
use crate::loader::Batch;
use crate::nn::to_channels_last;

/// Images that go through the network at a time.
const CHUNK: usize = 256;

/// A small convolutional classifier, trained by a [`ClassifierTrainer`](crate::ClassifierTrainer).
///
/// 3×3 convolutions with batch norm and ReLU, halved stage by stage, the mean over the pixels, and one linear layer. An answer
/// depends on its own image alone: batch norm uses the statistics of training.
pub struct Classifier {
    pub(super) config: ClassifierConfig,
    pub(super) network: Network,
    pub(super) device: Device,
}

impl Classifier {
    /// The configuration it was trained with.
    #[must_use]
    pub fn config(&self) -> &ClassifierConfig {
        &self.config
    }

    /// The probability of each class, `(N, classes)`, for images `(N, C, H, W)` of f32 in [−1, 1].
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if the images are not of the configured size and channels.
    pub fn probabilities(&self, images: &Tensor) -> Result<Tensor> {
        let images = channels_last(&images.to_device(&self.device)?, &self.config)?;
        self.judge(&images)
    }

    /// The same for images in the network's own order of axes.
    fn judge(&self, images: &Tensor) -> Result<Tensor> {
        // Many small parallel loops; begun outside the pool, each would have to wake it.
        let logits = rayon::scope(|_| self.network.logits(images, false))?.detach();
        Ok(softmax(&logits, D::Minus1)?)
    }

    /// For images `(N, C, H, W)` of f32 in [−1, 1] what the last layer decides by, `(N, 4 · width)`, and the probability of
    /// each class, `(N, classes)`.
    ///
    /// # Errors
    ///
    /// As [`Classifier::probabilities`].
    pub fn features(&self, images: &Tensor) -> Result<(Tensor, Tensor)> {
        let images = channels_last(&images.to_device(&self.device)?, &self.config)?;
        let features = rayon::scope(|_| self.network.features(&images, false))?.detach();
        let probabilities = softmax(&self.network.head(&features)?.detach(), D::Minus1)?;
        Ok((features, probabilities))
    }

    /// The probability of each class for each image.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if an image is not of the configured size and channels.
    pub fn classify(&self, images: &[Image]) -> Result<Vec<Vec<f32>>> {
        let mut probabilities = Vec::with_capacity(images.len());
        for (chunk, images) in images.chunks(CHUNK).enumerate() {
            let tensor = self.tensor(images, chunk * CHUNK)?;
            probabilities.append(&mut self.judge(&tensor)?.to_vec2()?);
        }
        Ok(probabilities)
    }

    /// The most probable class of each image of the batches, in their order.
    ///
    /// # Errors
    ///
    /// As [`Classifier::probabilities`], and the errors of the batches.
    pub fn predict(&self, batches: impl IntoIterator<Item = Result<Batch>>) -> Result<Vec<u32>> {
        let mut predicted = Vec::new();
        for batch in batches {
            predicted.append(&mut self.predict_batch(&batch?)?);
        }
        Ok(predicted)
    }

    fn predict_batch(&self, batch: &Batch) -> Result<Vec<u32>> {
        Ok(self.probabilities(&batch.images)?.argmax(D::Minus1)?.to_vec1()?)
    }

    /// What the batches' images are taken for.
    ///
    /// # Errors
    ///
    /// As [`Classifier::probabilities`], the errors of the batches, and [`crate::ErrorKind::Config`] for a label that is not a class.
    pub fn evaluate(&self, batches: impl IntoIterator<Item = Result<Batch>>) -> Result<Confusion> {
        let mut confusion = Confusion::new(self.config.classes);
        for batch in batches {
            let batch = batch?;
            count(&mut confusion, &batch.labels.to_vec1()?, &self.predict_batch(&batch)?)?;
        }
        Ok(confusion)
    }

    /// What `images` are taken for beside the labels that they are meant to have; [`Confusion::accuracy`] is the label agreement of
    /// synthetic samples.
    ///
    /// # Errors
    ///
    /// As [`Classifier::classify`], and [`crate::ErrorKind::Config`] if there are not as many labels as images or one is not a class.
    pub fn label_agreement(&self, images: &[Image], labels: &[u32]) -> Result<Confusion> {
        if images.len() != labels.len() {
            return Err(Error::config(format!("{} images with {} labels: give one each", images.len(), labels.len())));
        }
        let predicted: Vec<u32> = self.classify(images)?.iter().map(|row| most_probable(row)).collect();
        let mut confusion = Confusion::new(self.config.classes);
        count(&mut confusion, labels, &predicted)?;
        Ok(confusion)
    }

    /// Images as the network takes them, `(N, H, W, C)` f32 in [−1, 1]; `first` is the index of the first.
    fn tensor(&self, images: &[Image], first: usize) -> Result<Tensor> {
        let Size { height, width } = self.config.size;
        let channels = self.config.channels;
        let mut values = Vec::with_capacity(images.len() * height * width * channels);
        for (index, image) in images.iter().enumerate() {
            if image.size() != self.config.size || image.channels() != channels {
                let found = format!("{}×{}×{}", image.height(), image.width(), image.channels());
                return Err(misfit(&self.config, &found).with_index(first + index));
            }
            values.extend(image.data().iter().map(|&value| (f32::from(value) / 255.0 - 0.5) / 0.5));
        }
        Ok(Tensor::from_vec(values, (images.len(), height, width, channels), &self.device)?)
    }
}

/// `(N, C, H, W)` as the network takes it, once it is known to fit.
pub(super) fn channels_last(images: &Tensor, config: &ClassifierConfig) -> Result<Tensor> {
    match images.dims() {
        &[_, channels, height, width] if channels == config.channels && Size::new(height, width) == config.size => {
            Ok(to_channels_last(images)?)
        }
        other => Err(misfit(config, &format!("a batch of shape {other:?}"))),
    }
}

fn misfit(config: &ClassifierConfig, found: &str) -> Error {
    let ClassifierConfig { size, channels, .. } = config;
    Error::config(format!(
        "the classifier takes images of height {}, width {} and {channels} channels, got {found}: resize them first",
        size.height, size.width
    ))
}

fn count(confusion: &mut Confusion, labels: &[u32], predicted: &[u32]) -> Result<()> {
    for (&label, &predicted) in labels.iter().zip(predicted) {
        if label as usize >= confusion.classes() {
            return Err(Error::config(format!("label {label} for a classifier of {} classes", confusion.classes())));
        }
        confusion.add(label, predicted);
    }
    Ok(())
}

/// The first class of the highest probability.
fn most_probable(probabilities: &[f32]) -> u32 {
    let mut best = 0;
    for (class, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = class;
        }
    }
    best as u32
}
