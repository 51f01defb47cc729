//! The network: 3×3 convolutions with batch norm, each stage half the size of the one before, then the mean over the pixels.

use candle_core::Tensor;

use super::config::ClassifierConfig;
use crate::error::Result;
use crate::image::Size;
use crate::nn::{Activation, BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Linear, LinearConfig, Params};

/// Images are halved until a side is this small: only then does the last convolution see the whole of an object.
const SMALLEST_SIDE: usize = 4;

struct Block {
    conv: Conv2d,
    norm: BatchNorm,
}

impl Block {
    fn new(params: &mut Params, name: &str, input: usize, output: usize, stride: usize) -> Result<Self> {
        let conv = Conv2dConfig { stride, bias: false, ..Default::default() };
        let norm = BatchNormConfig { activation: Activation::Relu, ..Default::default() };
        Ok(Self {
            conv: Conv2d::new(params, &format!("{name}.conv"), input, output, conv)?,
            norm: BatchNorm::with_config(params, &format!("{name}.norm"), output, norm)?,
        })
    }

    fn forward(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        self.norm.forward(&self.conv.forward(images)?, train)
    }
}

pub(super) struct Network {
    blocks: Vec<Block>,
    head: Linear,
}

impl Network {
    pub(super) fn new(params: &mut Params, config: &ClassifierConfig) -> Result<Self> {
        let mut input = config.channels;
        let mut blocks = Vec::new();
        for (index, (output, stride)) in stages(config.size, config.width).into_iter().enumerate() {
            blocks.push(Block::new(params, &format!("block{index}"), input, output, stride)?);
            input = output;
        }
        Ok(Self { blocks, head: Linear::new(params, "head", input, config.classes, LinearConfig::default())? })
    }

    /// Images `(N, H, W, C)` to logits `(N, classes)`.
    pub(super) fn logits(&self, images: &Tensor, train: bool) -> Result<Tensor> {
        let mut features = images.clone();
        for block in &self.blocks {
            features = block.forward(&features, train)?;
        }
        self.head.forward(&features.flatten(1, 2)?.mean(1)?)
    }
}

/// Output channels and stride of each convolution.
fn stages(size: Size, width: usize) -> Vec<(usize, usize)> {
    let mut stages = vec![(width, 1)];
    let mut side = size.height.min(size.width);
    let mut output = width;
    while side > SMALLEST_SIDE {
        side = side.div_ceil(2);
        output = (2 * output).min(4 * width);
        stages.push((output, 2));
    }
    stages.push((4 * width, 1));
    stages
}
