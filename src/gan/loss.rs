//! The losses, from logits (N), never through the logarithm of a sigmoid: −log σ(x) = softplus(−x), −log(1 − σ(x)) =
//! softplus(x).

use candle_core::Tensor;

use super::config::Loss;
use crate::error::Result;

impl Loss {
    /// What the discriminator minimises, a scalar, from its logits (N) of real and of generated images.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] if the logits are not of dtype f32.
    pub fn discriminator(self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        let (real, fake) = match self {
            Self::Minimax | Self::NonSaturating => (softplus(&real.neg()?)?, softplus(fake)?),
            Self::Hinge => (real.affine(-1.0, 1.0)?.relu()?, fake.affine(1.0, 1.0)?.relu()?),
        };
        Ok((real.mean_all()? + fake.mean_all()?)?)
    }

    /// What the generator minimises, a scalar, from the discriminator's logits (N) of generated images.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] if the logits are not of dtype f32.
    pub fn generator(self, fake: &Tensor) -> Result<Tensor> {
        let loss = match self {
            Self::Minimax => softplus(fake)?.neg()?,
            Self::NonSaturating => softplus(&fake.neg()?)?,
            Self::Hinge => fake.neg()?,
        };
        Ok(loss.mean_all()?)
    }
}

/// log(1 + exp(x)) = max(x, 0) + log(1 + exp(−|x|)), which overflows nowhere.
fn softplus(x: &Tensor) -> Result<Tensor> {
    let zero = x.zeros_like()?;
    let positive = x.maximum(&zero)?;
    // −|x|; candle's own `abs` has no derivative of 0 at 0.
    let negative = (x.minimum(&zero)? - &positive)?;
    Ok((positive + (negative.exp()? + 1.0)?.log()?)?)
}
