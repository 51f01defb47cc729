//! Transforms in any order.

use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::{Op, SampleInfo, Transform};

/// All of its transforms, every order as likely as any other. Each draws for the image that the ones before it leave.
///
/// ```
/// use candle_augment::{GaussianBlur, RandomOrder, RandomRotation};
///
/// let either_first = RandomOrder::new().and(RandomRotation::new(15.0)?).and(GaussianBlur::new(3)?);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomOrder {
    pub(super) transforms: Vec<Step>,
}

impl RandomOrder {
    /// No transforms yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a transform.
    #[must_use]
    pub fn and(mut self, transform: impl Into<Step>) -> Self {
        self.transforms.push(transform.into());
        self
    }
}

impl Transform for RandomOrder {
    fn draw(&self, mut info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let mut order: Vec<usize> = (0..self.transforms.len()).collect();
        rng.shuffle(&mut order);
        for place in order {
            info = info.drawn(&self.transforms[place], rng, ops);
        }
    }

    fn check_classes(&self, classes: &[String]) -> Result<()> {
        self.transforms.iter().try_for_each(|transform| transform.check_classes(classes))
    }
}
