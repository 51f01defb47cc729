//! Finds the two IDX files of a part in a folder, by their names.

use std::path::{Path, PathBuf};

use crate::dataset::{Part, invalid};
use crate::error::{Error, Result};

/// A file of images and the file of their labels.
pub(super) struct Pair {
    pub(super) images: PathBuf,
    pub(super) labels: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Images,
    Labels,
}

struct Candidate {
    /// The name without `.gz`, in lower case.
    name: String,
    path: PathBuf,
    role: Role,
    part: Option<Part>,
}

impl Candidate {
    fn new(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
        let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if name.starts_with('.') || !says(&["idx", "ubyte"]) {
            return None;
        }
        let role = match (says(&["images", "idx3", "idx4"]), says(&["labels", "idx1"])) {
            (true, false) => Role::Images,
            (false, true) => Role::Labels,
            _ => return None,
        };
        let part = match (says(&["train"]), says(&["t10k", "test"])) {
            (true, false) => Some(Part::Train),
            (false, true) => Some(Part::Test),
            _ => None,
        };
        Some(Self { name, path, role, part })
    }
}

/// Whether a folder has files that are named as IDX files are.
pub(in crate::dataset) fn holds_idx_files(dir: &Path) -> Result<bool> {
    Ok(!candidates(dir)?.is_empty())
}

pub(super) fn has_part(dir: &Path, part: Part) -> Result<bool> {
    let all = candidates(dir)?;
    Ok([Role::Images, Role::Labels].into_iter().any(|role| !of_part(&all, role, part).is_empty()))
}

pub(super) fn find(dir: &Path, part: Part) -> Result<Pair> {
    let all = candidates(dir)?;
    let one = |role| the_one(dir, &all, role, part);
    Ok(Pair { images: one(Role::Images)?, labels: one(Role::Labels)? })
}

/// The candidates in the order of their names, a plain file instead of its compressed twin.
fn candidates(dir: &Path) -> Result<Vec<Candidate>> {
    let io = |error| Error::io("list the folder", dir, error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        if !entry.file_type().map_err(io)?.is_dir() {
            found.extend(Candidate::new(entry.path()));
        }
    }
    found.sort_by(|a, b| (&a.name, a.path.as_os_str().len()).cmp(&(&b.name, b.path.as_os_str().len())));
    found.dedup_by(|later, earlier| later.name == earlier.name);
    Ok(found)
}

/// The files of a part; for training those that name no part, where none names it.
fn of_part(all: &[Candidate], role: Role, part: Part) -> Vec<&Candidate> {
    let of = |part| all.iter().filter(|file| file.role == role && file.part == part).collect::<Vec<_>>();
    let named = of(Some(part));
    if named.is_empty() && part == Part::Train { of(None) } else { named }
}

fn the_one(dir: &Path, all: &[Candidate], role: Role, part: Part) -> Result<PathBuf> {
    match of_part(all, role, part)[..] {
        [file] => Ok(file.path.clone()),
        [] => Err(missing(dir, role, part)),
        [first, second, ..] => Err(invalid(format!(
            "expected one pair of IDX files, found {} and {}: give each pair a folder of its own",
            first.name, second.name
        ))
        .with_path(dir)),
    }
}

fn missing(dir: &Path, role: Role, part: Part) -> Error {
    let prefix = if part == Part::Train { "train" } else { "t10k" };
    let name = if role == Role::Images { "images-idx3-ubyte" } else { "labels-idx1-ubyte" };
    invalid(format!(
        "expected a file named as {prefix}-{name} or {prefix}-{name}.gz, found none: fetch the file, or rename it so"
    ))
    .with_path(dir)
}
