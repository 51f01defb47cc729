//! `evaluate`: the table, JSON, the pictures, and inputs that it refuses.
#![cfg(feature = "cli")]

mod common;

use std::path::Path;

use candle_augment::gan::{GanConfig, TrainedOn, Trainer};
use candle_augment::{DatasetExt, digits};
use candle_core::Device;
use common::data::{gradient, png, put, scratch};
use common::program::{json, pets, refuse, run, stderr, stdout, succeed};

const GAN: &str = "gan.safetensors";

/// A checkpoint of a small GAN for gray images of 8×8 pixels that has learnt nothing.
fn untrained(folder: &Path, seed: u64, classes: &[&str], trained_on: Option<TrainedOn>) {
    let config = GanConfig {
        latent: 8,
        embedding: 4,
        generator_width: 8,
        discriminator_width: 4,
        seed,
        ..GanConfig::new(8, 1, classes.iter().copied())
    };
    let mut trainer = Trainer::new(config, &Device::Cpu).unwrap();
    if let Some(trained_on) = trained_on {
        trainer.set_trained_on(trained_on);
    }
    trainer.save(folder.join(GAN)).unwrap();
}

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

#[test]
fn it_prints_figures_and_draws_pictures() {
    let folder = scratch();
    let trained_on = TrainedOn::new(&digits().unwrap().per_class(40, 4).unwrap(), "none", None).unwrap();
    untrained(folder.path(), 4, &DIGITS, Some(trained_on.with_held_out(20)));
    let arguments = ["evaluate", "digits", GAN, "--per-class", "40", "--steps", "2", "--out", "found"];
    let report = json(folder.path(), &arguments);
    // Of 40 images of each class `train` holds out two.
    assert_eq!((report["train_images"].as_u64(), report["held_out_images"].as_u64()), (Some(380), Some(20)));
    assert_eq!((&report["held_out_seen"], &report["trained_on_others"]), (&false.into(), &false.into()));
    assert_eq!(report["measures"].as_array().unwrap().len(), 10);
    assert_eq!(report["classes"].as_array().unwrap().len(), 10);
    let accepted = report["acceptance"]["classes"].as_array().unwrap();
    assert!(accepted.len() == 10 && accepted.iter().all(|class| class["made"] == 256), "{accepted:?}");
    let mut names: Vec<_> = std::fs::read_dir(folder.path().join("found"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["classes.png", "evaluation.json", "nearest.png", "samples.png"]);
    let saved = std::fs::read(folder.path().join("found/evaluation.json")).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&saved).unwrap(), report);
    let table = succeed(folder.path(), &["evaluate", "digits", GAN, "--per-class", "40", "--steps", "1"]);
    for words in
        ["Fréchet distance", "copying, Z", "GAN-train", "worse than real images", "wrong class", "pictures: evaluation"]
    {
        assert!(table.contains(words), "{table}");
    }
}

/// Without a test part, and too few images for `train` to hold any out.
#[test]
fn images_that_the_gan_has_seen_are_told() {
    let folder = scratch();
    untrained(folder.path(), 0, &DIGITS, None);
    let output = run(folder.path(), &["evaluate", "digits", GAN, "--per-class", "10", "--steps", "1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("warning: the GAN was trained on the held-out images"), "{}", stderr(&output));
    assert!(stdout(&output).contains("the figures on copies mean little"), "{}", stdout(&output));
}

#[test]
fn a_gan_of_other_images_or_without_any_held_out_is_told() {
    let folder = scratch();
    let trained_on = TrainedOn::new(&digits().unwrap().per_class(40, 0).unwrap(), "none", None).unwrap();
    untrained(folder.path(), 0, &DIGITS, Some(trained_on));
    let evaluate = |count: &str| {
        let arguments = ["evaluate", "digits", GAN, "--per-class", count, "--steps", "1"];
        let output = run(folder.path(), &arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        (stdout(&output), stderr(&output))
    };
    let (own, words) = evaluate("40");
    assert!(own.contains("may have been trained on the held-out images") && !own.contains("other images"), "{own}");
    assert!(!words.contains("other images"), "{words}");
    let (others, words) = evaluate("41");
    assert!(others.contains("It was trained on other images than these"), "{others}");
    assert!(words.contains("give the same, with --per-class"), "{words}");
}

/// A class of two images has one of them held out.
#[test]
fn a_class_of_two_images_has_no_figures_of_its_own() {
    let folder = scratch();
    for index in 0..14 {
        put(folder.path(), &format!("shapes/many/{index}.png"), &png(gradient(20, 20 + index, 1)));
    }
    for index in 0..2 {
        put(folder.path(), &format!("shapes/few/{index}.png"), &png(gradient(20 + index, 20, 1)));
    }
    for index in 0..8 {
        put(folder.path(), &format!("others/many/{index}.png"), &png(gradient(21, 20 + index, 1)));
        put(folder.path(), &format!("others/few/{index}.png"), &png(gradient(20 + index, 21, 1)));
    }
    untrained(folder.path(), 0, &["few", "many"], None);
    let report = json(folder.path(), &["evaluate", "shapes", GAN, "--test", "others", "--steps", "1"]);
    assert_eq!(
        (report["classes"][0]["train_images"].as_u64(), report["held_out_images"].as_u64()),
        (Some(2), Some(16))
    );
    assert_eq!(report["held_out"], "the images of others");
    let metrics = |class: usize| -> Vec<String> {
        let measures = report["classes"][class]["measures"].as_array().unwrap();
        measures.iter().map(|measure| measure["metric"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(metrics(0), ["copy_z", "copy_share", "gan_test"]);
    assert_eq!(metrics(1), ["kernel", "coverage", "copy_z", "copy_share", "gan_test"]);
    // Alone: one image is held out of each class.
    refuse(folder.path(), &["evaluate", "shapes", GAN], &["held-out images", "give more images"]);
}

#[test]
fn what_does_not_fit_is_refused_before_any_work() {
    let folder = scratch();
    pets(folder.path(), "pets");
    untrained(folder.path(), 0, &DIGITS, None);
    refuse(folder.path(), &["evaluate", "pets", GAN], &[GAN, "number of channels"]);
    put(folder.path(), "letters/a/1.png", &png(gradient(8, 8, 1)));
    put(folder.path(), "letters/b/1.png", &png(gradient(8, 8, 1)));
    refuse(folder.path(), &["evaluate", "letters", GAN], &[GAN, "the classes 0, 1, 2", "a, b"]);
    refuse(folder.path(), &["evaluate", "digits", GAN, "--test", "letters"], &["letters", "the classes 0, 1, 2"]);
    refuse(folder.path(), &["evaluate", "nowhere", GAN], &["nowhere"]);
    refuse(folder.path(), &["evaluate", "digits", "digits.txt"], &["digits.txt"]);
    put(folder.path(), "taken", b"a file");
    refuse(folder.path(), &["evaluate", "digits", GAN, "--out", "taken"], &["taken", "--out"]);
    std::fs::create_dir_all(folder.path().join("full/samples.png")).unwrap();
    refuse(folder.path(), &["evaluate", "digits", GAN, "--out", "full"], &["samples.png", "is a folder"]);
}
