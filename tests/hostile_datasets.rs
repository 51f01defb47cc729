//! Folders and IDX files that are no data set give errors that name the place and say what to do.

mod common;

use std::fs;
use std::path::Path;

use candle_augment::{Dataset, Error, ErrorKind, Idx, ImageFolder, Part, Result, open_data};
use common::data::{encode, gradient, idx, png, put, scratch};
use image::ImageFormat;

fn refused(path: &Path) -> Error {
    match open_data(path, Part::Train) {
        Ok(set) => panic!("{} opened as {:?}", path.display(), set.classes()),
        Err(error) => error,
    }
}

/// Asserts an error's kind, its place, and a part of its message.
fn says(error: &Error, kind: ErrorKind, path: &Path, text: &str) {
    assert_eq!((error.kind(), error.path()), (kind, Some(path)), "{error}");
    assert!(error.message().contains(text), "expected {text:?} in {error}");
}

#[test]
fn a_missing_folder() {
    let folder = scratch();
    let path = folder.path().join("missing");
    says(&refused(&path), ErrorKind::Io, &path, "expected a folder");
    says(&ImageFolder::open(&path).unwrap_err(), ErrorKind::Io, &path, "cannot list the folder");
}

#[test]
fn a_file_in_place_of_a_folder() {
    let folder = scratch();
    let path = put(folder.path(), "image.png", &png(gradient(2, 2, 3)));
    says(&refused(&path), ErrorKind::Dataset, &path, "found another file");
}

#[test]
fn an_empty_folder() {
    let folder = scratch();
    says(&refused(folder.path()), ErrorKind::Dataset, folder.path(), "the folder is empty");
    let error = ImageFolder::open(folder.path()).unwrap_err();
    says(&error, ErrorKind::Dataset, folder.path(), "one folder of images for each class");
}

#[test]
fn a_folder_without_class_folders() {
    let folder = scratch();
    put(folder.path(), "1.png", &png(gradient(2, 2, 3)));
    put(folder.path(), "2.png", &png(gradient(2, 2, 3)));
    let error = refused(folder.path());
    says(&error, ErrorKind::Dataset, folder.path(), "found 2 image files beside each other");
}

#[test]
fn one_class_only() -> Result<()> {
    let folder = scratch();
    put(folder.path(), "cat/1.png", &png(gradient(2, 2, 3)));
    says(&refused(folder.path()), ErrorKind::Dataset, folder.path(), "found one: \"cat\"");
    assert_eq!(ImageFolder::open(folder.path())?.classes(), ["cat"]);
    Ok(())
}

#[test]
fn a_class_folder_without_images() {
    let folder = scratch();
    put(folder.path(), "cat/1.png", &png(gradient(2, 2, 3)));
    put(folder.path(), "dog/notes.txt", b"none yet");
    let dog = folder.path().join("dog");
    says(&refused(folder.path()), ErrorKind::Dataset, &dog, "class \"dog\" holds no image");
}

#[test]
fn a_class_without_a_readable_image() {
    let folder = scratch();
    let jpeg = encode(gradient(32, 32, 3), ImageFormat::Jpeg);
    put(folder.path(), "cat/1.png", &png(gradient(2, 2, 3)));
    put(folder.path(), "dog/1.jpg", &[]);
    put(folder.path(), "dog/2.jpg", &jpeg[..jpeg.len() / 2]);
    put(folder.path(), "dog/3.png", b"text");
    let error = refused(folder.path());
    says(&error, ErrorKind::Dataset, folder.path(), "class \"dog\" has no readable image among 3");
    assert!(error.message().contains("the file is empty"), "{error}");
    put(folder.path(), "dog/4.png", &png(gradient(2, 2, 3)));
    assert!(open_data(folder.path(), Part::Train).is_ok());
}

#[test]
fn the_folder_above_the_parts() {
    let folder = scratch();
    for part in ["Train", "test"] {
        for class in ["cat", "dog"] {
            put(folder.path(), &format!("{part}/{class}/1.png"), &png(gradient(2, 2, 3)));
        }
    }
    says(&refused(folder.path()), ErrorKind::Dataset, folder.path(), "give the folder of one part");
    assert!(open_data(folder.path().join("Train"), Part::Train).is_ok());
}

#[test]
fn damaged_images_name_their_file() -> Result<()> {
    let folder = scratch();
    let (jpeg, png) = (encode(gradient(32, 32, 3), ImageFormat::Jpeg), png(gradient(32, 32, 3)));
    let files = [
        ("0.png", &png[..], None),
        ("1.jpg", &[], Some("empty (0 bytes)")),
        ("2.png", &[], Some("empty (0 bytes)")),
        ("3.jpg", &jpeg[..jpeg.len() / 2], Some("cut short")),
        ("4.png", &png[..png.len() / 2], Some("damaged or cut short")),
        ("5.png", b"just text", Some("not an image of a known kind")),
    ];
    for (name, bytes, _) in files {
        put(folder.path(), &format!("class/{name}"), bytes);
    }
    let set = ImageFolder::open(folder.path())?;
    for (index, (name, _, wrong)) in files.into_iter().enumerate() {
        match (set.load(index), wrong) {
            (Ok(image), None) => assert_eq!(image, gradient(32, 32, 3)),
            (Err(error), Some(text)) => {
                says(&error, ErrorKind::Decode, &folder.path().join("class").join(name), text);
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
    Ok(())
}

#[test]
fn a_folder_named_as_an_image_is_a_folder() {
    let folder = scratch();
    fs::create_dir_all(folder.path().join("cat/1.png")).expect("a scratch folder is writable");
    let error = ImageFolder::open(folder.path()).unwrap_err();
    says(&error, ErrorKind::Dataset, &folder.path().join("cat"), "holds no image");
}

/// The error for a folder with these two IDX files, and the paths of both.
fn refused_idx(images: &[u8], labels: &[u8]) -> (Error, tempfile::TempDir) {
    let folder = scratch();
    put(folder.path(), "train-images-idx3-ubyte", images);
    put(folder.path(), "train-labels-idx1-ubyte", labels);
    (refused(folder.path()), folder)
}

#[test]
fn damaged_idx_images() {
    let gzip_start = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b];
    let wrong_type = [0, 0, 0x0d, 3, 0, 0, 0, 1];
    let cases: [(&[u8], &str); 10] = [
        (b"", "cut short"),
        (b"PK\x03\x04 a zip file", "found 50 4b 03 04"),
        (&wrong_type, "not an IDX file of unsigned bytes"),
        (&[0, 0, 8, 3, 0, 0], "cut short"),
        (&gzip_start, "cut short"),
        (&idx(&[2, 2, 2], &[0; 7]), "expected 8 bytes for the dimensions [2, 2, 2] in the header, found 7"),
        (&idx(&[2, 2, 2], &[0; 9]), "found more"),
        (&idx(&[u32::MAX; 4], &[0; 9]), "the header is damaged"),
        (&idx(&[2, 2, 0], &[]), "at least 1×1 pixels"),
        (&idx(&[1, 2, 2, 2], &[0; 8]), "(N, H, W, 3)"),
    ];
    for (images, text) in cases {
        let (error, folder) = refused_idx(images, &idx(&[2], &[0, 1]));
        says(&error, ErrorKind::Dataset, &folder.path().join("train-images-idx3-ubyte"), text);
    }
}

#[test]
fn damaged_idx_labels() {
    let images = idx(&[2, 2, 2], &[0; 8]);
    let cases: [(&[u8], &str); 4] = [
        (&idx(&[3], &[0, 1, 0]), "a label for each of the 2 images, got 3"),
        (&idx(&[2], &[0]), "found 1:"),
        (&images, "is this the file of labels?"),
        (&[0, 0, 9, 1], "not an IDX file"),
    ];
    for (labels, text) in cases {
        let (error, folder) = refused_idx(&images, labels);
        says(&error, ErrorKind::Dataset, &folder.path().join("train-labels-idx1-ubyte"), text);
    }
}

#[test]
fn idx_images_of_absurd_sides() {
    let (error, folder) = refused_idx(&idx(&[1, 1, 40_000], &[0; 40_000]), &idx(&[1], &[0]));
    says(&error, ErrorKind::Limits, &folder.path().join("train-images-idx3-ubyte"), "40000×1");
}

#[test]
fn idx_of_one_class() {
    let (error, folder) = refused_idx(&idx(&[2, 1, 1], &[0; 2]), &idx(&[2], &[4, 4]));
    says(&error, ErrorKind::Dataset, folder.path(), "found one: \"4\"");
}

#[test]
fn idx_images_without_labels() {
    let folder = scratch();
    put(folder.path(), "train-images-idx3-ubyte", &idx(&[1, 1, 1], &[0]));
    says(&refused(folder.path()), ErrorKind::Dataset, folder.path(), "train-labels-idx1-ubyte");
    let missing = folder.path().join("missing");
    says(&Idx::open(&missing, Part::Train).unwrap_err(), ErrorKind::Io, &missing, "cannot list");
}
