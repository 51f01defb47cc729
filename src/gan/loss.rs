//! The losses, from logits (N), never through the logarithm of a sigmoid: −log σ(x) = softplus(−x), −log(1 − σ(x)) =
//! softplus(x).

use std::fmt;
use std::str::FromStr;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The objective of the two networks. D is the discriminator's logit; σ(D) is its probability that an image is real.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The original objective (I. Goodfellow et al., "Generative Adversarial Nets", 2014): the discriminator maximises
    /// log σ(D(x)) + log(1 − σ(D(G(z)))), the generator minimises log(1 − σ(D(G(z)))). Its gradient vanishes where the
    /// discriminator is sure.
    Minimax,
    /// The same discriminator; the generator maximises log σ(D(G(z))), whose gradient does not vanish while the
    /// discriminator wins (same paper, section 3).
    #[default]
    NonSaturating,
    /// The discriminator minimises max(0, 1 − D(x)) + max(0, 1 + D(G(z))), the generator −D(G(z)) (J. H. Lim, J. C. Ye,
    /// "Geometric GAN", 2017).
    Hinge,
    /// The discriminator minimises ½ (D(x) − 1)² + ½ D(G(z))², the generator ½ (D(G(z)) − 1)² (X. Mao et al., "Least
    /// Squares Generative Adversarial Networks", 2017, equation 9).
    LeastSquares,
    /// Both judge by pairs of a real and a generated image of one class: the discriminator minimises
    /// −log σ(D(x) − D(G(z))), the generator −log σ(D(G(z)) − D(x)) (A. Jolicoeur-Martineau, "The Relativistic
    /// Discriminator", 2019; Y. Huang et al., "The GAN is Dead; Long Live the GAN!", 2024).
    Relativistic,
}

impl Loss {
    /// Every loss.
    pub const ALL: [Self; 5] =
        [Self::Minimax, Self::NonSaturating, Self::Hinge, Self::LeastSquares, Self::Relativistic];

    const fn name(self) -> &'static str {
        match self {
            Self::Minimax => "minimax",
            Self::NonSaturating => "non-saturating",
            Self::Hinge => "hinge",
            Self::LeastSquares => "least-squares",
            Self::Relativistic => "relativistic",
        }
    }

    /// What the discriminator minimises, a scalar, from its logits (N) of real and of generated images; for
    /// [`Loss::Relativistic`] those at one place are a pair.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] if the logits are not of dtype f32, or not as many of both.
    pub fn discriminator(self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        let (real, fake) = match self {
            Self::Minimax | Self::NonSaturating => (softplus(&real.neg()?)?, softplus(fake)?),
            Self::Hinge => (real.affine(-1.0, 1.0)?.relu()?, fake.affine(1.0, 1.0)?.relu()?),
            Self::LeastSquares => (half_square(&real.affine(1.0, -1.0)?)?, half_square(fake)?),
            Self::Relativistic => return Ok(softplus(&(fake - real)?)?.mean_all()?),
        };
        Ok((real.mean_all()? + fake.mean_all()?)?)
    }

    /// What the generator minimises, a scalar, from the discriminator's logits (N) of generated images; those of real
    /// ones count for [`Loss::Relativistic`] alone.
    ///
    /// # Errors
    ///
    /// As [`Loss::discriminator`].
    pub fn generator(self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        let loss = match self {
            Self::Minimax => softplus(fake)?.neg()?,
            Self::NonSaturating => softplus(&fake.neg()?)?,
            Self::Hinge => fake.neg()?,
            Self::LeastSquares => half_square(&fake.affine(1.0, -1.0)?)?,
            Self::Relativistic => softplus(&(real - fake)?)?,
        };
        Ok(loss.mean_all()?)
    }

    /// By how much each logit of an image says "real", from that of a real image and that of a generated one: above 0 it
    /// does. For [`Loss::Relativistic`] a logit says something only beside the other of its pair.
    pub(super) fn margins(self, real: &[f32], fake: &[f32]) -> (Vec<f64>, Vec<f64>) {
        let middle = if self == Self::LeastSquares { 0.5 } else { 0.0 };
        let (real, fake) = (real.iter().map(|x| f64::from(*x)), fake.iter().map(|x| f64::from(*x)));
        if self == Self::Relativistic {
            let differences: Vec<f64> = real.zip(fake).map(|(real, fake)| real - fake).collect();
            let opposite = differences.iter().map(|difference| -difference).collect();
            return (differences, opposite);
        }
        (real.map(|x| x - middle).collect(), fake.map(|x| x - middle).collect())
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|loss| loss.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::config(format!("{text:?} is not a loss: expected one of {names}"))
        })
    }
}

fn half_square(x: &Tensor) -> Result<Tensor> {
    Ok((x.sqr()? * 0.5)?)
}

/// log(1 + exp(x)) = max(x, 0) + log(1 + exp(−|x|)), which overflows nowhere.
fn softplus(x: &Tensor) -> Result<Tensor> {
    let zero = x.zeros_like()?;
    let positive = x.maximum(&zero)?;
    // −|x|; candle's own `abs` has no derivative of 0 at 0.
    let negative = (x.minimum(&zero)? - &positive)?;
    Ok((positive + (negative.exp()? + 1.0)?.log()?)?)
}
