//! The configuration of a conditional GAN.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The objective of the two networks. D is the discriminator's logit; σ(D) is its probability that an image is real.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The original objective (I. Goodfellow et al., "Generative Adversarial Nets", 2014): the discriminator maximises
    /// log σ(D(x)) + log(1 − σ(D(G(z)))), the generator minimises log(1 − σ(D(G(z)))). Its gradient vanishes where the
    /// discriminator is sure, so it learns more slowly than the others.
    Minimax,
    /// The same discriminator; the generator maximises log σ(D(G(z))), whose gradient does not vanish while the
    /// discriminator wins (same paper, section 3).
    #[default]
    NonSaturating,
    /// The discriminator minimises max(0, 1 − D(x)) + max(0, 1 + D(G(z))), the generator −D(G(z)) (J. H. Lim, J. C. Ye,
    /// "Geometric GAN", 2017).
    Hinge,
}

const LOSSES: [(Loss, &str); 3] =
    [(Loss::Minimax, "minimax"), (Loss::NonSaturating, "non-saturating"), (Loss::Hinge, "hinge")];

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = LOSSES.iter().find(|(loss, _)| loss == self).map_or("?", |(_, name)| name);
        f.pad(name)
    }
}

impl FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        LOSSES
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(loss, _)| *loss)
            .ok_or_else(|| Error::config(format!("{text:?} is not a loss: expected minimax, non-saturating or hinge")))
    }
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
    /// Side of the square images, in pixels: 8 to 64.
    pub size: usize,
    /// Channels of the images: 1 or 3.
    pub channels: usize,
    /// Names of the classes, in the order of their labels.
    pub classes: Vec<String>,
    /// Length of the noise vector z; 64 by default.
    pub latent: usize,
    /// Length of the vector that stands for a class beside z; 32 by default.
    pub embedding: usize,
    /// Channels of the generator's first layers; 64 by default. The last hidden layer has half of them.
    pub generator_width: usize,
    /// Channels of the discriminator's first layer, doubled at each halving of the image up to four times as many; 32
    /// by default, 16 for images of less than 16 pixels a side.
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
    /// Decay per step of the average of the generator that makes the samples; 0.995 by default. It grows to that from 0
    /// as 1 − 1 / (1 + step / 10), so that the first weights are forgotten.
    pub average_decay: f64,
    /// Standard deviation of the noise added to every image that the discriminator sees, in pixel values of [−1, 1];
    /// 0.3 by default. It keeps the discriminator from telling the few images of a rare class by heart: with 0.1 such
    /// classes broke down, and so did [`Loss::Minimax`].
    pub noise: f64,
    /// Images of a batch, for whoever makes the batches; 64 by default. The trainer takes any number from 2.
    pub batch_size: usize,
    /// Seed of the initial weights and of everything random in training; 0 by default.
    pub seed: u64,
}

impl GanConfig {
    /// The defaults for square images of `size` pixels a side.
    #[must_use]
    pub fn new(size: usize, channels: usize, classes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            size,
            channels,
            classes: classes.into_iter().map(Into::into).collect(),
            latent: 64,
            embedding: 32,
            generator_width: 64,
            discriminator_width: if size < 16 { 16 } else { 32 },
            loss: Loss::default(),
            generator_rate: 5e-4,
            discriminator_rate: 5e-4,
            beta1: 0.5,
            beta2: 0.999,
            average_decay: 0.995,
            noise: 0.3,
            batch_size: 64,
            seed: 0,
        }
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
        within("image size", self.size, 8, 64)?;
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
        for (name, decay) in [("beta1", self.beta1), ("beta2", self.beta2), ("average decay", self.average_decay)] {
            number(name, decay, (0.0..1.0).contains(&decay), "at least 0 and below 1")?;
        }
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
