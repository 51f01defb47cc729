//! Lists image files below a folder, without a call for each file where the system tells files from folders as it lists
//! them.

use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use super::files::Files;
use crate::dataset::invalid;
use crate::error::{Error, Result};

/// The extensions of image files, in lower case.
pub(super) const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"];

/// The image files in `root` and the folders below: folder by folder in the order of their paths, and by name within
/// each.
pub(super) fn images(root: &Path) -> Result<Files> {
    let mut listed = Vec::new();
    let mut open = vec![Folder { path: root.to_owned(), links: Vec::new() }];
    while let Some(folder) = open.pop() {
        let (folders, mut names) = visible(&folder.path)?;
        for path in folders {
            open.push(folder.enter(path)?);
        }
        names.sort_unstable();
        listed.push((folder.path, names));
    }
    // By the whole text, not by components: so does torchvision.
    listed.sort_by(|(a, _), (b, _)| a.as_os_str().cmp(b.as_os_str()));
    let mut files = Files::default();
    for (folder, names) in listed {
        files.push(folder, names);
    }
    Ok(files)
}

/// A folder, and where the links on the way to it lead.
struct Folder {
    path: PathBuf,
    links: Vec<PathBuf>,
}

impl Folder {
    /// A folder in this one; an error if it is a link that leads back to a folder above, which would never end.
    fn enter(&self, path: PathBuf) -> Result<Self> {
        let mut links = self.links.clone();
        if path.is_symlink() {
            let real = |path: &Path| path.canonicalize().map_err(|error| Error::io("follow the link", path, error));
            let target = real(&path)?;
            if links.contains(&target) || real(&self.path)?.starts_with(&target) {
                return Err(invalid("this link leads back to a folder above it: remove the link").with_path(path));
            }
            links.push(target);
        }
        Ok(Self { path, links })
    }
}

/// The folders in `dir`, and the names of its image files, in no order and without the hidden ones.
pub(super) fn visible(dir: &Path) -> Result<(Vec<PathBuf>, Vec<OsString>)> {
    let io = |error| Error::io("list the folder", dir, error);
    let (mut folders, mut images) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if is_folder(&entry).map_err(io)? {
            folders.push(entry.path());
        } else if is_image(&name) {
            images.push(name);
        }
    }
    Ok((folders, images))
}

/// Whether an entry is a folder or a link to one. A link that leads nowhere counts as a file, so that loading it
/// reports it.
fn is_folder(entry: &DirEntry) -> io::Result<bool> {
    let kind = entry.file_type()?;
    Ok(if kind.is_symlink() { fs::metadata(entry.path()).is_ok_and(|target| target.is_dir()) } else { kind.is_dir() })
}

fn is_image(name: &OsString) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}
