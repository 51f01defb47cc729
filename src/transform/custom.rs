//! A closure as a transform, and its application as an operation.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Op, SampleInfo, Transform};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::rng::{Purpose, SampleKey, SampleRng};

type Function = Arc<dyn Fn(Image, &mut SampleRng) -> Result<Image> + Send + Sync>;

/// A closure as a transform; torchvision's `Lambda`. It must keep the image's size and channels.
///
/// ```
/// use candle_augment::{Image, Lambda, Pipeline, Purpose, SampleKey, Transform};
///
/// let dim = Lambda::new("dim", |mut image: Image, rng| {
///     let floor = rng.below(100) as u8;
///     image.data_mut().iter_mut().for_each(|byte| *byte = (*byte).min(255 - floor));
///     Ok(image)
/// });
/// let pipeline = Pipeline::new().then(dim);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone)]
pub struct Lambda {
    name: Arc<str>,
    function: Function,
}

impl Lambda {
    /// A closure under a name, which stands in the drawn op and in messages.
    ///
    /// The closure may draw from the generator, which is the sample's own: the same key gives the same numbers.
    pub fn new(
        name: impl Into<Arc<str>>,
        function: impl Fn(Image, &mut SampleRng) -> Result<Image> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), function: Arc::new(function) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lambda").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Transform for Lambda {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let Self { name, function } = self.clone();
        ops.push(Op::Custom(Custom { name: name.to_string(), seed: rng.next_seed(), function: Some(function) }));
    }
}

/// One application of a [`Lambda`].
///
/// Stored and read again, it has lost its closure, and applying it is an error.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    /// The name of the closure.
    pub name: String,
    /// The seed of the generator that the closure gets.
    pub seed: u64,
    #[serde(skip)]
    function: Option<Function>,
}

impl Custom {
    pub(super) fn check(&self) -> Result<()> {
        self.function().map(|_| ())
    }

    pub(super) fn apply(&self, image: Image) -> Result<Image> {
        let before = SampleInfo::of(&image);
        let key = SampleKey { seed: self.seed, epoch: 0, position: 0, purpose: Purpose::Noise };
        let image = self.function()?(image, &mut key.rng())?;
        let after = SampleInfo::of(&image);
        if after == before {
            return Ok(image);
        }
        Err(Error::new(
            ErrorKind::Transform,
            format!(
                "the closure {:?} must keep the image's shape, but made {}×{}×{} of {}×{}×{} (height × width × channels)",
                self.name,
                after.size.height,
                after.size.width,
                after.channels,
                before.size.height,
                before.size.width,
                before.channels
            ),
        ))
    }

    fn function(&self) -> Result<&Function> {
        self.function.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Transform,
                format!(
                    "the closure {:?} is not stored with its op: apply the ops in the program that drew them",
                    self.name
                ),
            )
        })
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom").field("name", &self.name).field("seed", &self.seed).finish()
    }
}

impl PartialEq for Custom {
    /// By name and seed.
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.seed) == (&other.name, other.seed)
    }
}
