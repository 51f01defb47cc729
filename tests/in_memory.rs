//! Data sets from images and from tensors.

mod common;

use candle_augment::{Dataset, ErrorKind, Image, InMemory, Result};
use candle_core::{DType, Device, Tensor};
use common::data::gradient;

#[test]
fn images_and_labels_come_back() -> Result<()> {
    let images = vec![gradient(3, 4, 3), gradient(5, 2, 1), gradient(1, 1, 3)];
    let set = InMemory::from_images(images.clone(), vec![1, 0, 1], ["a", "b"])?;
    assert_eq!((set.len(), set.classes(), set.class_counts()), (3, &["a".to_owned(), "b".to_owned()][..], vec![1, 2]));
    for (index, image) in images.iter().enumerate() {
        assert_eq!(&set.load(index)?, image);
    }
    Ok(())
}

#[test]
fn tensors_are_channels_first() -> Result<()> {
    let bytes = Tensor::from_vec((0..24_u8).collect(), (2, 3, 2, 2), &Device::Cpu)?;
    let floats = (bytes.to_dtype(DType::F32)? / 255.0)?;
    let labels = Tensor::new(&[2_u8, 0], &Device::Cpu)?;
    for images in [bytes, floats] {
        let set = InMemory::from_tensors(&images, &labels)?;
        assert_eq!(set.load(1)?, Image::new(2, 2, 3, vec![12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23])?);
        assert_eq!((set.label(0), set.label(1), set.classes().len()), (2, 0, 3));
    }
    Ok(())
}

#[test]
fn labels_may_be_of_each_integer_dtype() -> Result<()> {
    let images = Tensor::zeros((2, 1, 4, 4), DType::U8, &Device::Cpu)?;
    for dtype in [DType::U8, DType::U32, DType::I64] {
        let labels = Tensor::new(&[0_u32, 1], &Device::Cpu)?.to_dtype(dtype)?;
        assert_eq!(InMemory::from_tensors(&images, &labels)?.class_counts(), [1, 1]);
    }
    Ok(())
}

#[test]
fn classes_can_be_named() -> Result<()> {
    let images = Tensor::zeros((2, 1, 4, 4), DType::U8, &Device::Cpu)?;
    let set = InMemory::from_tensors(&images, &Tensor::new(&[0_u32, 1], &Device::Cpu)?)?;
    assert_eq!(set.clone().with_classes(["cat", "dog"])?.classes(), ["cat", "dog"]);
    assert!(set.clone().with_classes(["cat"]).unwrap_err().message().contains("label 1 has no name"));
    assert!(set.with_classes(["cat", "cat"]).unwrap_err().message().contains("two classes are named \"cat\""));
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let image = || gradient(2, 2, 1);
    let refusals = [
        InMemory::from_images(vec![], vec![], ["a"]),
        InMemory::from_images(vec![image()], vec![0, 0], ["a"]),
        InMemory::from_images(vec![image()], vec![1], ["a"]),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().kind(), ErrorKind::Dataset);
    }
    Ok(())
}

#[test]
fn tensors_of_other_shapes_dtypes_and_ranges_are_refused() -> Result<()> {
    let device = &Device::Cpu;
    let images = Tensor::zeros((2, 1, 4, 4), DType::F32, device)?;
    let labels = Tensor::new(&[0_u32, 1], device)?;
    let too_bright = (&images + 1.5)?;
    let refused = [
        (&images.flatten_from(1)?, &labels, "(N, C, H, W)"),
        (&Tensor::zeros((2, 2, 4, 4), DType::F32, device)?, &labels, "1 or 3 channels"),
        (&images.to_dtype(DType::F64)?, &labels, "u8 or f32"),
        (&too_bright, &labels, "in [0, 1]"),
        (&images, &labels.to_dtype(DType::F32)?, "u8, u32 or i64"),
        (&images, &labels.unsqueeze(0)?, "shape (N)"),
        (&images, &Tensor::new(&[0_i64, -1], device)?, "labels from 0, got -1"),
        (&images, &Tensor::new(&[0_u32, u32::MAX], device)?, "is it an index of a class"),
        (&images, &Tensor::new(&[0_u32, 1, 0], device)?, "2 images and 3 labels"),
    ];
    for (images, labels, says) in refused {
        let error = InMemory::from_tensors(images, labels).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Dataset);
        assert!(error.message().contains(says), "expected {says:?} in {error}");
    }
    Ok(())
}
