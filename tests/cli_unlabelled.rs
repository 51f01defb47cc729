//! `train --unlabelled`: images without classes join the training, from a folder of any shape.
#![cfg(feature = "cli")]

mod common;

use common::data::{gradient, png, put, scratch};
use common::program::{json, pets, refuse, succeed};

const TRAIN: [&str; 4] = ["train", "pets", "--steps", "3"];

#[test]
fn folders_of_any_shape_are_taken_whatever_the_size_and_colour_of_their_images() {
    let folder = scratch();
    pets(folder.path(), "pets");
    put(folder.path(), "more/beside.png", &png(gradient(8, 8, 1)));
    put(folder.path(), "more/below/a.png", &png(gradient(20, 30, 3)));
    put(folder.path(), "more/below/deep/b.png", &png(gradient(5, 5, 3)));
    let report = json(folder.path(), &[&TRAIN[..], &["--unlabelled", "more"]].concat());
    assert_eq!((&report["images"], &report["unlabelled"], &report["channels"]), (&4.into(), &3.into(), &3.into()));
    assert!(report["last"]["d_unlabelled"].is_number(), "{report}");
    let plain = json(folder.path(), &[&TRAIN[..], &["--force"]].concat());
    assert!(plain["unlabelled"].is_null() && plain["last"]["d_unlabelled"].is_null(), "{plain}");
    let text = succeed(folder.path(), &[&TRAIN[..], &["--force", "--unlabelled", "digits"]].concat());
    assert!(text.contains("2 classes and 1797 unlabelled ones"), "{text}");
}

#[test]
fn folders_that_hold_nothing_to_learn_from_are_refused() {
    let folder = scratch();
    pets(folder.path(), "pets");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    put(folder.path(), "texts/notes.txt", b"text");
    put(folder.path(), "single/a.png", &png(gradient(8, 8, 3)));
    put(folder.path(), "broken/a.png", b"no image");
    put(folder.path(), "broken/b.png", &png(gradient(8, 8, 3)));
    let cases: [(&str, &[&str]); 5] = [
        ("missing", &["missing", "cannot open"]),
        ("empty", &["empty"]),
        ("texts", &["texts", "found none", ".png"]),
        ("single", &["--unlabelled", "at least 2"]),
        ("broken", &["a.png"]),
    ];
    for (data, words) in cases {
        refuse(folder.path(), &[&TRAIN[..], &["--unlabelled", data]].concat(), words);
    }
}
