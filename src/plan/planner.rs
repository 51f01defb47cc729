//! What the epochs of a data set have in common.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::epoch::EpochPlan;
use super::quota::Shares;
use super::{Balance, Mixture, MixtureSchedule, Portion, ResumeState, Shard, Supply};
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;

/// How the epochs of a data set are planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanConfig {
    /// Samples in a batch, over one rank; at least 1. Default 32.
    pub batch_size: usize,
    /// How the classes share a batch. Default [`Balance::Natural`].
    pub balance: Balance,
    /// How much of each class is synthetic. Default nothing.
    pub mixture: Mixture,
    /// How the synthetic shares change from epoch to epoch. Default: they do not.
    ///
    /// An epoch's length and the places of each class stay as they are: where fewer samples are synthetic, the class's real images
    /// come more often, in whole permutations. So every class with synthetic samples needs a real image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<MixtureSchedule>,
    /// Whether each epoch has an order of its own, drawn from the seed. Default true.
    ///
    /// Without, every epoch has the same order: the data set's, under [`Balance::Natural`] without synthetic samples,
    /// as evaluation needs it (batches then hold whatever classes stand there, the one exception to the quotas);
    /// otherwise classes are dealt out by quota, and each gives its images in the data set's order.
    pub shuffle: bool,
    /// Whether the last batch is left out when it is not full, and the last round of batches when it does not reach all
    /// ranks. Default false.
    pub drop_last: bool,
    /// The part of the epochs that this process reads. Default everything.
    pub shard: Shard,
    /// The seed of the order, of the transforms and of the synthetic samples. Default 0.
    pub seed: u64,
}

impl Default for PlanConfig {
    fn default() -> Self {
        Self {
            batch_size: 32,
            balance: Balance::default(),
            mixture: Mixture::default(),
            schedule: None,
            shuffle: true,
            drop_last: false,
            shard: Shard::default(),
            seed: 0,
        }
    }
}

/// Plans the epochs of a data set; a [`DataLoader`](crate::DataLoader) has one.
///
/// What an epoch promises, with n real and m synthetic samples of a class by the mixture:
///
/// - The epoch is Σ (n + m) samples long under every balance.
/// - Every batch holds of each class its quota, batch size × the class's share, rounded down or up; and within a class
///   the synthetic share, m / (n + m), of its samples, rounded down or up; less in epochs in which a
///   [`MixtureSchedule`] says so.
/// - Under [`Balance::Natural`] every real image comes exactly once and every class has exactly m synthetic samples, in
///   epochs with the whole mixture.
///   Under the others a class's images come in whole permutations, so that none is repeated before all of its class
///   have been used.
///
/// ```
/// use candle_augment::{Balance, PlanConfig, Planner};
///
/// let classes = ["common".to_owned(), "rare".to_owned()];
/// let config = PlanConfig { batch_size: 4, balance: Balance::Uniform, ..PlanConfig::default() };
/// let planner = Planner::new(&[0, 0, 0, 0, 0, 0, 0, 1], &classes, config)?;
/// let plan = planner.epoch(0);
/// assert_eq!(plan.len(), 2);
/// assert_eq!(plan.batch(1).iter().filter(|slot| slot.label == 1).count(), 2);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Planner(Arc<Inner>);

#[derive(Clone, Debug)]
pub(super) struct Inner {
    pub config: PlanConfig,
    pub labels: Vec<u32>,
    /// The images of each class.
    pub images: Vec<Vec<u32>>,
    pub supplies: Vec<Supply>,
    pub portions: Vec<Portion>,
    pub shares: Shares,
    /// The samples of an epoch over all ranks, below 2³².
    pub samples: u64,
    fingerprint: u64,
}

impl Planner {
    /// Plans the epochs of images with these labels, each an index into `classes`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`] if there is no sample, or a label names no class; [`ErrorKind::Config`] if the batch size
    /// is 0, an epoch has no batch for this rank, or balance, mixture, schedule or shard are out of range.
    pub fn new(labels: &[u32], classes: &[String], config: PlanConfig) -> Result<Self> {
        if config.batch_size == 0 {
            return Err(Error::config(
                "expected a batch size of at least 1, got 0: give the number of samples of a batch",
            ));
        }
        config.shard.check()?;
        let images = images_by_class(labels, classes)?;
        let counts: Vec<u64> = images.iter().map(|images| images.len() as u64).collect();
        let supplies = config.mixture.supplies(&counts, classes)?;
        let portions = config.mixture.portions(&supplies, classes, &config.balance);
        if let Some(schedule) = &config.schedule {
            check_schedule(schedule, &counts, &supplies, classes)?;
        }
        let samples = epoch_length(&supplies)?;
        let shares = config.balance.shares(&supplies, classes)?;
        let fingerprint = fingerprint(labels, classes, &config)?;
        let labels = labels.to_vec();
        let planner =
            Self(Arc::new(Inner { config, labels, images, supplies, portions, shares, samples, fingerprint }));
        planner.check_length()?;
        Ok(planner)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &PlanConfig {
        &self.0.config
    }

    /// Tells the data set from others with the same labels and classes, by the names of some of its files.
    pub(crate) fn of_files(self, names: &[u8]) -> Self {
        let mut fingerprint = Fingerprint::new();
        fingerprint.add(&self.0.fingerprint.to_le_bytes());
        fingerprint.add(names);
        let Inner { config, labels, images, supplies, portions, shares, samples, .. } = Arc::unwrap_or_clone(self.0);
        let fingerprint = fingerprint.finish();
        Self(Arc::new(Inner { config, labels, images, supplies, portions, shares, samples, fingerprint }))
    }

    /// Where a run stands before its first batch.
    pub(crate) fn beginning(&self) -> ResumeState {
        self.0.state(0, 0)
    }

    /// The samples of an epoch, over all ranks.
    #[must_use]
    pub fn epoch_samples(&self) -> usize {
        self.0.samples as usize
    }

    /// The share of each class's samples that is synthetic, in [0, 1], in the order of the labels; where there is a schedule, in epochs
    /// with the whole mixture.
    pub fn synthetic_shares(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.portions.iter().map(|portion| portion.share())
    }

    /// The batches of an epoch for this rank; the same for all ranks and epochs.
    #[must_use]
    pub fn batches_per_epoch(&self) -> usize {
        self.0.rank_batches(0)
    }

    /// The plan of an epoch, in a time proportional to its samples.
    #[must_use]
    pub fn epoch(&self, epoch: u64) -> EpochPlan {
        EpochPlan::new(Arc::clone(&self.0), epoch, 0)
    }

    /// The plan of what is left of an epoch.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the state belongs to another seed, data set or configuration.
    pub fn resume(&self, state: &ResumeState) -> Result<EpochPlan> {
        let Inner { config, fingerprint, .. } = &*self.0;
        if state.seed != config.seed {
            return Err(Error::config(format!(
                "the resume state is of seed {} but the loader's is {}: give it the seed of the run that is to go on",
                state.seed, config.seed
            )));
        }
        if state.fingerprint != *fingerprint {
            return Err(Error::config(
                "the resume state is of another data set or configuration: labels, class names, file names, batch size, \
                 balance, mixture, schedule, shuffle and drop_last must be as they were",
            ));
        }
        if state.batch > self.0.batches() {
            return Err(Error::config(format!(
                "the resume state is damaged: it stands at batch {} of an epoch of {}; start the epoch anew",
                state.batch,
                self.0.batches()
            )));
        }
        Ok(EpochPlan::new(Arc::clone(&self.0), state.epoch, state.batch))
    }

    fn check_length(&self) -> Result<()> {
        if self.batches_per_epoch() > 0 {
            return Ok(());
        }
        let Inner { config, samples, .. } = &*self.0;
        Err(Error::config(format!(
            "an epoch of {samples} samples has less than one full batch of {} for each of {} ranks, \
             and drop_last leaves it out: lower the batch size, or set drop_last to false",
            config.batch_size, config.shard.world_size
        )))
    }
}

impl Inner {
    /// The batches of an epoch over all ranks.
    pub(super) fn batches(&self) -> u64 {
        let size = self.config.batch_size as u64;
        if self.config.drop_last { self.samples / size } else { self.samples.div_ceil(size) }
    }

    /// The batches for this rank of what is left of an epoch when `start` of them have been read.
    pub(super) fn rank_batches(&self, start: u64) -> usize {
        let left = self.batches().saturating_sub(start);
        let ranks = self.config.shard.world_size as u64;
        (if self.config.drop_last { left / ranks } else { left.div_ceil(ranks) }) as usize
    }

    /// Whether the samples stand in the order of the data set.
    pub(super) fn in_dataset_order(&self) -> bool {
        !self.config.shuffle
            && self.config.balance == Balance::Natural
            && self.supplies.iter().all(|supply| supply.synthetic == 0)
    }

    /// How much of each class is synthetic in an epoch.
    pub(super) fn portions(&self, epoch: u64) -> Cow<'_, [Portion]> {
        match self.config.schedule.map(|schedule| schedule.share(epoch)) {
            Some(share) if share < 1.0 => Mixture::scaled(&self.portions, share, &self.config.balance).into(),
            _ => (&self.portions).into(),
        }
    }

    pub(super) fn state(&self, epoch: u64, batch: u64) -> ResumeState {
        ResumeState { seed: self.config.seed, epoch, batch, fingerprint: self.fingerprint }
    }
}

fn images_by_class(labels: &[u32], classes: &[String]) -> Result<Vec<Vec<u32>>> {
    let mut images = vec![Vec::new(); classes.len()];
    for (index, &label) in labels.iter().enumerate() {
        let image = u32::try_from(index).map_err(|_| too_long(labels.len() as u64))?;
        let of_class = images.get_mut(label as usize).ok_or_else(|| {
            let message = format!("expected labels below {}, the number of classes, got {label}", classes.len());
            Error::new(ErrorKind::Dataset, message).with_index(index)
        })?;
        of_class.push(image);
    }
    Ok(images)
}

fn check_schedule(schedule: &MixtureSchedule, counts: &[u64], supplies: &[Supply], classes: &[String]) -> Result<()> {
    schedule.check()?;
    let mut rows = counts.iter().zip(supplies).zip(classes);
    match rows.find(|((real, supply), _)| **real == 0 && supply.synthetic > 0) {
        Some((_, class)) if !schedule.is_flat() => Err(Error::config(format!(
            "the schedule leaves synthetic samples out of some epochs, but class {class:?} has no real image to take \
             their place: leave the schedule out, or the class"
        ))),
        _ => Ok(()),
    }
}

fn epoch_length(supplies: &[Supply]) -> Result<u64> {
    let samples = supplies.iter().fold(0_u64, |sum, supply| sum.saturating_add(supply.total()));
    match samples {
        0 => Err(Error::new(ErrorKind::Dataset, "the data set has no image, and the mixture adds no synthetic sample")),
        1..=MAX_SAMPLES => Ok(samples),
        _ => Err(too_long(samples)),
    }
}

/// The longest epoch: its samples, batches and classes are counted in 32 bits, their products in 64.
const MAX_SAMPLES: u64 = u32::MAX as u64;

fn too_long(samples: u64) -> Error {
    Error::config(format!(
        "expected an epoch of at most {MAX_SAMPLES} samples, got {samples}: lower the mixture's shares, \
         or use a part of the data set"
    ))
}

/// Stands for everything that decides which sample is where, but for the seed and the shard.
fn fingerprint(labels: &[u32], classes: &[String], config: &PlanConfig) -> Result<u64> {
    let mut plan = PlanConfig { seed: 0, shard: Shard::default(), ..config.clone() };
    if let Mixture::Auto(choice) = &mut plan.mixture {
        *choice = choice.essence();
    }
    let plan = serde_json::to_vec(&plan)
        .map_err(|error| Error::config(format!("the plan's configuration cannot be written as JSON: {error}")))?;
    let mut fingerprint = Fingerprint::new();
    fingerprint.add(&plan);
    classes.iter().for_each(|class| fingerprint.add(class.as_bytes()));
    let labels: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    fingerprint.add(&labels);
    Ok(fingerprint.finish())
}
