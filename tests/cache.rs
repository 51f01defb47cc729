//! A cache spares decoding in later epochs and changes no batch, however much of the set it holds.

mod common;

use std::path::Path;

use candle_augment::{
    Cache, DataLoader, DataLoaderBuilder, ErrorBudget, ErrorPolicy, Executor, Image, ImageFolder, Interpolation, Op,
    Pipeline, RandomHorizontalFlip, RandomResizedCrop, Resize, Result, Size, Statistics,
};
use common::data::{encode, gradient, png, put, scratch};
use common::loader::{Content, Draw, Fault, Faulty, contents, counted};
use image::ImageFormat;

const COUNT: usize = 12;
/// The pixels of one of the folder's images.
const PIXELS: usize = 40 * 48 * 3;
/// The most that is counted for an image beside its pixels.
const BESIDE: usize = 200;

/// Twelve photographs, JPEG and PNG.
fn folder(root: &Path) -> ImageFolder {
    for index in 0..COUNT {
        let image = Image::new(40, 48, 3, gradient(41 + index, 48, 3).into_data()[index * 144..][..PIXELS].to_vec());
        let image = image.expect("the data has that length");
        match index % 3 {
            0 => put(root, &format!("a/{index:02}.png"), &png(image)),
            _ => put(root, &format!("b/{index:02}.jpg"), &encode(image, ImageFormat::Jpeg)),
        };
    }
    ImageFolder::open(root).expect("it was made just now")
}

fn crops() -> Result<Pipeline> {
    Ok(Pipeline::new().then(RandomResizedCrop::new(8, 8)?).then(RandomHorizontalFlip::new(0.5)?))
}

fn builder(set: &ImageFolder) -> Result<DataLoaderBuilder> {
    Ok(DataLoader::builder(set.clone()).transform(crops()?).batch_size(5).seed(2).scaled_decoding(false))
}

/// Two epochs, and the statistics of each.
fn epochs(builder: DataLoaderBuilder) -> Result<([Vec<Content>; 2], [Statistics; 2])> {
    let loader = builder.build()?;
    let [first, second] = [0, 1].map(|number| {
        let mut epoch = loader.epoch(number);
        (contents(epoch.by_ref()), epoch.statistics())
    });
    Ok(([first.0, second.0], [first.1, second.1]))
}

#[test]
fn batches_are_the_same_for_any_budget_and_hits_are_exact() -> Result<()> {
    let root = scratch();
    let set = folder(root.path());
    let (expected, _) = epochs(builder(&set)?.workers(0))?;
    assert_ne!(expected[0], expected[1]);
    for workers in [0, 1, 2, 8] {
        for (budget, kept) in [(0, 0), (PIXELS, 0), (COUNT / 2 * (PIXELS + BESIDE), COUNT / 2), (1 << 30, COUNT)] {
            let (found, statistics) = epochs(builder(&set)?.cache(Cache::decoded(budget)).workers(workers))?;
            assert!(found == expected, "{workers} workers, {budget} bytes");
            let counts = statistics.map(|statistics| (statistics.cache_hits, statistics.cache_misses));
            let (count, kept) = (COUNT as u64, kept as u64);
            assert_eq!(counts, [(0, count), (kept, count - kept)], "{workers} workers, {budget} bytes");
        }
    }
    Ok(())
}

#[test]
fn images_that_were_kept_are_not_loaded_again() -> Result<()> {
    let (set, loads) = common::loader::Counting::new(counted(&[10]), std::time::Duration::ZERO);
    let loader = DataLoader::builder(set).cache(Cache::decoded(1 << 20)).batch_size(3).build()?;
    for epoch in 0..3 {
        assert_eq!(contents(loader.epoch(epoch)).len(), 4);
        assert_eq!(loads.load(std::sync::atomic::Ordering::SeqCst), 10);
    }
    let statistics = loader.statistics();
    assert_eq!((statistics.cache_hits, statistics.cache_misses), (20, 10));
    Ok(())
}

#[test]
fn resized_images_are_as_if_resize_came_first() -> Result<()> {
    let root = scratch();
    let set = folder(root.path());
    let resized = Pipeline::new().then(Resize::short_edge(20)?).then(crops()?);
    let (expected, _) = epochs(builder(&set)?.transform(resized))?;
    for (budget, kept) in [(0, 0), (COUNT / 2 * (20 * 24 * 3 + BESIDE), COUNT / 2), (1 << 30, COUNT)] {
        let (found, statistics) = epochs(builder(&set)?.cache(Cache::resized(budget, 20)?))?;
        assert!(pixels(&found) == pixels(&expected), "{budget} bytes");
        assert_eq!(statistics[1].cache_hits, kept as u64, "{budget} bytes");
    }
    // Nothing is enlarged.
    let (whole, _) = epochs(builder(&set)?)?;
    assert!(epochs(builder(&set)?.cache(Cache::resized(1 << 30, 40)?))?.0 == whole);
    Ok(())
}

fn pixels(epochs: &[Vec<Content>]) -> Vec<&Vec<u32>> {
    epochs.iter().flatten().map(|batch| &batch.bits).collect()
}

#[test]
fn what_was_drawn_applies_to_the_image_that_was_kept() -> Result<()> {
    let root = scratch();
    let set = folder(root.path());
    let loader = builder(&set)?.cache(Cache::resized(1 << 30, 20)?).build()?;
    let batch = loader.epoch(0).next().expect("there are images")?;
    for (n, slot) in batch.slots.iter().enumerate() {
        let sample = loader.sample(slot)?;
        assert_eq!(sample.ops, batch.ops(n));
        let candle_augment::Origin::Real(index) = slot.origin else { panic!("nothing is synthetic") };
        let image = candle_augment::Dataset::load(&set, index)?;
        let shrink = Op::Resize { size: Size::new(20, 24), interpolation: Interpolation::Bilinear, antialias: true };
        let small = Executor::new().image(&[shrink], &image)?;
        assert_eq!(sample.image, Executor::new().image(batch.ops(n), &small)?);
    }
    Ok(())
}

#[test]
fn failures_do_not_depend_on_what_is_kept() -> Result<()> {
    // The upper half of each image is asked for, and the lower half of every third is damaged.
    let root = scratch();
    for index in 0..COUNT {
        let mut file = encode(gradient(64, 64, 3), ImageFormat::Jpeg);
        if index % 3 == 0 {
            let end = file.len() - 2;
            file[end - 400..end].fill(0x7f);
        }
        put(root.path(), &format!("a/{index:02}.jpg"), &file);
    }
    let set = ImageFolder::open(root.path())?;
    let top = |_: Size, _: &mut _, ops: &mut Vec<Op>| ops.push(Op::Crop { top: 0, left: 0, size: Size::square(16) });
    let failed = |cache: Option<usize>, workers| -> Result<Vec<usize>> {
        let builder = DataLoader::builder(set.clone()).transform(Draw(top)).workers(workers);
        let builder = builder.error_policy(ErrorPolicy::Skip(ErrorBudget::Rate(1.0)));
        let builder = match cache {
            Some(bytes) => builder.cache(Cache::decoded(bytes)),
            None => builder,
        };
        let mut epoch = builder.build()?.epoch(0);
        assert!(epoch.by_ref().all(|batch| batch.is_ok()));
        let mut failed: Vec<_> = epoch.failures().iter().filter_map(|failure| failure.error.index()).collect();
        failed.sort_unstable();
        Ok(failed)
    };
    assert_eq!(failed(None, 2)?, [0; 0], "without a cache nobody looks there");
    for budget in [0, COUNT / 2 * 64 * 64 * 3, 1 << 30] {
        for workers in [0, 2] {
            assert_eq!(failed(Some(budget), workers)?, [0, 3, 6, 9], "{budget} bytes, {workers} workers");
        }
    }
    Ok(())
}

#[test]
fn images_that_fail_are_tried_again_in_the_next_epoch() -> Result<()> {
    let builder = DataLoader::builder(Faulty::new(counted(&[8]), 5, Fault::Error)).cache(Cache::decoded(1 << 20));
    let loader = builder.error_policy(ErrorPolicy::Skip(ErrorBudget::Count(1))).build()?;
    for number in 0..2 {
        let mut epoch = loader.epoch(number);
        assert_eq!(contents(epoch.by_ref()).iter().map(|batch| batch.labels.len()).sum::<usize>(), 7);
        assert_eq!(epoch.failures().len(), 1);
    }
    let statistics = loader.statistics();
    assert_eq!((statistics.cache_hits, statistics.cache_misses, statistics.failures), (7, 9, 2));
    Ok(())
}
