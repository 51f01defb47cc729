//! Samples of a source as a data set.

use crate::dataset::{Dataset, InMemory};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::rng::{Purpose, SampleKey};
use crate::synthetic::{SyntheticRequest, SyntheticSource};

/// Samples that a source is asked for at a time.
const CHUNK: usize = 256;

/// How many samples of each class an evaluation makes use of: as many as there are held-out images, or training images
/// if those are more.
#[must_use]
pub fn samples_wanted(train: &dyn Dataset, held_out: &dyn Dataset) -> Vec<usize> {
    train.class_counts().into_iter().zip(held_out.class_counts()).map(|(train, held_out)| train.max(held_out)).collect()
}

/// `counts[c]` samples of each class c in memory, class after class; `made` is told how many there are so far.
///
/// Sample `serial` of a class has the key of position label · 2³² + serial in epoch 0, however many are asked for.
///
/// # Errors
///
/// Those of the source; [`ErrorKind::Config`](crate::ErrorKind::Config) if there are not as many counts as classes, or
/// all are 0.
pub fn synthesize(
    source: &dyn SyntheticSource,
    counts: &[usize],
    seed: u64,
    mut made: impl FnMut(usize) -> Result<()>,
) -> Result<InMemory> {
    if counts.len() != source.classes().len() || counts.iter().all(|count| *count == 0) {
        return Err(Error::config(format!(
            "expected counts of samples for {} classes, not all 0, got {counts:?}",
            source.classes().len()
        )));
    }
    let request = |label: usize, serial: usize| {
        let (label, serial) = (label as u32, serial as u64);
        let key = SampleKey { seed, epoch: 0, position: u64::from(label) << 32 | serial, purpose: Purpose::Synthetic };
        SyntheticRequest { label, serial, key }
    };
    let requests: Vec<SyntheticRequest> = counts
        .iter()
        .enumerate()
        .flat_map(|(label, &count)| (0..count).map(move |serial| request(label, serial)))
        .collect();
    let mut images: Vec<Image> = Vec::with_capacity(requests.len());
    for requests in requests.chunks(CHUNK) {
        images.append(&mut source.generate(requests)?);
        made(images.len())?;
    }
    let labels = requests.iter().map(|request| request.label).collect();
    InMemory::from_images(images, labels, source.classes().to_vec())
}
