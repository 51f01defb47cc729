//! Options that are easily misread: sizes with a given GAN, negative numbers, defaults, names given twice.
#![cfg(feature = "cli")]

mod common;

use common::data::{gradient, png, put, scratch};
use common::program::{json, refuse, succeed};

#[test]
fn a_gan_of_another_size_is_refused_until_its_size_is_asked_for() {
    let folder = scratch();
    for set in ["pets", "others"] {
        for image in ["cat/a", "cat/b", "dog/a", "dog/b"] {
            put(folder.path(), &format!("{set}/{image}.png"), &png(gradient(16, 16, 3)));
        }
    }
    succeed(folder.path(), &["train", "pets", "--steps", "2", "--size", "8"]);
    let compare = ["compare", "pets", "--test", "others", "--gan", "gan.safetensors", "--seeds", "1", "--steps", "1"];
    refuse(folder.path(), &compare, &["gan.safetensors", "8 pixels", "at 16", "--size 8"]);
    assert_eq!(json(folder.path(), &[&compare[..], &["--size", "8"]].concat())["size"], 8);
}

#[test]
fn negative_numbers_are_values_and_refused_as_such() {
    let cases: [(&[&str], &str); 7] = [
        (&["compare", "digits", "--share", "-0.5"], "between 0 and 1"),
        (&["compare", "digits", "--minutes", "-1"], "--minutes"),
        (&["compare", "digits", "--imbalance", "-2"], "at least 1"),
        (&["compare", "digits", "--rotate", "-5"], "degrees"),
        (&["train", "digits", "--minutes", "-1"], "--minutes"),
        (&["train", "digits", "--rotate", "-5"], "degrees"),
        (&["preview", "digits", "--jitter", "-0.5"], "brightness"),
    ];
    for (arguments, word) in cases {
        let message = refuse(scratch().path(), arguments, &[word]);
        assert!(!message.contains("unexpected argument"), "{message}");
    }
}

#[test]
fn devices_and_numbers_that_this_program_cannot_use_are_refused_before_the_work() {
    for (device, is_built) in [("cuda", cfg!(feature = "cuda")), ("metal", cfg!(feature = "metal"))] {
        if is_built {
            continue;
        }
        let words = [device, "built without", &format!("--features {device}")];
        refuse(scratch().path(), &["train", "digits", "--device", device], &words);
        refuse(scratch().path(), &["sample", "gan.safetensors", "--device", device], &words);
    }
    refuse(scratch().path(), &["train", "digits", "--precision", "bf16"], &["bf16", "GPUs", "--device cuda"]);
    refuse(scratch().path(), &["train", "digits", "--precision", "f64"], &["f32 or bf16", "f64"]);
    refuse(scratch().path(), &["train", "digits", "--device", "tpu"], &["cpu, cuda, metal"]);
}

#[test]
fn no_image_of_a_class_is_too_few() {
    for command in ["train", "compare"] {
        refuse(scratch().path(), &[command, "digits", "--per-class", "0"], &["--per-class", "not in 1.."]);
    }
}

#[test]
fn a_folder_in_the_place_of_a_picture_is_refused_before_the_work() {
    for name in ["gan.samples.png", "gan.training.png", "gan.metrics.jsonl"] {
        let folder = scratch();
        std::fs::create_dir(folder.path().join(name)).unwrap();
        refuse(folder.path(), &["train", "digits", "--minutes", "60"], &[name, "folder"]);
    }
}

#[test]
fn help_tells_the_defaults_of_both_networks() {
    for command in ["train", "compare", "preview"] {
        let help = succeed(scratch().path(), &[command, "--help"]).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("[default: 15 for a classifier, 0 for a GAN]"), "{command}: {help}");
    }
}

#[test]
fn a_class_given_twice_is_drawn_once() {
    let folder = scratch();
    succeed(folder.path(), &["train", "digits", "--steps", "1"]);
    let arguments = ["sample", "gan.safetensors", "--class", "3", "--class", "3"];
    assert_eq!(json(folder.path(), &arguments)["classes"], serde_json::json!(["3"]));
    let again = succeed(folder.path(), &[&arguments[..], &["--force"]].concat());
    assert!(again.contains("10 samples of 1 class after 1 step: grid.png"), "{again}");
}
