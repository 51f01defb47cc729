//! What a classifier is trained on: arms as values.

use std::fmt;
use std::sync::Arc;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::plan::{Balance, Mixture};
use crate::smote::SmoteSource;
use crate::synthetic::SyntheticSource;
use crate::transform::{RandAugment, Transform};

/// What a classifier is trained on, apart from the images themselves: how the classes share the batches, how the loss weighs them,
/// what transforms the images, and what synthetic samples join them.
///
/// ```
/// use std::sync::Arc;
///
/// use candle_augment::compare::{Arm, Synthetic};
/// use candle_augment::{ClassMixture, RandomRotation};
///
/// let rotation = Arc::new(RandomRotation::new(15.0)?);
/// let classic = Arm::classic(rotation);
/// let smote = Synthetic::smote(ClassMixture::Share(0.3));
/// let both = classic.clone().with_synthetic("smote+classic", smote);
/// assert_eq!((classic.name(), both.name()), ("classic", "smote+classic"));
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone)]
pub struct Arm {
    name: String,
    /// How the classes share a batch.
    pub balance: Balance,
    /// Whether the loss weighs a sample by the inverse of how many real images its class has.
    pub class_weights: bool,
    /// What transforms every sample, real or synthetic.
    pub transform: Option<Arc<dyn Transform>>,
    /// The synthetic samples that join the real images.
    pub synthetic: Option<Synthetic>,
}

impl Arm {
    /// The name of [`Arm::classic`], to which the others are compared.
    pub const REFERENCE: &str = "classic";

    fn new(name: impl Into<String>, balance: Balance) -> Self {
        Self { name: name.into(), balance, class_weights: false, transform: None, synthetic: None }
    }

    /// The real images as they are, in the classes' own proportions.
    #[must_use]
    pub fn none() -> Self {
        Self::new("none", Balance::Natural)
    }

    /// As [`Arm::none`], but the loss weighs each class by the inverse of its number of images.
    #[must_use]
    pub fn class_weights() -> Self {
        Self { class_weights: true, ..Self::new("class-weights", Balance::Natural) }
    }

    /// Every class equally often: the images of rare classes are repeated.
    #[must_use]
    pub fn oversampling() -> Self {
        Self::new("oversampling", Balance::Uniform)
    }

    /// Every class equally often, under the classic transforms given: the reference of all paired differences.
    #[must_use]
    pub fn classic(transform: Arc<dyn Transform>) -> Self {
        Self { transform: Some(transform), ..Self::new(Self::REFERENCE, Balance::Uniform) }
    }

    /// Every class equally often, under [`RandAugment`] with its published settings.
    #[must_use]
    pub fn rand_augment() -> Self {
        Self { transform: Some(Arc::new(RandAugment::default())), ..Self::new("randaugment", Balance::Uniform) }
    }

    /// This arm with synthetic samples beside the real images, under another name. Real and synthetic samples get the same transforms.
    #[must_use]
    pub fn with_synthetic(self, name: impl Into<String>, synthetic: Synthetic) -> Self {
        Self { synthetic: Some(synthetic), ..self.named(name) }
    }

    /// This arm under another name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// What it is called in tables and results.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same arm, its synthetic source made from `train` where it is yet to be made.
    pub(crate) fn on(&self, train: &Arc<dyn Dataset>) -> Result<Self> {
        let synthetic = self.synthetic.as_ref().map(|synthetic| synthetic.on(train)).transpose()?;
        Ok(Self { synthetic, ..self.clone() })
    }

    pub(crate) fn check(&self) -> Result<()> {
        let Some(Synthetic { weight, .. }) = &self.synthetic else { return Ok(()) };
        if weight.is_finite() && *weight > 0.0 {
            return Ok(());
        }
        Err(Error::config(format!(
            "arm {:?}: the loss weight of synthetic samples is {weight}: it must be above 0, such as 0.5; a share of 0 leaves them out",
            self.name
        )))
    }
}

impl fmt::Debug for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arm")
            .field("name", &self.name)
            .field("balance", &self.balance)
            .field("class_weights", &self.class_weights)
            .field("transform", &self.transform.is_some())
            .field("synthetic", &self.synthetic)
            .finish()
    }
}

/// The synthetic samples of an arm.
#[derive(Clone)]
pub struct Synthetic {
    source: Source,
    /// How much of each class is synthetic.
    pub mixture: Mixture,
    /// The part of the training over which the shares grow, by epochs or by tenths of it if these are shorter: an epoch then ends
    /// early, and the next one begins anew. See [`MixtureSchedule::ramp`](crate::MixtureSchedule::ramp). Default 0.
    pub ramp: f64,
    /// The part of the training, at the end, of real images alone, see
    /// [`MixtureSchedule::real_only`](crate::MixtureSchedule::real_only). Default 0.
    pub real_only: f64,
    /// The weight of a synthetic sample in the loss, beside 1 for a real one; above 0. Default 1.
    pub weight: f32,
}

/// Makes a source from the images that a classifier is trained on.
type Maker = dyn Fn(&Arc<dyn Dataset>) -> Result<Arc<dyn SyntheticSource>> + Send + Sync;

#[derive(Clone)]
enum Source {
    Given(Arc<dyn SyntheticSource>),
    MadeFrom(Arc<Maker>),
}

impl Synthetic {
    /// The samples of a source that exists. It must never have seen the images that the arm is measured on.
    #[must_use]
    pub fn new(source: Arc<dyn SyntheticSource>, mixture: impl Into<Mixture>) -> Self {
        Self::of(Source::Given(source), mixture.into())
    }

    /// The samples of a source that `maker` makes from the very images that the classifier is trained on: all of the training set, or
    /// the part of it that is left when a learning rate is chosen.
    #[must_use]
    pub fn made_from(
        maker: impl Fn(&Arc<dyn Dataset>) -> Result<Arc<dyn SyntheticSource>> + Send + Sync + 'static,
        mixture: impl Into<Mixture>,
    ) -> Self {
        Self::of(Source::MadeFrom(Arc::new(maker)), mixture.into())
    }

    /// The samples of a [`SmoteSource`].
    #[must_use]
    pub fn smote(mixture: impl Into<Mixture>) -> Self {
        Self::made_from(|train| Ok(Arc::new(SmoteSource::new(train)?)), mixture)
    }

    fn of(source: Source, mixture: Mixture) -> Self {
        Self { source, mixture, ramp: 0.0, real_only: 0.0, weight: 1.0 }
    }

    /// Whether the shares change while a classifier is trained.
    pub(super) fn is_scheduled(&self) -> bool {
        self.ramp != 0.0 || self.real_only != 0.0
    }

    fn on(&self, train: &Arc<dyn Dataset>) -> Result<Self> {
        let source = Source::Given(self.source(train)?);
        Ok(Self { source, ..self.clone() })
    }

    /// The samples of another source, in another mixture.
    pub(crate) fn with_source(self, source: Arc<dyn SyntheticSource>, mixture: impl Into<Mixture>) -> Self {
        Self { source: Source::Given(source), mixture: mixture.into(), ..self }
    }

    /// The source for a classifier that is trained on `train`.
    pub(crate) fn source(&self, train: &Arc<dyn Dataset>) -> Result<Arc<dyn SyntheticSource>> {
        match &self.source {
            Source::Given(source) => Ok(Arc::clone(source)),
            Source::MadeFrom(maker) => maker(train),
        }
    }
}

impl fmt::Debug for Synthetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Synthetic")
            .field("mixture", &self.mixture)
            .field("ramp", &self.ramp)
            .field("real_only", &self.real_only)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}
