//! `gate` and the arm `auto`: what they write, go on from, and refuse.
#![cfg(feature = "cli")]

mod common;

use candle_augment::gate::{self, Choice};
use candle_augment::{Mixture, digits};
use common::data::{put, scratch};
use common::program::{json, refuse, succeed};

const QUICK: [&str; 11] =
    ["digits", "--per-class", "12", "--steps", "3", "--folds", "2", "--repeats", "2", "--shares", "0.3"];

#[test]
fn a_choice_is_written_and_read() {
    let folder = scratch();
    let path = folder.path();
    let report = json(path, &[&["gate"], &QUICK[..], &["--minutes", "0.2", "--out", "found"]].concat());
    assert_eq!((report["images"].as_u64(), report["size"].as_u64()), (Some(120), Some(8)));
    let classes = report["choice"]["classes"].as_object().unwrap();
    assert!(classes.len() == 10 && classes.values().all(|class| !class["reason"].as_str().unwrap().is_empty()));
    let file = path.join("found/choice.toml");
    let choice = Choice::read(&file).unwrap();
    let classes = candle_augment::Dataset::classes(&digits().unwrap()).to_vec();
    let (mixture, _) = gate::open(&file, &classes).unwrap();
    assert_eq!(mixture, Mixture::Auto(choice.clone()));
    for name in choice.used_sources() {
        assert!(path.join("found").join(&choice.sources[name]).exists(), "{name}");
    }
    refuse(path, &[&["gate"], &QUICK[..], &["--out", "found"]].concat(), &["there is a choice already: add --force"]);
    let hurried = [&["gate"], &QUICK[..], &["--minutes", "0.0001", "--out", "found", "--force"]].concat();
    let text = succeed(path, &hurried);
    assert!(text.contains("not measured") && text.contains("No class gets synthetic samples"), "{text}");
}

#[test]
fn the_arm_auto_keeps_its_choice() {
    let folder = scratch();
    let path = folder.path();
    let options = [&["compare"], &QUICK[..], &["--arms", "auto", "--learning-rate", "0.004"]].concat();
    let first = json(path, &[&options[..], &["--gate-minutes", "0.1", "--seeds", "1"]].concat());
    assert_eq!(first["arms"].as_array().unwrap().len(), 2, "classic and auto");
    assert_eq!(first["choice"]["classes"].as_object().unwrap().len(), 10);
    let second = json(path, &[&options[..], &["--gate-minutes", "0.1", "--seeds", "2", "--resume"]].concat());
    assert_eq!(first["choice"], second["choice"]);
    let values = |report: &serde_json::Value| report["arms"][1]["figures"]["balanced_accuracy"]["values"][0].clone();
    assert_eq!(values(&first), values(&second));
    // Without synthetic samples it is the classic transforms.
    if second["choice"]["classes"].as_object().unwrap().values().all(|class| class["share"] == 0.0) {
        let of = |arm: usize| second["arms"][arm]["figures"]["balanced_accuracy"]["values"].clone();
        assert_eq!(of(0), of(1));
    }
}

#[test]
fn bad_options_are_refused() {
    let folder = scratch();
    let path = folder.path();
    let gate = |more: &[&str], words: &str| {
        refuse(path, &[&["gate", "digits"], more].concat(), &[words]);
    };
    gate(&["--minutes", "0"], "give a number of minutes above 0");
    gate(&["--minutes", "-1"], "above 0");
    gate(&["--shares", "0.3,0"], "expected above 0 and at most 1");
    gate(&["--shares", "nan"], "expected above 0 and at most 1");
    gate(&["--folds", "1"], "2 to 10");
    gate(&["--repeats", "1"], "2 at least");
    gate(&["--copy-budget", "1.5"], "share from 0 to 1");
    gate(&["--ramp", "2"], "between 0 and 1");
    put(path, "file", b"no folder");
    refuse(path, &["gate", "digits", "--out", "file"], &["file"]);
    refuse(path, &["gate", "missing"], &["missing"]);
    let compare = ["compare", "digits", "--arms", "auto", "--gate-minutes", "9", "--minutes", "1"];
    refuse(path, &compare, &["--gate-minutes is more than --minutes"]);
}
