//! The configuration of a conditional GAN.

use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use super::loss::Loss;
use super::precision::Precision;
use super::regularizer::Regularizers;
use crate::error::{Error, ErrorKind, Result};

/// How the two networks are built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// Transposed 4×4 convolutions that double the sides, and convolutions of stride 2 that halve them (A. Radford et al.,
    /// "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks", 2015).
    Transposed,
    /// The same discriminator; the generator repeats pixels and convolves 3×3, which leaves no checkerboard (A. Odena et
    /// al., "Deconvolution and Checkerboard Artifacts", 2016), and has one convolution more, at the full size.
    #[default]
    Upsampled,
    /// Residual blocks in both networks (T. Miyato, M. Koyama, "cGANs with Projection Discriminator", 2018): better images
    /// at many times the cost of a step.
    Residual,
}

/// Where the label enters the generator. In the discriminator it always enters by a projection (same paper).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conditioning {
    /// Beside the noise, as a vector of its own for each class (M. Mirza, S. Osindero, "Conditional Generative Adversarial
    /// Nets", 2014).
    #[default]
    Concatenated,
    /// After every batch norm, as a gain and a shift of its own for each class and channel.
    BatchNorm,
}

/// What keeps the discriminator in check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiscriminatorNorm {
    /// Batch norm, of real and of generated images apart. It makes a discriminator see whether a batch is varied: without,
    /// and with nothing in its place, every class collapsed to one image.
    #[default]
    Batch,
    /// Weights divided by their largest singular value (T. Miyato et al., "Spectral Normalization for Generative Adversarial
    /// Networks", 2018).
    Spectral,
}

/// The configuration of a conditional GAN; it is stored in every checkpoint.
///
/// ```
/// use candle_augment::gan::{GanConfig, Loss};
///
/// let config = GanConfig { loss: Loss::Minimax, seed: 7, ..GanConfig::new(28, 1, ["cat", "dog"]) };
/// config.validate()?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GanConfig {
    /// Side of the square images, in pixels: 8 to 128. Others have to be made square before, as by a
    /// [`Resize`](crate::Resize); the program stretches images of up to 4:1 and refuses longer ones.
    pub size: usize,
    /// Channels of the images: 1 or 3.
    pub channels: usize,
    /// Names of the classes, in the order of their labels.
    pub classes: Vec<String>,
    /// How the networks are built; by doubled pixels by default.
    pub architecture: Architecture,
    /// Where the label enters the generator; beside the noise by default.
    pub conditioning: Conditioning,
    /// What keeps the discriminator in check; batch norm by default.
    pub discriminator_norm: DiscriminatorNorm,
    /// Length of the noise vector z; 64 by default.
    pub latent: usize,
    /// Length of the vector that stands for a class beside z; 32 by default. [`Conditioning::BatchNorm`] has none.
    pub embedding: usize,
    /// Channels of the generator's first layers, of the last two half as many; see [`GanConfig::new`] for the default.
    pub generator_width: usize,
    /// Channels of the discriminator's first layer, doubled at each halving of the image up to four times as many; see
    /// [`GanConfig::new`] for the default.
    pub discriminator_width: usize,
    /// The objective; non-saturating by default.
    pub loss: Loss,
    /// Step size of the generator's Adam; 5 · 10⁻⁴ by default.
    pub generator_rate: f64,
    /// Step size of the discriminator's Adam; 5 · 10⁻⁴ by default.
    pub discriminator_rate: f64,
    /// First decay of both Adams; 0.5 by default.
    pub beta1: f64,
    /// Second decay of both Adams; 0.999 by default.
    pub beta2: f64,
    /// What is left of both rates at the end of [`Trainer::plan`](super::Trainer::plan), to which they fall along half a
    /// cosine; 0.25 by default. Without a plan they stay.
    pub final_rate: f64,
    /// Steps of the discriminator for each of the generator; 1 by default.
    pub discriminator_steps: u64,
    /// The half-life of the average of the generator that makes the samples, as a share of the images seen so far; 0.2
    /// by default, where the samples of few images stayed the most varied. So the first weights are forgotten, however
    /// long the training is (the ramp-up of T. Karras et al., "Training Generative Adversarial Networks with Limited
    /// Data", 2020).
    pub average: f64,
    /// The share of the planned steps in which the class grows from no influence on either network to its whole one; 0,
    /// at once, by default. It keeps the conditioning from collapsing on few images (M. Shahbazi et al., "Collapse by
    /// Conditioning", 2022). Here one logit grows a class term; there, one loss for each is added. Once grown it stays, also if
    /// the plan becomes longer, as that of a [time budget](super::Budget::Time) may.
    pub label_ramp: f64,
    /// How much unlabelled images count, if [any are given](super::Trainer::step_with): the weight of the second loss of
    /// both networks, that of the discriminator's logits without their class term for unlabelled against generated images;
    /// 1 by default, as for the unconditional loss of M. Shahbazi et al., "Collapse by Conditioning", 2022. (M. Lučić et
    /// al., "High-Fidelity Image Generation With Fewer Labels", 2019, guess the missing labels instead.) On 20 images of
    /// each digit of MNIST and all others without labels, 300 steps and one seed of `examples/gan_ablation.rs`, without an
    /// autoencoder, at a noise of 0.3 and an average of 0.05 (a classifier trained on samples alone; samples of the class
    /// they were made for; variety): 64 %, 96 %, 0.82 without unlabelled images; 69 %, 89 %, 0.88 with a weight of 0.3;
    /// 70 %, 86 %, 0.95 with 1. So they are worth it for varied samples.
    pub unlabelled: f64,
    /// Penalties on the discriminator; none by default.
    pub regularizers: Regularizers,
    /// What the discriminator's images go through, real and generated ones alike; nothing by default.
    pub augmentation: Augmentation,
    /// Standard deviation of the noise added to every image that the discriminator sees, in pixel values of [−1, 1];
    /// 0.5 by default. It keeps the discriminator from telling the few images of a rare class by heart: with 0.1 such
    /// classes broke down, and so did [`Loss::Minimax`]; with 0.3 those of 20 images did.
    pub noise: f64,
    /// Images of a batch, for whoever makes the batches; see [`GanConfig::new`] for the default. The trainer takes any
    /// number from 2.
    pub batch_size: usize,
    /// The numbers that training computes with; f32 by default. Samples are made in f32 always.
    pub precision: Precision,
    /// Seed of the initial weights and of everything random in training; 0 by default.
    pub seed: u64,
}

impl GanConfig {
    /// The defaults for square images of `size` pixels a side.
    ///
    /// | size | generator width | discriminator width | batch | why |
    /// |---|---|---|---|---|
    /// | 8 to 15 | 64 | 16 | 64 | there is little to see: a wider discriminator knows it by heart |
    /// | 16 to 95 | 64 | 32 | 64 | at equal time, steps count for more than width |
    /// | 96 to 128 | 48 | 24 | 32 | a step on two cores stays within seconds |
    #[must_use]
    pub fn new(size: usize, channels: usize, classes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let (generator_width, discriminator_width, batch_size) = match size {
            ..16 => (64, 16, 64),
            16..96 => (64, 32, 64),
            _ => (48, 24, 32),
        };
        Self {
            size,
            channels,
            classes: classes.into_iter().map(Into::into).collect(),
            architecture: Architecture::default(),
            conditioning: Conditioning::default(),
            discriminator_norm: DiscriminatorNorm::default(),
            latent: 64,
            embedding: 32,
            generator_width,
            discriminator_width,
            loss: Loss::default(),
            generator_rate: 5e-4,
            discriminator_rate: 5e-4,
            beta1: 0.5,
            beta2: 0.999,
            final_rate: 0.25,
            discriminator_steps: 1,
            average: 0.2,
            label_ramp: 0.0,
            unlabelled: 1.0,
            regularizers: Regularizers::default(),
            augmentation: Augmentation::default(),
            noise: 0.5,
            batch_size,
            precision: Precision::default(),
            seed: 0,
        }
    }

    /// The same for a set of `count` images: from 10,000 on, the noise is 0.3. There the discriminator cannot know them by
    /// heart, and less noise leaves finer detail: 96.4 % instead of 94.8 % for a classifier of MNIST trained on samples.
    #[must_use]
    pub fn for_images(self, count: usize) -> Self {
        const MANY: usize = 10_000;
        Self { noise: if count >= MANY { 0.3 } else { self.noise }, ..self }
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for the first field that is out of range.
    pub fn validate(&self) -> Result<()> {
        let within = |name: &str, value: usize, low: usize, high: usize| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::config(format!("the GAN's {name} must be from {low} to {high}, got {value}")))
        };
        within("image size", self.size, 8, 128)?;
        if !matches!(self.channels, 1 | 3) {
            return Err(Error::config(format!("the GAN's images have 1 or 3 channels, got {}", self.channels)));
        }
        within("number of classes", self.classes.len(), 1, 100_000)?;
        within("latent size", self.latent, 1, 4096)?;
        within("embedding size", self.embedding, 1, 4096)?;
        within("generator width", self.generator_width, 2, 1024)?;
        within("discriminator width", self.discriminator_width, 1, 1024)?;
        within("batch size", self.batch_size, 2, 65_536)?;
        let number = |name: &str, value: f64, right: bool, range: &str| {
            if right {
                return Ok(());
            }
            Err(Error::config(format!("the GAN's {name} must be {range}, got {value}")))
        };
        for (name, rate) in [("generator", self.generator_rate), ("discriminator", self.discriminator_rate)] {
            number(&format!("{name} rate"), rate, rate > 0.0 && rate <= 1.0, "above 0 and at most 1")?;
        }
        for (name, decay) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            number(name, decay, (0.0..1.0).contains(&decay), "at least 0 and below 1")?;
        }
        within("number of discriminator steps", self.discriminator_steps as usize, 1, 100)?;
        number(
            "final rate",
            self.final_rate,
            self.final_rate > 0.0 && self.final_rate <= 1.0,
            "above 0 and at most 1",
        )?;
        number("average", self.average, self.average > 0.0 && self.average <= 1.0, "above 0 and at most 1")?;
        number("label ramp", self.label_ramp, (0.0..=1.0).contains(&self.label_ramp), "from 0 to 1")?;
        number(
            "weight of unlabelled images",
            self.unlabelled,
            self.unlabelled > 0.0 && self.unlabelled <= 100.0,
            "above 0 and at most 100",
        )?;
        self.regularizers.validate(self.loss, &self.augmentation)?;
        self.augmentation.validate()?;
        number("noise", self.noise, (0.0..=2.0).contains(&self.noise), "from 0 to 2")
    }

    /// Checks that a GAN of this configuration can be used with images of this kind.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Checkpoint`] if size, channels or classes are others.
    pub fn expect_images(&self, size: usize, channels: usize, classes: &[String]) -> Result<()> {
        let mismatch = |what: &str, own: String, given: String| {
            Err(Error::new(
                ErrorKind::Checkpoint,
                format!(
                    "the GAN was trained for {what} {own}, the data has {given}: \
                     use the data it was trained on, or train another"
                ),
            ))
        };
        if self.size != size {
            return mismatch("images of size", self.size.to_string(), size.to_string());
        }
        if self.channels != channels {
            return mismatch("a number of channels of", self.channels.to_string(), channels.to_string());
        }
        if self.classes != classes {
            return mismatch("the classes", list(&self.classes), list(classes));
        }
        Ok(())
    }
}

/// The first of `names`, and how many there are if that is not all.
fn list(names: &[String]) -> String {
    let shown = names.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > 10 { format!("{shown}, … ({} classes)", names.len()) } else { shown }
}
