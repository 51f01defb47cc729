//! The generator: noise and label in, image out.

use candle_core::{DType, Tensor};

use super::config::{Architecture, Conditioning, GanConfig};
use super::norm::{ClassNorm, Classes};
use super::precision::Precision;
use crate::error::Result;
use crate::nn::pool::double;
use crate::nn::{
    Activation, Conv2d, Conv2dConfig, ConvTranspose2d, Embedding, Init, LayerConfig, Linear, Params, UpsampleConv2d,
};

/// Standard deviation of the initial weights (A. Radford et al., "Unsupervised Representation Learning with Deep
/// Convolutional Generative Adversarial Networks", 2015).
pub(super) const WEIGHTS: Init = Init::Normal(0.02);

/// How the batch norms of a pass normalise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pass {
    /// By the batch's own statistics, which enter the running ones.
    Train,
    /// By the batch's own statistics, which become this part of the running ones.
    Calibrate(f64),
    /// By the running statistics: each image depends on its own noise and label alone.
    Evaluate,
}

/// Noise, with an embedding of the label unless that enters at the norms, made into a small image of many channels, whose
/// sides the stages double.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    size: usize,
    base: usize,
    embedding: Option<Embedding>,
    dense: Linear,
    body: Body,
    precision: Precision,
}

#[derive(Clone, Debug)]
enum Body {
    /// A norm, then doubling convolutions with a norm between two, the last of them making the image.
    Transposed { norm: ClassNorm, stages: Vec<(ConvTranspose2d, ClassNorm)>, last: ConvTranspose2d },
    /// A norm, then doubling convolutions with a norm after each, then one that keeps the size.
    Upsampled { norm: ClassNorm, stages: Vec<(UpsampleConv2d, ClassNorm)>, last: Conv2d },
    /// Residual blocks, then a norm and a convolution.
    Residual { blocks: Vec<Block>, norm: ClassNorm, last: Conv2d },
}

impl Generator {
    pub(super) fn new(params: &mut Params, config: &GanConfig) -> Result<Self> {
        let doublings = (config.size / 4).ilog2() as usize;
        // What the doublings make of the base is at least the size; the middle of it is kept.
        let base = config.size.div_ceil(1 << doublings);
        let width = |doubling: usize| {
            let half = doublings > 1 && doubling + 1 >= doublings;
            if half { config.generator_width / 2 } else { config.generator_width }
        };
        let classes = config.classes.len();
        let embedding = match config.conditioning {
            Conditioning::Concatenated => {
                Some(Embedding::new(params, "embedding", classes, config.embedding, Init::Normal(1.0))?)
            }
            Conditioning::BatchNorm => None,
        };
        let inputs = config.latent + if embedding.is_some() { config.embedding } else { 0 };
        let plain = LayerConfig { bias: false, init: WEIGHTS, ..Default::default() };
        let dense = Linear::new(params, "dense", inputs, base * base * width(0), plain)?;
        let conditioning = (config.conditioning, classes);
        let to_image = Conv2dConfig { activation: Activation::Tanh, init: WEIGHTS, ..Default::default() };
        let body = match config.architecture {
            Architecture::Transposed => {
                let norm = ClassNorm::new(params, "norm", width(0), conditioning)?;
                let stage = |doubling: usize| {
                    let (name, inputs, outputs) = (format!("stage{doubling}"), width(doubling - 1), width(doubling));
                    let conv = ConvTranspose2d::new(params, &format!("{name}.conv"), inputs, outputs, plain)?;
                    Ok((conv, ClassNorm::new(params, &format!("{name}.norm"), outputs, conditioning)?))
                };
                let stages = (1..doublings).map(stage).collect::<Result<_>>()?;
                let image = LayerConfig { activation: Activation::Tanh, init: WEIGHTS, ..Default::default() };
                let last = ConvTranspose2d::new(params, "last", width(doublings - 1), config.channels, image)?;
                Body::Transposed { norm, stages, last }
            }
            Architecture::Upsampled => {
                let norm = ClassNorm::new(params, "norm", width(0), conditioning)?;
                let stage = |doubling: usize| {
                    let (name, inputs, outputs) = (format!("stage{doubling}"), width(doubling - 1), width(doubling));
                    let conv = UpsampleConv2d::new(params, &format!("{name}.conv"), inputs, outputs, plain)?;
                    Ok((conv, ClassNorm::new(params, &format!("{name}.norm"), outputs, conditioning)?))
                };
                let stages = (1..=doublings).map(stage).collect::<Result<_>>()?;
                let last = Conv2d::new(params, "last", width(doublings), config.channels, to_image)?;
                Body::Upsampled { norm, stages, last }
            }
            Architecture::Residual => {
                let block = |doubling: usize| {
                    let widths = (width(doubling - 1), width(doubling));
                    Block::new(params, &format!("block{doubling}"), widths, conditioning)
                };
                let blocks = (1..=doublings).map(block).collect::<Result<_>>()?;
                let norm = ClassNorm::new(params, "norm", width(doublings), conditioning)?;
                let last = Conv2d::new(params, "last", width(doublings), config.channels, to_image)?;
                Body::Residual { blocks, norm, last }
            }
        };
        Ok(Self { size: config.size, base, embedding, dense, body, precision: Precision::F32 })
    }

    /// The same network, sharing its variables, but computing with other numbers than f32.
    pub(super) fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The same network, sharing its variables and statistics, but giving the variables no gradients: it makes images without
    /// keeping what each layer made.
    pub(super) fn frozen(&self) -> Self {
        Self {
            size: self.size,
            base: self.base,
            embedding: self.embedding.as_ref().map(Embedding::frozen),
            dense: self.dense.frozen(),
            body: self.body.frozen(),
            precision: self.precision,
        }
    }

    /// Makes what the convolutions of many channels make of their weights once, for all passes to come: the variables must change
    /// no more, and get no gradients.
    pub(super) fn prepare(&mut self) -> Result<()> {
        *self = self.frozen();
        self.body.prepare()
    }

    /// Images (N, H, W, C) in [−1, 1] from `noise` (N, latent) and `labels` (N), u32, which count by `strength`: at 0 they
    /// count nothing, at 1 wholly.
    pub(super) fn forward(&self, noise: &Tensor, labels: &Tensor, strength: f64, pass: Pass) -> Result<Tensor> {
        let classes = Classes { labels, strength };
        let input = match &self.embedding {
            Some(embedding) => Tensor::cat(&[noise, &(embedding.forward(labels)? * strength)?], 1)?,
            None => noise.clone(),
        };
        let input = input.to_dtype(self.precision.dtype())?;
        let x = self.dense.forward(&input)?.reshape((noise.dim(0)?, self.base, self.base, ()))?;
        let image = self.body.forward(&x, classes, pass)?.to_dtype(DType::F32)?;
        let made = image.dim(1)?;
        if made == self.size {
            return Ok(image);
        }
        let start = (made - self.size) / 2;
        Ok(image.narrow(1, start, self.size)?.narrow(2, start, self.size)?)
    }
}

impl Body {
    fn frozen(&self) -> Self {
        match self {
            Self::Transposed { norm, stages, last } => {
                let stages = stages.iter().map(|(conv, norm)| (conv.frozen(), norm.frozen())).collect();
                Self::Transposed { norm: norm.frozen(), stages, last: last.frozen() }
            }
            Self::Upsampled { norm, stages, last } => {
                let stages = stages.iter().map(|(conv, norm)| (conv.frozen(), norm.frozen())).collect();
                Self::Upsampled { norm: norm.frozen(), stages, last: last.frozen() }
            }
            Self::Residual { blocks, norm, last } => {
                let blocks = blocks.iter().map(Block::frozen).collect();
                Self::Residual { blocks, norm: norm.frozen(), last: last.frozen() }
            }
        }
    }

    fn prepare(&mut self) -> Result<()> {
        match self {
            Self::Transposed { stages, .. } => stages.iter_mut().try_for_each(|(conv, _)| conv.prepare()),
            Self::Upsampled { stages, .. } => stages.iter_mut().try_for_each(|(conv, _)| conv.prepare()),
            Self::Residual { blocks, .. } => blocks.iter_mut().try_for_each(Block::prepare),
        }
    }

    fn forward(&self, x: &Tensor, classes: Classes<'_>, pass: Pass) -> Result<Tensor> {
        match self {
            Self::Transposed { norm, stages, last } => {
                let mut x = norm.forward(x, classes, pass)?;
                for (conv, norm) in stages {
                    x = norm.forward(&conv.forward(&x)?, classes, pass)?;
                }
                last.forward(&x)
            }
            Self::Upsampled { norm, stages, last } => {
                let mut x = norm.forward(x, classes, pass)?;
                for (conv, norm) in stages {
                    x = norm.forward(&conv.forward(&x)?, classes, pass)?;
                }
                last.forward(&x)
            }
            Self::Residual { blocks, norm, last } => {
                let mut x = x.clone();
                for block in blocks {
                    x = block.forward(&x, classes, pass)?;
                }
                last.forward(&norm.forward(&x, classes, pass)?)
            }
        }
    }
}

/// A residual block that doubles the sides (T. Miyato, M. Koyama, "cGANs with Projection Discriminator", 2018, figure 14).
#[derive(Clone, Debug)]
struct Block {
    first: (ClassNorm, UpsampleConv2d),
    second: (ClassNorm, Conv2d),
    /// 1×1, where the number of channels changes.
    shortcut: Option<Conv2d>,
}

impl Block {
    fn new(
        params: &mut Params,
        name: &str,
        (inputs, outputs): (usize, usize),
        conditioning: (Conditioning, usize),
    ) -> Result<Self> {
        let plain = LayerConfig { bias: false, init: WEIGHTS, ..Default::default() };
        let first = (
            ClassNorm::new(params, &format!("{name}.norm1"), inputs, conditioning)?,
            UpsampleConv2d::new(params, &format!("{name}.conv1"), inputs, outputs, plain)?,
        );
        let conv = Conv2dConfig { init: WEIGHTS, ..Default::default() };
        let second = (
            ClassNorm::new(params, &format!("{name}.norm2"), outputs, conditioning)?,
            Conv2d::new(params, &format!("{name}.conv2"), outputs, outputs, conv)?,
        );
        let single = Conv2dConfig { kernel: 1, padding: 0, bias: false, ..conv };
        let shortcut = || Conv2d::new(params, &format!("{name}.shortcut"), inputs, outputs, single);
        let shortcut = (inputs != outputs).then(shortcut).transpose()?;
        Ok(Self { first, second, shortcut })
    }

    fn frozen(&self) -> Self {
        Self {
            first: (self.first.0.frozen(), self.first.1.frozen()),
            second: (self.second.0.frozen(), self.second.1.frozen()),
            shortcut: self.shortcut.as_ref().map(Conv2d::frozen),
        }
    }

    fn prepare(&mut self) -> Result<()> {
        self.first.1.prepare()?;
        self.second.1.prepare()
    }

    fn forward(&self, x: &Tensor, classes: Classes<'_>, pass: Pass) -> Result<Tensor> {
        let shortcut = match &self.shortcut {
            // Before the doubling it costs a quarter and gives the same.
            Some(conv) => double(&conv.forward(x)?)?,
            None => double(x)?,
        };
        let x = self.first.1.forward(&self.first.0.forward(x, classes, pass)?)?;
        let x = self.second.1.forward(&self.second.0.forward(&x, classes, pass)?)?;
        Ok((x + shortcut)?)
    }
}
