//! Penalties on the discriminator, none of which needs a gradient of a gradient: candle has no such thing for operations
//! of one's own.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use super::loss::Loss;
use crate::error::{Error, Result};

/// Standard deviation of the noise whose effect on the logit stands for a gradient, in pixel values of [−1, 1]. The
/// differences were within the noise of the exact norm up to 0.1, and rounding shows below 0.01.
pub(super) const PROBE: f64 = 0.05;

/// How slowly the averages of the logits that [`Regularizers::lecam`] refers to follow.
const ANCHOR_DECAY: f64 = 0.99;

/// Weights of the penalties that the discriminator's loss gets; a weight of 0 turns one off.
///
/// ```
/// use candle_augment::gan::{GanConfig, Loss, Regularizers};
///
/// let config = GanConfig {
///     loss: Loss::Relativistic,
///     regularizers: Regularizers { r1: 0.5, r2: 0.5, ..Default::default() },
///     ..GanConfig::new(32, 3, ["cat", "dog"])
/// };
/// config.validate()?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regularizers {
    /// γ of (γ / 2) E‖∇D(x)‖² at real images x, 0 by default (L. Mescheder et al., "Which Training Methods for GANs do
    /// actually Converge?", 2018). Instead of the gradient's norm it takes (γ / (2σ²)) E (D(x) − D(x + σε))², ε normal,
    /// σ = 0.05, whose limit for σ → 0 it is (S. Lin et al., "Diffusion Adversarial Post-Training for One-Step Video
    /// Generation", 2025, section 3.4). So it is with [`DiscriminatorNorm::Spectral`](super::DiscriminatorNorm::Spectral)
    /// alone: batch norm makes the answer to an image depend on the others.
    pub r1: f64,
    /// The same at generated images; 0 by default.
    pub r2: f64,
    /// [`Regularizers::r1`] and `r2` are taken every so many steps, as many times as strong; 4 by default (T. Karras et
    /// al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, appendix B).
    pub interval: u64,
    /// λ of λ (E max(0, D(x) − ā_fake)² + E max(0, ā_real − D(G(z)))²) with the averages ā of the logits over the last
    /// hundred steps, from a tenth of the plan on; 0 by default (H.-Y. Tseng et al., "Regularizing Generative
    /// Adversarial Networks under Limited Data", 2021). Not for [`Loss::Relativistic`], whose logits have no zero.
    pub lecam: f64,
    /// λ of λ E (D(T(x)) − D(T'(x)))² at real and generated images, T and T' two draws of the
    /// [augmentation](super::GanConfig::augmentation); 0 by default (Z. Zhao et al., "Improved Consistency Regularization
    /// for GANs", 2021).
    pub consistency: f64,
}

impl Default for Regularizers {
    fn default() -> Self {
        Self { r1: 0.0, r2: 0.0, interval: 4, lecam: 0.0, consistency: 0.0 }
    }
}

impl Regularizers {
    pub(super) fn validate(&self, loss: Loss, augmentation: &Augmentation) -> Result<()> {
        let weights = [("r1", self.r1), ("r2", self.r2), ("lecam", self.lecam), ("consistency", self.consistency)];
        for (name, weight) in weights {
            if !(0.0..=1e6).contains(&weight) {
                return Err(Error::config(format!("the GAN's {name} must be from 0 to 10⁶, got {weight}")));
            }
        }
        if self.interval == 0 {
            return Err(Error::config("the GAN's penalties are taken every 1 step or more, got an interval of 0"));
        }
        if self.lecam > 0.0 && loss == Loss::Relativistic {
            return Err(Error::config(
                "lecam compares logits with their averages, which mean nothing for the relativistic loss: \
                 set lecam to 0, or take another loss",
            ));
        }
        if self.consistency > 0.0 && !augmentation.is_on() {
            return Err(Error::config(
                "consistency compares two draws of the GAN's augmentation, and none is on: turn one on",
            ));
        }
        Ok(())
    }
}

/// (γ / 2) E‖∇D‖² by finite differences, from the logits (N) of images and of the same images with noise of deviation
/// [`PROBE`].
pub(super) fn gradient_penalty(gamma: f64, logits: &Tensor, probed: &Tensor) -> Result<Tensor> {
    Ok(((logits - probed)?.sqr()?.mean_all()? * (gamma / (2.0 * PROBE * PROBE)))?)
}

/// λ E (a − b)² of logits (N).
pub(super) fn consistency_penalty(lambda: f64, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(((a - b)?.sqr()?.mean_all()? * lambda)?)
}

/// The averages of the logits that the penalty called LeCam refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Anchors {
    real: f64,
    fake: f64,
}

impl Anchors {
    /// Lets the means of the batch of step `step`, from 1, enter: at first as a plain mean, so that nothing is left of the
    /// zeros they begin with.
    pub(super) fn update(&mut self, step: u64, real: f64, fake: f64) {
        let part = (1.0 - ANCHOR_DECAY).max(1.0 / step.max(1) as f64);
        self.real += part * (real - self.real);
        self.fake += part * (fake - self.fake);
    }

    /// The penalty on logits (N).
    pub(super) fn penalty(&self, lambda: f64, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        let real = real.affine(1.0, -self.fake)?.relu()?.sqr()?.mean_all()?;
        let fake = fake.affine(-1.0, self.real)?.relu()?.sqr()?.mean_all()?;
        Ok(((real + fake)? * lambda)?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::nn::{Activation, Init, LayerConfig, Linear, Params};
    use crate::rng::{Purpose, SampleKey};

    const COUNT: usize = 4;
    const PIXELS: usize = 6;
    const PROBES: u64 = 4000;

    struct Network {
        params: Params,
        hidden: Linear,
        head: Linear,
    }

    impl Network {
        fn new() -> Result<Self> {
            let mut params = Params::new(3, &Device::Cpu);
            let config = LayerConfig { activation: Activation::Tanh, init: Init::Normal(0.4), ..Default::default() };
            let hidden = Linear::new(&mut params, "hidden", PIXELS, 8, config)?;
            let config = LayerConfig { init: Init::Normal(0.7), ..Default::default() };
            let head = Linear::new(&mut params, "head", 8, 1, config)?;
            Ok(Self { params, hidden, head })
        }

        fn logits(&self, x: &Tensor) -> Result<Tensor> {
            Ok(self.head.forward(&self.hidden.forward(x)?)?.flatten_all()?)
        }

        /// E‖∇D‖², exactly.
        fn gradient_norm(&self, x: &Var) -> Result<f64> {
            let gradients = self.logits(x)?.sum_all()?.backward()?;
            let gradient = gradients.get(x).expect("x is a variable");
            Ok(f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?) / COUNT as f64)
        }
    }

    fn normal(position: u64, shape: &[usize]) -> Result<Tensor> {
        let mut rng = SampleKey { seed: 3, epoch: 0, position, purpose: Purpose::Training }.rng();
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.normal() as f32).collect();
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
    }

    #[test]
    fn the_differences_stand_for_the_exact_gradient() -> Result<()> {
        let network = Network::new()?;
        let x = Var::from_tensor(&normal(0, &[COUNT, PIXELS])?)?;
        // All probes in one batch: their mean is the expectation that one step samples.
        let many = x.as_tensor().repeat((PROBES as usize, 1))?.detach();
        let probes = normal(1, &[COUNT * PROBES as usize, PIXELS])?;
        let probed = (&many + (probes * PROBE)?)?;
        let penalty = gradient_penalty(0.8, &network.logits(&many)?, &network.logits(&probed)?)?;
        let (found, exact) = (f64::from(penalty.to_scalar::<f32>()?), 0.4 * network.gradient_norm(&x)?);
        assert!((found - exact).abs() < 0.03 * exact, "{found}, exactly {exact}");

        // And its gradient for that of the exact norm, which differences along a random direction give.
        let gradients = penalty.backward()?;
        for (position, (name, var)) in network.params.variables().enumerate() {
            if name == "head.bias" {
                continue;
            }
            let direction = normal(10 + position as u64, var.dims())?;
            let gradient = gradients.get(var).expect("every variable but the last bias counts");
            let found = f64::from((gradient * &direction)?.sum_all()?.to_scalar::<f32>()?);
            let (old, step) = (var.as_tensor().copy()?, 1e-2);
            let value = |by: f64| -> Result<f64> {
                var.set(&(&old + (&direction * by)?)?)?;
                Ok(0.4 * network.gradient_norm(&x)?)
            };
            let exact = (value(step)? - value(-step)?) / (2.0 * step);
            var.set(&old)?;
            assert!((found - exact).abs() < 0.05 * exact.abs().max(0.1), "{name}: {found}, exactly {exact}");
        }
        Ok(())
    }

    /// Numbers that PyTorch gave: see `fixtures/make_gan_references.py`.
    #[test]
    fn penalties_are_those_of_pytorch() -> Result<()> {
        let text = include_str!("../../fixtures/gan-references.json");
        let references: serde_json::Value = serde_json::from_str(text).expect("the script writes JSON");
        let values = |name: &str| -> Vec<f32> {
            serde_json::from_value(references[name].clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let real = Var::new(values("real"), &Device::Cpu)?;
        let fake = Var::new(values("fake"), &Device::Cpu)?;
        let anchors = Anchors { real: 0.7, fake: -0.4 };
        let penalties = [
            ("lecam", anchors.penalty(0.3, &real, &fake)?),
            ("consistency", consistency_penalty(10.0, &real, &fake)?),
            ("finite_difference_r1", gradient_penalty(0.5, &real, &fake)?),
        ];
        for (name, penalty) in penalties {
            let expected = &references["penalties"][name];
            let gradients = penalty.backward()?;
            let of = |var: &Var| gradients.get(var).expect("both count").to_vec1::<f32>();
            let found = [vec![penalty.to_scalar::<f32>()?], of(&real)?, of(&fake)?].concat();
            let expected: Vec<f32> = serde_json::from_value(expected.clone()).expect("value and gradients");
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{name}: {found}, {expected}");
            }
        }
        Ok(())
    }
}
