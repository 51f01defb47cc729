//! Samples of a source as a data set.

use crate::dataset::{Dataset, InMemory};
use crate::error::{Error, ErrorKind, Result};
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
    let requests: Vec<SyntheticRequest> = counts
        .iter()
        .enumerate()
        .flat_map(|(label, &count)| (0..count).map(move |serial| request(seed, 0, label as u32, serial as u64)))
        .collect();
    let images = generate(source, &requests, &mut made)?;
    let labels = requests.iter().map(|request| request.label).collect();
    InMemory::from_images(images, labels, source.classes().to_vec())
}

/// Sample `serial` of a class; other epochs have other samples.
pub(crate) fn request(seed: u64, epoch: u64, label: u32, serial: u64) -> SyntheticRequest {
    let position = u64::from(label) << 32 | serial;
    SyntheticRequest { label, serial, key: SampleKey { seed, epoch, position, purpose: Purpose::Synthetic } }
}

/// One image for each request, asked for a few at a time; `made` is told how many there are so far.
pub(super) fn generate(
    source: &dyn SyntheticSource,
    requests: &[SyntheticRequest],
    mut made: impl FnMut(usize) -> Result<()>,
) -> Result<Vec<Image>> {
    let mut images: Vec<Image> = Vec::with_capacity(requests.len());
    for requests in requests.chunks(CHUNK) {
        let mut more = source.generate(requests)?;
        if more.len() != requests.len() {
            return Err(Error::new(
                ErrorKind::Synthetic,
                format!("expected {} images from the synthetic source, got {}", requests.len(), more.len()),
            ));
        }
        images.append(&mut more);
        made(images.len())?;
    }
    Ok(images)
}
