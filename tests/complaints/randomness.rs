//! Randomness that repeats, or that depends on who works.

use std::collections::BTreeSet;

use candle_augment::{
    ClassMixture, ColorJitter, DataLoader, Epoch, GaussianNoise, InMemory, Origin, Pipeline, RandomRotation, Result,
    Size, Slot, digits,
};

use crate::common::data::gradient;
use crate::common::loader::{Content, Noise, contents, counted, in_time, index, names};

/// The slots of an epoch, and as text what was drawn for each.
fn drawn(epoch: Epoch) -> Vec<(Slot, String)> {
    let samples = |batch: Result<candle_augment::Batch>| {
        let batch = batch.expect("nothing fails here");
        let ops = (0..batch.len()).map(|n| format!("{:?}", batch.ops(n))).collect::<Vec<_>>();
        batch.slots.into_iter().zip(ops)
    };
    in_time(move || epoch.flat_map(samples).collect())
}

fn distinct<T: Ord>(items: impl IntoIterator<Item = T>) -> usize {
    items.into_iter().collect::<BTreeSet<T>>().len()
}

/// Workers that start from one seed give several images the same noise: pytorch #5059, #3880, #31246; fairseq #1383;
/// imgaug #659.
#[test]
fn same_randomness_in_every_worker() -> Result<()> {
    let set = InMemory::from_images(vec![gradient(8, 8, 1); 400], vec![0; 400], names(1))?;
    let loader = DataLoader::builder(set)
        .mixture(ClassMixture::Share(0.5))
        .synthetic(Noise { classes: names(1), size: Size::square(8), channels: 1 })
        .transform(Pipeline::new().then(RandomRotation::new(180.0)?).then(GaussianNoise::default()))
        .workers(4)
        .build()?;
    let draws = [drawn(loader.epoch(0)), drawn(loader.epoch(1))].concat();
    assert_eq!(distinct(draws.iter().map(|(_, ops)| ops)), 1600);

    let epoch = loader.epoch(0);
    let images = in_time(move || contents(epoch))
        .into_iter()
        .flat_map(|batch| batch.bits.chunks(64).map(<[u32]>::to_vec).collect::<Vec<_>>());
    assert_eq!(distinct(images), 800);
    Ok(())
}

/// Other batches with other workers, or with workers that were kept from an epoch before: albumentations #2473, #2559;
/// AlbumentationsX #81; MONAI #4569; ffcv #392, #140.
#[test]
fn results_change_with_worker_count() -> Result<()> {
    let build = |workers| {
        let jitter = Pipeline::new().then(RandomRotation::new(15.0)?).then(ColorJitter::new(0.4, 0.4, 0.0, 0.0)?);
        DataLoader::builder(digits()?).transform(jitter).batch_size(50).workers(workers).build()
    };
    let read = |epoch: Epoch| -> Vec<Content> { in_time(move || contents(epoch)) };
    let expected = read(build(0)?.epoch(2));
    for workers in [1, 3, 8] {
        let fresh = build(workers)?;
        assert!(read(fresh.epoch(2)) == expected, "{workers} workers");
        let kept = build(workers)?;
        read(kept.epoch(0));
        drop(kept.epoch(1).take(3).collect::<Vec<_>>());
        assert!(read(kept.epoch(2)) == expected, "{workers} workers, kept from the epochs before");
    }
    Ok(())
}

/// The same augmentation of an image, or of a place in the batch, in every epoch: AlbumentationsX #266;
/// pytorch-lightning #20412; CenterNet #233.
#[test]
fn same_augmentation_every_epoch() -> Result<()> {
    let loader = DataLoader::builder(digits()?).transform(RandomRotation::new(180.0)?).workers(2).build()?;
    let epochs: Vec<_> = (0..5).map(|epoch| drawn(loader.epoch(epoch))).collect();
    for place in 0..1797 {
        assert_eq!(distinct(epochs.iter().map(|samples| &samples[place].1)), 5, "place {place}");
    }
    let mut of_image = vec![BTreeSet::new(); 1797];
    for (slot, ops) in epochs.into_iter().flatten() {
        let Origin::Real(index) = slot.origin else { unreachable!("the loader has no synthetic source") };
        of_image[index].insert(ops);
    }
    assert!(of_image.iter().all(|draws| draws.len() == 5));
    Ok(())
}

/// Images that a worker keeps for itself meet in a batch again and again, and the loss shows the same pattern in every
/// epoch: burn #3282.
///
/// Of 600 images in batches of 20, 5,700 pairs share a batch, and 19 of 599 of them, 181, share one again in another
/// epoch, with a standard deviation below 14; six of those are exceeded once in 10⁹ fair draws. With two workers that
/// keep their halves it would be 362.
#[test]
fn batches_repeat_every_epoch() -> Result<()> {
    let loader = DataLoader::builder(counted(&[600])).batch_size(20).workers(2).build()?;
    let pairs = |epoch| {
        let mut pairs = BTreeSet::new();
        for batch in in_time(move || contents(epoch)) {
            let indices: Vec<usize> = batch.slots.iter().map(index).collect();
            pairs.extend(indices.iter().flat_map(|&a| indices.iter().map(move |&b| (a, b))).filter(|(a, b)| a < b));
        }
        pairs
    };
    let first = pairs(loader.epoch(0));
    assert_eq!(first.len(), 5700);
    for epoch in 1..4 {
        let again = pairs(loader.epoch(epoch)).intersection(&first).count();
        assert!((97..=265).contains(&again), "{again} pairs again in epoch {epoch}");
    }
    Ok(())
}
