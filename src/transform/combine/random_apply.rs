//! A transform, or nothing.

use serde::{Deserialize, Serialize};

use super::pipeline::Pipeline;
use super::step::Step;
use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::params::{Number, Probability};
use crate::transform::{Op, SampleInfo, Transform};

/// All of its transforms, or none.
///
/// ```
/// use candle_augment::{ColorJitter, GaussianBlur, Pipeline, RandomApply};
///
/// let both_or_none = Pipeline::new().then(ColorJitter::new(0.4, 0.4, 0.4, 0.1)?).then(GaussianBlur::new(5)?);
/// let sometimes = RandomApply::new(both_or_none, 0.8)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomApply {
    #[serde(default = "crate::transform::chance::half")]
    p: Number<Probability>,
    pub(super) transforms: Pipeline,
}

impl RandomApply {
    /// `transform` with probability `p`; in a file the default is 0.5. Give a [`Pipeline`] to apply several or none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn new(transform: impl Into<Step>, p: f64) -> Result<Self> {
        Ok(Self { p: Number::new("RandomApply: p", p)?, transforms: Pipeline::from(transform.into()) })
    }
}

impl Transform for RandomApply {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if self.p.draw(rng) {
            self.transforms.draw(info, rng, ops);
        }
    }

    fn check_classes(&self, classes: &[String]) -> Result<()> {
        self.transforms.check_classes(classes)
    }
}
