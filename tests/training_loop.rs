//! The example of a training loop: a run that stops in the middle of an epoch and goes on has the losses of one that never stopped.
#![cfg(feature = "cli")]

mod common;

#[allow(dead_code)]
#[path = "../examples/train.rs"]
mod example;

use std::path::Path;

use clap::Parser;
use common::data::{gradient, png, put, scratch};
use example::{Args, run};

/// The bits of the losses of a run with these options, its checkpoint at `checkpoint`.
fn losses(checkpoint: &Path, options: &[&str]) -> Vec<u32> {
    let checkpoint = checkpoint.to_str().expect("the scratch folder has a name in UTF-8");
    let arguments = ["train", "--checkpoint", checkpoint].into_iter().chain(options.iter().copied());
    let losses = run(&Args::parse_from(arguments)).expect("nothing fails here");
    losses.into_iter().map(f32::to_bits).collect()
}

#[test]
fn a_run_stopped_in_the_middle_of_an_epoch_has_the_same_losses() {
    let folder = scratch();
    let whole = losses(&folder.path().join("whole.safetensors"), &["--epochs", "3"]);
    let first = f32::from_bits(whole[0]);
    assert!(whole.len() > 100 && whole[100..].iter().all(|&loss| f32::from_bits(loss) < first), "it learns");

    let parts = folder.path().join("parts.safetensors");
    let mut joined = losses(&parts, &["--epochs", "3", "--stop-after", "17"]);
    // In the middle of another epoch, and at the end of one.
    for steps in ["40", "33"] {
        joined.extend(losses(&parts, &["--epochs", "3", "--resume", "--stop-after", steps]));
    }
    assert_eq!(joined, whole[..90]);
    joined.extend(losses(&parts, &["--epochs", "3", "--resume"]));
    assert_eq!(joined, whole);
    let bytes = |path| std::fs::read(path).expect("the run saved it");
    assert!(bytes(folder.path().join("whole.safetensors")) == bytes(parts), "the weights differ");
}

#[test]
fn it_trains_on_a_folder_and_another_seed_is_another_run() {
    let folder = scratch();
    for class in ["cat", "dog"] {
        for image in 0..6 {
            put(folder.path(), &format!("data/{class}/{image}.png"), &png(gradient(20 + image, 24, 3)));
        }
    }
    let data = folder.path().join("data");
    let data = data.to_str().expect("the scratch folder has a name in UTF-8");
    let run = |seed| losses(&folder.path().join("folder.safetensors"), &[data, "--epochs", "2", "--seed", seed]);
    assert_eq!(run("1"), run("1"));
    assert_ne!(run("1"), run("2"));
}

#[test]
fn the_checkpoint_of_other_data_is_refused() {
    let folder = scratch();
    let checkpoint = folder.path().join("train.safetensors");
    losses(&checkpoint, &["--stop-after", "3"]);
    let checkpoint = checkpoint.to_str().expect("the scratch folder has a name in UTF-8");
    let error = |options: &[&str]| {
        let arguments = ["train", "--resume", "--checkpoint", checkpoint].into_iter().chain(options.iter().copied());
        run(&Args::parse_from(arguments)).expect_err("it does not fit").to_string()
    };
    assert!(error(&["--seed", "1"]).contains("seed"), "{}", error(&["--seed", "1"]));
    std::fs::write(checkpoint, "this is text").expect("the scratch folder is writable");
    error(&[]);
}
