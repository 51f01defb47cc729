//! The record that `train` keeps: metrics, curves and TensorBoard's event files, also of a training that was killed.
#![cfg(feature = "cli")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::data::scratch;
use common::program::{json, program, refuse, run, stderr, succeed};
use serde_json::Value;

const TRAIN: [&str; 7] = ["train", "digits", "--per-class", "20", "--batch-size", "20", "--steps"];

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The steps of the lines of a kind.
fn steps(lines: &[Value], kind: &str) -> Vec<u64> {
    lines.iter().filter(|line| line["kind"] == kind).map(|line| line["step"].as_u64().unwrap()).collect()
}

#[test]
fn every_step_score_and_event_is_there() {
    let folder = scratch();
    let result = json(folder.path(), &[&TRAIN[..], &["60"]].concat());
    let lines = lines(&folder.path().join("gan.metrics.jsonl"));
    assert_eq!(steps(&lines, "step"), (1..=60).collect::<Vec<_>>());
    assert_eq!(steps(&lines, "score"), [20, 40, 60]);
    let last = lines.iter().rfind(|line| line["kind"] == "step").unwrap();
    assert_eq!(last["g_loss"], result["last"]["g_loss"]);
    let score = lines.iter().find(|line| line["kind"] == "score").unwrap();
    let product = score["agreement"].as_f64().unwrap() * score["coverage"].as_f64().unwrap();
    assert!((score["quality"].as_f64().unwrap() - product).abs() < 1e-12);
    for event in lines.iter().filter(|line| line["kind"] == "event") {
        let words = event["text"].as_str().unwrap();
        assert!(words.starts_with(&format!("step {}: {}", event["step"], event["saw"].as_str().unwrap())), "{words}");
    }
    assert!(!steps(&lines, "event").is_empty(), "60 steps make a generator that is kept");
}

#[test]
fn a_new_training_begins_new_metrics() {
    let folder = scratch();
    succeed(folder.path(), &[&TRAIN[..], &["5"]].concat());
    succeed(folder.path(), &[&TRAIN[..], &["3", "--force"]].concat());
    assert_eq!(steps(&lines(&folder.path().join("gan.metrics.jsonl")), "step"), [1, 2, 3]);
}

/// A training that replaces another and is killed before its first save has left a checkpoint to go on from at every moment,
/// and metrics of its own.
#[cfg(unix)]
#[test]
fn a_training_that_replaces_another_may_be_killed_at_once() {
    let folder = scratch();
    let path = folder.path();
    let out = ["--out", "parts.safetensors"];
    succeed(path, &[&TRAIN[..], &["5"], &out].concat());
    let (old, replace) = (lines(&path.join("parts.metrics.jsonl")), ["300", "--seed", "1", "--force"]);
    end_by("-KILL", path, &[&TRAIN[..], &replace, &out].concat(), |steps| steps.len() == 5);
    assert!(lines(&path.join("parts.metrics.jsonl")) == old, "it was killed in its examiner's training");
    assert_eq!(json(path, &[&TRAIN[..], &["1", "--resume"], &out].concat())["steps"], 6, "the old one");
    end_by("-KILL", path, &[&TRAIN[..], &replace, &out].concat(), |steps| steps.len() > 6);
    assert_eq!(json(path, &[&TRAIN[..], &["8", "--resume"], &out].concat())["steps"], 8, "the new one");
    assert_eq!(steps(&lines(&path.join("parts.metrics.jsonl")), "step"), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn metrics_that_are_gone_or_damaged_are_named() {
    let folder = scratch();
    let metrics = folder.path().join("gan.metrics.jsonl");
    succeed(folder.path(), &[&TRAIN[..], &["2"]].concat());
    std::fs::write(&metrics, "step 1, loss 3\n").unwrap();
    refuse(
        folder.path(),
        &[&TRAIN[..], &["1", "--resume"]].concat(),
        &["gan.metrics.jsonl", "line 1", "move the file"],
    );
    std::fs::remove_file(&metrics).unwrap();
    let resumed = run(folder.path(), &[&TRAIN[..], &["1", "--resume"]].concat());
    assert!(stderr(&resumed).contains("gan.metrics.jsonl is gone: it and the curves begin at step 3"));
    assert_eq!(steps(&lines(&metrics), "step"), [3]);
}

/// Starts a training, sends it `signal` once `enough` of its metrics are there, and waits for its end.
#[cfg(unix)]
fn end_by(signal: &str, folder: &Path, arguments: &[&str], enough: impl Fn(&[u64]) -> bool) {
    let mut child = program(folder, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let steps = || {
        let text = std::fs::read_to_string(folder.join("parts.metrics.jsonl")).unwrap_or_default();
        // The last line may be half written.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let lines: Vec<_> = whole.map(|line| serde_json::from_str(line).unwrap()).collect();
        steps(&lines, "step")
    };
    while !enough(&steps()) {
        assert!(child.try_wait().unwrap().is_none(), "{arguments:?} ended before {signal}");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap();
}

#[cfg(unix)]
#[test]
fn killed_and_resumed_is_never_stopped() {
    const STEPS: u64 = 150;
    let folder = scratch();
    let path = folder.path();
    let all = STEPS.to_string();
    succeed(path, &[&TRAIN[..], &[&all, "--out", "whole.safetensors"]].concat());
    let parts = ["--out", "parts.safetensors"];
    end_by("-INT", path, &[&TRAIN[..], &[&all], &parts].concat(), |steps| steps.len() > 10);
    let saved = *steps(&lines(&path.join("parts.metrics.jsonl")), "step").last().unwrap();
    let left = (STEPS - saved).to_string();
    let rest = [&TRAIN[..], &[&left, "--resume"], &parts].concat();
    end_by("-KILL", path, &rest, |steps| steps.iter().any(|step| *step > saved + 10));
    assert_eq!(json(path, &rest)["steps_made"], STEPS - saved, "the checkpoint is the one that Ctrl-C left");
    for file in ["safetensors", "metrics.jsonl", "training.png", "samples.png"] {
        let bytes = |name: &str| std::fs::read(path.join(format!("{name}.{file}"))).unwrap();
        assert!(bytes("whole") == bytes("parts"), "{file} differs");
    }
}
