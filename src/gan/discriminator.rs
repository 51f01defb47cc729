//! The discriminator: image and label in, one logit out.

use candle_core::{DType, Tensor};

use super::config::{Architecture, DiscriminatorNorm, GanConfig};
use super::generator::WEIGHTS;
use super::precision::Precision;
use crate::error::Result;
use crate::nn::pool::{global_average, halve};
use crate::nn::{Activation, BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, Params, Projection, SpectralNorm};

const LEAKY: Activation = Activation::LeakyRelu(0.2);

/// Convolutions that halve the image, and a projection on the class.
///
/// It has to see real and generated images in batches of their own where it has batch norm.
#[derive(Clone, Debug)]
pub(super) struct Discriminator {
    body: Body,
    head: Projection,
    head_norms: Option<HeadNorms>,
    precision: Precision,
}

#[derive(Clone, Debug)]
enum Body {
    Plain(Vec<Stage>),
    Residual { blocks: Vec<Block>, last: Activate },
}

impl Discriminator {
    pub(super) fn new(params: &mut Params, config: &GanConfig) -> Result<Self> {
        let (body, features) = match config.architecture {
            Architecture::Residual => residual(params, config)?,
            Architecture::Transposed | Architecture::Upsampled => plain(params, config)?,
        };
        let head = Projection::new(params, "head", config.classes.len(), features, WEIGHTS)?;
        let head_norms = HeadNorms::new(params, features, config)?;
        Ok(Self { body, head, head_norms, precision: Precision::F32 })
    }

    /// The same network, sharing its variables, but computing with other numbers than f32 up to the head.
    pub(super) fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The same network, sharing its variables, but giving them no gradients.
    pub(super) fn frozen(&self) -> Self {
        let body = match &self.body {
            Body::Plain(stages) => Body::Plain(stages.iter().map(Stage::frozen).collect()),
            Body::Residual { blocks, last } => {
                Body::Residual { blocks: blocks.iter().map(Block::frozen).collect(), last: last.frozen() }
            }
        };
        Self { body, head: self.head.frozen(), head_norms: self.head_norms.clone(), precision: self.precision }
    }

    /// One step of the power iteration of every spectral norm.
    pub(super) fn iterate(&self) -> Result<()> {
        let convs: Vec<&Conv> = match &self.body {
            Body::Plain(stages) => stages.iter().map(|stage| &stage.conv).collect(),
            Body::Residual { blocks, .. } => blocks.iter().flat_map(Block::convs).collect(),
        };
        for conv in convs {
            if let Some(norm) = &conv.norm {
                norm.iterate(conv.conv.weight())?;
            }
        }
        self.head_norms.as_ref().map_or(Ok(()), |norms| norms.iterate(self.head.table()))
    }

    /// The logits (N) of `images` (N, H, W, C) in [−1, 1] under `labels` (N), u32, which count by `strength` from 0 to 1.
    pub(super) fn forward(&self, images: &Tensor, labels: &Tensor, strength: f64) -> Result<Tensor> {
        self.logits(&self.features(images)?, labels, strength)
    }

    /// What the head judges by: (N, features), f32, of `images` (N, H, W, C) in [−1, 1].
    pub(super) fn features(&self, images: &Tensor) -> Result<Tensor> {
        let images = images.to_dtype(self.precision.dtype())?;
        match &self.body {
            Body::Plain(stages) => {
                let mut x = images;
                for stage in stages {
                    x = stage.forward(&x)?;
                }
                Ok(x.flatten_from(1)?.to_dtype(DType::F32)?)
            }
            Body::Residual { blocks, last } => {
                let mut x = images;
                for block in blocks {
                    x = block.forward(&x)?;
                }
                let (_, height, width, _) = x.dims4()?;
                Ok((global_average(&last.forward(&x)?.to_dtype(DType::F32)?)? * (height * width) as f64)?)
            }
        }
    }

    /// The logits (N) of `features` under `labels` (N), u32, which count by `strength` from 0 to 1.
    pub(super) fn logits(&self, features: &Tensor, labels: &Tensor, strength: f64) -> Result<Tensor> {
        match &self.head_norms {
            Some(norms) => {
                let head = self.head.with_table(norms.normalise(self.head.table())?);
                head.forward_scaled(features, labels, strength)
            }
            None => self.head.forward_scaled(features, labels, strength),
        }
    }

    /// The logits (N) of `features` that ask for an image of any class: the head without its class term.
    pub(super) fn unconditional(&self, features: &Tensor) -> Result<Tensor> {
        let labels = Tensor::zeros(features.dim(0)?, DType::U32, features.device())?;
        self.logits(features, &labels, 0.0)
    }
}

/// Three convolutions or more, 4×4 of stride 2 (of small images all but the first), until 2 to 4 pixels a side are left (A.
/// Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks", 2015), and
/// the number of features.
fn plain(params: &mut Params, config: &GanConfig) -> Result<(Body, usize)> {
    let halving = Conv2dConfig { kernel: 4, stride: 2, padding: 1, init: WEIGHTS, ..Default::default() };
    // Small images have no detail to give away at once.
    let (first, mut side) = if config.size < 16 {
        (Conv2dConfig { init: WEIGHTS, activation: LEAKY, ..Default::default() }, config.size)
    } else {
        (Conv2dConfig { activation: LEAKY, ..halving }, config.size / 2)
    };
    let mut width = config.discriminator_width;
    let mut stages =
        vec![Stage { conv: Conv::new(params, "first", (config.channels, width), first, config)?, norm: None }];
    while side > 3 && stages.len() < 3 || side > 4 {
        let (name, outputs) = (format!("stage{}", stages.len()), (width * 2).min(config.discriminator_width * 4));
        let (conv, name_of_conv) = (Conv2dConfig { ..halving }, format!("{name}.conv"));
        let widths = (width, outputs);
        stages.push(match config.discriminator_norm {
            DiscriminatorNorm::Batch => {
                let conv = Conv::new(params, &name_of_conv, widths, Conv2dConfig { bias: false, ..conv }, config)?;
                let leaky = BatchNormConfig { activation: LEAKY, ..Default::default() };
                let norm = BatchNorm::with_config(params, &format!("{name}.norm"), outputs, leaky)?;
                Stage { conv, norm: Some(norm) }
            }
            DiscriminatorNorm::Spectral => {
                let conv = Conv2dConfig { activation: LEAKY, ..conv };
                Stage { conv: Conv::new(params, &name_of_conv, widths, conv, config)?, norm: None }
            }
        });
        (width, side) = (outputs, side / 2);
    }
    Ok((Body::Plain(stages), side * side * width))
}

/// Residual blocks that halve the image until 2 to 4 pixels a side are left, whose sum the head gets (T. Miyato, M. Koyama, "cGANs with
/// Projection Discriminator", 2018), and the number of features.
fn residual(params: &mut Params, config: &GanConfig) -> Result<(Body, usize)> {
    let (mut blocks, mut side, mut inputs) = (Vec::new(), config.size, config.channels);
    while side > 4 {
        let outputs = (config.discriminator_width << blocks.len()).min(config.discriminator_width * 4);
        let name = format!("block{}", blocks.len() + 1);
        blocks.push(Block::new(params, &name, (inputs, outputs), blocks.is_empty(), config)?);
        (side, inputs) = (side / 2, outputs);
    }
    let last = Activate::new(params, "last", inputs, config)?;
    Ok((Body::Residual { blocks, last }, inputs))
}

/// A spectral norm for `name`, if the configuration wants any.
fn spectral(params: &mut Params, name: &str, outputs: usize, config: &GanConfig) -> Result<Option<SpectralNorm>> {
    let wanted = config.discriminator_norm == DiscriminatorNorm::Spectral;
    wanted.then(|| SpectralNorm::new(params, &format!("{name}.spectral"), outputs)).transpose()
}

/// The spectral norms of the head: one of the classes' vectors, which are a layer of their own in the paper, one of the common
/// vector.
#[derive(Clone, Debug)]
struct HeadNorms {
    classes: SpectralNorm,
    common: SpectralNorm,
}

impl HeadNorms {
    fn new(params: &mut Params, features: usize, config: &GanConfig) -> Result<Option<Self>> {
        let classes = spectral(params, "head.classes", features, config)?;
        let common = spectral(params, "head.common", features, config)?;
        Ok(classes.zip(common).map(|(classes, common)| Self { classes, common }))
    }

    fn iterate(&self, table: &Tensor) -> Result<()> {
        let (classes, common) = parts(table)?;
        self.classes.iterate(&classes)?;
        self.common.iterate(&common)
    }

    fn normalise(&self, table: &Tensor) -> Result<Tensor> {
        let (classes, common) = parts(table)?;
        Ok(Tensor::cat(&[self.classes.normalise(&classes)?, self.common.normalise(&common)?], 0)?)
    }
}

/// The classes' vectors (classes, features) and the common one (1, features) of a head's table.
fn parts(table: &Tensor) -> Result<(Tensor, Tensor)> {
    let classes = table.dim(0)? - 1;
    Ok((table.narrow(0, 0, classes)?, table.narrow(0, classes, 1)?))
}

/// A convolution, its weight divided by its largest singular value or not.
#[derive(Clone, Debug)]
struct Conv {
    conv: Conv2d,
    norm: Option<SpectralNorm>,
}

impl Conv {
    fn new(
        params: &mut Params,
        name: &str,
        (inputs, outputs): (usize, usize),
        conv: Conv2dConfig,
        config: &GanConfig,
    ) -> Result<Self> {
        let conv = Conv2d::new(params, name, inputs, outputs, conv)?;
        Ok(Self { conv, norm: spectral(params, name, outputs, config)? })
    }

    fn frozen(&self) -> Self {
        Self { conv: self.conv.frozen(), norm: self.norm.clone() }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.norm {
            Some(norm) => self.conv.with_weight(norm.normalise(self.conv.weight())?).forward(x),
            None => self.conv.forward(x),
        }
    }
}

/// A convolution with the batch norm that follows, if any.
#[derive(Clone, Debug)]
struct Stage {
    conv: Conv,
    norm: Option<BatchNorm>,
}

impl Stage {
    fn frozen(&self) -> Self {
        Self { conv: self.conv.frozen(), norm: self.norm.as_ref().map(BatchNorm::frozen) }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.conv.forward(x)?;
        match &self.norm {
            Some(norm) => norm.forward(&x, true),
            None => Ok(x),
        }
    }
}

/// The activation before a convolution, after batch norm where there is such.
#[derive(Clone, Debug)]
struct Activate(Option<BatchNorm>);

impl Activate {
    fn new(params: &mut Params, name: &str, channels: usize, config: &GanConfig) -> Result<Self> {
        let leaky = BatchNormConfig { activation: LEAKY, ..Default::default() };
        let norm = || BatchNorm::with_config(params, &format!("{name}.norm"), channels, leaky);
        let wanted = config.discriminator_norm == DiscriminatorNorm::Batch;
        Ok(Self(wanted.then(norm).transpose()?))
    }

    fn frozen(&self) -> Self {
        Self(self.0.as_ref().map(BatchNorm::frozen))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Some(norm) => norm.forward(x, true),
            None => LEAKY.forward(x),
        }
    }
}

/// A residual block that halves the sides; the first of the network takes the image as it is.
#[derive(Clone, Debug)]
struct Block {
    before: Option<Activate>,
    first: Conv,
    between: Activate,
    second: Conv,
    shortcut: Conv,
}

impl Block {
    fn new(
        params: &mut Params,
        name: &str,
        (inputs, outputs): (usize, usize),
        is_first: bool,
        config: &GanConfig,
    ) -> Result<Self> {
        let of = |part: &str| format!("{name}.{part}");
        let conv = Conv2dConfig { init: WEIGHTS, ..Default::default() };
        let before = (!is_first).then(|| Activate::new(params, &of("before"), inputs, config)).transpose()?;
        let first = Conv::new(params, &of("first"), (inputs, outputs), conv, config)?;
        let between = Activate::new(params, &of("between"), outputs, config)?;
        let second = Conv::new(params, &of("second"), (outputs, outputs), conv, config)?;
        let single = Conv2dConfig { kernel: 1, padding: 0, ..conv };
        let shortcut = Conv::new(params, &of("shortcut"), (inputs, outputs), single, config)?;
        Ok(Self { before, first, between, second, shortcut })
    }

    fn convs(&self) -> [&Conv; 3] {
        [&self.first, &self.second, &self.shortcut]
    }

    fn frozen(&self) -> Self {
        Self {
            before: self.before.as_ref().map(Activate::frozen),
            first: self.first.frozen(),
            between: self.between.frozen(),
            second: self.second.frozen(),
            shortcut: self.shortcut.frozen(),
        }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        // The mean of four pixels and a 1×1 convolution commute.
        let shortcut = self.shortcut.forward(&halve(x)?)?;
        let x = match &self.before {
            Some(before) => before.forward(x)?,
            None => x.clone(),
        };
        let x = self.second.forward(&self.between.forward(&self.first.forward(&x)?)?)?;
        Ok((halve(&x)? + shortcut)?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_vectors_of_the_classes_and_the_common_one_have_a_norm_each() -> Result<()> {
        let config = GanConfig {
            discriminator_norm: DiscriminatorNorm::Spectral,
            discriminator_width: 2,
            ..GanConfig::new(8, 1, ["a", "b", "c"])
        };
        let mut params = Params::new(1, &Device::Cpu);
        let network = Discriminator::new(&mut params, &config)?;
        // Common features a hundred times as strong as those of classes.
        let (classes, common) = parts(network.head.table())?;
        let table = Tensor::cat(&[classes, (common * 100.0)?], 0)?.detach();
        let norms = network.head_norms.as_ref().expect("it is spectral");
        for _ in 0..200 {
            norms.iterate(&table)?;
        }
        let (classes, common) = parts(&norms.normalise(&table)?)?;
        let length = |x: &Tensor| -> Result<f32> { Ok(x.sqr()?.sum_all()?.to_scalar::<f32>()?.sqrt()) };
        assert!((length(&common)? - 1.0).abs() < 1e-4);
        // The largest singular value is 1, so their length is at least that and at most the root of their number.
        assert!((1.0 - 1e-4..3f32.sqrt() + 1e-4).contains(&length(&classes)?), "{}", length(&classes)?);
        // Both learn through their norms.
        let gradients = norms.normalise(network.head.table())?.sqr()?.sum_all()?.backward()?;
        assert!(gradients.get(network.head.table()).is_some());
        Ok(())
    }

    #[test]
    fn two_to_four_pixels_a_side_are_left() -> Result<()> {
        for size in 8..=128 {
            let config = GanConfig { discriminator_width: 1, ..GanConfig::new(size, 1, ["a"]) };
            let (body, features) = plain(&mut Params::new(1, &Device::Cpu), &config)?;
            let Body::Plain(stages) = body else { panic!("it is plain") };
            let side = (features as f64 / 4.0).sqrt();
            assert!((2.0..=4.0).contains(&side) && stages.len() >= 3, "{size} to {side}");
        }
        Ok(())
    }
}
