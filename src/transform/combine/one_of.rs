//! One of several transforms.

use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::error::{Error, Result};
use crate::rng::SampleRng;
use crate::transform::{Op, SampleInfo, Transform, choice};

/// One of several transforms (torchvision's `RandomChoice`), each as likely as the others unless weights are given; without any, the image
/// stays as it is.
///
/// ```
/// use candle_augment::{OneOf, RandomAutocontrast, RandomEqualize};
///
/// let one = OneOf::new().or(RandomEqualize::new(1.0)?).or(RandomAutocontrast::new(1.0)?).with_weights(&[3.0, 1.0])?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// In a file it may be called `RandomChoice`, and the weights `p`:
///
/// ```toml
/// [[transforms]]
/// OneOf = { weights = [3, 1], transforms = [{ RandomEqualize = { p = 1 } }, { RandomAutocontrast = { p = 1 } }] }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct OneOf {
    pub(super) transforms: Vec<Step>,
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
        let weights = choice::checked(weights.to_vec(), self.transforms.len())
            .map_err(|message| Error::config(format!("OneOf: {message}")))?;
        Ok(Self { weights: Some(weights), ..self })
    }
}

impl TryFrom<Unchecked> for OneOf {
    type Error = String;

    fn try_from(Unchecked { transforms, weights }: Unchecked) -> Result<Self, String> {
        let weights = weights.map(|weights| choice::checked(weights, transforms.len())).transpose()?;
        Ok(Self { transforms, weights })
    }
}

impl Transform for OneOf {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if !self.transforms.is_empty() {
            let place = choice::choose(self.weights.as_deref(), self.transforms.len(), rng);
            self.transforms[place].draw(info, rng, ops);
        }
    }

    fn check_classes(&self, classes: &[String]) -> Result<()> {
        self.transforms.iter().try_for_each(|transform| transform.check_classes(classes))
    }
}
