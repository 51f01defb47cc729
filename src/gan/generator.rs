//! The generator: noise and label in, image out.

use candle_core::Tensor;

use super::config::GanConfig;
use crate::error::Result;
use crate::nn::{
    Activation, BatchNorm, BatchNormConfig, ConvTranspose2d, Embedding, Init, LayerConfig, Linear, Params,
};

/// Standard deviation of the initial weights (A. Radford et al., "Unsupervised Representation Learning with Deep
/// Convolutional Generative Adversarial Networks", 2015).
pub(super) const WEIGHTS: Init = Init::Normal(0.02);

/// How the batch norms of a pass normalise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// By the batch's own statistics, which enter the running ones.
    Train,
    /// By the batch's own statistics, which become the running ones.
    Calibrate,
    /// By the running statistics: each image depends on its own noise and label alone.
    Evaluate,
}

/// Noise and an embedding of the label, made into a small image of many channels, whose sides transposed convolutions
/// double.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    size: usize,
    base: usize,
    embedding: Embedding,
    dense: Linear,
    norm: BatchNorm,
    stages: Vec<(ConvTranspose2d, BatchNorm)>,
    last: ConvTranspose2d,
}

impl Generator {
    pub(super) fn new(params: &mut Params, config: &GanConfig) -> Result<Self> {
        let doublings = (config.size / 4).ilog2() as usize;
        // What the doublings make of the base is at least the size; the middle of it is kept.
        let base = config.size.div_ceil(1 << doublings);
        let width = |doubling: usize| {
            let half = doublings > 1 && doubling == doublings - 1;
            if half { config.generator_width / 2 } else { config.generator_width }
        };
        let embedding = Embedding::new(params, "embedding", config.classes.len(), config.embedding, Init::Normal(1.0))?;
        let dense = Linear::new(
            params,
            "dense",
            config.latent + config.embedding,
            base * base * width(0),
            LayerConfig { bias: false, init: WEIGHTS, ..Default::default() },
        )?;
        let relu = BatchNormConfig { activation: Activation::Relu, ..Default::default() };
        let norm = BatchNorm::with_config(params, "norm", width(0), relu)?;
        let stages = (1..doublings)
            .map(|doubling| {
                let config = LayerConfig { bias: false, init: WEIGHTS, ..Default::default() };
                let (inputs, outputs) = (width(doubling - 1), width(doubling));
                let conv = ConvTranspose2d::new(params, &format!("stage{doubling}.conv"), inputs, outputs, config)?;
                Ok((conv, BatchNorm::with_config(params, &format!("stage{doubling}.norm"), outputs, relu)?))
            })
            .collect::<Result<_>>()?;
        let image = LayerConfig { activation: Activation::Tanh, init: WEIGHTS, ..Default::default() };
        let last = ConvTranspose2d::new(params, "last", width(doublings - 1), config.channels, image)?;
        Ok(Self { size: config.size, base, embedding, dense, norm, stages, last })
    }

    /// Images (N, H, W, C) in [−1, 1] from `noise` (N, latent) and `labels` (N), u32.
    pub(super) fn forward(&self, noise: &Tensor, labels: &Tensor, pass: Pass) -> Result<Tensor> {
        let normalise = |norm: &BatchNorm, x: &Tensor| match pass {
            Pass::Train => norm.forward(x, true),
            Pass::Calibrate => norm.calibrate(x),
            Pass::Evaluate => norm.forward(x, false),
        };
        let input = Tensor::cat(&[noise, &self.embedding.forward(labels)?], 1)?;
        let x = self.dense.forward(&input)?.reshape((noise.dim(0)?, self.base, self.base, ()))?;
        let mut x = normalise(&self.norm, &x)?;
        for (conv, norm) in &self.stages {
            x = normalise(norm, &conv.forward(&x)?)?;
        }
        let image = self.last.forward(&x)?;
        let made = image.dim(1)?;
        if made == self.size {
            return Ok(image);
        }
        let start = (made - self.size) / 2;
        Ok(image.narrow(1, start, self.size)?.narrow(2, start, self.size)?)
    }
}
