//! Batches in the order of arrival, for the natural balance.

use std::collections::VecDeque;

use super::{Content, Numbered, Place, Spread};

/// The images that wait, and the synthetic samples that come with them.
#[derive(Debug)]
pub(super) struct Arrival<T> {
    classes: Vec<Class>,
    queue: VecDeque<Arrived<T>>,
    /// The samples that wait, real and synthetic.
    samples: u64,
}

#[derive(Debug)]
struct Class {
    spread: Spread,
    /// The images so far.
    images: u64,
    /// The samples so far, real and synthetic, up to the last image.
    samples: u64,
}

#[derive(Debug)]
struct Arrived<T> {
    label: usize,
    /// The synthetic samples of the class that go before the image. Counted, not listed: a share near 1 asks for
    /// millions.
    synthetic: u64,
    item: Numbered<T>,
}

impl<T> Arrival<T> {
    pub(super) fn new(spreads: impl Iterator<Item = Spread>) -> Self {
        let classes = spreads.map(|spread| Class { spread, images: 0, samples: 0 }).collect();
        Self { classes, queue: VecDeque::new(), samples: 0 }
    }

    pub(super) fn push(&mut self, label: usize, item: Numbered<T>) {
        let synthetic = self.classes[label].next_image();
        self.samples += synthetic + 1;
        self.queue.push_back(Arrived { label, synthetic, item });
    }

    /// The next batch if `size` samples wait; fewer if the stream has ended.
    pub(super) fn next_batch(&mut self, size: usize, ended: bool) -> Option<Vec<Place<T>>> {
        if self.samples == 0 || self.samples < size as u64 && !ended {
            return None;
        }
        let places: Vec<Place<T>> = std::iter::from_fn(|| self.next_place()).take(size).collect();
        self.samples -= places.len() as u64;
        Some(places)
    }

    fn next_place(&mut self) -> Option<Place<T>> {
        let front = self.queue.front_mut()?;
        if front.synthetic > 0 {
            front.synthetic -= 1;
            return Some(Place { label: front.label, content: Content::Synthetic });
        }
        let Arrived { label, item, .. } = self.queue.pop_front()?;
        Some(Place { label, content: Content::New(item) })
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }
}

impl Class {
    /// Counts an image more, and gives the number of synthetic samples before it.
    fn next_image(&mut self) -> u64 {
        let rank = self.spread.real(self.images).expect("a class without real samples is closed");
        let synthetic = rank - self.samples;
        self.images += 1;
        self.samples = rank + 1;
        synthetic
    }
}
