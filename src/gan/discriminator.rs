//! The discriminator: image and label in, one logit out.

use candle_core::Tensor;

use super::config::GanConfig;
use super::generator::WEIGHTS;
use crate::error::Result;
use crate::nn::{Activation, BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Params, Projection};

const LEAKY: Activation = Activation::LeakyRelu(0.2);

/// Convolutions that halve the image, with batch norm, and a projection on the class.
///
/// Without batch norm every class collapses to one image. It has to see real and generated images in batches of their
/// own.
#[derive(Clone, Debug)]
pub(super) struct Discriminator {
    first: Conv2d,
    stages: Vec<(Conv2d, BatchNorm)>,
    head: Projection,
}

impl Discriminator {
    pub(super) fn new(params: &mut Params, config: &GanConfig) -> Result<Self> {
        let halving = Conv2dConfig { kernel: 4, stride: 2, padding: 1, init: WEIGHTS, ..Default::default() };
        // Small images have no detail to give away at once.
        let (first, mut side) = if config.size < 16 {
            (Conv2dConfig { init: WEIGHTS, activation: LEAKY, ..Default::default() }, config.size)
        } else {
            (Conv2dConfig { activation: LEAKY, ..halving }, config.size / 2)
        };
        let mut width = config.discriminator_width;
        let first = Conv2d::new(params, "first", config.channels, width, first)?;
        let mut stages = Vec::new();
        while side > 3 && stages.len() < 2 || side > 4 {
            let (name, outputs) = (stages.len() + 1, (width * 2).min(config.discriminator_width * 4));
            let conv = Conv2dConfig { bias: false, ..halving };
            let conv = Conv2d::new(params, &format!("stage{name}.conv"), width, outputs, conv)?;
            let norm = BatchNormConfig { activation: LEAKY, ..Default::default() };
            let norm = BatchNorm::with_config(params, &format!("stage{name}.norm"), outputs, norm)?;
            stages.push((conv, norm));
            (width, side) = (outputs, side / 2);
        }
        let head = Projection::new(params, "head", config.classes.len(), side * side * width, WEIGHTS)?;
        Ok(Self { first, stages, head })
    }

    /// The same network, sharing its variables, but giving them no gradients.
    pub(super) fn frozen(&self) -> Self {
        let stages = self.stages.iter().map(|(conv, norm)| (conv.frozen(), norm.frozen())).collect();
        Self { first: self.first.frozen(), stages, head: self.head.frozen() }
    }

    /// The logits (N) of `images` (N, H, W, C) in [−1, 1] under `labels` (N), u32.
    pub(super) fn forward(&self, images: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let mut x = self.first.forward(images)?;
        for (conv, norm) in &self.stages {
            x = norm.forward(&conv.forward(&x)?, true)?;
        }
        self.head.forward(&x.flatten_from(1)?, labels)
    }
}
