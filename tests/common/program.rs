//! Runs the program itself.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::data::{gradient, png, put};

/// The program, to be run in `folder`.
pub fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_candle-augment"));
    command.current_dir(folder).args(arguments);
    command
}

/// Runs the program in `folder` to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().expect("the program was built with this test")
}

/// What the program printed to standard output.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the program prints UTF-8")
}

/// What the program printed to standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("the program prints UTF-8")
}

/// Runs the program, which must succeed.
pub fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

/// Runs the program with `--json`, which must succeed and print nothing but JSON.
pub fn json(folder: &Path, arguments: &[&str]) -> Value {
    let text = succeed(folder, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?} printed {text:?}: {error}"))
}

/// Runs the program, which must refuse its input: status 2, nothing on standard output, no panic, and a message on standard
/// error that says every one of `words`. Gives the message.
pub fn refuse(folder: &Path, arguments: &[&str], words: &[&str]) -> String {
    let output = run(folder, arguments);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed {:?}", stdout(&output));
    assert!(!message.contains("panicked") && !message.contains("fault of candle-augment"), "{arguments:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?} does not say {word:?}: {message}");
    }
    message
}

/// Makes a folder `name` with two classes of two RGB images of 8×8 pixels.
pub fn pets(folder: &Path, name: &str) {
    for image in ["cat/a.png", "cat/b.png", "dog/a.png", "dog/b.png"] {
        put(folder, &format!("{name}/{image}"), &png(gradient(8, 8, 3)));
    }
}
