//! What the program writes and prints when all is well.
#![cfg(feature = "cli")]

mod common;

use std::path::Path;

use candle_augment::Pipeline;
use common::data::{gradient, png, put, scratch};
use common::program::{json, pets, run, stderr, succeed};

/// Width and height of a PNG file.
fn picture(path: &Path) -> (u32, u32) {
    let bytes = std::fs::read(path).unwrap();
    let picture = image::load_from_memory_with_format(&bytes, image::ImageFormat::Png).unwrap();
    (picture.width(), picture.height())
}

#[test]
fn inspect_counts() {
    let folder = scratch();
    let found = json(folder.path(), &["inspect", "digits"]);
    assert_eq!(found["images"], 1797);
    assert_eq!(found["classes"].as_array().unwrap().len(), 10);
    assert!(succeed(folder.path(), &["inspect", "digits"]).contains("1797 images in 10 classes"));
}

#[test]
fn preview_follows_its_options() {
    let folder = scratch();
    for class in ["cat", "dog"] {
        put(folder.path(), &format!("data/{class}/a.png"), &png(gradient(20, 30, 3)));
    }
    let sheet = folder.path().join("sheet.png");
    let default = json(folder.path(), &["preview", "data"]);
    assert!(default["transforms"].as_str().unwrap().contains("horizontal flip"));
    let (width, height) = picture(&sheet);
    let plain = json(folder.path(), &["preview", "data", "--draws", "3", "--rows", "1", "--no-flip", "--rotate", "0"]);
    assert!(!plain["transforms"].as_str().unwrap().contains("flip"));
    let (narrow, low) = picture(&sheet);
    assert!(narrow < width && low < height);
    let first = std::fs::read(&sheet).unwrap();
    succeed(folder.path(), &["preview", "data", "--draws", "3", "--rows", "1", "--no-flip", "--rotate", "0"]);
    assert_eq!(std::fs::read(&sheet).unwrap(), first, "the same seed draws the same sheet");
}

#[test]
fn preview_draws_the_pipeline_of_a_file() {
    let folder = scratch();
    let path = folder.path();
    let toml = "[[transforms]]\nRandomCrop = { size = 6 }\n\n[[transforms]]\nPerClass = { classes = { \"8\" = [{ RandomHorizontalFlip = {} }] } }\n";
    put(path, "pipeline.toml", toml.as_bytes());
    let found = json(path, &["preview", "digits", "--pipeline", "pipeline.toml"]);
    assert_eq!(found["transforms"], "RandomCrop, PerClass");
    let sheet = || std::fs::read(path.join("sheet.png")).unwrap();
    let (_, low) = picture(&path.join("sheet.png"));
    let first = sheet();
    let same = Pipeline::from_toml(toml).unwrap();
    same.write(path.join("pipeline.json")).unwrap();
    succeed(path, &["preview", "digits", "--pipeline", "pipeline.json"]);
    assert_eq!(sheet(), first, "the same pipeline draws the same sheet");
    succeed(path, &["preview", "digits", "--pipeline", "pipeline.json", "--seed", "1"]);
    assert_ne!(sheet(), first, "another seed draws another sheet");

    put(path, "long.toml", toml.repeat(5).replace("size = 6", "size = 6, padding = 1").as_bytes());
    succeed(path, &["preview", "digits", "--pipeline", "long.toml"]);
    assert!(picture(&path.join("sheet.png")).1 > low + 10 * 8 * 13, "there is a line for each operation");
    put(path, "none.toml", b"transforms = []");
    assert!(succeed(path, &["preview", "digits", "--pipeline", "none.toml"]).contains("transforms: none"));
}

#[cfg(unix)]
#[test]
fn training_resumed_is_training_not_stopped() {
    const STEPS: u64 = 60;
    let folder = scratch();
    let path = folder.path();
    let data = ["train", "digits", "--per-class", "20"];
    let train = |out: &str, steps: u64, more: &[&str]| {
        json(path, &[&data[..], &["--steps", &steps.to_string(), "--out", out], more].concat())
    };
    let options = ["--seed", "3", "--batch-size", "30"];
    let whole = train("whole.safetensors", STEPS, &[&options[..], &["--workers", "0"]].concat());
    let steps = STEPS.to_string();
    let parts = ["--steps", &steps, "--out", "parts.safetensors", "--workers", "1", "--json"];
    let stopped = interrupted(path, &[&data[..], &options, &parts].concat());
    let made = stopped["steps"].as_u64().unwrap();
    let parts = train("parts.safetensors", STEPS - made, &["--workers", "2", "--resume"]);
    assert_eq!(
        (&whole["steps"], &parts["steps"], &parts["steps_made"]),
        (&STEPS.into(), &STEPS.into(), &(STEPS - made).into())
    );
    let bytes = |name: &str| std::fs::read(path.join(name)).unwrap();
    assert!(bytes("whole.safetensors") == bytes("parts.safetensors"), "the weights differ");
    assert!(bytes("whole.samples.png") == bytes("parts.samples.png"), "the samples differ");
    assert!(bytes("whole.metrics.jsonl") == bytes("parts.metrics.jsonl"), "the metrics differ");
    assert!(bytes("whole.training.png") == bytes("parts.training.png"), "the curves differ");
    picture(&path.join("whole.training.png"));
}

#[test]
fn samples_are_drawn_and_judged() {
    let folder = scratch();
    let path = folder.path();
    succeed(path, &["train", "digits", "--steps", "20", "--loss", "hinge"]);
    let all = json(path, &["sample", "gan.safetensors", "--judge", "digits", "--judge-samples", "50"]);
    assert_eq!(all["classes"].as_array().unwrap().len(), 10);
    let judgement = &all["judgement"];
    assert_eq!(judgement["samples"], 50);
    assert!(judgement["judge_accuracy"].as_f64().unwrap() > 0.9, "{judgement}");
    let agreement = judgement["agreement"].as_f64().unwrap();
    let classes = judgement["classes"].as_array().unwrap().iter().map(|class| class["agreement"].as_f64().unwrap());
    assert!((classes.sum::<f64>() / 10.0 - agreement).abs() < 1e-9, "{judgement}");
    let (_, height) = picture(&path.join("grid.png"));
    let arguments = ["sample", "gan.safetensors", "--class", "7", "--class", "1", "--out", "two.png"];
    let two = json(path, &arguments);
    assert_eq!(two["classes"], serde_json::json!(["7", "1"]));
    assert!(picture(&path.join("two.png")).1 < height / 3);
}

#[test]
fn comparisons_hold_the_test_part_out() {
    let folder = scratch();
    let path = folder.path();
    let arguments = [
        "compare",
        "digits",
        "--per-class",
        "20",
        "--imbalance",
        "4",
        "--minutes",
        "0.01",
        "--seeds",
        "2",
        "--steps",
        "5",
    ];
    let split = json(path, &arguments);
    assert_eq!(split["held_out_images"], 359);
    assert_eq!(split["arms"].as_array().unwrap().len(), 3);
    let counts: Vec<_> =
        split["classes"].as_array().unwrap().iter().map(|class| class["train_images"].as_u64().unwrap()).collect();
    assert_eq!((counts[0], counts[9]), (20, 5));
    pets(path, "pets");
    pets(path, "more");
    succeed(path, &["train", "pets", "--steps", "1"]);
    let given = ["compare", "pets", "--test", "more", "--gan", "gan.safetensors", "--seeds", "1", "--steps", "2"];
    assert_eq!(json(path, &given)["held_out_images"], 4);
}

#[test]
fn progress_goes_to_standard_error() {
    let folder = scratch();
    let output = run(folder.path(), &["train", "digits", "--steps", "3", "--json"]);
    assert!(stderr(&output).contains("train: 3 steps"));
    assert!(!stderr(&output).contains('\u{1b}'), "no control characters off a terminal");
}

#[test]
fn help_shows_examples() {
    let folder = scratch();
    for command in ["demo", "inspect", "train", "sample", "evaluate", "preview", "compare"] {
        let help = succeed(folder.path(), &[command, "--help"]);
        for word in ["Examples:", "--seed", "--workers", "--json"] {
            assert!(help.contains(word), "{command}: {word}");
        }
    }
    let help = succeed(folder.path(), &["replay", "--help"]);
    assert!(help.contains("Examples:") && help.contains("--json"), "{help}");
}

/// What the program says of a training that Ctrl-C stopped soon after it began.
#[cfg(unix)]
fn interrupted(folder: &std::path::Path, arguments: &[&str]) -> serde_json::Value {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let mut child =
        common::program::program(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("train the examiner: 100 steps") {
        line.clear();
        assert_ne!(messages.read_line(&mut line).unwrap(), 0, "it ended before the training");
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut rest = String::new();
    messages.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{rest}");
    assert!(rest.contains("--resume"), "{rest}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["stopped"], true);
    result
}

#[cfg(unix)]
#[test]
fn an_interrupt_saves_the_checkpoint() {
    let folder = scratch();
    let result = interrupted(folder.path(), &["train", "digits", "--minutes", "10", "--json"]);
    let resumed = json(folder.path(), &["train", "digits", "--steps", "1", "--resume"]);
    assert_eq!(resumed["steps"].as_u64(), result["steps"].as_u64().map(|steps| steps + 1));
}
