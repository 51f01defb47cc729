//! Batches by quota, for every balance but the natural one.

use std::collections::VecDeque;

use super::reservoir::Reservoir;
use super::{Content, Numbered, Place, Spread, Stream, StreamConfig};
use crate::plan::quota::{Quotas, Shares};

/// The images that wait, by class.
///
/// A batch goes out when the images that wait fill it wholly, so that none need be repeated; or when as many wait as may,
/// which happens in a stream whose classes come in other proportions than the batches want: then what a class lacks is
/// repeated. A full room always fills the part of some class: as many wait as a batch has samples.
#[derive(Debug)]
pub(super) struct Balanced<T> {
    quotas: Quotas,
    shares: Shares,
    classes: Vec<Class<T>>,
    batch_size: usize,
    /// The most images that wait.
    room: usize,
    seed: u64,
    epoch: u64,
    /// The batches so far.
    batch: u64,
    waiting: usize,
    /// The classes that do not fill their part of the next batch.
    short: usize,
}

#[derive(Debug)]
struct Class<T> {
    spread: Spread,
    queue: VecDeque<Numbered<T>>,
    /// The samples so far, by the quotas.
    rank: u64,
    /// The samples in the next full batch, and the real ones among them.
    count: u64,
    part: usize,
}

/// The samples of a class in one batch.
#[derive(Clone, Copy, Debug)]
struct Parts {
    synthetic: u64,
    real: usize,
}

impl<T: Clone> Balanced<T> {
    pub(super) fn new(weights: Vec<f64>, spreads: impl Iterator<Item = Spread>, config: &StreamConfig) -> Self {
        let StreamConfig { batch_size, look_ahead, seed, epoch, .. } = *config;
        let shares = Shares::Weights(weights);
        let size = batch_size as u64;
        // The longest epoch whose batches the quotas count stands for a stream without end.
        let quotas = Quotas::new(&shares, u64::from(u32::MAX) * size, size, Some((seed, epoch)));
        let classes =
            spreads.map(|spread| Class { spread, queue: VecDeque::new(), rank: 0, count: 0, part: 0 }).collect();
        let room = batch_size.saturating_add(look_ahead);
        let mut balanced =
            Self { quotas, shares, classes, batch_size, room, seed, epoch, batch: 0, waiting: 0, short: 0 };
        balanced.turn_to_next();
        balanced
    }

    pub(super) fn push(&mut self, label: usize, item: Numbered<T>) {
        let class = &mut self.classes[label];
        class.queue.push_back(item);
        self.waiting += 1;
        if class.queue.len() == class.part {
            self.short -= 1;
        }
    }

    /// The next batch, if it is complete. `reservoirs` keep images of each class to be repeated.
    ///
    /// # Errors
    ///
    /// The label of a class that the batch needs and that has no sample.
    pub(super) fn next_batch(
        &mut self,
        reservoirs: &mut [Reservoir<Numbered<T>>],
        ended: bool,
    ) -> Result<Option<Vec<Place<T>>>, usize> {
        if self.waiting == 0 || !ended && self.short > 0 && self.waiting < self.room {
            return Ok(None);
        }
        let rest = if ended { self.rest() } else { None };
        let counts = rest.unwrap_or_else(|| self.classes.iter().map(|class| class.count).collect());
        let mut places = Vec::with_capacity(counts.iter().sum::<u64>() as usize);
        for (label, (class, count)) in self.classes.iter_mut().zip(counts).enumerate() {
            let give = |content| places.push(Place { label, content });
            class.deal(count, &mut reservoirs[label], give).ok_or(label)?;
        }
        let new = places.iter().filter(|place| matches!(place.content, Content::New(_)));
        self.waiting -= new.count();
        Stream::Batch(self.batch).key(self.seed, self.epoch).rng().shuffle(&mut places);
        self.batch += 1;
        self.turn_to_next();
        Ok(Some(places))
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    fn turn_to_next(&mut self) {
        let counts = self.quotas.full_batch(self.batch);
        self.short = 0;
        for (class, count) in self.classes.iter_mut().zip(counts) {
            class.count = count;
            class.part = class.parts(count).real;
            self.short += usize::from(class.queue.len() < class.part);
        }
    }

    /// The samples of each class in the smallest batch that takes everything that waits, if that is less than a full
    /// one.
    fn rest(&self) -> Option<Vec<u64>> {
        let takes_all = |counts: &Vec<u64>| {
            self.classes.iter().zip(counts).all(|(class, count)| class.queue.len() <= class.parts(*count).real)
        };
        (self.waiting..self.batch_size).map(|size| self.quotas.rest(&self.shares, size as u64)).find(takes_all)
    }
}

impl<T: Clone> Class<T> {
    fn parts(&self, count: u64) -> Parts {
        let synthetic = self.spread.synthetic_before(self.rank + count) - self.spread.synthetic_before(self.rank);
        Parts { synthetic, real: (count - synthetic) as usize }
    }

    /// Gives the next `count` samples: the synthetic share, images that wait, and what is lacking from the reservoir.
    /// None if that is empty.
    fn deal(
        &mut self,
        count: u64,
        reservoir: &mut Reservoir<Numbered<T>>,
        mut give: impl FnMut(Content<Numbered<T>>),
    ) -> Option<()> {
        let Parts { synthetic, real } = self.parts(count);
        (0..synthetic).for_each(|_| give(Content::Synthetic));
        for _ in 0..real {
            give(match self.queue.pop_front() {
                Some(item) => {
                    reservoir.offer(&item);
                    Content::New(item)
                }
                None => self.lacking(reservoir)?,
            });
        }
        self.rank += count;
        Some(())
    }

    /// In place of an image that has not come: one that came before, or while none has, a synthetic sample more.
    fn lacking(&self, reservoir: &mut Reservoir<Numbered<T>>) -> Option<Content<Numbered<T>>> {
        let repeated = reservoir.repeat().map(Content::Repeat);
        repeated.or_else(|| self.spread.has_synthetic().then_some(Content::Synthetic))
    }
}
