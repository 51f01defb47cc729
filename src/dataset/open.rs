//! What a user names on the command line, recognised and checked.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::folder::UNLABELLED;
use super::inspect::{Inspection, inspect};
use super::{Cifar, Dataset, DatasetExt, Idx, ImageFolder, Numpy, Part, cifar, digits, idx, invalid, numpy};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Color;

/// The word that names the embedded [`digits`].
const DIGITS: &str = "digits";

/// Folders of these names hold parts of a data set, not classes.
const PARTS: [&str; 8] = ["train", "training", "val", "valid", "validation", "dev", "test", "testing"];

/// Opens what a user names:
///
/// - a folder with one folder of images for each class ([`ImageFolder`]);
/// - a folder with IDX files ([`Idx`]), with the binary version of CIFAR-10 or CIFAR-100 ([`Cifar`], fine labels), or
///   with `.npy` files of images and labels ([`Numpy`]), recognised in this order by the names that these types expect;
/// - an `.npz` file ([`Numpy`]);
/// - the word `digits`: the embedded [`digits`]. A folder of that name is opened as `./digits`.
///
/// `part` chooses among files that tell parts apart: a folder of class folders and the digits are whole. Images of a
/// folder of class folders are gray if the header of every one says gray, RGB otherwise; gray folders therefore have
/// all headers read. The set has two or more classes, and at least one image of each was decoded.
///
/// # Errors
///
/// [`ErrorKind::Io`] if there is no such file or folder; [`ErrorKind::Dataset`] if it is none of these, if there are
/// fewer than two classes, or if a class has no image that can be decoded; and the errors of the type that opens it.
pub fn open_data(data: impl AsRef<Path>, part: Part) -> Result<Arc<dyn Dataset>> {
    let path = data.as_ref();
    let set: Arc<dyn Dataset> = match recognise(path, part)? {
        Source::Folder(folder) => {
            let color = folder.stored_color();
            Arc::new(folder.with_color(color))
        }
        Source::Other(set) => set,
    };
    check_classes(&*set).map_err(|error| error.with_path(path))?;
    Ok(set)
}

/// Opens images whose labels are unknown or do not matter, as one class, `unlabelled`: a folder with images in it or in
/// folders below ([`ImageFolder::open_unlabelled`]), or any other set that [`open_data`] takes, its training part.
///
/// # Errors
///
/// [`ErrorKind::Io`] if there is no such file or folder; [`ErrorKind::Dataset`] if it holds no images; and the errors of
/// the type that opens it.
pub fn open_unlabelled(data: impl AsRef<Path>) -> Result<Arc<dyn Dataset>> {
    let path = data.as_ref();
    let set: Arc<dyn Dataset> = match kind(path)? {
        Kind::ClassFolders => return Ok(Arc::new(ImageFolder::open_unlabelled(path)?)),
        Kind::Digits => Arc::new(digits()?),
        Kind::Idx => Arc::new(Idx::open(path, Part::Train)?),
        Kind::Cifar => Arc::new(Cifar::open(path, Part::Train)?),
        Kind::Numpy => Arc::new(Numpy::open(path, Part::Train)?),
    };
    Ok(Arc::new(set.map_classes(|_| UNLABELLED)))
}

/// Decodes every image of what [`open_data`] would open, and reports what is there. `progress` is called with the
/// number of images done and of all images, from any thread.
///
/// # Errors
///
/// As [`open_data`], save that too few classes and unreadable images are part of the report ([`Inspection::check`]).
pub fn inspect_data(data: impl AsRef<Path>, part: Part, progress: impl Fn(usize, usize) + Sync) -> Result<Inspection> {
    Ok(match recognise(data.as_ref(), part)? {
        Source::Folder(folder) => inspect(&folder.with_color(Color::AsStored), progress),
        Source::Other(set) => inspect(&*set, progress),
    })
}

/// Whether what [`open_data`] would open has files of its own for `part`; what has no parts is all for training.
///
/// # Errors
///
/// [`ErrorKind::Io`] and [`ErrorKind::Dataset`] as [`open_data`], if it is of no kind that is known.
pub fn has_part(data: impl AsRef<Path>, part: Part) -> Result<bool> {
    let path = data.as_ref();
    match kind(path)? {
        Kind::Digits | Kind::ClassFolders => Ok(part == Part::Train),
        Kind::Idx => Idx::has_part(path, part),
        Kind::Cifar => Ok(cifar::has_part(path, part)),
        Kind::Numpy => numpy::has_part(path, part).map_err(|error| error.with_path(path)),
    }
}

enum Source {
    Folder(ImageFolder),
    Other(Arc<dyn Dataset>),
}

fn recognise(path: &Path, part: Part) -> Result<Source> {
    Ok(Source::Other(match kind(path)? {
        Kind::Digits => Arc::new(digits()?),
        Kind::Idx => Arc::new(Idx::open(path, part)?),
        Kind::Cifar => Arc::new(Cifar::open(path, part)?),
        Kind::Numpy => Arc::new(Numpy::open(path, part)?),
        Kind::ClassFolders => {
            let folder = ImageFolder::open(path)?;
            refuse_parts(&folder).map_err(|error| error.with_path(path))?;
            return Ok(Source::Folder(folder));
        }
    }))
}

/// What [`open_data`] tells apart.
enum Kind {
    Digits,
    Idx,
    Cifar,
    Numpy,
    ClassFolders,
}

fn kind(path: &Path) -> Result<Kind> {
    const EXPECTED: &str = "expected a folder with a folder of images for each class, a folder with IDX files, CIFAR's \
                            .bin files or .npy files, an .npz file, or the word `digits`";
    if path == Path::new(DIGITS) {
        return Ok(Kind::Digits);
    }
    match path.metadata() {
        Err(error) => Err(Error::new(ErrorKind::Io, format!("cannot open the data set ({error}): {EXPECTED}"))
            .with_path(path)
            .with_source(error)),
        Ok(found) if !found.is_dir() && is_npz(path) => Ok(Kind::Numpy),
        Ok(found) if !found.is_dir() => Err(invalid(format!("{EXPECTED}, found another file")).with_path(path)),
        Ok(_) if is_empty(path)? => Err(invalid(format!("the folder is empty: {EXPECTED}")).with_path(path)),
        Ok(_) => kind_of_folder(path),
    }
}

fn kind_of_folder(path: &Path) -> Result<Kind> {
    Ok(if idx::holds_idx_files(path)? {
        Kind::Idx
    } else if cifar::holds_cifar_files(path) {
        Kind::Cifar
    } else if numpy::holds_arrays(path)? {
        Kind::Numpy
    } else {
        Kind::ClassFolders
    })
}

fn is_npz(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz"))
}

fn is_empty(dir: &Path) -> Result<bool> {
    let mut entries = dir.read_dir().map_err(|error| Error::io("list the folder", dir, error))?;
    Ok(entries.next().is_none())
}

/// Refuses a folder whose "classes" are the parts of a data set, which would be trained on as if they were classes.
fn refuse_parts(set: &dyn Dataset) -> Result<()> {
    if set.classes().iter().all(|class| PARTS.contains(&class.to_lowercase().as_str())) {
        let parts = set.classes().join(", ");
        return Err(invalid(format!(
            "these are parts of a data set, not classes: {parts}; give the folder of one part"
        )));
    }
    Ok(())
}

/// Refuses a set that nothing can be learnt from: fewer than two classes, or a class none of whose images can be
/// loaded. One image of each class is loaded, more only where it fails.
///
/// # Errors
///
/// [`ErrorKind::Dataset`], naming the class.
pub fn check_classes(set: &dyn Dataset) -> Result<()> {
    check_count(set.classes())?;
    let mut indices = vec![Vec::new(); set.classes().len()];
    for index in 0..set.len() {
        indices[set.label(index) as usize].push(index);
    }
    let checks: Vec<_> =
        set.classes().par_iter().zip(&indices).map(|(class, indices)| check_class(set, class, indices)).collect();
    // Of several errors the first class's is reported.
    checks.into_iter().collect()
}

fn check_class(set: &dyn Dataset, class: &str, indices: &[usize]) -> Result<()> {
    let mut first = None;
    for &index in indices {
        match set.load(index) {
            Ok(_) => return Ok(()),
            Err(error) => first.get_or_insert(error.with_index(index).to_string()),
        };
    }
    Err(unreadable_class(class, indices.len(), first.as_deref()))
}

pub(super) fn check_count(classes: &[String]) -> Result<()> {
    match classes {
        [] => Err(invalid("expected two or more classes, found none: add a folder of images for each")),
        [only] => {
            Err(invalid(format!("expected two or more classes, found one: {only:?}; add a folder for another class")))
        }
        _ => Ok(()),
    }
}

pub(super) fn unreadable_class(class: &str, images: usize, first: Option<&str>) -> Error {
    let why = first.map_or_else(String::new, |reason| format!("; the first fails with: {reason}"));
    invalid(format!(
        "class {class:?} has no readable image among {images}: replace its files or move the class away{why}"
    ))
}
