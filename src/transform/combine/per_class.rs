//! Other transforms for some classes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pipeline::Pipeline;
use super::step::Step;
use crate::error::{Error, Result};
use crate::rng::SampleRng;
use crate::transform::{Op, SampleInfo, Transform};

/// A pipeline of its own for some classes, and one for all others, empty unless it is given.
///
/// Classes go by name. A mirrored 3 is no digit, but a mirrored 8 is one:
///
/// ```
/// use candle_augment::{DataLoader, PerClass, RandomHorizontalFlip, digits};
///
/// let flip = RandomHorizontalFlip::default();
/// let mirrored = PerClass::new().with("0", flip).with("8", flip);
/// let loader = DataLoader::builder(digits()?).transform(mirrored).build()?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// A loader refuses a name that its data set does not have. In a file each class has a list of transforms:
///
/// ```
/// # use candle_augment::{PerClass, Pipeline, RandomHorizontalFlip, RandomRotation};
/// let pipeline = Pipeline::from_toml(r#"
///     [[transforms]]
///     [transforms.PerClass]
///     classes = { 0 = [{ RandomHorizontalFlip = {} }], 8 = [{ RandomHorizontalFlip = {} }] }
///     others = [{ RandomRotation = { degrees = 10 } }]
/// "#)?;
/// let flip = RandomHorizontalFlip::default();
/// let by_class = PerClass::new().with("0", flip).with("8", flip).otherwise(RandomRotation::new(10.0)?);
/// assert_eq!(pipeline, Pipeline::new().then(by_class));
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerClass {
    pub(super) classes: BTreeMap<String, Pipeline>,
    #[serde(default)]
    pub(super) others: Pipeline,
}

impl PerClass {
    /// Nothing for any class yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is drawn for the class of this name, instead of what was given for it before.
    #[must_use]
    pub fn with(mut self, class: impl Into<String>, transform: impl Into<Step>) -> Self {
        self.classes.insert(class.into(), Pipeline::from(transform.into()));
        self
    }

    /// What is drawn for every other class, and where the class is not known; default: nothing.
    #[must_use]
    pub fn otherwise(self, transform: impl Into<Step>) -> Self {
        Self { others: Pipeline::from(transform.into()), ..self }
    }
}

impl Transform for PerClass {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        info.class.and_then(|class| self.classes.get(class)).unwrap_or(&self.others).draw(info, rng, ops);
    }

    fn check_classes(&self, classes: &[String]) -> Result<()> {
        for (class, pipeline) in &self.classes {
            if !classes.contains(class) {
                return Err(Error::config(format!(
                    "PerClass: expected names of the data set's classes, {classes:?}, got {class:?}"
                )));
            }
            pipeline.check_classes(classes)?;
        }
        self.others.check_classes(classes)
    }
}
