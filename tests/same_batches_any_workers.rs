//! The same batches, to the bit, in the same order, for any number of workers.

mod common;

use std::sync::Arc;

use candle_augment::{
    Balance, ClassMixture, ColorJitter, DataLoader, DataLoaderBuilder, Normalize, Pipeline, RandomHorizontalFlip,
    RandomRotation, Result, Size, digits,
};
use candle_core::DType;
use common::loader::{Noise, contents, in_time};

fn assert_same(name: &str, configure: impl Fn() -> Result<DataLoaderBuilder>) -> Result<()> {
    let build = |workers: usize| configure()?.workers(workers).build();
    let alone = build(0)?;
    let expected = [contents(alone.epoch(0)), contents(alone.epoch(1))];
    assert_ne!(expected[0], expected[1], "{name}: epochs differ");
    for workers in [1, 2, 8] {
        let loader = build(workers)?;
        // Both at once, on the same pool.
        let (first, second) = (loader.epoch(0), loader.epoch(1));
        let found = in_time(move || [contents(first), contents(second)]);
        assert_eq!(found, expected, "{name}: {workers} workers");
    }
    Ok(())
}

fn classic() -> Result<Pipeline> {
    Ok(Pipeline::new()
        .then(RandomHorizontalFlip::new(0.5)?)
        .then(RandomRotation::new(15.0)?)
        .then(ColorJitter::new(0.4, 0.4, 0.0, 0.0)?))
}

fn source() -> Result<Arc<Noise>> {
    let classes = (0..10).map(|digit| digit.to_string()).collect();
    Ok(Arc::new(Noise { classes, size: Size::square(8), channels: 1 }))
}

#[test]
fn real_images_in_natural_balance() -> Result<()> {
    assert_same("natural", || Ok(DataLoader::builder(digits()?).transform(classic()?).seed(3)))
}

#[test]
fn mixed_with_synthetic_ones_in_any_batch_size() -> Result<()> {
    for batch_size in [1, 7, 64, 5000] {
        assert_same(&format!("mixed, {batch_size}"), || {
            Ok(DataLoader::builder(digits()?)
                .transform(classic()?)
                .normalize(Normalize::signed())
                .balance(Balance::Uniform)
                .mixture(ClassMixture::Share(0.4))
                .synthetic(source()?)
                .batch_size(batch_size)
                .prefetch(batch_size % 3))
        })?;
    }
    Ok(())
}

#[test]
fn bytes() -> Result<()> {
    assert_same("u8", || Ok(DataLoader::builder(digits()?).transform(classic()?).dtype(DType::U8).batch_size(100)))
}
