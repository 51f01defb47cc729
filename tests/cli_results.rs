//! What the program writes and prints when all is well.
#![cfg(feature = "cli")]

mod common;

use std::path::Path;

use candle_augment::Pipeline;
use common::data::{gradient, png, put, scratch};
use common::program::{json, pets, refuse, run, stderr, succeed};

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
    let stopped = interrupted(path, &[&data[..], &options, &parts].concat(), "train the autoencoder: 20 steps");
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
    let arguments = ["compare", "digits", "--per-class", "20", "--imbalance", "4", "--gan-minutes", "0.01"];
    let split = json(path, &[&arguments[..], &["--seeds", "2", "--steps", "5"]].concat());
    assert_eq!(split["held_out_images"], 359);
    let names: Vec<_> = split["arms"].as_array().unwrap().iter().map(|arm| arm["arm"].as_str().unwrap()).collect();
    assert_eq!(names, ["none", "oversampling", "classic", "gan+classic"]);
    assert_eq!(train_images(&split), [20, 17, 15, 13, 11, 9, 8, 7, 6, 5]);
    pets(path, "pets");
    pets(path, "more");
    succeed(path, &["train", "pets", "--steps", "1", "--out", "pets.safetensors"]);
    let given = ["compare", "pets", "--test", "more", "--gan", "pets.safetensors", "--seeds", "1", "--steps", "2"];
    assert_eq!(json(path, &[&given[..], &["--out", "pets.compared"]].concat())["held_out_images"], 4);
}

fn train_images(report: &serde_json::Value) -> Vec<u64> {
    let classes = report["classes"].as_array().unwrap();
    classes.iter().map(|class| class["train_images"].as_u64().unwrap()).collect()
}

/// Few arms and steps, at one learning rate.
const QUICK: [&str; 8] = ["compare", "digits", "--arms", "none,smote", "--learning-rate", "0.01", "--steps", "4"];

#[test]
fn comparisons_thin_out_classes_as_they_are_told() {
    let folder = scratch();
    let counts =
        |more: &[&str]| train_images(&json(folder.path(), &[&QUICK[..], &["--force", "--seeds", "1"], more].concat()));
    let given = "90,80,70,60,50,40,30,20,10,1";
    let expected: Vec<u64> = given.split(',').map(|count| count.parse().unwrap()).collect();
    assert_eq!(counts(&["--counts", given]), expected);
    assert_eq!(counts(&["--per-class", "9", "--rare", "8=2", "--rare", "0=3"]), [3, 9, 9, 9, 9, 9, 9, 9, 2, 9]);
}

#[test]
fn comparisons_write_their_results_and_go_on() {
    let folder = scratch();
    let path = folder.path();
    let run = |more: &[&str]| json(path, &[&QUICK[..], &["--per-class", "9"], more].concat());
    let first = run(&["--seeds", "2", "--out", "parts"]);
    let second = run(&["--seeds", "3", "--out", "parts", "--resume", "--workers", "0"]);
    let whole = run(&["--seeds", "3", "--out", "whole"]);
    assert_eq!((&second["arms"], &second["seeds"]), (&whole["arms"], &serde_json::json!([0, 1, 2])));
    let values = |report: &serde_json::Value, count| {
        report["arms"][1]["macro_f1"]["values"].as_array().unwrap()[..count].to_vec()
    };
    assert_eq!(values(&second, 2), values(&first, 2));
    let written = |name: &str| std::fs::read_to_string(path.join("parts").join(name)).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&written("result.json")).unwrap(), second);
    assert_eq!(written("result.csv").lines().count(), 1 + 3 * 3);
    assert!(picture(&path.join("parts/result.png")).1 > 200);

    let again = |more: &[&str], words: &[&str]| {
        refuse(path, &[&QUICK[..], &["--per-class", "9", "--out", "parts"], more].concat(), words)
    };
    again(&[], &["parts", "--resume", "--force"]);
    again(&["--resume", "--share", "0.5"], &["runs.json", "--share was 0.3 and is 0.5 now", "--force"]);
    again(&["--resume", "--fill-to", "50"], &["--fill-to was not given and is 50 now"]);
    again(&["--arms", "smote", "--filter", "--force"], &["--filter", "name one of these"]);
    again(&["--resume", "--rare", "8=3"], &["runs.json", "other training images"]);
    put(path, "parts/runs.json", b"{");
    again(&["--resume"], &["runs.json", "--force"]);
    std::fs::remove_file(path.join("parts/runs.json")).unwrap();
    again(&["--resume"], &["runs.json", "cannot"]);
}

#[test]
fn samples_of_a_gan_are_filtered_if_asked_for() {
    let folder = scratch();
    let all = ["compare", "digits", "--per-class", "12", "--steps", "20", "--learning-rate", "0.01", "--share", "0.5"];
    let options = |arms, more: &[&'static str]| [&all[..], &["--gan-minutes", "0.05", "--arms", arms], more].concat();
    let run = |arms, more: &[&'static str]| json(folder.path(), &options(arms, more));
    let report = run("gan", &["--filter", "--seeds", "1"]);
    let judged = report["acceptance"]["classes"].as_array().unwrap();
    let classes = report["classes"].as_array().unwrap();
    assert_eq!((judged.len(), classes.len()), (10, 10));
    for (judged, class) in judged.iter().zip(classes) {
        let [made, accepted] = ["made", "accepted"].map(|key| judged[key].as_u64().unwrap());
        assert!(made >= 128 && accepted < made, "{judged}");
        // A class with hardly anything of use gets nothing, the others their share.
        let share = class["synthetic_share"][1].as_f64().unwrap();
        assert_eq!(share > 0.4, 20 * accepted >= made, "{judged}: {share}");
    }
    let again = run("gan", &["--filter", "--seeds", "2", "--resume"]);
    assert_eq!(report["acceptance"], again["acceptance"]);
    refuse(folder.path(), &options("gan", &["--resume"]), &["--filter was on and is not given now"]);
    let in_no_time = ["--arms", "gan", "--filter", "--seeds", "3", "--resume", "--minutes", "0.0001"];
    refuse(
        folder.path(),
        &[&all[..], &in_no_time].concat(),
        &["--minutes were over while samples were filtered", "--resume"],
    );
    let others = run("smote", &["--filter", "--seeds", "1", "--resume"]);
    assert_eq!((others["arms"].as_array().unwrap().len(), &others["acceptance"]), (2, &serde_json::Value::Null));
}

#[test]
fn a_generator_is_the_same_when_a_comparison_goes_on() {
    let folder = scratch();
    let run = |more: &[&str]| {
        let options = ["compare", "digits", "--per-class", "9", "--arms", "interpolation+classic,gan", "--steps", "4"];
        json(folder.path(), &[&options[..], &["--learning-rate", "0.01", "--gan-minutes", "0.01"], more].concat())
    };
    let first = run(&["--seeds", "1"]);
    let second = run(&["--seeds", "2", "--resume"]);
    assert_eq!((&first["gan"], &first["autoencoder_steps"]), (&second["gan"], &second["autoencoder_steps"]));
    // Made anew, the first seed gives what it gave.
    let runs = folder.path().join("candle-augment-compare/runs.json");
    let mut stored: serde_json::Value = serde_json::from_slice(&std::fs::read(&runs).unwrap()).unwrap();
    stored["record"] = serde_json::Value::Null;
    std::fs::write(&runs, stored.to_string()).unwrap();
    assert_eq!(run(&["--seeds", "2", "--resume"])["arms"], second["arms"]);
    stored["gan_steps"] = 1_000_000.into();
    std::fs::write(&runs, stored.to_string()).unwrap();
    let options = ["compare", "digits", "--per-class", "9", "--arms", "gan", "--steps", "4", "--learning-rate", "0.01"];
    refuse(folder.path(), &[&options[..], &["--resume"]].concat(), &["gan.safetensors", "1000000 steps", "--force"]);
}

#[test]
fn comparisons_end_in_time_and_say_what_is_left_out() {
    let folder = scratch();
    let options =
        ["compare", "digits", "--per-class", "9", "--arms", "classic", "--learning-rate", "0.01", "--steps", "3"];
    let arguments = [&options[..], &["--seeds", "1000", "--minutes", "0.04"]].concat();
    let report = json(folder.path(), &arguments);
    let seeds = |name: &str| report[name].as_array().unwrap().len();
    assert!(seeds("seeds") > 0 && seeds("left_out") > 0 && seeds("seeds") + seeds("left_out") == 1000);
    assert_eq!(report["stopped"], "time");
    let table = succeed(folder.path(), &[&options[..], &["--seeds", "1000", "--minutes", "0.01", "--resume"]].concat());
    assert!(table.contains("Left out: seeds ") && table.contains("by --minutes"), "{table}");
    let slow = ["compare", "digits", "--arms", "classic", "--steps", "100000", "--minutes", "0.01", "--out", "slow"];
    refuse(folder.path(), &slow, &["no seed", "--minutes", "--resume"]);
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
    for command in ["demo", "inspect", "train", "sample", "evaluate", "preview", "compare", "gate"] {
        let help = succeed(folder.path(), &[command, "--help"]);
        for word in ["Examples:", "--seed", "--workers", "--json"] {
            assert!(help.contains(word), "{command}: {word}");
        }
    }
    let help = succeed(folder.path(), &["replay", "--help"]);
    assert!(help.contains("Examples:") && help.contains("--json"), "{help}");
}

/// What the program prints and its messages where Ctrl-C stops it after it said `sign`.
#[cfg(unix)]
fn interrupted_after(folder: &std::path::Path, arguments: &[&str], sign: &str) -> (serde_json::Value, String) {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let mut child =
        common::program::program(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(sign) {
        line.clear();
        assert_ne!(messages.read_line(&mut line).unwrap(), 0, "it ended before {sign:?}");
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut rest = String::new();
    messages.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{rest}");
    assert!(rest.contains("--resume"), "{rest}");
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), rest)
}

/// What the program says of a training that Ctrl-C stopped after it said `sign`.
#[cfg(unix)]
fn interrupted(folder: &std::path::Path, arguments: &[&str], sign: &str) -> serde_json::Value {
    let (result, _) = interrupted_after(folder, arguments, sign);
    assert_eq!(result["stopped"], true);
    result
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_the_runs_that_are_done() {
    let folder = scratch();
    let options =
        ["compare", "digits", "--per-class", "9", "--arms", "classic", "--learning-rate", "0.01", "--steps", "60"];
    let many = [&options[..], &["--seeds", "1000", "--json"]].concat();
    // The first line of progress comes after some seconds, in which they must not all be done.
    let (result, _) = interrupted_after(folder.path(), &many, "compare: ");
    let done = result["seeds"].as_array().unwrap().len();
    assert!(result["stopped"] == "user" && done > 0, "{result}");
    let resumed = json(folder.path(), &[&options[..], &["--seeds", &(done + 1).to_string(), "--resume"]].concat());
    assert_eq!(resumed["seeds"].as_array().unwrap().len(), done + 1);
}

#[cfg(unix)]
#[test]
fn an_interrupt_saves_the_checkpoint() {
    let folder = scratch();
    // The autoencoder is cut short, too.
    let sign = "train the examiner: 100 steps";
    let result = interrupted(folder.path(), &["train", "digits", "--minutes", "10", "--json"], sign);
    let resumed = json(folder.path(), &["train", "digits", "--steps", "1", "--resume"]);
    assert_eq!(resumed["steps"].as_u64(), result["steps"].as_u64().map(|steps| steps + 1));
    // While the examiner is trained, which is cut short, so that no step is made by it.
    let folder = scratch();
    let train = ["train", "digits", "--minutes", "10", "--json"];
    let (result, _) = interrupted_after(folder.path(), &train, "Ctrl-C saves and ends");
    assert_eq!((&result["stopped"], &result["steps"]), (&true.into(), &0.into()));
    assert_eq!(json(folder.path(), &["train", "digits", "--steps", "1", "--resume"])["steps"], 1);
}
