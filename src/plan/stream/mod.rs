//! The plan of a stream: batches of images that come one by one, their number unknown, on a single pass.
//!
//! A state machine without threads or I/O: [`StreamPlanner::push`] takes the next image, then
//! [`StreamPlanner::next_batch`] gives the batches that are complete with it. What comes out depends on the images'
//! labels and the configuration alone. The quotas of a batch are those of an [`EpochPlan`](super::EpochPlan).

mod arrival;
mod balanced;
mod reservoir;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{Balance, Mixture, Origin, Portion, Slot, Spread, Stream};
use crate::error::{Error, ErrorKind, Result};
use crate::rng::{Purpose, SampleKey};
use arrival::Arrival;
use balanced::Balanced;
use reservoir::Reservoir;

/// How a stream is planned.
#[derive(Clone, Debug)]
pub(crate) struct StreamConfig {
    /// At least 1.
    pub batch_size: usize,
    pub balance: Balance,
    pub mixture: Mixture,
    /// Images that may wait for a batch beyond the number of a batch itself.
    pub look_ahead: usize,
    /// Images of each class that are kept to be repeated; at least 1.
    pub reservoir: usize,
    /// Whether batches bring along the images that are kept.
    pub spares: bool,
    pub seed: u64,
    /// The number of the pass.
    pub epoch: u64,
}

/// What stands in a slot: `T` is an image, or a handle of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content<T> {
    /// An image at its first use.
    New(T),
    /// An image that was in a batch before, or in this one.
    Repeat(T),
    Synthetic,
}

/// One batch.
#[derive(Clone, Debug)]
pub(crate) struct StreamBatch<T> {
    pub samples: Vec<(Slot, Content<T>)>,
    /// Of each class in the batch the images that may take the place of one that fails; none unless they were asked
    /// for.
    pub spares: BTreeMap<u32, Vec<Numbered<T>>>,
}

/// An image, and its number in the stream.
#[derive(Clone, Debug)]
pub(crate) struct Numbered<T> {
    pub index: usize,
    pub item: T,
}

/// A sample before it has a key.
#[derive(Debug)]
struct Place<T> {
    label: usize,
    content: Content<Numbered<T>>,
}

/// Plans the batches of a stream.
#[derive(Debug)]
pub(crate) struct StreamPlanner<T> {
    config: StreamConfig,
    classes: Vec<String>,
    portions: Vec<Portion>,
    /// Why a class has no place for a real image, if it has none.
    closed: Vec<Option<&'static str>>,
    order: Order<T>,
    /// The images of each class that are kept.
    reservoirs: Vec<Reservoir<Numbered<T>>>,
    /// The synthetic samples of each class so far.
    serials: Vec<u64>,
    /// The samples so far.
    position: u64,
    /// The images so far.
    images: usize,
    ended: bool,
}

#[derive(Debug)]
enum Order<T> {
    Arrival(Arrival<T>),
    Balanced(Balanced<T>),
}

/// The least share of the samples that the images of a class may have: with less the others would be repeated without
/// end for its sake.
const LEAST_SHARE: f64 = 1e-6;

impl<T: Clone> StreamPlanner<T> {
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the configuration is out of range, or needs to know the number of images of a class.
    pub(crate) fn new(classes: Vec<String>, config: StreamConfig) -> Result<Self> {
        check(&classes, &config)?;
        let weights = config.balance.stream_weights(&classes)?;
        let portions = config.mixture.stream_portions(&classes)?;
        let closed = closed(&classes, weights.as_deref(), &portions)?;
        let spreads = portions.iter().enumerate().map(|(class, portion)| spread(class, *portion, &config));
        let order = match weights {
            None => Order::Arrival(Arrival::new(spreads)),
            Some(weights) => Order::Balanced(Balanced::new(weights, spreads, &config)),
        };
        let StreamConfig { reservoir, seed, epoch, .. } = config;
        let key = |class| Stream::Reservoir(class).key(seed, epoch);
        let reservoirs = (0..classes.len()).map(|class| Reservoir::new(reservoir, key(class))).collect();
        let serials = vec![0; classes.len()];
        Ok(Self { config, classes, portions, closed, order, reservoirs, serials, position: 0, images: 0, ended: false })
    }

    /// Takes the image of this number in the stream. All complete batches are to be taken before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`], with the index, if the label names no class; [`ErrorKind::Config`] if its class has no
    /// place for real images.
    pub(crate) fn push(&mut self, index: usize, label: u32, item: T) -> Result<()> {
        let label = label as usize;
        let Some(closed) = self.closed.get(label) else {
            let message = format!("expected labels below {}, the number of classes, got {label}", self.classes.len());
            return Err(Error::new(ErrorKind::Dataset, message).with_index(index));
        };
        if let Some(why) = closed {
            let class = &self.classes[label];
            return Err(Error::config(format!(
                "an image of class {class:?} came, which has no place in the batches, as {why}: leave such images out \
                 of the stream, or give the class a place"
            ))
            .with_index(index));
        }
        self.images += 1;
        let item = Numbered { index, item };
        match &mut self.order {
            Order::Arrival(arrival) => arrival.push(label, item),
            Order::Balanced(balanced) => balanced.push(label, item),
        }
        Ok(())
    }

    /// No image comes after this: what waits goes into the last batches.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// The next batch, if it is complete. Nothing comes after an error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`] if the batch needs images of a class of which none has come, or the stream ended without
    /// an image.
    pub(crate) fn next_batch(&mut self) -> Result<Option<StreamBatch<T>>> {
        if self.ended && self.images == 0 {
            return Err(Error::new(ErrorKind::Dataset, "the stream ended without an image: expected at least one"));
        }
        let places = match &mut self.order {
            Order::Arrival(arrival) => Ok(arrival.next_batch(self.config.batch_size, self.ended)),
            Order::Balanced(balanced) => balanced.next_batch(&mut self.reservoirs, self.ended),
        };
        let Some(places) = places.map_err(|missing| self.missing(missing))? else { return Ok(None) };
        let spares = if self.config.spares { self.spares(&places) } else { BTreeMap::new() };
        Ok(Some(StreamBatch { samples: places.into_iter().map(|place| self.numbered(place)).collect(), spares }))
    }

    /// The share of each class's samples that is synthetic, in [0, 1], in the order of the labels.
    pub(crate) fn synthetic_shares(&self) -> impl Iterator<Item = f64> + '_ {
        self.portions.iter().map(|portion| portion.share())
    }

    /// The images that wait for a batch.
    #[cfg(test)]
    fn waiting(&self) -> usize {
        match &self.order {
            Order::Arrival(arrival) => arrival.waiting(),
            Order::Balanced(balanced) => balanced.waiting(),
        }
    }

    fn spares(&mut self, places: &[Place<T>]) -> BTreeMap<u32, Vec<Numbered<T>>> {
        if let Order::Arrival(_) = self.order {
            for Place { label, content } in places {
                if let Content::New(item) = content {
                    self.reservoirs[*label].offer(item);
                }
            }
        }
        let labels: BTreeSet<usize> = places.iter().map(|place| place.label).collect();
        labels.into_iter().map(|label| (label as u32, self.reservoirs[label].kept().to_vec())).collect()
    }

    fn numbered(&mut self, Place { label, content }: Place<T>) -> (Slot, Content<T>) {
        let (origin, content) = match content {
            Content::New(Numbered { index, item }) => (Origin::Real(index), Content::New(item)),
            Content::Repeat(Numbered { index, item }) => (Origin::Real(index), Content::Repeat(item)),
            Content::Synthetic => {
                self.serials[label] += 1;
                (Origin::Synthetic(self.serials[label] - 1), Content::Synthetic)
            }
        };
        let StreamConfig { seed, epoch, .. } = self.config;
        let key = SampleKey { seed, epoch, position: self.position, purpose: Purpose::Transform };
        self.position += 1;
        (Slot { label: label as u32, origin, key }, content)
    }

    fn missing(&self, label: usize) -> Error {
        let class = &self.classes[label];
        let message = if self.ended {
            format!(
                "the stream ended without an image of class {class:?}, of which each batch needs its share: give it \
                 weight 0 with Balance::Weights or leave it out of the classes, or give it a synthetic share"
            )
        } else {
            format!(
                "no image of class {class:?} was among the first {} of the stream, and {} wait for a batch with one, \
                 as many as may: shuffle the stream, raise look_ahead, or give the class a synthetic share",
                self.images,
                self.config.batch_size.saturating_add(self.config.look_ahead)
            )
        };
        Error::new(ErrorKind::Dataset, message)
    }
}

fn check(classes: &[String], config: &StreamConfig) -> Result<()> {
    let problem = if classes.is_empty() {
        "expected the names of the classes, got none: a stream does not tell them beforehand"
    } else if !(1..=u32::MAX as usize).contains(&config.batch_size) {
        "expected a batch size from 1 to 2³² − 1: give the number of samples of a batch"
    } else if config.reservoir == 0 {
        "expected a reservoir of at least 1 image for each class, got 0: without one a class cannot be repeated"
    } else {
        return Ok(());
    };
    Err(Error::config(problem))
}

/// Why each class has no place for a real image, if it has none.
fn closed(classes: &[String], weights: Option<&[f64]>, portions: &[Portion]) -> Result<Vec<Option<&'static str>>> {
    let total: f64 = weights.map_or(1.0, |weights| weights.iter().sum());
    let reason = |(label, class): (usize, &String)| {
        let real = 1.0 - portions[label].share();
        let share = weights.map_or(1.0, |weights| weights[label] / total);
        match share * real {
            _ if share == 0.0 => Ok(Some("its weight is 0")),
            _ if real == 0.0 && weights.is_none() => Err(Error::config(format!(
                "class {class:?} is to be wholly synthetic, but under the natural balance its samples come with its \
                 images: give it a share below 1, or another balance"
            ))),
            _ if real == 0.0 => Ok(Some("it is to be wholly synthetic")),
            share if share < LEAST_SHARE => Err(Error::config(format!(
                "the images of class {class:?} would be {share} of all samples: expected none or at least \
                 {LEAST_SHARE}, as every image of a stream has its place; raise the weight, or lower the synthetic share"
            ))),
            _ => Ok(None),
        }
    };
    classes.iter().enumerate().map(reason).collect()
}

fn spread(class: usize, portion: Portion, config: &StreamConfig) -> Spread {
    let phase = Stream::Class(class).key(config.seed, config.epoch).rng().below(portion.of as usize);
    Spread::new(portion, phase as u64)
}
