//! How the classes share a batch.

use serde::{Deserialize, Serialize};

use super::Supply;
use super::quota::Shares;
use crate::error::{Error, Result};

/// How the classes share a batch.
///
/// Every balance gives an epoch the same length: the number of real images, and of synthetic ones that the
/// [`Mixture`](crate::Mixture) adds. A class with no sample at all gets no place under any balance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Balance {
    /// As the classes have samples: every real image comes exactly once in an epoch. The default.
    #[default]
    Natural,
    /// Every class alike.
    Uniform,
    /// By one weight for each class, in the order of the labels: not negative, finite, not all 0; they need not add up
    /// to 1.
    Weights(Vec<f64>),
    /// By the effective number of samples, between [`Balance::Natural`] (β = 0) and [`Balance::Uniform`] (β → 1).
    ///
    /// Y. Cui, M. Jia, T.-Y. Lin, Y. Song, S. Belongie, "Class-balanced loss based on effective number of samples",
    /// CVPR 2019: n samples count as `E(n) = (1 − βⁿ) / (1 − β)`, and a sample of a class with n of them weighs `1 /
    /// E(n)`. So the class as a whole gets a share proportional to `n / E(n)`; n counts real and synthetic samples.
    EffectiveNumber {
        /// β, in [0, 1); 0.9 to 0.9999 are usual.
        beta: f64,
    },
}

impl Balance {
    pub(super) fn shares(&self, supplies: &[Supply], classes: &[String]) -> Result<Shares> {
        let totals = || supplies.iter().map(|supply| supply.total());
        Ok(match self {
            Self::Natural => Shares::Exact(totals().collect()),
            Self::Uniform => Shares::Weights(totals().map(|total| f64::from(total > 0)).collect()),
            Self::Weights(weights) => {
                check_weights(weights, classes)?;
                check_supplies(weights, supplies, classes)?;
                Shares::Weights(weights.clone())
            }
            &Self::EffectiveNumber { beta } => {
                if !(0.0..1.0).contains(&beta) {
                    return Err(Error::config(format!("expected a beta from 0 up to, not including, 1, got {beta}")));
                }
                Shares::Weights(totals().map(|total| total as f64 / effective_number(beta, total)).collect())
            }
        })
    }

    /// The weights of the classes in a stream, whose counts are not known beforehand; None for the order of arrival.
    pub(super) fn stream_weights(&self, classes: &[String]) -> Result<Option<Vec<f64>>> {
        match self {
            Self::Natural => Ok(None),
            Self::Uniform => Ok(Some(vec![1.0; classes.len()])),
            Self::Weights(weights) => check_weights(weights, classes).map(|()| Some(weights.clone())),
            Self::EffectiveNumber { .. } => Err(Error::config(
                "effective numbers follow from the number of images of each class, which is not known of a stream: give \
                 Balance::Uniform, or weights of your own",
            )),
        }
    }
}

/// `(1 − βⁿ) / (1 − β)`, in a form that stays precise for β near 1. At least 1, also for n = 0, which then has no
/// share.
fn effective_number(beta: f64, count: u64) -> f64 {
    let power_minus_one = (count as f64 * beta.ln()).exp_m1();
    (-power_minus_one / (1.0 - beta)).max(1.0)
}

fn check_weights(weights: &[f64], classes: &[String]) -> Result<()> {
    if weights.len() != classes.len() {
        return Err(Error::config(format!(
            "expected one weight for each of the {} classes, got {}",
            classes.len(),
            weights.len()
        )));
    }
    if let Some((weight, class)) =
        weights.iter().zip(classes).find(|(weight, _)| !(0.0..f64::INFINITY).contains(*weight))
    {
        return Err(Error::config(format!(
            "expected weights that are finite and not negative, got {weight} for class {class:?}"
        )));
    }
    let total: f64 = weights.iter().sum();
    if total == 0.0 || !total.is_finite() {
        return Err(Error::config(format!("expected weights with a positive, finite sum, got {total}")));
    }
    Ok(())
}

fn check_supplies(weights: &[f64], supplies: &[Supply], classes: &[String]) -> Result<()> {
    let mut empty =
        weights.iter().zip(supplies).zip(classes).filter(|((weight, supply), _)| **weight > 0.0 && supply.total() == 0);
    match empty.next() {
        Some(((weight, _), class)) => Err(Error::config(format!(
            "class {class:?} has weight {weight} but no image: give it weight 0, or fill it with ClassMixture::FillTo"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effective_numbers_are_the_papers() {
        assert_eq!(effective_number(0.0, 17), 1.0);
        // 1 + β + β² + β³
        assert!((effective_number(0.9, 4) - 3.439).abs() < 1e-12);
        assert!((effective_number(0.999_999_999, 1000) / 1000.0 - 1.0).abs() < 1e-6);
    }
}
