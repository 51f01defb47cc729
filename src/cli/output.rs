//! Where results go: checks before the long work, standard output after it.

use std::fmt::Display;
use std::io::{self, ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};

use candle_augment::{Error, ErrorKind, Result};
use serde::Serialize;

/// The option that names the result in most subcommands.
pub const OUT: &str = "--out";

/// Prints the result of a subcommand to standard output, as JSON or as text.
pub fn print<T: Serialize + Display>(result: &T, json: bool) -> Result<()> {
    let text = if json { to_json(result)? } else { result.to_string() };
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        // The reader has seen enough, as in `candle-augment inspect DATA | head`.
        Err(error) if error.kind() == IoErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|source| {
            Error::new(ErrorKind::Io, format!("cannot write to standard output: {source}")).with_source(source)
        }),
    }
}

/// `result` as indented JSON.
pub fn to_json<T: Serialize>(result: &T) -> Result<String> {
    serde_json::to_string_pretty(result)
        .map_err(|source| Error::config(format!("cannot write the result as JSON: {source}")).with_source(source))
}

/// Checks, before any work, that a file named `path` can be written.
///
/// `extension` is what its name must end in.
pub fn check_file(path: &Path, extension: &str) -> Result<()> {
    if !path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension)) {
        let example = path.with_extension(extension);
        return Err(Error::config(format!(
            "expected a file name that ends in .{extension}, such as {}",
            example.display()
        ))
        .with_path(path));
    }
    check_not_folder(path)?;
    check_parent(path)
}

/// Checks, before any work, that something can be made at `path`.
pub fn check_parent(path: &Path) -> Result<()> {
    check_writable(&folder_of(path), OUT)
}

/// Checks, before any work, that a file to be written at `path` is in no folder's place.
pub fn check_not_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(Error::config(
            "is a folder, where a file is to be written: remove it, or write elsewhere with --out",
        )
        .with_path(path));
    }
    Ok(())
}

/// Makes the folder `path`, which `option` named, where it does not exist, and checks that files can be written in it.
pub fn check_folder(path: &Path, option: &str) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|source| unwritable("make this folder", path, option, source))?;
    check_writable(path, option)
}

/// The folder that `file` is in.
pub fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn check_writable(folder: &Path, option: &str) -> Result<()> {
    if !folder.exists() {
        return Err(Error::new(
            ErrorKind::Io,
            format!("the folder does not exist: make it first, or choose another with {option}"),
        )
        .with_path(folder));
    }
    tempfile::tempfile_in(folder)
        .map(drop)
        .map_err(|source| unwritable("write into this folder", folder, option, source))
}

fn unwritable(action: &str, folder: &Path, option: &str, source: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot {action} ({source}): choose another with {option}"))
        .with_path(folder)
        .with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_name_passes_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        check_file(&folder.path().join("a.png"), "png").unwrap();
        check_folder(&folder.path().join("new/deep"), OUT).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn bad_names_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        for bad in [folder.path().join("a.jpg"), folder.path().join("missing/a.png"), file.join("a.png")] {
            assert!(check_file(&bad, "png").is_err(), "{}", bad.display());
        }
        assert!(check_folder(&file.join("out"), OUT).is_err());
    }
}
