//! A folder that is there whole or not at all: made under another name beside its place, then renamed.

use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use candle_augment::{Error, Result};
use tempfile::TempDir;

use super::output;

/// A folder in the making. Unless it is put into its place it is removed, with what is in it.
pub struct NewFolder {
    made: TempDir,
    place: PathBuf,
}

impl NewFolder {
    /// Begins the folder that will be `place`, where there must be nothing, or an empty folder.
    pub fn beside(place: &Path) -> Result<Self> {
        check(place)?;
        let parent = output::folder_of(place);
        let mut builder = tempfile::Builder::new();
        // Those of any folder: a temporary one's own would shut out everyone but its owner.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let made = builder.prefix(".candle-augment-").tempdir_in(&parent);
        Ok(Self { made: made.map_err(|error| Error::io("make a folder here", parent, error))?, place: place.into() })
    }

    /// Where to write until then.
    pub fn path(&self) -> &Path {
        self.made.path()
    }

    /// Puts the folder into its place.
    pub fn finish(mut self) -> Result<()> {
        let failed = |error| Error::io("put the finished folder into its place", &self.place, error);
        match fs::remove_dir(&self.place) {
            Err(error) if error.kind() != IoErrorKind::NotFound => return Err(failed(error)),
            _ => fs::rename(self.made.path(), &self.place).map_err(failed)?,
        }
        self.made.disable_cleanup(true);
        Ok(())
    }
}

/// Checks, before any work, that a folder can be made at `place`.
pub fn check(place: &Path) -> Result<()> {
    if place.file_name().is_none() {
        return Err(Error::config("expected the name of a new folder: give another with --out").with_path(place));
    }
    let is_free = match place.read_dir() {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == IoErrorKind::NotFound && !place.is_symlink(),
    };
    if !is_free {
        return Err(Error::config(
            "expected a new or an empty folder to write into, found something there: remove it, or name another with --out",
        )
        .with_path(place));
    }
    output::check_parent(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new");
        let names = || fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        drop(NewFolder::beside(&place).unwrap());
        assert!(names().is_empty());
        let new = NewFolder::beside(&place).unwrap();
        fs::write(new.path().join("a"), "a").unwrap();
        assert!(!place.exists());
        new.finish().unwrap();
        assert_eq!(names(), ["new"]);
        assert_eq!(fs::read(place.join("a")).unwrap(), b"a");
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("empty")).unwrap();
        fs::create_dir_all(at("full/a")).unwrap();
        fs::write(at("file"), "").unwrap();
        NewFolder::beside(&at("empty")).unwrap().finish().unwrap();
        for bad in ["full", "file", "file/new", "missing/new", ".."] {
            assert!(NewFolder::beside(&at(bad)).is_err(), "{bad}");
        }
        let new = NewFolder::beside(&at("late")).unwrap();
        fs::create_dir_all(at("late/a")).unwrap();
        assert!(new.finish().is_err() && at("late/a").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}
