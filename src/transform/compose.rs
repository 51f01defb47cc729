//! Transforms made of transforms: all in turn, perhaps one, one of several.

use std::sync::Arc;

use super::op::Op;
use super::params::probability;
use super::{SampleInfo, Transform};
use crate::error::Result;
use crate::rng::SampleRng;

/// Transforms one after the other; without any, the image stays as it is.
///
/// Each draws for the size that the ones before it leave.
#[derive(Clone, Default)]
pub struct Pipeline {
    transforms: Vec<Arc<dyn Transform>>,
}

impl Pipeline {
    /// No transforms yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a transform at the end.
    #[must_use]
    pub fn then(mut self, transform: impl Transform + 'static) -> Self {
        self.transforms.push(Arc::new(transform));
        self
    }
}

impl Transform for Pipeline {
    fn draw(&self, mut info: SampleInfo, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        for transform in &self.transforms {
            let drawn = ops.len();
            transform.draw(info, rng, ops);
            info = info.after(&ops[drawn..]);
        }
    }
}

/// A transform, or nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomApply<T> {
    transform: T,
    p: f64,
}

impl<T: Transform> RandomApply<T> {
    /// `transform` with probability `p`. Give a [`Pipeline`] to apply several or none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
    pub fn new(transform: T, p: f64) -> Result<Self> {
        Ok(Self { transform, p: probability("RandomApply", p)? })
    }
}

impl<T: Transform> Transform for RandomApply<T> {
    fn draw(&self, info: SampleInfo, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if rng.bernoulli(self.p) {
            self.transform.draw(info, rng, ops);
        }
    }
}

/// One of several transforms, each as likely as the others (torchvision's `RandomChoice`); without any, the image stays as it is.
#[derive(Clone, Default)]
pub struct OneOf {
    transforms: Vec<Arc<dyn Transform>>,
}

impl OneOf {
    /// No transforms yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a transform to choose from.
    #[must_use]
    pub fn or(mut self, transform: impl Transform + 'static) -> Self {
        self.transforms.push(Arc::new(transform));
        self
    }
}

impl Transform for OneOf {
    fn draw(&self, info: SampleInfo, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        if !self.transforms.is_empty() {
            self.transforms[rng.below(self.transforms.len())].draw(info, rng, ops);
        }
    }
}
