//! AugMix.

use rand_distr::{Distribution, Gamma};
use serde::{Deserialize, Serialize};

use super::space::Kind::{
    AutoContrast, Brightness, Color, Contrast, Equalize, Posterize, Rotate, Sharpness, ShearX, ShearY, Solarize,
    TranslateX, TranslateY,
};
use super::space::{Bin, Kind, SCALE, Scale, Warp};
use super::warp_settings;
use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::op::{Fill, Interpolation, Op};
use crate::transform::params::{self, Number};
use crate::transform::whole::Whole;
use crate::transform::{SampleInfo, Transform};

/// The number of magnitudes.
const BINS: usize = 10;

static KINDS: [Kind; 13] = [
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Brightness,
    Color,
    Contrast,
    Sharpness,
];

/// How many of the kinds are left without the four that have factors.
const WITHOUT_FACTORS: usize = 9;

const MIXED: Scale = Scale { translation: |side| side / 3.0, bits: 4, ..SCALE };

/// Blends the image with versions of itself that went through short chains of random operations (D. Hendrycks et al., "AugMix: A Simple Data
/// Processing Method to Improve Robustness and Uncertainty", 2020).
///
/// By default there are three chains of one to three operations, of magnitude 0 to 2 (the severity is 3) on a scale of 0 to 9,
/// whose end is: shear 0.3, translation a third of the side, rotation 30°, factors 1 ± 0.9, posterize from 4 bits to 0, solarize from 255 to 0.
/// The weights of the chains are drawn from a Dirichlet distribution, the image's own from a Beta distribution; both are uniform by default.
///
/// ```
/// use candle_augment::AugMix;
///
/// let mild = AugMix::default().with_severity(1)?.with_all_ops(false);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugMix {
    severity: Whole<1, BINS>,
    mixture_width: Whole<1, { usize::MAX }>,
    chain_depth: i64,
    alpha: Number<params::Scale>,
    all_ops: bool,
    interpolation: Interpolation,
    fill: Fill,
}

impl AugMix {
    /// How many magnitudes are drawn from, the lowest, 1 to 10; default: 3.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `severity` lies outside [1, 10].
    pub fn with_severity(self, severity: usize) -> Result<Self> {
        Ok(Self { severity: Whole::new("AugMix: severity", severity)?, ..self })
    }

    /// How many chains are blended; default: 3.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there is none.
    pub fn with_mixture_width(self, mixture_width: usize) -> Result<Self> {
        Ok(Self { mixture_width: Whole::new("AugMix: mixture_width", mixture_width)?, ..self })
    }

    /// How many operations make a chain; 0 or less draws 1 to 3 for each. Default: −1.
    #[must_use]
    pub fn with_chain_depth(self, chain_depth: i64) -> Self {
        Self { chain_depth, ..self }
    }

    /// The parameter of the distributions of the weights: 1 is uniform, more makes them more alike; default: 1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `alpha` leaves (0, ∞).
    pub fn with_alpha(self, alpha: f64) -> Result<Self> {
        Ok(Self { alpha: Number::new("AugMix: alpha", alpha)?, ..self })
    }

    /// Whether brightness, saturation, contrast and sharpness are among the operations; default: yes.
    #[must_use]
    pub fn with_all_ops(self, all_ops: bool) -> Self {
        Self { all_ops, ..self }
    }

    fn chain(&self, info: SampleInfo<'_>, rng: &mut SampleRng) -> Vec<Op> {
        let kinds = if self.all_ops { &KINDS[..] } else { &KINDS[..WITHOUT_FACTORS] };
        let depth = usize::try_from(self.chain_depth).ok().filter(|depth| *depth > 0);
        let depth = depth.unwrap_or_else(|| 1 + rng.below(3));
        let mut op = || {
            let kind = kinds[rng.below(kinds.len())];
            let bin = Bin { index: rng.below(self.severity.get()), count: BINS };
            let warp = Warp { interpolation: self.interpolation, fill: self.fill };
            MIXED.op(kind, bin, info.size, warp, rng)
        };
        (0..depth).filter_map(|_| op()).collect()
    }
}

warp_settings!(AugMix, "bilinear");

impl Default for AugMix {
    fn default() -> Self {
        Self {
            severity: Whole::constant(3),
            mixture_width: Whole::constant(3),
            chain_depth: -1,
            alpha: Number::constant(1.0),
            all_ops: true,
            interpolation: Interpolation::Bilinear,
            fill: Fill::None,
        }
    }
}

impl Transform for AugMix {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let mixing = dirichlet(self.alpha.get(), 2, rng)[0] as f32;
        let weights = dirichlet(self.alpha.get(), self.mixture_width.get(), rng);
        let chains = weights.into_iter().map(|weight| (weight as f32, self.chain(info, rng))).collect();
        ops.push(Op::Blend { chains, mixing });
    }
}

/// `count` shares of 1 from the symmetric Dirichlet distribution: numbers from the Gamma distribution, divided by their sum.
///
/// They are kept as logarithms, for they underflow where `alpha` is small: Gamma(α) is Gamma(α + 1) · U^(1/α).
fn dirichlet(alpha: f64, count: usize, rng: &mut SampleRng) -> Vec<f64> {
    let gamma = Gamma::new(alpha + 1.0, 1.0).expect("alpha is positive and finite");
    let mut logarithm = || {
        let above_zero = 1.0 - rng.uniform(0.0, 1.0);
        gamma.sample(rng).ln() + (above_zero.ln() / alpha).max(f64::MIN)
    };
    let logarithms: Vec<f64> = (0..count).map(|_| logarithm()).collect();
    let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares = logarithms.into_iter().map(|logarithm| (logarithm - largest).exp());
    let sum: f64 = shares.clone().sum();
    shares.map(|share| share / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, SampleKey};

    #[test]
    fn shares_add_up_for_every_alpha() {
        let mut rng = SampleKey { seed: 1, epoch: 0, position: 0, purpose: Purpose::Transform }.rng();
        for alpha in [f64::MIN_POSITIVE, 1e-300, 1e-9, 0.3, 1.0, 50.0, f64::from(f32::MAX)] {
            for count in [1, 2, 5] {
                let shares = dirichlet(alpha, count, &mut rng);
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{alpha}: {shares:?}");
                assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{alpha}: {shares:?}");
            }
        }
    }
}
