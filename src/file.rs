//! Files: never left half written, and never waited for.

use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Opens a file, and nothing but a file: opening a pipe waits for a writer, and reading a device may never end. `what` says in a
/// word what is expected there.
pub(crate) fn open_file(path: &Path, what: &str) -> Result<File> {
    let io = |error| Error::io(&format!("open the {what}"), path, error);
    if !path.metadata().map_err(io)?.is_file() {
        let message =
            format!("expected a file as {what}, found a folder, a pipe or a device: remove it, or name another");
        return Err(Error::new(ErrorKind::Io, message).with_path(path));
    }
    File::open(path).map_err(io)
}

/// Reads a text file of at most `most` bytes. `what` says in a word what is expected there.
///
/// # Errors
///
/// [`ErrorKind::Io`] if it cannot be read, is longer, or is no UTF-8.
pub(crate) fn read_text(path: &Path, what: &str, most: u64) -> Result<String> {
    let mut text = String::new();
    let file = open_file(path, what)?;
    file.take(most + 1).read_to_string(&mut text).map_err(|error| Error::io("read the file", path, error))?;
    if text.len() as u64 > most {
        return Err(
            Error::new(ErrorKind::Io, format!("expected at most {most} bytes: name another file")).with_path(path)
        );
    }
    Ok(text)
}

/// Writes `bytes` to `path` whole or not at all: into a temporary file of the same folder, to the disk, then renamed.
///
/// # Errors
///
/// [`crate::ErrorKind::Io`] if the folder does not exist or cannot be written.
pub fn write_file(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    try_write(path, bytes).map_err(|source| Error::io("write the file", path, source))
}

fn try_write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    if let Some(permissions) = usual_permissions() {
        builder.permissions(permissions);
    }
    let mut file = builder.prefix(".candle-augment-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The rename itself is on the disk only once the folder is; not every system lets a folder be opened.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Those of a file that any program creates: a temporary file's own would shut out everyone but its owner.
#[cfg(unix)]
fn usual_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn usual_permissions() -> Option<Permissions> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_file_and_leaves_nothing_beside_it() -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_file(&path, b"first")?;
        write_file(&path, b"second")?;
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        Ok(())
    }

    #[test]
    fn names_the_file_that_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("a.txt");
        assert_eq!(write_file(&path, b"").unwrap_err().path(), Some(path.as_path()));
    }
}
