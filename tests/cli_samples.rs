//! `sample` as a maker of data sets: folders and arrays that the program itself reads, repeatable, whole or not at all.
#![cfg(feature = "cli")]

mod common;

use std::path::Path;

use candle_augment::gan::{GanConfig, Trainer};
use candle_augment::{Dataset, Image, ImageFolder, Numpy, Part, open_data};
use candle_core::Device;
use common::data::{put, scratch};
use common::program::{json, refuse, run, stderr, succeed};
use tempfile::TempDir;

/// A folder with a GAN, gan.safetensors, that knows three classes, one of them by a name that no folder can have.
fn untrained(channels: usize) -> TempDir {
    let folder = scratch();
    let classes = ["a/b", "cat", "zebra"].map(str::to_owned).to_vec();
    let config = GanConfig { classes, ..common::gan::config(8, channels) };
    Trainer::new(config, &Device::Cpu).unwrap().save(folder.path().join("gan.safetensors")).unwrap();
    folder
}

fn sample(folder: &Path, more: &[&str]) -> serde_json::Value {
    json(folder, &[&["sample", "gan.safetensors"], more].concat())
}

/// The images of a set, with the names of their classes.
fn images(set: &dyn Dataset) -> Vec<(String, Image)> {
    (0..set.len()).map(|i| (set.classes()[set.label(i) as usize].clone(), set.load(i).unwrap())).collect()
}

#[test]
fn folders_and_arrays_hold_the_same_samples() {
    for channels in [1, 3] {
        let folder = untrained(channels);
        let path = folder.path();
        let made = sample(path, &["--format", "folder", "--out", "images", "--per-class", "35"]);
        assert_eq!(
            (&made["samples"], &made["format"], &made["out"]),
            (&105.into(), &"folder".into(), &"images".into())
        );
        sample(path, &["--format", "npy", "--out", "arrays", "--per-class", "35"]);
        let images_set = images(&*open_data(path.join("images"), Part::Train).unwrap());
        assert_eq!(ImageFolder::open(path.join("images")).unwrap().classes(), ["a%2Fb", "cat", "zebra"]);
        let numpy = Numpy::open(path.join("arrays"), Part::Train).unwrap();
        assert_eq!(numpy.class_counts(), [35; 3]);
        let classes: Vec<String> =
            serde_json::from_slice(&std::fs::read(path.join("arrays/classes.json")).unwrap()).unwrap();
        assert_eq!(classes, ["a/b", "cat", "zebra"]);
        let arrays = images(&numpy.with_classes(["a%2Fb", "cat", "zebra"]).unwrap());
        assert!(images_set == arrays, "{channels} channels");
        assert_eq!(images_set[0].1.channels(), channels);
        assert!(images_set[0].1 != images_set[1].1, "samples differ");
        assert_eq!(json(path, &["inspect", "arrays"])["images"], 105);
    }
}

#[test]
fn a_gan_that_has_learnt_nothing_is_told_of() {
    let folder = scratch();
    let path = folder.path();
    succeed(path, &["train", "digits", "--per-class", "9", "--steps", "1"]);
    assert_eq!(sample(path, &[])["learnt"], false);
    let said = succeed(path, &["sample", "gan.safetensors", "--force"]);
    assert!(said.contains("warning: this GAN has learnt nothing yet"), "{said}");
    // One whose training no one watched may have learnt.
    let folder = untrained(1);
    assert!(sample(folder.path(), &[])["learnt"].is_null());
    let said = succeed(folder.path(), &["sample", "gan.safetensors", "--force"]);
    assert!(!said.contains("warning"), "{said}");
}

#[test]
fn a_sample_does_not_depend_on_how_many_are_drawn() {
    let folder = untrained(1);
    let path = folder.path();
    sample(path, &["--format", "folder", "--out", "many", "--per-class", "600", "--workers", "1"]);
    sample(path, &["--format", "folder", "--out", "few", "--per-class", "3", "--class", "zebra", "--workers", "3"]);
    assert_eq!(path.join("few").read_dir().unwrap().count(), 1, "no folder for a class that was not asked for");
    let read = |name: &str| std::fs::read(path.join(name)).unwrap();
    for serial in 0..3 {
        let file = format!("zebra/{serial:07}.png");
        assert!(read(&format!("many/{file}")) == read(&format!("few/{file}")), "{file}");
    }
    assert_eq!(path.join("many/zebra").read_dir().unwrap().count(), 600);
    let arguments = ["--format", "npy", "--per-class", "3"];
    for (name, more) in
        [("plain", &[][..]), ("again", &[]), ("seed", &["--seed", "1"]), ("narrow", &["--truncation", "0.3"])]
    {
        sample(path, &[&arguments[..], &["--out", name], more].concat());
    }
    assert!(read("plain/images.npy") == read("again/images.npy"));
    assert!(read("plain/images.npy") != read("seed/images.npy"));
    assert!(read("plain/images.npy") != read("narrow/images.npy"));
}

#[test]
fn nothing_is_replaced_unasked() {
    let folder = untrained(1);
    let path = folder.path();
    put(path, "grid.png", b"precious");
    put(path, "samples/precious", b"");
    put(path, "file", b"");
    let refuse = |more: &[&str], words: &[&str]| refuse(path, &[&["sample", "gan.safetensors"], more].concat(), words);
    refuse(&[], &["grid.png", "--force", "--out"]);
    for format in ["folder", "npy"] {
        refuse(&["--format", format], &["samples", "remove it", "--out"]);
        refuse(&["--format", format, "--force"], &["samples", "remove it", "--out"]);
        refuse(&["--format", format, "--out", "file"], &["file", "remove it", "--out"]);
        refuse(&["--format", format, "--out", "missing/new"], &["missing", "make it first", "--out"]);
        refuse(&["--format", format, "--out", "file/new"], &["file", "--out"]);
        refuse(&["--format", format, "--out", ".."], &["name of a new folder", "--out"]);
    }
    assert_eq!(std::fs::read(path.join("grid.png")).unwrap(), b"precious");
    sample(path, &["--force"]);
    assert_ne!(std::fs::read(path.join("grid.png")).unwrap(), b"precious");
    assert_eq!(path.join("samples").read_dir().unwrap().count(), 1);
    assert_eq!(path.read_dir().unwrap().count(), 4, "nothing else is left");
}

#[test]
fn numbers_that_cannot_be_meant() {
    let folder = untrained(1);
    let refuse = |more: &[&str], words: &[&str]| {
        refuse(folder.path(), &[&["sample", "gan.safetensors"], more].concat(), words);
    };
    refuse(&["--per-class", "101"], &["at most 100", "--format folder"]);
    refuse(&["--per-class", "0"], &["--per-class"]);
    for truncation in ["0", "-1", "NaN"] {
        refuse(&["--truncation", truncation], &["truncation", "at least 0.01"]);
    }
    refuse(&["--format", "zip"], &["png", "folder", "npy"]);
    refuse(&["--judge-samples", "5"], &["--judge"]);
}

#[test]
fn progress_and_renamed_folders_go_to_standard_error() {
    let folder = untrained(1);
    let output = run(folder.path(), &["sample", "gan.safetensors", "--format", "folder", "--per-class", "2"]);
    let told = stderr(&output);
    assert!(
        told.contains("the folder of the class \"a/b\" is \"a%2Fb\"") && told.contains("sample: 6 images"),
        "{told}"
    );
    assert!(succeed(folder.path(), &["inspect", "samples"]).contains("6 images in 3 classes"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    for format in ["folder", "npy"] {
        let folder = untrained(1);
        let path = folder.path();
        let arguments = ["sample", "gan.safetensors", "--format", format, "--per-class", "100000000"];
        let mut child =
            common::program::program(path, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while path.read_dir().unwrap().count() < 2 {
            assert!(child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(130), "{told}");
        assert!(told.contains("leaving nothing behind") && told.contains("of 300000000 images"), "{told}");
        assert!(output.stdout.is_empty());
        assert_eq!(path.read_dir().unwrap().count(), 1, "only the checkpoint is left");
        sample(path, &["--format", format, "--per-class", "1"]);
        let mode = path.join("samples").metadata().unwrap().permissions().mode();
        assert_ne!(mode & 0o055, 0, "others may read it, as far as the user's mask allows");
    }
}
