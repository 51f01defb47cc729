//! Normalised on the device, batches are to the bit those that the workers normalise, on the CPU at least.

mod common;

use candle_augment::{
    Color, ColorJitter, DataLoader, DataLoaderBuilder, Dataset, ErrorKind, Image, InMemory, MixUp, Normalize, Pipeline,
    RandomHorizontalFlip, RandomRotation, Result, Size,
};
use candle_core::DType;
use common::loader::{Noise, contents, counted, names};

/// Every value in every channel.
fn colorful() -> InMemory {
    let image = |n: usize| Image::new(8, 8, 3, (0..192).map(|i| (i + 64 * n) as u8).collect()).expect("8×8×3 is 192");
    InMemory::from_images((0..20).map(image).collect(), vec![0; 20], ["one"]).expect("every image has a label")
}

fn normalizations() -> Result<Vec<Normalize>> {
    let own = Normalize::new(&[0.1307], &[0.3081])?;
    Ok(vec![Normalize::unit(), Normalize::signed(), Normalize::imagenet(), own])
}

fn augmented(set: impl Dataset + 'static) -> Result<DataLoaderBuilder> {
    let pipeline = Pipeline::new().then(RandomHorizontalFlip::new(0.5)?).then(RandomRotation::new(20.0)?);
    let pipeline = pipeline.then(ColorJitter::new(0.3, 0.3, 0.0, 0.0)?);
    Ok(DataLoader::builder(set).transform(pipeline).batch_size(7).seed(1))
}

#[test]
fn batches_are_those_of_the_workers() -> Result<()> {
    for normalize in normalizations()? {
        let build = |on_device, workers| {
            augmented(colorful())?.normalize(normalize.clone()).normalize_on_device(on_device).workers(workers).build()
        };
        let expected = contents(build(false, 0)?.epoch(2));
        for workers in [0, 2] {
            let loader = build(true, workers)?;
            assert_eq!(contents(loader.epoch(2)), expected, "{normalize:?}, {workers} workers");
            let batch = loader.epoch(2).next().expect("there are images")?;
            assert_eq!((batch.images.dtype(), batch.images.is_contiguous()), (DType::F32, true));
        }
    }
    Ok(())
}

#[test]
fn without_a_normalisation_it_is_that_to_unit() -> Result<()> {
    let expected = contents(augmented(counted(&[30]))?.build()?.epoch(0));
    assert_eq!(contents(augmented(counted(&[30]))?.normalize_on_device(true).build()?.epoch(0)), expected);
    Ok(())
}

#[test]
fn synthetic_samples_too() -> Result<()> {
    let build = |on_device| {
        let source = Noise { classes: names(1), size: Size::square(4), channels: 1 };
        let builder = augmented(counted(&[30]))?.mixture(candle_augment::ClassMixture::Share(0.4)).synthetic(source);
        builder.normalize(Normalize::signed()).normalize_on_device(on_device).build()
    };
    assert_eq!(contents(build(true)?.epoch(0)), contents(build(false)?.epoch(0)));
    Ok(())
}

#[test]
fn bytes_and_mixed_batches_are_refused() -> Result<()> {
    let message = |builder: DataLoaderBuilder| {
        let error = builder.normalize_on_device(true).build().map(|_| ()).expect_err("it contradicts itself");
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    let bytes = message(augmented(counted(&[9]))?.dtype(DType::U8));
    assert!(bytes.contains("u8 batches") && bytes.contains("on the device: leave one of the two out"), "{bytes}");
    let mixed = message(augmented(counted(&[9]))?.batch_transform(MixUp::default()));
    assert!(mixed.contains("batch transform") && mixed.contains("normalised on the device"), "{mixed}");
    Ok(())
}

#[test]
fn three_means_for_gray_images_are_an_error() -> Result<()> {
    for on_device in [false, true] {
        let loader =
            augmented(counted(&[9]))?.normalize(Normalize::imagenet()).normalize_on_device(on_device).build()?;
        let error = loader.epoch(0).next().expect("an error is delivered").map(|_| ()).expect_err("it cannot be done");
        assert_eq!(error.kind(), ErrorKind::Transform);
        assert!(error.to_string().contains("3 channels, the image has 1"), "{error}");
    }
    Ok(())
}

#[test]
fn a_tensor_of_bytes_can_be_normalised_anywhere() -> Result<()> {
    let image = colorful().load(3)?;
    let tensor = image.to_tensor(&candle_core::Device::Cpu)?;
    for normalize in normalizations()? {
        let mut expected = vec![0.0; image.data().len()];
        normalize.write(&image, &mut expected)?;
        let found = normalize.tensor(&tensor.reshape((1, 3, 8, 8))?)?;
        assert_eq!(found.flatten_all()?.to_vec1::<f32>()?, expected, "{normalize:?}");
    }
    let gray = image.into_color(Color::Gray).to_tensor(&candle_core::Device::Cpu)?;
    assert!(Normalize::imagenet().tensor(&gray.reshape((1, 1, 8, 8))?).is_err());
    assert!(Normalize::unit().tensor(&gray.reshape(64)?).is_err());
    Ok(())
}
