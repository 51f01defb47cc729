//! Images that are not square: stretched up to 4:1, refused beyond.
#![cfg(feature = "cli")]

mod common;

use common::data::{gradient, png, put, scratch};
use common::program::{refuse, run, stderr, stdout};

#[test]
fn images_of_other_shapes_are_stretched_and_the_size_is_in_their_middle() {
    let folder = scratch();
    for (name, height, width) in [("a/1", 10, 20), ("a/2", 12, 12), ("b/1", 12, 9), ("b/2", 100, 90)] {
        put(folder.path(), &format!("set/{name}.png"), &png(gradient(height, width, 3)));
    }
    let output = run(folder.path(), &["train", "set", "--steps", "2", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("3 of 4 images are not square: they are stretched to 20×20"),
        "{}",
        stderr(&output)
    );
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("it prints JSON");
    assert_eq!(report["size"], 20);
}

#[test]
fn images_that_a_square_would_distort_are_refused_by_name() {
    let folder = scratch();
    for (name, height, width) in [("a/1", 10, 41), ("a/2", 12, 12), ("b/1", 12, 12), ("b/2", 12, 12)] {
        put(folder.path(), &format!("set/{name}.png"), &png(gradient(height, width, 3)));
    }
    for arguments in
        [&["train", "set"][..], &["compare", "set", "--seeds", "1"], &["train", "digits", "--unlabelled", "set"]]
    {
        refuse(folder.path(), arguments, &["41×10", "4 times as wide as high", "crop it, or pad it", "1.png"]);
    }
    put(folder.path(), "set/a/3.png", &png(gradient(50, 10, 3)));
    refuse(folder.path(), &["train", "set"], &["2 of 5 images", "1.png", "3.png", "as high as wide"]);
}
