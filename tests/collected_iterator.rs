//! Everything that an iterator gives becomes a data set in memory.

mod common;

use std::io;

use candle_augment::{Dataset, Error, ErrorKind, Image, ImageFile, InMemory, Result};
use candle_core::{Device, Tensor};
use common::data::{gradient, png};
use image::DynamicImage;

#[test]
fn images_with_numbers() -> Result<()> {
    let items = [(gradient(2, 3, 1), 2_u8), (gradient(4, 4, 3), 0)];
    let set = InMemory::collect(items.clone().into_iter().map(Ok::<_, io::Error>))?;
    assert_eq!(set.classes(), ["0", "1", "2"]);
    for (index, (image, label)) in items.into_iter().enumerate() {
        assert_eq!((set.load(index)?, set.label(index)), (image, u32::from(label)));
    }
    Ok(())
}

#[test]
fn images_of_other_crates_with_names() -> Result<()> {
    let items = ["dog", "cat", "dog"].map(|name| (DynamicImage::from(gradient(2, 3, 3)), name.to_owned()));
    let set = InMemory::collect(items.into_iter().map(Ok::<_, Error>))?;
    assert_eq!((set.classes(), set.class_counts()), (&["cat".to_owned(), "dog".to_owned()][..], vec![1, 2]));
    assert_eq!((set.label(0), set.load(2)?), (1, gradient(2, 3, 3)));
    Ok(())
}

#[test]
fn tensors_with_indices() -> Result<()> {
    let items = (0..3_usize).map(|i| Tensor::full(i as u8, (3, 2, 2), &Device::Cpu).map(|image| (image, i)));
    let set = InMemory::collect(items)?;
    assert_eq!(set.load(2)?, Image::filled(2, 2, &[2; 3])?);
    assert_eq!(set.class_counts(), [1; 3]);
    Ok(())
}

#[test]
fn the_bytes_of_files() -> Result<()> {
    let items = [(ImageFile::new(png(gradient(2, 3, 3))), "a"), (ImageFile::new(b"no image".to_vec()), "b")];
    let error = InMemory::collect(items.map(Ok::<_, Error>)).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Decode, Some(1)));
    let set = InMemory::collect([Ok::<_, Error>((ImageFile::new(png(gradient(2, 3, 3))), "a"))])?;
    assert_eq!(set.load(0)?, gradient(2, 3, 3));
    Ok(())
}

#[test]
fn signed_numbers_from_0() -> Result<()> {
    let set = InMemory::collect([0_i64, 1].map(|label| Ok::<_, Error>((gradient(1, 1, 1), label))))?;
    assert_eq!(set.class_counts(), [1, 1]);
    let error = InMemory::collect([0, -1].map(|label: i32| Ok::<_, Error>((gradient(1, 1, 1), label)))).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Dataset, Some(1)));
    assert!(error.message().contains("expected an index of a class, got -1: number the classes from 0"), "{error}");
    Ok(())
}

#[test]
fn an_image_of_another_crate_without_pixels() {
    let empty = [(DynamicImage::new_rgb8(0, 5), 0_u32)];
    let error = InMemory::collect(empty.map(Ok::<_, Error>)).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Dataset, Some(0)));
    assert!(error.message().contains("at least 1×1 pixels"), "{error}");
}

#[test]
fn the_iterators_error_arrives_with_its_index() {
    let items = [Ok((gradient(1, 1, 1), 0_u32)), Err(io::Error::other("the tape tore"))];
    let error = InMemory::collect(items).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Dataset, Some(1)));
    assert!(error.message().contains("the tape tore"), "{error}");
    assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<io::Error>()));
}

#[test]
fn an_error_of_this_crate_stays_itself() {
    let own = Error::new(ErrorKind::Decode, "torn").with_path("a.png");
    let error = InMemory::collect([Ok((gradient(1, 1, 1), 0_u32)), Err(own)]).unwrap_err();
    assert_eq!(error.to_string(), "a.png: torn (image 1)");
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[test]
fn a_tensor_that_is_no_image_is_named_by_its_index() -> Result<()> {
    for shape in [vec![2, 2, 2], vec![1, 0, 2], vec![2, 2]] {
        let tensors = [
            Tensor::zeros((1, 2, 2), candle_core::DType::U8, &Device::Cpu)?,
            Tensor::zeros(shape, candle_core::DType::U8, &Device::Cpu)?,
        ];
        let error = InMemory::collect(tensors.map(|tensor| Ok::<_, Error>((tensor, 0_u32)))).unwrap_err();
        assert_eq!((error.kind(), error.index()), (ErrorKind::Dataset, Some(1)), "{error}");
    }
    Ok(())
}

#[test]
fn names_and_numbers_are_not_mixed() {
    use candle_augment::Label;
    let labels = [Label::from(0_u32), Label::from("zero")];
    let error = InMemory::collect(labels.map(|label| Ok::<_, Error>((gradient(1, 1, 1), label)))).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Dataset, Some(1)));
}

#[test]
fn absurd_numbers_and_no_items_are_refused() {
    let absurd = InMemory::collect([Ok::<_, Error>((gradient(1, 1, 1), u64::MAX))]).unwrap_err();
    assert_eq!((absurd.kind(), absurd.index()), (ErrorKind::Dataset, Some(0)));
    let large = InMemory::collect([Ok::<_, Error>((gradient(1, 1, 1), u32::MAX))]).unwrap_err();
    assert_eq!(large.kind(), ErrorKind::Dataset);
    let none: [Result<(Image, u32)>; 0] = [];
    assert!(InMemory::collect(none).unwrap_err().message().contains("at least one image"));
}
