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
    refuse(
        path,
        &[&["gate"], &QUICK[..], &["--out", "found"]].concat(),
        &["choice.toml", "is there already: add --force"],
    );
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
    // A choice that was interrupted before its sources were looked through for copies: they are made, and looked through.
    let runs = path.join("candle-augment-compare/runs.json");
    let mut stored: serde_json::Value = serde_json::from_slice(&std::fs::read(&runs).unwrap()).unwrap();
    let class = serde_json::json!({ "source": "interpolation", "share": 0.5, "reason": "by hand" });
    stored["chosen"]["choice"]["classes"]["3"] = class;
    // Whatever the time sufficed for, something was measured.
    let measured =
        serde_json::json!([{ "source": "interpolation", "share": 0.3, "gain": 0.0, "bound": 0.0, "classes": {} }]);
    stored["chosen"]["choice"]["measured"] = measured;
    stored["chosen"]["is_checked"] = false.into();
    stored["record"] = serde_json::Value::Null;
    std::fs::write(&runs, stored.to_string()).unwrap();
    let third = json(path, &[&options[..], &["--gate-minutes", "0.1", "--seeds", "1", "--resume"]].concat());
    let reason = third["choice"]["classes"]["3"]["reason"].as_str().unwrap();
    assert!(["by hand", "of the samples of interpolation"].iter().any(|words| reason.contains(words)), "{reason}");
    assert!(third["autoencoder_steps"].as_u64() >= Some(10));
    let stored: serde_json::Value = serde_json::from_slice(&std::fs::read(&runs).unwrap()).unwrap();
    assert_eq!(stored["chosen"]["is_checked"], true);
    let other = [&options[..], &["--copy-budget", "0.2", "--gate-minutes", "0.1", "--resume"]].concat();
    refuse(path, &other, &["a choice by other options", "--copy-budget 0.15"]);
    // A bad option replaces nothing.
    let before = std::fs::read(&runs).unwrap();
    refuse(path, &["compare", "digits", "--arms", "auto", "--shares", "0", "--force"], &["expected above 0"]);
    assert!(std::fs::read(&runs).unwrap() == before);
    let others = [&options[..], &["--gate-minutes", "0.1", "--seed", "5", "--resume"]].concat();
    refuse(path, &others, &["--seed was 0 and is 5 now"]);
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
    gate(&["--repeats", "1"], "2 to 1000");
    gate(&["--copy-budget", "1.5"], "share from 0 to 1");
    put(path, "file", b"no folder");
    refuse(path, &["gate", "digits", "--out", "file"], &["file"]);
    refuse(path, &["gate", "missing"], &["missing"]);
    let compare = ["compare", "digits", "--arms", "auto", "--gate-minutes", "9", "--minutes", "1"];
    refuse(path, &compare, &["--gate-minutes is more than --minutes"]);
    let compare = ["compare", "digits", "--arms", "auto", "--gan-minutes", "3", "--gate-minutes", "15"];
    refuse(path, &compare, &["4 GANs of 3.0 minutes", "leave no time to measure"]);
    let compare = ["compare", "digits", "--arms", "auto", "--gan-minutes", "3e17"];
    refuse(path, &compare, &["leave no time to measure"]);
    put(path, "there/gan.safetensors", b"mine");
    gate(&["--out", "there"], "is there already");
    assert_eq!(std::fs::read(path.join("there/gan.safetensors")).unwrap(), b"mine");
}
