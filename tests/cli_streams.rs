//! Where nobody listens any more, and signals: the work is not lost.
#![cfg(feature = "cli")]

mod common;

use std::process::Stdio;

use common::data::scratch;
use common::program::program;

#[test]
fn a_closed_standard_error_does_not_stop_the_training() {
    let folder = scratch();
    let mut child = program(folder.path(), &["train", "digits", "--steps", "3"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
    assert!(folder.path().join("gan.safetensors").exists());
}

#[test]
fn an_error_nobody_reads_keeps_its_status() {
    let folder = scratch();
    let mut child = program(folder.path(), &["inspect", "missing"]).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_named() {
    use common::program::stderr;

    let folder = scratch();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let child = program(folder.path(), &["inspect", "digits"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("error: cannot write to standard output"), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn two_signals_at_once_are_one_wish() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::Command;

    let folder = scratch();
    let mut child = program(folder.path(), &["train", "digits", "--minutes", "10", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut wait_for = |word: &str| {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            assert_ne!(messages.read_line(&mut line).unwrap(), 0, "it ended before {word:?}");
        }
    };
    let interrupt = || Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    wait_for("Ctrl-C");
    assert!(interrupt().success());
    wait_for("stopping");
    // It may have ended by now.
    interrupt();
    let mut rest = String::new();
    messages.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{rest}");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["stopped"], true);
    assert!(folder.path().join("gan.safetensors").exists());
}

#[cfg(unix)]
#[test]
fn a_hang_up_under_nohup_is_ignored() {
    use std::io::{BufRead, BufReader};
    use std::process::Command;

    let folder = scratch();
    let mut child = Command::new("nohup")
        .arg(env!("CARGO_BIN_EXE_candle-augment"))
        .args(["train", "digits", "--steps", "150"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(messages.any(|line| line.unwrap().contains("Ctrl-C")));
    assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<_> = messages.map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("150 steps")), "{rest:?}");
}
