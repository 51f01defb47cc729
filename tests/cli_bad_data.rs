//! Every kind of bad data: exit status 2, and a message that names the file and says what to do.
#![cfg(feature = "cli")]

mod common;

use std::path::Path;

use common::data::{
    GIF_WITHOUT_COLUMNS, Packing, encode, gradient, idat, idx, ihdr, npy, npz, png, png_of_chunks, put, scratch,
};
use common::program::{json, pets, refuse, run, stderr, succeed};
use image::{DynamicImage, ImageFormat};

/// What each subcommand that reads DATA is called with.
const READERS: [&[&str]; 4] = [
    &["inspect"],
    &["preview", "--out", "sheet.png"],
    &["train", "--steps", "2", "--out", "gan.safetensors"],
    &["compare", "--minutes", "0.01", "--steps", "2"],
];

/// All readers refuse `data`, say `words`, and leave no file behind.
fn all_refuse(folder: &Path, data: &str, words: &[&str]) {
    for reader in READERS {
        refuse(folder, &[reader, &[data]].concat(), words);
        for output in ["sheet.png", "gan.safetensors", "gan.samples.png"] {
            assert!(!folder.join(output).exists(), "{reader:?} wrote {output}");
        }
    }
}

#[test]
fn a_missing_folder() {
    let folder = scratch();
    all_refuse(folder.path(), "nowhere", &["nowhere", "expected a folder with a folder of images for each class"]);
}

#[test]
fn an_empty_folder() {
    let folder = scratch();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    all_refuse(folder.path(), "data", &["data", "empty", "expected a folder with a folder of images for each class"]);
}

#[test]
fn a_folder_without_class_folders() {
    let folder = scratch();
    put(folder.path(), "data/a.png", &png(gradient(8, 8, 1)));
    all_refuse(
        folder.path(),
        "data",
        &["data", "one folder of images for each class", "sort the images into such folders"],
    );
}

#[test]
fn files_of_arrays_that_are_no_data_set() {
    let folder = scratch();
    put(folder.path(), "text.npz", b"this is text");
    all_refuse(folder.path(), "text.npz", &["text.npz", "not an archive that NumPy saved", "numpy.savez"]);
    put(
        folder.path(),
        "chest.npz",
        &npz(
            &[("train_labels", npy("|u1", "(2, 14)", &[0; 28])), ("train_images", npy("|u1", "(2, 1, 1)", &[0; 2]))],
            Packing::Deflated,
        ),
    );
    all_refuse(folder.path(), "chest.npz", &["chest.npz", "\"train_labels\"", "14 labels an image are not supported"]);
    put(folder.path(), "cifar/test_batch.bin", &[0; 3073]);
    all_refuse(folder.path(), "cifar", &["data_batch_1.bin", "cannot open the CIFAR file"]);
    put(folder.path(), "images.npy", b"alone");
    all_refuse(folder.path(), "images.npy", &["images.npy", "found another file", "an .npz file"]);
}

#[test]
fn one_class_only() {
    let folder = scratch();
    put(folder.path(), "data/cat/a.png", &png(gradient(8, 8, 1)));
    for reader in &READERS[1..] {
        refuse(folder.path(), &[*reader, &["data"]].concat(), &["data", "cat", "another class"]);
    }
    // `inspect` reports what it found, and refuses it after.
    let output = run(folder.path(), &["inspect", "data"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("another class"));
}

#[test]
fn a_class_without_a_readable_image() {
    let folder = scratch();
    pets(folder.path(), "data");
    for name in ["a", "b"] {
        put(folder.path(), &format!("data/dog/{name}.png"), b"this is text");
    }
    for reader in &READERS[1..] {
        refuse(
            folder.path(),
            &[*reader, &["data"]].concat(),
            &["data", "dog", "no readable image", "replace its files"],
        );
    }
    let output = run(folder.path(), &["inspect", "data"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no readable image"));
}

/// What is to be done about most files.
const REMEDY: &str = "replace or remove the file";

/// `inspect` lists the file and goes on; the others refuse it before they start.
fn one_bad_file(name: &str, bytes: &[u8], words: &[&str]) {
    let folder = scratch();
    pets(folder.path(), "data");
    put(folder.path(), &format!("data/dog/{name}"), bytes);
    let found = json(folder.path(), &["inspect", "data"]);
    let listed = found["unreadable"].as_array().unwrap();
    assert_eq!(listed.len(), 1, "{found}");
    assert!(listed[0]["path"].as_str().unwrap().ends_with(name), "{found}");
    let reason = listed[0]["reason"].as_str().unwrap();
    assert!(words.iter().all(|word| reason.contains(word)), "{reason}");
    let words = [&[name], words].concat();
    for reader in &READERS[1..] {
        refuse(folder.path(), &[*reader, &["data"]].concat(), &words);
    }
    assert!(!folder.path().join("gan.safetensors").exists() && !folder.path().join("sheet.png").exists());
}

#[test]
fn truncated_images() {
    let image = png(gradient(40, 40, 3));
    one_bad_file("c.png", &image[..image.len() / 2], &["the PNG image is damaged or cut short", REMEDY]);
    let image = encode(gradient(40, 40, 3), ImageFormat::Jpeg);
    one_bad_file("c.jpg", &image[..image.len() / 2], &["cut short", REMEDY]);
}

#[test]
fn zero_byte_images() {
    one_bad_file("c.png", b"", &["empty", REMEDY]);
    one_bad_file("c.jpg", b"", &["empty", REMEDY]);
}

#[test]
fn a_text_file_named_png() {
    one_bad_file("c.png", b"this is text, whatever its name says", &["not an image of a known kind", REMEDY]);
}

#[test]
fn absurd_dimensions_in_a_header() {
    let chunks: [(&[u8; 4], &[u8]); 3] =
        [(b"IHDR", &ihdr(100_000, 100_000, 8, 2)), (b"IDAT", &idat(&[&[0; 300]])), (b"IEND", &[])];
    one_bad_file("c.png", &png_of_chunks(&chunks), &["100000×100000", "raise the limits", REMEDY]);
}

#[test]
fn an_image_without_pixels() {
    one_bad_file("c.gif", GIF_WITHOUT_COLUMNS, &["the header says 0×5 pixels", REMEDY]);
}

#[test]
fn several_bad_files_are_told_at_once() {
    let folder = scratch();
    pets(folder.path(), "data");
    for name in ["c", "d", "e"] {
        put(folder.path(), &format!("data/dog/{name}.png"), b"");
    }
    let words = ["3 of 7 images", "c.png", "d.png", "e.png", "inspect"];
    refuse(folder.path(), &["train", "data", "--steps", "2"], &words);
}

#[test]
fn uncommon_images_are_converted() {
    let folder = scratch();
    let cmyk = include_bytes!("../fixtures/cmyk-16x16.jpg");
    let sixteen = DynamicImage::from(gradient(9, 9, 3)).into_rgb16();
    let palette: [(&[u8; 4], &[u8]); 4] = [
        (b"IHDR", &ihdr(2, 1, 8, 3)),
        (b"PLTE", &[255, 0, 0, 0, 0, 255]),
        (b"IDAT", &idat(&[&[0, 1]])),
        (b"IEND", &[]),
    ];
    for class in ["cat", "dog"] {
        put(folder.path(), &format!("data/{class}/cmyk.jpg"), cmyk);
        put(folder.path(), &format!("data/{class}/sixteen.png"), &encode(sixteen.clone(), ImageFormat::Png));
        put(folder.path(), &format!("data/{class}/palette.png"), &png_of_chunks(&palette));
        put(folder.path(), &format!("data/{class}/one.png"), &png(gradient(1, 1, 3)));
    }
    let found = json(folder.path(), &["inspect", "data"]);
    assert_eq!((&found["unreadable"], &found["rgb"]), (&serde_json::json!([]), &serde_json::json!(8)));
    succeed(folder.path(), &["preview", "data", "--out", "sheet.png"]);
    succeed(folder.path(), &["train", "data", "--steps", "2", "--size", "8"]);
}

#[test]
fn bad_idx_files() {
    let images = idx(&[4, 8, 8], &[7; 4 * 64]);
    let labels = idx(&[4], &[0, 1, 0, 1]);
    let wrong_magic = [&[9, 9, 9, 9], &images[4..]].concat();
    let refetch = "fetch the file again, or name another";
    let (image_file, label_file) = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    let cases: [(&[u8], &[u8], [&str; 3]); 4] = [
        (&wrong_magic, &labels, [image_file, "found 09 09 09 09", refetch]),
        (&images[..images.len() - 9], &labels, [image_file, "found 247", refetch]),
        (&images, &labels[..labels.len() - 1], [label_file, "found 3", refetch]),
        (&images, &idx(&[3], &[0, 1, 0]), [label_file, "for each of the 4 images, got 3", "name two that do"]),
    ];
    for (images, labels, words) in cases {
        let folder = scratch();
        put(folder.path(), &format!("data/{image_file}"), images);
        put(folder.path(), &format!("data/{label_file}"), labels);
        all_refuse(folder.path(), "data", &words);
    }
}
