//! NumPy's arrays of images and labels, in files of their own and in archives.

mod common;

use candle_augment::{Dataset, ErrorKind, Image, Numpy, Part, Result};
use common::data::{Packing, npy, npz, put, scratch};

/// Bytes that all differ a little.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i * 37 % 251) as u8).collect()
}

fn labels(set: &Numpy) -> Vec<u32> {
    (0..set.len()).map(|index| set.label(index)).collect()
}

/// Images of this shape with labels 0 and 1 in turn.
fn images(shape: &str, data: &[u8], count: u8) -> Result<Numpy> {
    let folder = scratch();
    let values: Vec<u8> = (0..count).map(|index| index % 2).collect();
    let images = put(folder.path(), "images.npy", &npy("|u1", shape, data));
    let labels = put(folder.path(), "labels.npy", &npy("|u1", &format!("({count},)"), &values));
    Numpy::from_npy(images, labels)
}

#[test]
fn gray_images_have_three_axes_or_a_channel() -> Result<()> {
    let data = bytes(2 * 4 * 5);
    let expected = Image::new(4, 5, 1, data[20..].to_vec())?;
    for shape in ["(2, 4, 5)", "(2, 4, 5, 1)", "(2, 1, 4, 5)"] {
        let set = images(shape, &data, 2)?;
        assert_eq!((set.len(), set.load(1)?), (2, expected.clone()), "{shape}");
    }
    Ok(())
}

#[test]
fn channels_come_last_or_first() -> Result<()> {
    let data = bytes(2 * 3 * 4 * 5);
    let last = images("(2, 4, 5, 3)", &data, 2)?;
    assert_eq!(last.load(1)?, Image::new(4, 5, 3, data[60..].to_vec())?);
    let first = images("(2, 3, 4, 5)", &data, 2)?;
    let image = first.load(1)?;
    assert_eq!((image.height(), image.width()), (4, 5));
    let expected = |channel: usize| data[60 + channel * 20 + 3 * 5 + 2];
    assert_eq!(image.pixel(2, 3), [expected(0), expected(1), expected(2)]);
    Ok(())
}

#[test]
fn axes_that_cannot_be_told_apart_are_refused() {
    let error = images("(2, 3, 4, 3)", &bytes(72), 2).unwrap_err();
    assert!(error.message().contains("which may be either"), "{error}");
}

#[test]
fn labels_may_be_of_any_integer_dtype() -> Result<()> {
    let folder = scratch();
    let images = put(folder.path(), "x.npy", &npy("|u1", "(3, 1, 2)", &bytes(6)));
    let cases = [
        ("|u1", "(3,)", vec![7, 200, 7]),
        ("|i1", "(3, 1)", vec![7, 100, 7]),
        ("<i2", "(3,)", vec![7, 0, 0, 1, 7, 0]),
        (">u2", "(3,)", vec![0, 7, 1, 0, 0, 7]),
        ("<u4", "(3, 1)", [7_u32, 70_000, 7].iter().flat_map(|value| value.to_le_bytes()).collect()),
        (">i8", "(3,)", [7_i64, 1 << 40, 7].iter().flat_map(|value| value.to_be_bytes()).collect()),
    ];
    for (dtype, shape, data) in cases {
        let file = put(folder.path(), "y.npy", &npy(dtype, shape, &data));
        let set = Numpy::from_npy(&images, file)?;
        assert_eq!((labels(&set), set.classes()[0].as_str()), (vec![0, 1, 0], "7"), "{dtype}");
    }
    Ok(())
}

#[test]
fn the_labels_that_occur_are_the_classes() -> Result<()> {
    let folder = scratch();
    let images = put(folder.path(), "x.npy", &npy("|u1", "(4, 1, 1)", &bytes(4)));
    let values = put(folder.path(), "y.npy", &npy("|u1", "(4,)", &[26, 3, 11, 3]));
    let set = Numpy::from_npy(images, values)?;
    assert_eq!(set.classes(), ["3", "11", "26"]);
    assert_eq!(labels(&set), [2, 0, 1, 0]);
    assert_eq!(set.clone().with_classes(["c", "k", "z"])?.classes(), ["c", "k", "z"]);
    assert!(set.with_classes(["c"]).is_err());
    Ok(())
}

/// An archive as MedMNIST's: gray images whose pixels are their labels, 4 for training, 2 to validate, 3 to test.
fn medmnist(packing: Packing) -> Vec<u8> {
    let mut arrays = Vec::new();
    for (part, values) in [("train", &[0, 1, 2, 1][..]), ("val", &[1, 0]), ("test", &[2, 0, 1])] {
        let pixels: Vec<u8> = values.iter().flat_map(|&value| [value; 28 * 28]).collect();
        let count = values.len();
        arrays.push((format!("{part}_images"), npy("|u1", &format!("({count}, 28, 28)"), &pixels)));
        arrays.push((format!("{part}_labels"), npy("|u1", &format!("({count}, 1)"), values)));
    }
    let arrays: Vec<_> = arrays.iter().map(|(name, array)| (name.as_str(), array.clone())).collect();
    npz(&arrays, packing)
}

#[test]
fn archives_are_plain_or_compressed() -> Result<()> {
    let folder = scratch();
    for packing in [Packing::Stored, Packing::Deflated] {
        let path = put(folder.path(), "mnist.npz", &medmnist(packing));
        let train = Numpy::open(&path, Part::Train)?;
        assert_eq!((labels(&train), train.load(2)?), (vec![0, 1, 2, 1], Image::filled(28, 28, &[2])?));
        assert_eq!(labels(&Numpy::open(&path, Part::Test)?), [2, 0, 1]);
        assert_eq!(labels(&Numpy::from_npz(&path, "val_images", "val_labels")?), [1, 0]);
    }
    Ok(())
}

#[test]
fn a_pair_is_found_by_the_names_in_use() -> Result<()> {
    let images = |count: u8| npy("|u1", &format!("({count}, 1, 1)"), &bytes(count.into()));
    let labels = |count: u8| npy("|u1", &format!("({count},)"), &bytes(count.into()));
    let cases = [
        [("x_train", "y_train"), ("x_test", "y_test")],
        [("train_images", "train_labels"), ("test_images", "test_labels")],
    ];
    for pairs in cases {
        let folder = scratch();
        let mut arrays = Vec::new();
        for (count, (x, y)) in (2..).zip(pairs) {
            put(folder.path(), &format!("{x}.npy"), &images(count));
            put(folder.path(), &format!("{y}.npy"), &labels(count));
            arrays.extend([(x, images(count)), (y, labels(count))]);
        }
        let archive = put(folder.path(), "all.npz", &npz(&arrays, Packing::Deflated));
        for path in [folder.path(), &archive] {
            assert_eq!(Numpy::open(path, Part::Train)?.len(), 2);
            assert_eq!(Numpy::open(path, Part::Test)?.len(), 3);
        }
    }
    let folder = scratch();
    put(folder.path(), "images.npy", &images(4));
    put(folder.path(), "labels.npy", &labels(4));
    assert_eq!(Numpy::open(folder.path(), Part::Train)?.len(), 4);
    let error = Numpy::open(folder.path(), Part::Test).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Dataset, Some(folder.path())));
    assert!(error.message().contains("found \"images\", \"labels\""), "{error}");
    Ok(())
}

#[test]
fn headers_of_versions_2_and_3_are_read() -> Result<()> {
    let folder = scratch();
    let values = put(folder.path(), "y.npy", &npy("|u1", "(2,)", &[0, 1]));
    let first = npy("|u1", "(2, 1, 1)", &[8, 9]);
    for version in [2, 3] {
        let length = u32::from(u16::from_le_bytes([first[8], first[9]]));
        let array = [b"\x93NUMPY", &[version, 0][..], &length.to_le_bytes(), &first[10..]].concat();
        let images = put(folder.path(), "x.npy", &array);
        assert_eq!(Numpy::from_npy(images, &values)?.load(1)?, Image::filled(1, 1, &[9])?);
    }
    Ok(())
}
