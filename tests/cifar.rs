//! CIFAR-10 and CIFAR-100 in their binary version.

mod common;

use std::path::Path;

use candle_augment::{Cifar, Dataset, Error, ErrorKind, Image, Part, Result};
use common::data::{cifar_record, put, scratch};
use tempfile::TempDir;

const TEN_NAMES: &str = "plane\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

/// A folder with CIFAR-10's files: batch `b` has a record of label `b`, the test batch two of label 9.
fn ten() -> TempDir {
    let folder = scratch();
    for batch in 1..=5 {
        put(folder.path(), &format!("data_batch_{batch}.bin"), &cifar_record(&[batch], [batch, 20, 30]));
    }
    put(folder.path(), "test_batch.bin", &[cifar_record(&[9], [1, 2, 3]), cifar_record(&[9], [4, 5, 6])].concat());
    folder
}

/// A folder with CIFAR-100's files: two records of fine labels 99 and 5, coarse labels 19 and 3.
fn hundred() -> TempDir {
    let folder = scratch();
    let train = [cifar_record(&[19, 99], [1, 2, 3]), cifar_record(&[3, 5], [4, 5, 6])].concat();
    put(folder.path(), "train.bin", &train);
    put(folder.path(), "test.bin", &cifar_record(&[0, 1], [7, 8, 9]));
    folder
}

fn labels(set: &Cifar) -> Vec<u32> {
    (0..set.len()).map(|index| set.label(index)).collect()
}

#[test]
fn the_batches_of_cifar_10_come_in_order() -> Result<()> {
    let folder = ten();
    let train = Cifar::open(folder.path(), Part::Train)?;
    assert_eq!(labels(&train), [1, 2, 3, 4, 5]);
    assert_eq!(train.load(3)?, Image::filled(32, 32, &[4, 20, 30])?);
    let test = Cifar::open(folder.path(), Part::Test)?;
    assert_eq!((labels(&test), test.load(1)?.pixel(31, 31)), (vec![9, 9], &[4, 5, 6][..]));
    Ok(())
}

#[test]
fn planes_are_rows_of_pixels() -> Result<()> {
    let folder = ten();
    let planes: Vec<u8> = (0..3072_u32).map(|byte| (byte % 251) as u8).collect();
    put(folder.path(), "test_batch.bin", &[&[0], &planes[..]].concat());
    let image = Cifar::open(folder.path(), Part::Test)?.load(0)?;
    let expected = |channel: usize| planes[channel * 1024 + 7 * 32 + 5];
    assert_eq!(image.pixel(5, 7), [expected(0), expected(1), expected(2)]);
    Ok(())
}

#[test]
fn the_classes_have_the_names_of_the_meta_file_or_numbers() -> Result<()> {
    let folder = ten();
    let set = Cifar::open(folder.path(), Part::Train)?;
    assert_eq!((set.classes().len(), set.classes()[9].as_str()), (10, "9"));
    put(folder.path(), "batches.meta.txt", TEN_NAMES.as_bytes());
    let set = Cifar::open(folder.path(), Part::Train)?;
    assert_eq!((set.classes().len(), set.classes()[9].as_str()), (10, "truck"));
    assert_eq!(set.with_classes(('a'..='j').map(String::from))?.classes()[9], "j");
    Ok(())
}

#[test]
fn cifar_100_has_fine_and_coarse_labels() -> Result<()> {
    let folder = hundred();
    let fine = Cifar::open(folder.path(), Part::Train)?;
    assert_eq!((labels(&fine), fine.classes().len()), (vec![99, 5], 100));
    let coarse = Cifar::open_coarse(folder.path(), Part::Train)?;
    assert_eq!((labels(&coarse), coarse.classes().len()), (vec![19, 3], 20));
    assert_eq!(coarse.load(1)?, fine.load(1)?);
    assert_eq!(fine.load(1)?, Image::filled(32, 32, &[4, 5, 6])?);
    assert_eq!(labels(&Cifar::open(folder.path(), Part::Test)?), [1]);
    Ok(())
}

#[test]
fn cifar_10_has_no_coarse_labels() {
    let folder = ten();
    says(&Cifar::open_coarse(folder.path(), Part::Train).unwrap_err(), ErrorKind::Config, folder.path(), "no coarse");
}

/// Asserts an error's kind, its place, and a part of its message.
fn says(error: &Error, kind: ErrorKind, path: &Path, text: &str) {
    assert_eq!((error.kind(), error.path()), (kind, Some(path)), "{error}");
    assert!(error.message().contains(text), "expected {text:?} in {error}");
}

#[test]
fn damaged_files_are_refused_by_name() {
    let cases: [(&[u8], &str); 4] = [
        (b"", "found 0 bytes"),
        (&cifar_record(&[1], [0; 3])[1..], "records of 3073 bytes, found 3072"),
        (&[cifar_record(&[1], [0; 3]), vec![1]].concat(), "1 of them after the last whole record"),
        (&[cifar_record(&[1], [0; 3]), cifar_record(&[10], [0; 3])].concat(), "0 to 9, found 10 in record 1"),
    ];
    for (bytes, text) in cases {
        let folder = ten();
        let path = put(folder.path(), "data_batch_3.bin", bytes);
        says(&Cifar::open(folder.path(), Part::Train).unwrap_err(), ErrorKind::Dataset, &path, text);
    }
    let folder = hundred();
    let path = put(folder.path(), "train.bin", &cifar_record(&[20, 0], [0; 3]));
    assert!(Cifar::open(folder.path(), Part::Train).is_ok());
    let error = Cifar::open_coarse(folder.path(), Part::Train).unwrap_err();
    says(&error, ErrorKind::Dataset, &path, "0 to 19, found 20");
}

#[test]
fn a_missing_batch_is_not_passed_over() {
    let folder = ten();
    let path = folder.path().join("data_batch_4.bin");
    std::fs::remove_file(&path).expect("a scratch folder is writable");
    says(&Cifar::open(folder.path(), Part::Train).unwrap_err(), ErrorKind::Io, &path, "cannot open the CIFAR file");
}

#[test]
fn names_that_do_not_fit_are_refused() {
    let folder = ten();
    let path = put(folder.path(), "batches.meta.txt", b"cat\ndog\n");
    says(&Cifar::open(folder.path(), Part::Test).unwrap_err(), ErrorKind::Dataset, &path, "10 names of classes");
    put(folder.path(), "batches.meta.txt", TEN_NAMES.replace("car", "cat").as_bytes());
    says(&Cifar::open(folder.path(), Part::Test).unwrap_err(), ErrorKind::Dataset, &path, "two classes are named");
}

#[test]
fn other_folders_are_refused() {
    let folder = scratch();
    let open = || Cifar::open(folder.path(), Part::Train).unwrap_err();
    says(&open(), ErrorKind::Dataset, folder.path(), "found neither: fetch");
    put(folder.path(), "data_batch_1", b"pickle");
    put(folder.path(), "batches.meta", b"pickle");
    says(&open(), ErrorKind::Dataset, folder.path(), "found the version for Python");
    put(folder.path(), "train.bin", &cifar_record(&[0, 0], [0; 3]));
    put(folder.path(), "test_batch.bin", &cifar_record(&[0], [0; 3]));
    says(&open(), ErrorKind::Dataset, folder.path(), "files of both");
    let missing = folder.path().join("missing");
    says(&Cifar::open(&missing, Part::Train).unwrap_err(), ErrorKind::Io, &missing, "cannot open the folder");
}
