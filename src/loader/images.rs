//! Where the images of a batch come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::worker::Start;
use crate::dataset::Stored;
use crate::plan::{Content, EpochPlan, Numbered, Origin, Slot, StreamBatch};
use crate::rng::Purpose;

/// An image of a stream, used by every batch that repeats it.
pub(super) type Item = Arc<Stored<'static>>;

/// Where the images of a batch come from.
#[derive(Debug)]
pub(super) enum Images {
    /// From the loader's data set, as this plan counts them.
    Dataset(Arc<EpochPlan>),
    /// From a stream; they come with the batch.
    Stream(Brought),
}

/// The images that a batch of a stream brings along.
#[derive(Debug)]
pub(super) struct Brought {
    /// One for each sample that is not synthetic.
    items: Vec<Option<Item>>,
    /// Others of the classes in the batch.
    spares: BTreeMap<u32, Vec<Numbered<Item>>>,
}

impl Images {
    /// What the sample at `place` is made of, a real image of this number.
    pub(super) fn start(&self, place: usize, index: usize) -> Start {
        match self {
            Self::Dataset(_) => Start::Stored(index),
            Self::Stream(brought) => {
                Start::Given(Arc::clone(brought.items[place].as_ref().expect("a real sample brings its image along")))
            }
        }
    }

    /// The other images of the slot's class, and their numbers, in an order of the slot's own.
    pub(super) fn substitutes(&self, slot: &Slot) -> Box<dyn Iterator<Item = (usize, Start)>> {
        match self {
            Self::Dataset(plan) => {
                let mut images = plan.images_of(slot.label).to_vec();
                images.retain(|&image| slot.origin != Origin::Real(image as usize));
                order(&mut images, slot);
                Box::new(images.into_iter().map(|image| (image as usize, Start::Stored(image as usize))))
            }
            Self::Stream(brought) => {
                let mut images = brought.spares.get(&slot.label).cloned().unwrap_or_default();
                images.retain(|image| slot.origin != Origin::Real(image.index));
                order(&mut images, slot);
                Box::new(images.into_iter().map(|image| (image.index, Start::Given(image.item))))
            }
        }
    }
}

/// The slots of a stream's batch, whether each is of an image that comes again, and the images.
pub(super) fn unpacked(batch: StreamBatch<Item>) -> (Vec<Slot>, Vec<bool>, Images) {
    let (mut slots, mut repeated, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for (slot, content) in batch.samples {
        slots.push(slot);
        repeated.push(matches!(content, Content::Repeat(_)));
        items.push(match content {
            Content::New(item) | Content::Repeat(item) => Some(item),
            Content::Synthetic => None,
        });
    }
    (slots, repeated, Images::Stream(Brought { items, spares: batch.spares }))
}

fn order<T>(images: &mut [T], slot: &Slot) {
    slot.key.with_purpose(Purpose::Replacement).rng().shuffle(images);
}
