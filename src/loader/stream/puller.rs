//! From the items of an iterator to planned batches.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::failure::Failure;
use super::super::guard::guarded;
use super::super::images::Item;
use super::super::meter::Meter;
use super::super::statistics::Stage;
use crate::dataset::{Label, Stored};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{StreamBatch, StreamPlanner};

/// What a stream is made of.
pub(super) type Items = Box<dyn Iterator<Item = Result<(Stored<'static>, Label)>> + Send>;

/// Pulls an iterator, and plans its batches.
pub(super) struct Puller {
    items: Items,
    labels: HashMap<String, u32>,
    planner: StreamPlanner<Item>,
    /// The failures that the stream bears; with none of them allowed the first is its end.
    most: Option<usize>,
    /// The items so far.
    pulled: usize,
    ended: bool,
    failures: Vec<Failure>,
    failed: usize,
}

impl Puller {
    pub(super) fn new(items: Items, classes: &[String], planner: StreamPlanner<Item>, most: Option<usize>) -> Self {
        let labels = classes.iter().cloned().zip(0..).collect();
        Self { items, labels, planner, most, pulled: 0, ended: false, failures: Vec::new(), failed: 0 }
    }

    /// The next batch; None at the end, also if more items failed than may. The failed items before it are then in
    /// [`Puller::failures`].
    pub(super) fn next_batch(&mut self, meter: &Meter, cancelled: &AtomicBool) -> Result<Option<StreamBatch<Item>>> {
        loop {
            if let Some(batch) = self.planner.next_batch()? {
                return Ok(Some(batch));
            }
            if self.ended || self.most.is_some_and(|most| self.failed > most) {
                return Ok(None);
            }
            if cancelled.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorKind::Interrupted, "the stream was dropped"));
            }
            if let Err(error) = self.pull(meter) {
                meter.failed(None, &error);
                if self.most.is_none() {
                    return Err(error);
                }
                self.failed += 1;
                self.failures.push(Failure::of_item(error));
            }
        }
    }

    /// The failures since they were last taken.
    pub(super) fn failures(&mut self) -> Vec<Failure> {
        std::mem::take(&mut self.failures)
    }

    fn pull(&mut self, meter: &Meter) -> Result<()> {
        let index = self.pulled;
        self.pulled += 1;
        let item = meter.time(Stage::Read, || guarded("the iterator", || self.items.next().transpose()));
        let Some((image, label)) = item.map_err(|error| error.with_index(index))? else {
            self.ended = true;
            self.planner.end();
            return Ok(());
        };
        let label = self.label(label).map_err(|error| error.with_index(index))?;
        self.planner.push(index, label, Item::new(image))
    }

    fn label(&self, label: Label) -> Result<u32> {
        match label {
            // The planner refuses what is too large.
            Label::Number(number) => u32::try_from(number).map_err(|_| {
                let message = format!("expected an index of a class, got {number}: number the classes from 0");
                Error::new(ErrorKind::Dataset, message)
            }),
            Label::Name(name) => self.labels.get(&name).copied().ok_or_else(|| {
                let message =
                    format!("{name:?} is not among the {} classes of the stream: add it to them", self.labels.len());
                Error::new(ErrorKind::Dataset, message)
            }),
        }
    }
}
