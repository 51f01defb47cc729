//! NumPy files that are no data set give errors that name the file, the array, and what to do; and take no memory.

mod common;

use std::path::{Path, PathBuf};

use candle_augment::{Error, ErrorKind, Numpy, Part};
use common::data::{Packing, npy, npy_with_header, npz, put, scratch};
use proptest::prelude::*;

/// The error for these files of images and labels, and where they lay.
fn refused(images: &[u8], labels: &[u8]) -> (Error, [PathBuf; 2]) {
    let folder = scratch();
    let images = put(folder.path(), "images.npy", images);
    let labels = put(folder.path(), "labels.npy", labels);
    (Numpy::from_npy(&images, &labels).unwrap_err(), [images, labels])
}

/// Asserts an error's kind, its place, and a part of its message.
fn says(error: &Error, kind: ErrorKind, path: &Path, text: &str) {
    assert_eq!((error.kind(), error.path()), (kind, Some(path)), "{error}");
    assert!(error.message().contains(text), "expected {text:?} in {error}");
}

fn two_labels() -> Vec<u8> {
    npy("|u1", "(2,)", &[0, 1])
}

#[test]
fn damaged_images() {
    let whole = npy("|u1", "(2, 2, 2)", &[0; 8]);
    let long_header = [b"\x93NUMPY\x02\x00", &u32::MAX.to_le_bytes()[..], b"{"].concat();
    let fortran = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2), }";
    let structured = "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 2, 2), }";
    let cases: [(&[u8], &str); 19] = [
        (b"", "cut short"),
        (b"\x93NUMPY", "cut short"),
        (b"PK\x03\x04 a zip file", "expected \"\\x93NUMPY\", found \"PK\\x03\\x04 a\""),
        (&[b"\x93NUMPY\x09\x00", &whole[8..]].concat(), "version 1.0, 2.0 or 3.0"),
        (&whole[..30], "cut short"),
        (&long_header, "a header of at most 65536 bytes, found 4294967295"),
        (&npy_with_header("os.system('true')", &[0; 8]), "not one that NumPy writes"),
        (&npy_with_header(fortran, &[0; 8]), "numpy.ascontiguousarray"),
        (&npy_with_header(structured, &[0; 8]), "a structured dtype"),
        (&npy("|O", "(2, 2, 2)", &[0x80, 4]), "pickled Python objects, which are never loaded"),
        (&npy("<f4", "(2, 2, 2)", &[0; 32]), "dtype uint8 ('|u1'), found '<f4': save images.astype('uint8')"),
        (&npy("|i1", "(2, 2, 2)", &[0; 8]), "found '|i1'"),
        (&npy("|u1", "(2, 2, 2)", &[0; 7]), "header, found 7"),
        (&npy("|u1", "(2, 2, 2)", &[0; 9]), "8 bytes for the shape (2, 2, 2) in the header, found more"),
        (&npy("|u1", "(2, 4)", &[0; 8]), "is this the array of images?"),
        (&npy("|u1", "(2, 2, 2, 4)", &[0; 32]), "with C = 1 or 3, found (2, 2, 2, 4)"),
        (&npy("|u1", "(2, 0, 2)", &[]), "at least 1×1 pixels"),
        (&npy("|u1", "(3, 2, 2)", &[0; 12]), "an image for each of the 2 labels"),
        (&npy("|u1", "(2, 2, 2", &[0; 8]), "not one that NumPy writes"),
    ];
    for (images, text) in cases {
        let (error, [path, _]) = refused(images, &two_labels());
        says(&error, ErrorKind::Dataset, &path, text);
    }
}

#[test]
fn absurd_sizes_take_no_memory() {
    for (shape, kind, text) in [
        ("(2, 30000, 30000, 3)", ErrorKind::Limits, "30000×30000"),
        ("(2, 40000, 1)", ErrorKind::Limits, "1×40000"),
        ("(2, 10000, 10000, 3)", ErrorKind::Dataset, "a file too small"),
        ("(99999999999999999999999, 2, 2)", ErrorKind::Dataset, "not one that NumPy writes"),
    ] {
        let (error, [path, _]) = refused(&npy("|u1", shape, &[0; 8]), &two_labels());
        says(&error, kind, &path, text);
    }
    let labels = npy("<i8", "(4611686018427387904,)", &[0; 8]);
    let (error, [_, path]) = refused(&npy("|u1", "(2, 2, 2)", &[0; 8]), &labels);
    says(&error, ErrorKind::Dataset, &path, "the header is damaged");
}

#[test]
fn damaged_labels() {
    let images = npy("|u1", "(2, 2, 2)", &[0; 8]);
    let cases: [(&[u8], &str); 10] = [
        (&npy("|u1", "(2, 14)", &[0; 28]), "14 labels an image are not supported; save labels.argmax(1)"),
        (&npy("|u1", "()", &[0]), "labels of shape (N) or (N, 1), found ()"),
        (&npy("|u1", "(2, 1, 1)", &[0; 2]), "is this the array of labels?"),
        (&npy("<f8", "(2,)", &[0; 16]), "labels of an integer dtype, found '<f8': save labels.astype('int64')"),
        (&npy("<U3", "(2,)", &[0; 24]), "found '<U3'"),
        (&npy("", "(2,)", &[0; 2]), "found ''"),
        (&npy("é1", "(2,)", &[0; 2]), "integer dtype"),
        (&npy("|i1", "(2,)", &[0, 0xff]), "expected labels from 0, found one below"),
        (&npy("|u1", "(0,)", &[]), "at least one label"),
        (&npy("<i4", "(2,)", &[0; 7]), "expected 8 bytes for the shape (2,) in the header"),
    ];
    for (labels, text) in cases {
        let (error, [_, path]) = refused(&images, labels);
        says(&error, ErrorKind::Dataset, &path, text);
    }
}

fn archive(packing: Packing) -> Vec<u8> {
    let images = npy("|u1", "(2, 8, 8)", &(0..128).collect::<Vec<u8>>());
    npz(&[("train_images", images), ("train_labels", two_labels())], packing)
}

/// The error for an archive of these bytes, and where it lay.
fn refused_archive(bytes: &[u8]) -> (Error, PathBuf) {
    let folder = scratch();
    let path = put(folder.path(), "set.npz", bytes);
    (Numpy::open(&path, Part::Train).unwrap_err(), path)
}

#[test]
fn damaged_archives() {
    let images = npy("|u1", "(2, 2, 2)", &[0; 8]);
    let mut flipped = archive(Packing::Stored);
    let pixel = flipped.windows(4).position(|window| window == [40, 41, 42, 43]).expect("the pixels are stored");
    flipped[pixel] ^= 1;
    let objects = npz(&[("images", npy("|O", "(2,)", b"\x80\x04.")), ("labels", two_labels())], Packing::Deflated);
    let cases = [
        (Vec::new(), "not an archive that NumPy saved"),
        (b"just text".to_vec(), "not an archive that NumPy saved"),
        (images.clone(), "not an archive that NumPy saved"),
        (archive(Packing::Stored)[..200].to_vec(), "not an archive that NumPy saved"),
        (flipped, "array \"train_images\": the data does not agree with its checksum"),
        (archive(Packing::Unknown(93)), "array \"train_labels\": expected an entry that is stored or deflated"),
        (objects, "array \"images\": expected pixels of dtype uint8 ('|u1'), found pickled Python objects"),
        (npz(&[], Packing::Stored), "found no arrays"),
        (npz(&[("arr_0", images.clone()), ("arr_1", two_labels())], Packing::Stored), "found \"arr_0\", \"arr_1\""),
        (npz(&[("train_images", images.clone())], Packing::Stored), "found no \"train_labels\""),
        (
            npz(&[("images", b"text".to_vec()), ("labels", b"text".to_vec())], Packing::Stored),
            "array \"labels\": the array is cut short",
        ),
        (
            npz(&[("x_train", images.clone()), ("train_images", images.clone())], Packing::Stored),
            "found \"train_images\" and \"x_train\"",
        ),
    ];
    for (bytes, text) in cases {
        let (error, path) = refused_archive(&bytes);
        says(&error, ErrorKind::Dataset, &path, text);
    }
}

#[test]
fn a_header_in_an_archive_takes_no_more_memory_than_its_entry_could_fill() {
    let images = npy("|u1", "(2, 10000, 10000)", &[0; 2]);
    for packing in [Packing::Stored, Packing::Deflated] {
        let (error, path) = refused_archive(&npz(&[("images", images.clone()), ("labels", two_labels())], packing));
        says(&error, ErrorKind::Dataset, &path, "a file too small for them");
    }
}

#[test]
fn an_array_that_is_not_there() {
    let folder = scratch();
    let path = put(folder.path(), "set.npz", &archive(Packing::Deflated));
    let error = Numpy::from_npz(&path, "val_images", "train_labels").unwrap_err();
    says(&error, ErrorKind::Dataset, &path, "array \"val_images\": there is no such array: found \"train_images\"");
    let missing = folder.path().join("missing.npz");
    says(&Numpy::open(&missing, Part::Train).unwrap_err(), ErrorKind::Io, &missing, "cannot open the arrays");
    let error = Numpy::from_npz(&missing, "images", "labels").unwrap_err();
    says(&error, ErrorKind::Io, &missing, "cannot open the NumPy archive");
    let error = Numpy::from_npy(&missing, &missing).unwrap_err();
    says(&error, ErrorKind::Io, &missing, "cannot open the NumPy array");
}

proptest! {
    #[test]
    fn no_cut_and_no_flipped_bit_panics(
        deflated: bool,
        cut in 0_usize..700,
        at in 0_usize..700,
        bit in 0_u8..8,
    ) {
        let mut bytes = archive(if deflated { Packing::Deflated } else { Packing::Stored });
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        bytes.truncate(cut.max(bytes.len() / 2));
        let folder = scratch();
        let path = put(folder.path(), "set.npz", &bytes);
        // What matters is that it returns: some bits, such as those of the dates, mean nothing.
        let _ = Numpy::open(&path, Part::Train);
    }
}
