//! MNIST's IDX format, plain and gzip.

mod common;

use std::io::Write;

use candle_augment::{Dataset, Idx, Image, Part, Result};
use common::data::{idx, put, scratch};
use flate2::{Compression, write::GzEncoder};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes every write")
}

/// A pipe without a writer would be waited for without end.
#[cfg(unix)]
#[test]
fn pipes_are_refused_and_not_waited_for() -> Result<()> {
    let folder = scratch();
    let labels = put(folder.path(), "labels", &idx(&[2], &[1, 0]));
    let pipe = folder.path().join("images");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("every Unix has mkfifo").success());
    let (sender, opened) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(Idx::from_files(pipe, labels).map(|_| ())));
    let error = opened.recv_timeout(std::time::Duration::from_secs(20)).expect("it does not wait").unwrap_err();
    assert!(error.message().contains("found a folder, a pipe or a device"), "{error}");
    Ok(())
}

#[test]
fn gray_and_rgb_images_come_back() -> Result<()> {
    let folder = scratch();
    let labels = put(folder.path(), "labels", &idx(&[2], &[1, 0]));
    let pixels: Vec<u8> = (0..36).collect();
    let gray = Idx::from_files(put(folder.path(), "gray", &idx(&[2, 2, 3], &pixels[..12])), &labels)?;
    assert_eq!(gray.load(1)?, Image::new(2, 3, 1, pixels[6..12].to_vec())?);
    let rgb = Idx::from_files(put(folder.path(), "rgb", &idx(&[2, 2, 3, 3], &pixels)), &labels)?;
    assert_eq!(rgb.load(1)?, Image::new(2, 3, 3, pixels[18..].to_vec())?);
    assert_eq!((rgb.label(0), rgb.label(1), rgb.len()), (1, 0, 2));
    Ok(())
}

#[test]
fn gzip_is_told_by_its_content() -> Result<()> {
    let folder = scratch();
    let images = put(folder.path(), "train-images-idx3-ubyte", &gzip(&idx(&[1, 1, 1], &[9])));
    let labels = put(folder.path(), "train-labels-idx1-ubyte.gz", &idx(&[1], &[0]));
    assert_eq!(Idx::from_files(images, labels)?.load(0)?, Image::filled(1, 1, &[9])?);
    assert_eq!(Idx::open(folder.path(), Part::Train)?.len(), 1);
    Ok(())
}

#[test]
fn the_labels_that_occur_are_the_classes() -> Result<()> {
    let folder = scratch();
    let images = put(folder.path(), "images", &idx(&[4, 1, 1], &[0; 4]));
    let labels = put(folder.path(), "labels", &idx(&[4], &[26, 3, 11, 3]));
    let set = Idx::from_files(images, labels)?;
    assert_eq!((set.classes(), set.class_counts()), (&["3", "11", "26"].map(String::from)[..], vec![2, 1, 1]));
    assert_eq!(set.label(0), 2);
    assert_eq!(set.clone().with_classes(["c", "k", "z"])?.classes(), ["c", "k", "z"]);
    assert!(set.with_classes(["c", "k"]).is_err());
    Ok(())
}

/// A folder with the named pairs, each of as many images as its place says, counted from 1.
fn pairs(names: &[[&str; 2]]) -> tempfile::TempDir {
    let folder = scratch();
    for (count, [images, labels]) in (1..).zip(names) {
        put(folder.path(), images, &idx(&[count, 1, 1], &vec![0; count as usize]));
        put(folder.path(), labels, &idx(&[count], &vec![0; count as usize]));
    }
    folder
}

#[test]
fn the_parts_are_found_by_the_names_in_use() -> Result<()> {
    let in_use = [
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        ["train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"],
        [
            "emnist-letters-train-images-idx3-ubyte",
            "emnist-letters-train-labels-idx1-ubyte",
            "emnist-letters-test-images-idx3-ubyte",
            "emnist-letters-test-labels-idx1-ubyte",
        ],
    ];
    for [train_images, train_labels, test_images, test_labels] in in_use {
        let folder = pairs(&[[train_images, train_labels], [test_images, test_labels]]);
        assert_eq!(Idx::open(folder.path(), Part::Train)?.len(), 1, "{train_images}");
        assert_eq!(Idx::open(folder.path(), Part::Test)?.len(), 2, "{test_images}");
        assert!(Idx::has_part(folder.path(), Part::Train)? && Idx::has_part(folder.path(), Part::Test)?);
    }
    Ok(())
}

#[test]
fn a_sole_pair_is_for_training() -> Result<()> {
    let folder = pairs(&[["images.idx3", "labels.idx1"]]);
    assert_eq!(Idx::open(folder.path(), Part::Train)?.len(), 1);
    put(folder.path(), "test-notes-on-idx.txt", b"not a part");
    assert!(Idx::has_part(folder.path(), Part::Train)? && !Idx::has_part(folder.path(), Part::Test)?);
    let error = Idx::open(folder.path(), Part::Test).unwrap_err();
    assert!(error.message().contains("t10k-images-idx3-ubyte"), "{error}");
    Ok(())
}

#[test]
fn a_plain_file_goes_before_its_compressed_twin() -> Result<()> {
    let folder = pairs(&[["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]]);
    put(folder.path(), "train-images-idx3-ubyte.gz", b"not read");
    assert_eq!(Idx::open(folder.path(), Part::Train)?.len(), 1);
    Ok(())
}

#[test]
fn two_pairs_for_one_part_are_refused() {
    let folder = pairs(&[
        ["a-train-images-idx3-ubyte", "a-train-labels-idx1-ubyte"],
        ["b-train-images-idx3-ubyte", "b-train-labels-idx1-ubyte"],
    ]);
    let error = Idx::open(folder.path(), Part::Train).unwrap_err();
    assert!(error.message().contains("a-train-images-idx3-ubyte and b-train-images-idx3-ubyte"), "{error}");
}
