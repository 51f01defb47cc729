//! The plan of one epoch.

use std::sync::Arc;

use super::planner::Inner;
use super::quota::{Quota, Quotas};
use super::walk::Walk;
use super::{Origin, ResumeState, Slot, Stream};
use crate::rng::{Purpose, SampleKey};

/// The batches of one epoch for one rank, as [`Planner`](crate::Planner) promises them.
///
/// Any batch is found in the same time, O(classes + batch size · log batches), in any order.
#[derive(Clone, Debug)]
pub struct EpochPlan {
    planner: Arc<Inner>,
    epoch: u64,
    /// The first batch that this plan deals out to the ranks.
    start: u64,
    order: Order,
}

#[derive(Clone, Debug)]
enum Order {
    Dataset,
    Quotas { quotas: Quotas, walks: Vec<Walk> },
}

impl EpochPlan {
    pub(super) fn new(planner: Arc<Inner>, epoch: u64, start: u64) -> Self {
        let order = if planner.in_dataset_order() { Order::Dataset } else { Order::quotas(&planner, epoch) };
        Self { planner, epoch, start, order }
    }

    /// The images of a class, in the order of the data set.
    pub(crate) fn images_of(&self, label: u32) -> &[u32] {
        &self.planner.images[label as usize]
    }

    /// The number of batches for this rank.
    #[must_use]
    pub fn len(&self) -> usize {
        self.planner.rank_batches(self.start)
    }

    /// The samples of this rank, at most: the last batch may not be full.
    pub(crate) fn samples(&self) -> usize {
        let batches = self.len().saturating_mul(self.planner.config.batch_size);
        batches.min(usize::try_from(self.planner.samples).unwrap_or(usize::MAX))
    }

    /// Whether no batch is left; true only for a plan that resumes at the end of an epoch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The epoch.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The samples of this rank's batch `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`EpochPlan::len`].
    #[must_use]
    pub fn batch(&self, index: usize) -> Vec<Slot> {
        assert!(index < self.len(), "batch {index} of {}", self.len());
        let shard = self.planner.config.shard;
        let batch = self.start + shard.rank as u64 + index as u64 * shard.world_size as u64;
        // Beyond the end the ranks get the batches at the head of the epoch.
        self.slots(batch % self.planner.batches())
    }

    /// The sample at `position` of the epoch, counted over all ranks, whichever of them reads it: what a [`SampleKey`]
    /// names. None beyond the end, and in the last batch where `drop_last` leaves it out.
    ///
    /// It is found in the time of a batch. A plan that resumes knows the samples before its start as well.
    ///
    /// ```
    /// use candle_augment::{PlanConfig, Planner};
    ///
    /// let planner = Planner::new(&[0, 1, 1, 0], &["a".to_owned(), "b".to_owned()], PlanConfig::default())?;
    /// let plan = planner.epoch(3);
    /// let slot = plan.batch(0)[2];
    /// assert_eq!(plan.slot_at(slot.key.position), Some(slot));
    /// assert_eq!(plan.slot_at(4), None);
    /// # Ok::<(), candle_augment::Error>(())
    /// ```
    #[must_use]
    pub fn slot_at(&self, position: u64) -> Option<Slot> {
        let size = self.planner.config.batch_size as u64;
        let batch = position / size;
        if batch >= self.planner.batches() {
            return None;
        }
        self.slots(batch).get((position % size) as usize).copied()
    }

    /// The batches of this rank in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Vec<Slot>> + '_ {
        (0..self.len()).map(|index| self.batch(index))
    }

    /// Where the run stands when every rank has read `read` batches of this plan.
    #[must_use]
    pub fn state(&self, read: usize) -> ResumeState {
        let batch = self.start + read as u64 * self.planner.config.shard.world_size as u64;
        self.planner.state(self.epoch, batch.min(self.planner.batches()))
    }

    /// The samples of a batch of the epoch, counted over all ranks.
    fn slots(&self, batch: u64) -> Vec<Slot> {
        match &self.order {
            Order::Dataset => self.dataset_slots(batch),
            Order::Quotas { quotas, walks } => self.quota_slots(batch, quotas, walks),
        }
    }

    fn dataset_slots(&self, batch: u64) -> Vec<Slot> {
        let size = self.planner.config.batch_size as u64;
        let positions = batch * size..((batch + 1) * size).min(self.planner.samples);
        positions
            .map(|position| {
                let index = position as usize;
                self.slot(self.planner.labels[index], Origin::Real(index), position)
            })
            .collect()
    }

    fn quota_slots(&self, batch: u64, quotas: &Quotas, walks: &[Walk]) -> Vec<Slot> {
        let mut quotas: Vec<Quota> = quotas.batch(batch).collect();
        let mut places: Vec<usize> =
            quotas.iter().enumerate().flat_map(|(i, quota)| std::iter::repeat_n(i, quota.count as usize)).collect();
        let config = &self.planner.config;
        if config.shuffle {
            Stream::Batch(batch).key(config.seed, self.epoch).rng().shuffle(&mut places);
        }
        // The places of the classes are shuffled, and each class goes on in its own order: so no image comes again,
        // even within this batch, before all others of its class.
        let first = batch * config.batch_size as u64;
        (first..)
            .zip(places)
            .map(|(position, i)| {
                let Quota { class, before, .. } = quotas[i];
                quotas[i].before += 1;
                self.slot(class as u32, walks[class].origin(before), position)
            })
            .collect()
    }

    fn slot(&self, label: u32, origin: Origin, position: u64) -> Slot {
        let key =
            SampleKey { seed: self.planner.config.seed, epoch: self.epoch, position, purpose: Purpose::Transform };
        Slot { label, origin, key }
    }
}

impl Order {
    fn quotas(planner: &Inner, epoch: u64) -> Self {
        let config = &planner.config;
        let shuffle = config.shuffle.then_some((config.seed, epoch));
        let quotas = Quotas::new(&planner.shares, planner.samples, config.batch_size as u64, shuffle);
        let portions = planner.portions(epoch);
        let classes = quotas.totals().into_iter().zip(&planner.images).zip(portions.iter()).enumerate();
        let walks = classes
            .map(|(class, ((total, images), portion))| Walk::new(class, images, *portion, total, shuffle))
            .collect();
        Self::Quotas { quotas, walks }
    }
}
