//! Checkpoints that cannot be used: exit status 2, and a message that names the file.
#![cfg(feature = "cli")]

mod common;

use std::path::Path;

use common::data::{put, scratch};
use common::program::{pets, refuse, succeed};

/// What reads a checkpoint.
const READERS: [&[&str]; 4] = [
    &["sample", "gan.safetensors"],
    &["train", "digits", "--steps", "1", "--resume"],
    &["compare", "digits", "--test", "pets", "--gan", "gan.safetensors"],
    &["evaluate", "digits", "gan.safetensors"],
];

fn all_refuse(folder: &Path, words: &[&str]) {
    pets(folder, "pets");
    for reader in READERS {
        refuse(folder, reader, &[&["gan.safetensors"], words].concat());
    }
    assert!(!folder.join("grid.png").exists());
}

fn trained(arguments: &[&str]) -> tempfile::TempDir {
    let folder = scratch();
    pets(folder.path(), "pets");
    succeed(folder.path(), &[&["train", "--steps", "1"], arguments].concat());
    folder
}

#[test]
fn missing() {
    all_refuse(scratch().path(), &["name a file that `train` wrote"]);
}

#[test]
fn not_safetensors() {
    let folder = scratch();
    put(folder.path(), "gan.safetensors", b"this is text");
    all_refuse(folder.path(), &["expected a safetensors file that `train` wrote", "name another file"]);
}

#[test]
fn truncated() {
    let folder = trained(&["digits"]);
    let path = folder.path().join("gan.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        all_refuse(
            folder.path(),
            &["safetensors file", if length < 8 { "name another file" } else { "copy it again" }],
        );
    }
}

#[test]
fn of_other_classes_or_another_size() {
    let folder = trained(&["pets"]);
    let words = ["the GAN was trained for"];
    for reader in &READERS[1..] {
        refuse(folder.path(), reader, &[&["gan.safetensors"], &words[..]].concat());
    }
    let folder = trained(&["digits", "--size", "16"]);
    let arguments = ["train", "digits", "--steps", "1", "--resume", "--size", "8"];
    refuse(folder.path(), &arguments, &["gan.safetensors", "size 16", "8"]);
}

#[test]
fn of_another_loss_or_batch_size() {
    let folder = trained(&["digits", "--loss", "hinge"]);
    let resume = ["train", "digits", "--steps", "1", "--resume"];
    let refuse = |more: [&str; 2], words| refuse(folder.path(), &[&resume[..], &more].concat(), words);
    refuse(["--loss", "minimax"], &["gan.safetensors", "hinge", "minimax", "leave --loss out"]);
    refuse(["--batch-size", "30"], &["gan.safetensors", "64 images in a step", "leave --batch-size out"]);
}

#[test]
fn of_other_data_or_transforms() {
    let folder = trained(&["digits", "--per-class", "9"]);
    let before = std::fs::read(folder.path().join("gan.safetensors")).unwrap();
    let resume = ["train", "digits", "--steps", "1", "--resume"];
    let refuse = |more: &[&str], words: &str| refuse(folder.path(), &[&resume[..], more].concat(), &[words]);
    refuse(&[], "trained on 90 images, not on these 1797");
    refuse(&["--per-class", "9", "--rotate", "5"], "the transforms \"none\", not \"rotation ±5°\"");
    refuse(&["--per-class", "9", "--unlabelled", "pets"], "without unlabelled images: leave them out");
    assert!(before == std::fs::read(folder.path().join("gan.safetensors")).unwrap());
    succeed(folder.path(), &[&resume[..], &["--per-class", "9"]].concat());
}

#[test]
fn unknown_classes() {
    let folder = trained(&["digits"]);
    refuse(folder.path(), &["sample", "gan.safetensors", "--class", "cat"], &["cat", "0, 1, 2"]);
    refuse(folder.path(), &["sample", "gan.safetensors", "--judge", "pets"], &["cat", "same classes"]);
    assert!(!folder.path().join("grid.png").exists());
}
