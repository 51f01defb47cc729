//! The paths of many files in little memory: the names one after the other in one text, each folder once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Files by folder, in the order they were added in.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    /// The folders that hold files, each with the index of its first file.
    folders: Vec<(usize, Box<Path>)>,
    names: String,
    /// Where in `names` the name of each file ends.
    ends: Vec<usize>,
    /// Names that are not Unicode, by their file's index; they are empty in `names`.
    odd_names: BTreeMap<usize, OsString>,
}

impl Files {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds the files of one folder.
    pub(super) fn push(&mut self, folder: PathBuf, names: Vec<OsString>) {
        if names.is_empty() {
            return;
        }
        self.folders.push((self.len(), folder.into_boxed_path()));
        for name in names {
            match name.into_string() {
                Ok(name) => self.names.push_str(&name),
                Err(name) => drop(self.odd_names.insert(self.len(), name)),
            }
            self.ends.push(self.names.len());
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        let (files, bytes) = (self.len(), self.names.len());
        self.folders.extend(other.folders.into_iter().map(|(first, folder)| (files + first, folder)));
        self.names.push_str(&other.names);
        self.ends.extend(other.ends.into_iter().map(|end| bytes + end));
        self.odd_names.extend(other.odd_names.into_iter().map(|(index, name)| (files + index, name)));
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.folders.shrink_to_fit();
        self.names.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// # Panics
    ///
    /// If there is no file `index`.
    pub(super) fn path(&self, index: usize) -> PathBuf {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let name = &self.names[start..self.ends[index]];
        // The first folder begins with file 0, so one lies before.
        let (_, folder) = &self.folders[self.folders.partition_point(|(first, _)| *first <= index) - 1];
        match self.odd_names.get(&index) {
            Some(name) => folder.join(name),
            None => folder.join(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back_in_order() {
        let mut files = Files::default();
        files.push("a".into(), vec!["1.png".into(), "2.png".into()]);
        files.push("empty".into(), Vec::new());
        let mut more = Files::default();
        more.push("b/c".into(), vec!["3.png".into()]);
        files.append(more);
        let paths: Vec<_> = (0..files.len()).map(|index| files.path(index)).collect();
        assert_eq!(paths, ["a/1.png", "a/2.png", "b/c/3.png"].map(PathBuf::from));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_unicode_come_back() {
        use std::os::unix::ffi::OsStringExt;

        let odd = OsString::from_vec(vec![0xe4]);
        let mut files = Files::default();
        files.push("a".into(), vec!["1".into()]);
        let mut more = Files::default();
        more.push("b".into(), vec!["2".into(), odd.clone(), "3".into()]);
        files.append(more);
        assert_eq!(files.path(2), Path::new("b").join(odd));
        assert_eq!(files.path(3), Path::new("b/3"));
    }
}
