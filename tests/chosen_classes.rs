//! Some of a set's classes, and classes renamed or merged.

mod common;

use std::sync::Arc;

use candle_augment::{Dataset, DatasetExt, ErrorKind, Image, InMemory, Result, digits};
use proptest::prelude::*;

/// A set of 1×1 images, each of the gray of its place, in four classes.
fn pets() -> InMemory {
    let labels = vec![0, 1, 2, 3, 2, 1, 0, 1];
    let images = (0..8).map(|gray| Image::filled(1, 1, &[gray]).expect("it has a pixel")).collect();
    InMemory::from_images(images, labels, ["cat", "dog", "emu", "ant"]).expect("each label has a name")
}

fn grays(set: &dyn Dataset) -> Vec<u8> {
    (0..set.len()).map(|index| set.load(index).expect("it is in memory").data()[0]).collect()
}

fn labels(set: &dyn Dataset) -> Vec<u32> {
    (0..set.len()).map(|index| set.label(index)).collect()
}

#[test]
fn chosen_classes_are_numbered_as_they_are_given() -> Result<()> {
    let some = pets().filter_classes(["emu", "cat"])?;
    assert_eq!(some.classes(), ["emu", "cat"]);
    assert_eq!((grays(&some), labels(&some)), (vec![0, 2, 4, 6], vec![1, 0, 0, 1]));
    let same = pets().filter_classes([2, 0])?;
    assert_eq!((same.classes(), grays(&same), labels(&same)), (some.classes(), grays(&some), labels(&some)));
    Ok(())
}

#[test]
fn classes_that_cannot_be_chosen_are_refused() {
    let refused = |error: candle_augment::Error, text: &str| {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(text), "{error}");
    };
    refused(pets().filter_classes(["cow"]).unwrap_err(), "no class \"cow\": expected one of [\"cat\", \"dog\"");
    refused(pets().filter_classes([4]).unwrap_err(), "no class 4: expected one of");
    refused(pets().filter_classes([-1]).unwrap_err(), "no class -1");
    refused(pets().filter_classes(["cat", "dog", "cat"]).unwrap_err(), "\"cat\" is named twice");
    refused(pets().filter_classes::<u32>([]).unwrap_err(), "expected classes to keep");
}

#[test]
fn classes_of_one_new_name_are_one() {
    let merged = pets().map_classes(|name| if name.len() == 3 && name != "emu" { "no bird" } else { "bird" });
    assert_eq!(merged.classes(), ["no bird", "bird"]);
    assert_eq!(labels(&merged), [0, 0, 1, 0, 1, 0, 0, 0]);
    assert_eq!(grays(&merged), grays(&pets()));
}

#[test]
fn classes_can_be_renamed() {
    let renamed = pets().map_classes(str::to_uppercase);
    assert_eq!(
        (renamed.classes(), labels(&renamed)),
        (&["CAT", "DOG", "EMU", "ANT"].map(String::from)[..], labels(&pets()))
    );
}

#[test]
fn the_ways_combine() -> Result<()> {
    let odd = |name: &str| if name.parse::<u32>().is_ok_and(|digit| digit % 2 == 1) { "odd" } else { "even" };
    let parity = digits()?.filter_classes(["1", "2", "3"])?.map_classes(odd).per_class(10, 0)?;
    assert_eq!((parity.classes(), parity.class_counts()), (&["odd", "even"].map(String::from)[..], vec![10, 10]));
    Ok(())
}

proptest! {
    #[test]
    fn a_class_is_either_chosen_or_not(chosen in prop::sample::subsequence(vec![0_u32, 1, 2, 3], 1..4)) {
        let whole = Arc::new(pets());
        let rest: Vec<u32> = (0..4).filter(|class| !chosen.contains(class)).collect();
        let kept = whole.clone().filter_classes(chosen).expect("they are there");
        let other = whole.clone().filter_classes(rest).expect("they are there");
        let mut all = [grays(&kept), grays(&other)].concat();
        all.sort_unstable();
        prop_assert_eq!(all, grays(&*whole));
    }
}
