//! One of several transforms.

use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::error::{Error, Result};
use crate::rng::SampleRng;
use crate::transform::{Op, SampleInfo, Transform};

/// One of several transforms (torchvision's `RandomChoice`), each as likely as the others unless weights are given; without any, the image
/// stays as it is.
///
/// ```
/// use candle_augment::{OneOf, RandomAutocontrast, RandomEqualize};
///
/// let one = OneOf::new().or(RandomEqualize::new(1.0)?).or(RandomAutocontrast::new(1.0)?).with_weights(&[3.0, 1.0])?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct OneOf {
    transforms: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(expecting = "the parameters of OneOf", deny_unknown_fields)]
struct Unchecked {
    transforms: Vec<Step>,
    #[serde(default, alias = "p")]
    weights: Option<Vec<f64>>,
}

impl OneOf {
    /// No transforms yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a transform to choose from. Weights given before are forgotten.
    #[must_use]
    pub fn or(mut self, transform: impl Into<Step>) -> Self {
        self.transforms.push(transform.into());
        Self { weights: None, ..self }
    }

    /// How likely each transform is, in proportion.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there are more or fewer weights than transforms, one is negative or not finite, or their sum is 0 or infinite.
    pub fn with_weights(self, weights: &[f64]) -> Result<Self> {
        self.weighted(weights.to_vec()).map_err(|message| Error::config(format!("OneOf: {message}")))
    }

    fn weighted(self, weights: Vec<f64>) -> Result<Self, String> {
        let (given, expected) = (weights.len(), self.transforms.len());
        if given != expected {
            return Err(format!("expected a weight for each of {expected} transforms, got {given}"));
        }
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
            return Err(format!("a weight must lie in [0, ∞), got {weight}"));
        }
        let sum: f64 = weights.iter().sum();
        if !(sum > 0.0 && sum.is_finite()) {
            return Err(format!("the sum of the weights must lie in (0, ∞), got {sum}"));
        }
        Ok(Self { weights: Some(weights), ..self })
    }

    fn choice(&self, rng: &mut SampleRng) -> usize {
        let Some(weights) = &self.weights else { return rng.below(self.transforms.len()) };
        let mut left = rng.uniform(0.0, weights.iter().sum());
        let last = weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
        let passed = |weight: &f64| {
            left -= weight;
            left < 0.0
        };
        // The sum of what is left may be rounded to just above 0.
        weights.iter().position(passed).unwrap_or(last)
    }
}

impl TryFrom<Unchecked> for OneOf {
    type Error = String;

    fn try_from(Unchecked { transforms, weights }: Unchecked) -> Result<Self, String> {
        let one_of = Self { transforms, weights: None };
        match weights {
            None => Ok(one_of),
            Some(weights) => one_of.weighted(weights),
        }
    }
}

impl Transform for OneOf {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if !self.transforms.is_empty() {
            self.transforms[self.choice(rng)].draw(info, rng, ops);
        }
    }

    fn check_classes(&self, classes: &[String]) -> Result<()> {
        self.transforms.iter().try_for_each(|transform| transform.check_classes(classes))
    }
}
