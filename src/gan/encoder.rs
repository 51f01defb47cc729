//! The encoder: image in, code out.

use candle_core::{DType, Tensor};

use super::config::GanConfig;
use super::generator::WEIGHTS;
use super::precision::Precision;
use crate::error::Result;
use crate::nn::{Activation, BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, LayerConfig, Linear, Params};

/// Convolutions that halve the image until 2 to 4 pixels a side are left, and a dense layer whose outputs have mean 0 and
/// variance 1 over the batch.
pub(super) struct Encoder {
    stages: Vec<(Conv2d, BatchNorm)>,
    dense: Linear,
    /// Never trained: scale 1 and shift 0.
    standardise: BatchNorm,
    precision: Precision,
}

impl Encoder {
    pub(super) fn new(params: &mut Params, config: &GanConfig) -> Result<Self> {
        let halving = Conv2dConfig { kernel: 4, stride: 2, bias: false, init: WEIGHTS, ..Default::default() };
        let leaky = BatchNormConfig { activation: Activation::LeakyRelu(0.2), ..Default::default() };
        let (mut side, mut inputs, mut stages) = (config.size, config.channels, Vec::new());
        while side > 4 {
            let outputs = (config.discriminator_width << stages.len()).min(4 * config.discriminator_width);
            let name = format!("stage{}", stages.len() + 1);
            let conv = Conv2d::new(params, &format!("{name}.conv"), inputs, outputs, halving)?;
            stages.push((conv, BatchNorm::with_config(params, &format!("{name}.norm"), outputs, leaky)?));
            (side, inputs) = (side / 2, outputs);
        }
        let plain = LayerConfig { bias: false, init: WEIGHTS, ..Default::default() };
        let dense = Linear::new(params, "dense", side * side * inputs, config.latent, plain)?;
        let standardise = BatchNorm::new(params, "standardise", config.latent)?.frozen();
        Ok(Self { stages, dense, standardise, precision: config.precision })
    }

    /// The codes (N, latent) of images (N, H, W, C), standardised over the batch.
    pub(super) fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let mut x = images.to_dtype(self.precision.dtype())?;
        for (conv, norm) in &self.stages {
            x = norm.forward(&conv.forward(&x)?, true)?;
        }
        let codes = self.dense.forward(&x.flatten_from(1)?)?.to_dtype(DType::F32)?;
        self.standardise.forward(&codes, true)
    }
}
