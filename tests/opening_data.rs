//! What `open_data` recognises, and what an inspection reports.

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_augment::{
    ClassCount, Dataset, Image, Inspection, Part, Result, Spread, Unreadable, has_part, inspect_data, open_data,
};
use common::data::{Packing, cifar_record, encode, gradient, idx, npy, npz, png, put, scratch};
use image::ImageFormat;

#[test]
fn the_word_digits() -> Result<()> {
    let set = open_data("digits", Part::Train)?;
    assert_eq!((set.len(), set.load(0)?.channels()), (1797, 1));
    Ok(())
}

#[test]
fn a_folder_with_idx_files() -> Result<()> {
    let folder = scratch();
    for (part, count) in [("train", 3_u8), ("t10k", 2)] {
        let labels: Vec<u8> = (0..count).collect();
        put(folder.path(), &format!("{part}-images-idx3-ubyte"), &idx(&[count.into(), 1, 1], &labels));
        put(folder.path(), &format!("{part}-labels-idx1-ubyte"), &idx(&[count.into()], &labels));
    }
    assert_eq!(open_data(folder.path(), Part::Train)?.len(), 3);
    assert_eq!(open_data(folder.path(), Part::Test)?.len(), 2);
    Ok(())
}

#[test]
fn a_folder_with_cifar_files() -> Result<()> {
    let folder = scratch();
    let records = |labels: std::ops::Range<u8>| labels.flat_map(|label| cifar_record(&[label], [label; 3]));
    for batch in 1..=5 {
        put(folder.path(), &format!("data_batch_{batch}.bin"), &records(0..10).collect::<Vec<_>>());
    }
    assert!(has_part(folder.path(), Part::Train)? && !has_part(folder.path(), Part::Test)?);
    put(folder.path(), "test_batch.bin", &records(0..10).collect::<Vec<_>>());
    assert!(has_part(folder.path(), Part::Test)?);
    assert_eq!(open_data(folder.path(), Part::Train)?.len(), 50);
    assert_eq!(open_data(folder.path(), Part::Test)?.len(), 10);
    Ok(())
}

#[test]
fn numpy_arrays_in_a_folder_and_in_an_archive() -> Result<()> {
    let folder = scratch();
    let (images, labels) =
        (npy("|u1", "(3, 1, 1)", &[1, 2, 3]), npy("<i8", "(3,)", &[[0; 8], [0; 8], 1_u64.to_le_bytes()].concat()));
    put(folder.path(), "arrays/images.npy", &images);
    put(folder.path(), "arrays/labels.npy", &labels);
    let arrays = [("train_images", images), ("train_labels", labels.clone()), ("test_labels", labels)];
    put(folder.path(), "set.NPZ", &npz(&arrays, Packing::Deflated));
    for (name, test) in [("arrays", false), ("set.NPZ", true)] {
        let path = folder.path().join(name);
        let set = open_data(&path, Part::Train)?;
        assert_eq!((set.class_counts(), set.load(2)?), (vec![2, 1], Image::filled(1, 1, &[3])?));
        assert_eq!((has_part(&path, Part::Train)?, has_part(&path, Part::Test)?), (true, test));
        assert_eq!(inspect_data(&path, Part::Train, |_, _| ())?.gray, 3);
    }
    Ok(())
}

#[test]
fn what_has_no_parts_is_for_training() -> Result<()> {
    let folder = scratch();
    put(folder.path(), "a/1.png", &png(gradient(3, 4, 1)));
    for data in [folder.path(), Path::new("digits")] {
        assert!(has_part(data, Part::Train)? && !has_part(data, Part::Test)?);
    }
    assert!(has_part(folder.path().join("missing"), Part::Train).is_err());
    Ok(())
}

#[test]
fn a_folder_of_class_folders_is_gray_if_all_images_are() -> Result<()> {
    let folder = scratch();
    put(folder.path(), "a/1.png", &png(gradient(3, 4, 1)));
    put(folder.path(), "b/1.png", &png(gradient(5, 6, 1)));
    let set = open_data(folder.path(), Part::Train)?;
    assert_eq!(set.load(1)?, gradient(5, 6, 1));
    put(folder.path(), "b/2.png", &png(gradient(5, 6, 3)));
    let set = open_data(folder.path(), Part::Train)?;
    assert!((0..3).all(|index| set.load(index).is_ok_and(|image| image.channels() == 3)));
    Ok(())
}

fn mixed_folder() -> tempfile::TempDir {
    let folder = scratch();
    let jpeg = encode(gradient(30, 40, 3), ImageFormat::Jpeg);
    put(folder.path(), "cat/1.png", &png(gradient(3, 40, 1)));
    put(folder.path(), "cat/2.png", &png(gradient(5, 20, 3)));
    put(folder.path(), "cat/3.png", &png(gradient(9, 10, 3)));
    put(folder.path(), "dog/1.jpg", &jpeg);
    put(folder.path(), "dog/2.jpg", &jpeg[..jpeg.len() - 2]);
    folder
}

#[test]
fn an_inspection_counts_what_is_there() -> Result<()> {
    let folder = mixed_folder();
    let calls = AtomicUsize::new(0);
    let found = inspect_data(folder.path(), Part::Train, |_, _| _ = calls.fetch_add(1, Ordering::Relaxed))?;
    assert_eq!(calls.into_inner(), 5);
    let class = |name: &str, images, unreadable| ClassCount { name: name.to_owned(), images, unreadable };
    let expected = Inspection {
        classes: vec![class("cat", 3, 0), class("dog", 2, 1)],
        images: 5,
        height: Spread { min: 3, median: 9, max: 30 },
        width: Spread { min: 10, median: 40, max: 40 },
        gray: 1,
        rgb: 3,
        imbalance: Some(3.0),
        unreadable: vec![Unreadable {
            index: 4,
            path: Some(folder.path().join("dog/2.jpg")),
            reason: "the JPEG data is cut short, its end marker is missing: replace or remove the file".to_owned(),
        }],
    };
    assert_eq!(found, expected);
    found.check()
}

#[test]
fn an_inspection_is_printed_and_serialised() -> Result<()> {
    let folder = mixed_folder();
    let mut found = inspect_data(folder.path(), Part::Train, |_, _| ())?;
    found.unreadable[0].path = Some(PathBuf::from("dog/2.jpg"));
    let expected = "\
5 images in 2 classes
  cat         3
  dog         2  (1 unreadable)
imbalance: 3.0 (largest class to smallest)
height: 3 to 30 pixels, median 9
width: 10 to 40 pixels, median 40
channels: 3 RGB, 1 gray
unreadable: 1
  dog/2.jpg: the JPEG data is cut short, its end marker is missing: replace or remove the file";
    assert_eq!(found.to_string(), expected);
    let json = serde_json::to_string(&found).expect("an inspection is plain data");
    assert_eq!(serde_json::from_str::<Inspection>(&json).expect("it was just written"), found);
    Ok(())
}

#[test]
fn an_inspection_reports_what_open_data_refuses() -> Result<()> {
    let folder = scratch();
    put(folder.path(), "cat/1.png", &png(gradient(3, 4, 1)));
    let one_class = inspect_data(folder.path(), Part::Train, |_, _| ())?;
    assert!(one_class.check().unwrap_err().message().contains("found one: \"cat\""));
    put(folder.path(), "dog/1.png", b"text");
    let unreadable = inspect_data(folder.path(), Part::Train, |_, _| ())?;
    assert_eq!((unreadable.imbalance, unreadable.unreadable.len()), (None, 1));
    assert!(unreadable.check().unwrap_err().message().contains("class \"dog\" has no readable image"));
    Ok(())
}
