//! Several data sets as one, with classes told by their names.

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use candle_augment::{Concat, Dataset, DatasetExt, ErrorKind, Image, ImageFolder, InMemory, Result, digits};
use common::data::{gradient, png, put, scratch};
use proptest::prelude::*;

/// A set of 1×1 images, each of the gray of its place from `first`, under these labels.
fn set(first: u8, labels: &[u32], classes: &[&str]) -> InMemory {
    let image = |gray| Image::filled(1, 1, &[gray]).expect("it has a pixel");
    let images = (first..).take(labels.len()).map(image).collect();
    InMemory::from_images(images, labels.to_vec(), classes.iter().copied()).expect("each label has a name")
}

fn names(set: &dyn Dataset) -> Vec<&str> {
    (0..set.len()).map(|index| set.classes()[set.label(index) as usize].as_str()).collect()
}

#[test]
fn images_come_one_set_after_the_other() -> Result<()> {
    let both = set(0, &[1, 0], &["cat", "dog"]).concat(set(2, &[0, 1, 1], &["cat", "dog"]));
    let grays: Vec<u8> = (0..5).map(|index| both.load(index).map(|image| image.data()[0])).collect::<Result<_>>()?;
    assert_eq!(grays, [0, 1, 2, 3, 4]);
    assert_eq!(both.classes(), ["cat", "dog"]);
    assert_eq!((both.len(), both.class_counts()), (5, vec![2, 3]));
    Ok(())
}

#[test]
fn classes_are_told_by_their_names() {
    let both = set(0, &[0, 1], &["cat", "dog"]).concat(set(2, &[0, 1, 2], &["emu", "dog", "ant"]));
    assert_eq!(both.classes(), ["cat", "dog", "emu", "ant"]);
    assert_eq!(names(&both), ["cat", "dog", "emu", "dog", "ant"]);
}

#[test]
fn empty_sets_take_no_place() -> Result<()> {
    let empty = || set(9, &[0], &["cat"]).subset([]);
    let all: [Arc<dyn Dataset>; 4] =
        [Arc::new(empty()?), Arc::new(set(0, &[0], &["cat"])), Arc::new(empty()?), Arc::new(set(1, &[0], &["cat"]))];
    let all = Concat::new(all)?;
    assert_eq!((all.len(), all.load(0)?.data()[0], all.load(1)?.data()[0]), (2, 0, 1));
    Ok(())
}

#[test]
fn no_set_at_all_is_an_error() {
    assert_eq!(Concat::new([]).unwrap_err().kind(), ErrorKind::Dataset);
}

#[test]
fn files_are_those_of_the_parts() -> Result<()> {
    let folder = scratch();
    put(folder.path(), "cat/1.png", &png(gradient(1, 1, 1)));
    let both = set(0, &[0], &["cat"]).concat(ImageFolder::open(folder.path())?);
    let expected: [Option<PathBuf>; 2] = [None, Some(folder.path().join("cat").join("1.png"))];
    assert_eq!([both.path(0), both.path(1)], expected);
    Ok(())
}

#[test]
fn the_parts_of_a_split_join_again() -> Result<()> {
    let whole = Arc::new(digits()?);
    let (first, second) = whole.clone().split(0.3, 1)?;
    let joined = first.concat(second);
    assert_eq!((joined.classes(), joined.class_counts()), (whole.classes(), whole.class_counts()));
    Ok(())
}

proptest! {
    #[test]
    fn every_image_keeps_its_class(
        parts in prop::collection::vec((0_usize..4, prop::collection::vec(0_u32..3, 0..6)), 1..5),
    ) {
        const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
        let mut expected = Vec::new();
        let mut sets: Vec<Arc<dyn Dataset>> = Vec::new();
        for (from, labels) in &parts {
            let classes = &NAMES[*from..from + 3];
            expected.extend(labels.iter().map(|&label| classes[label as usize]));
            // One image more, since no set is made without any, is left out again.
            let with_one = set(0, &[&labels[..], &[0]].concat(), classes);
            sets.push(Arc::new(with_one.subset((0..labels.len()).collect::<Vec<_>>()).expect("they are there")));
        }
        let whole = Concat::new(sets).expect("there is a set");
        prop_assert_eq!(names(&whole), expected);
    }
}
