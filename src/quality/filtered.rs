//! A source of filtered samples: what a loader mixes in.

use super::acceptance::{Acceptance, ClassAcceptance};
use super::filter::{Filter, Sieve, made};
use super::samples::request;
use super::shelf::Shelf;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::rng::Purpose;
use crate::synthetic::{SyntheticRequest, SyntheticSource};

/// Samples that are made and judged together.
const GROUP: usize = 128;

/// How much is made, and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// The most accepted samples of a class in a pool. 256 by default.
    pub size: usize,
    /// How many times as many are made at most. No more are made once the pool is full. 4 by default.
    pub candidates: usize,
    /// Epochs after which pools are made anew; 0, the default, keeps the first for ever.
    pub refresh: u64,
    /// The most memory for pools, in bytes: height × width × channels and some 50 for each sample. It must hold one full
    /// pool of every usable class; with more, the pools of the epoch before stay, too, which a loader that looks ahead still
    /// asks for. 2²⁸ by default.
    pub bytes: usize,
    /// Gives the samples. 0 by default.
    pub seed: u64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { size: 256, candidates: 4, refresh: 0, bytes: 1 << 28, seed: 0 }
    }
}

impl PoolConfig {
    fn check(&self) -> Result<()> {
        if self.size == 0 || self.candidates == 0 {
            return Err(Error::config(format!(
                "pools of {} samples out of {} times as many: both must be 1 at least, such as 256 and 4",
                self.size, self.candidates
            )));
        }
        Ok(())
    }

    /// The pool that a request of `epoch` is taken from.
    fn generation(&self, epoch: u64) -> u64 {
        epoch.checked_div(self.refresh).unwrap_or(0)
    }
}

/// Gives samples of another source that a [`Filter`] accepts.
///
/// For each class a pool of samples is made, larger than needed, and filtered; a request takes a member of its class's
/// pool, chosen by its key. A pool depends on [`PoolConfig::seed`], the class, and how often it was made anew, which
/// follows from the key's epoch; so every answer depends on its own request alone, for any number of workers.
///
/// The first pools are made at once, and tell how many samples are accepted. A class with under 5 % is to get none:
/// [`Mixture::only`](crate::Mixture::only) takes it out, and a request for it is an error.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use candle_augment::gan::GeneratorSource;
/// use candle_augment::quality::{Filter, FilteredSource, PoolConfig, QualityConfig, cross_fit};
/// use candle_augment::{ClassMixture, DataLoader, Dataset, DatasetExt, Mixture, digits};
///
/// let train: Arc<dyn Dataset> = Arc::new(digits()?.per_class(50, 0)?);
/// let source = GeneratorSource::load("digits.safetensors")?.with_truncation(1.5)?;
/// let config = QualityConfig::default();
/// let folds = cross_fit(&train, &config, |_| Ok(()))?;
/// let filter = Filter::fit(&config, &train, &folds, &source)?;
/// let source = FilteredSource::new(source, filter, PoolConfig { refresh: 5, ..PoolConfig::default() }, |_| Ok(()))?;
/// println!("{}", source.acceptance());
/// let mixture = Mixture::All(ClassMixture::Share(0.3)).only(&source.usable_classes());
/// let loader = DataLoader::builder(train).mixture(mixture).synthetic(source).build()?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub struct FilteredSource<S> {
    source: S,
    filter: Filter,
    config: PoolConfig,
    acceptance: Acceptance,
    shelf: Shelf,
}

impl<S: SyntheticSource> FilteredSource<S> {
    /// Makes the first pools, of one class after the other; `done` is told of how many.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a configuration out of range, memory that does not hold the first pools, or a filter of
    /// other classes; and the errors of the source, which name the class, and of `done`.
    pub fn new(
        source: S,
        filter: Filter,
        config: PoolConfig,
        mut done: impl FnMut(usize) -> Result<()>,
    ) -> Result<Self> {
        config.check()?;
        if source.classes() != filter.classes() {
            return Err(Error::config(format!(
                "the source makes samples of {:?}, and the filter is for {:?}: fit it for this source",
                source.classes(),
                filter.classes()
            )));
        }
        let shelf = Shelf::new(config.bytes);
        let mut filtered = Self { source, filter, config, acceptance: Acceptance::default(), shelf };
        let mut needed = 0;
        for label in 0..filtered.classes().len() as u32 {
            let (pool, class) = filtered.make(0, label)?;
            if class.is_usable() {
                // Pools that are made later may be fuller.
                let largest = pool.iter().map(|image| image.data().len() + size_of::<Image>()).max().unwrap_or(0);
                needed += largest * filtered.config.size;
                filtered.check_room(needed)?;
                filtered.shelf.get((0, label), || Ok(pool))?;
            }
            filtered.acceptance.classes.push(class);
            done(filtered.acceptance.classes.len())?;
        }
        Ok(filtered)
    }

    /// How many samples of the first pools were accepted.
    #[must_use]
    pub fn acceptance(&self) -> &Acceptance {
        &self.acceptance
    }

    /// The names of the classes of which samples may be asked for.
    #[must_use]
    pub fn usable_classes(&self) -> Vec<String> {
        self.acceptance.usable_classes()
    }

    /// The memory that pools take now, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shelf.bytes()
    }

    fn check_room(&self, needed: usize) -> Result<()> {
        if needed <= self.config.bytes {
            return Ok(());
        }
        Err(Error::config(format!(
            "pools of {} samples do not fit into {} bytes, and would be made again for every batch: allow more bytes, or \
             smaller pools",
            self.config.size, self.config.bytes
        )))
    }

    /// A pool, and what became of the samples that were made for it.
    fn make(&self, generation: u64, label: u32) -> Result<(Vec<Image>, ClassAcceptance)> {
        let PoolConfig { size, candidates, seed, .. } = self.config;
        let most = size.saturating_mul(candidates);
        let mut class = ClassAcceptance::new(&self.classes()[label as usize]);
        let mut sieve = Sieve::new(&self.filter, label)?;
        let mut pool = Vec::new();
        while pool.len() < size && class.made < most {
            let group = class.made..(class.made + GROUP).min(most);
            let requests: Vec<SyntheticRequest> =
                group.map(|serial| request(seed, generation, label, serial as u64)).collect();
            let images = made(&self.source, &requests)?;
            for (image, verdict) in images.iter().zip(sieve.judge(&images)?) {
                class.count(verdict);
                if verdict.is_none() && pool.len() < size {
                    pool.push(image.clone());
                }
            }
        }
        Ok((pool, class))
    }

    fn take(&self, request: &SyntheticRequest) -> Result<Image> {
        let (label, key) = (request.label, request.key.with_purpose(Purpose::Synthetic));
        let generation = self.config.generation(key.epoch);
        let pool = self.shelf.get((generation, label), || Ok(self.make(generation, label)?.0))?;
        if pool.is_empty() {
            return Err(Error::new(
                ErrorKind::Synthetic,
                format!(
                    "no sample of class {:?} that was made for epoch {} is accepted: allow more candidates, or do without \
                     synthetic samples of this class",
                    self.classes()[label as usize],
                    key.epoch
                ),
            )
            .with_key(key));
        }
        Ok(pool[key.rng().below(pool.len())].clone())
    }

    fn check_usable(&self, request: &SyntheticRequest) -> Result<()> {
        let problem = match self.acceptance.classes.get(request.label as usize) {
            None => format!("class {} was asked for, but there are {} classes", request.label, self.classes().len()),
            Some(class) if !class.is_usable() => format!(
                "of {} samples of class {:?} {} are accepted, under 5 %: give it no synthetic samples, as Mixture::only \
                 with the source's usable_classes does",
                class.made, class.name, class.accepted
            ),
            Some(_) => return Ok(()),
        };
        Err(Error::new(ErrorKind::Synthetic, problem).with_key(request.key))
    }
}

impl<S: SyntheticSource> SyntheticSource for FilteredSource<S> {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        requests.iter().try_for_each(|request| self.check_usable(request))?;
        requests.iter().map(|request| self.take(request)).collect()
    }

    fn classes(&self) -> &[String] {
        self.source.classes()
    }
}
