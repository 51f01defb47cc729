//! Where arrays lie: in files of their own, or in an `.npz` archive, a zip of `.npy` files.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::CrcReader;
use flate2::read::DeflateDecoder;
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::header::SAVE_AGAIN;
use super::invalid;
use super::npy::Npy;
use crate::error::{Error, Result};
use crate::file::open_file;

/// What the name of an array's file ends in.
const EXTENSION: &str = ".npy";
/// Deflate makes at most 258 bytes of 2 bits (RFC 1951).
const MOST_EXPANSION: u64 = 1032;
/// Names that a message lists.
const LISTED: usize = 12;

/// The place of one array.
pub(super) enum Place {
    File(PathBuf),
    Entry { archive: PathBuf, key: String },
}

impl Place {
    /// What `read` makes of the array, which has to be whole and, in an archive, to agree with its checksum.
    pub(super) fn read<T>(&self, read: impl FnOnce(&mut Npy) -> Result<T>) -> Result<T> {
        match self {
            Self::File(path) => read_file(path, read).map_err(|error| error.with_path(path)),
            Self::Entry { archive, key } => read_entry(archive, key, read).map_err(|error| {
                let place = Error::new(error.kind(), format!("array {key:?}: {}", error.message())).with_path(archive);
                match error.index() {
                    Some(index) => place.with_index(index),
                    None => place,
                }
                .with_source(error)
            }),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Entry { key, .. } => write!(f, "{key:?}"),
        }
    }
}

/// The names of the arrays of an archive, or of the `.npy` files of a folder.
pub(super) fn names(path: &Path) -> Result<BTreeSet<String>> {
    if path.is_dir() {
        return names_in_folder(path);
    }
    let archive = open_archive(path).map_err(|error| error.with_path(path))?;
    // Names that are not UTF-8 are not asked for.
    let names = archive.file_names_raw().filter_map(|name| std::str::from_utf8(name).ok());
    Ok(names.filter_map(|name| name.strip_suffix(EXTENSION)).map(str::to_owned).collect())
}

fn names_in_folder(dir: &Path) -> Result<BTreeSet<String>> {
    let io = |error| Error::io("list the folder", dir, error);
    let mut names = BTreeSet::new();
    for entry in dir.read_dir().map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        names.extend(name.to_str().and_then(|name| name.strip_suffix(EXTENSION)).map(str::to_owned));
    }
    Ok(names)
}

/// The place of the array `name` of an archive or folder.
pub(super) fn place(path: &Path, name: &str) -> Place {
    if path.is_dir() {
        Place::File(path.join(format!("{name}{EXTENSION}")))
    } else {
        Place::Entry { archive: path.to_owned(), key: name.to_owned() }
    }
}

/// A few names, for a message.
pub(super) fn list(names: &BTreeSet<String>) -> String {
    let mut listed: Vec<_> = names.iter().take(LISTED).map(|name| format!("{name:?}")).collect();
    match names.len() {
        0 => return "no arrays".to_owned(),
        count if count > LISTED => listed.push(format!("and {} more", count - LISTED)),
        _ => {}
    }
    listed.join(", ")
}

fn read_file<T>(path: &Path, read: impl FnOnce(&mut Npy) -> Result<T>) -> Result<T> {
    let mut file = BufReader::new(open_file(path, "NumPy array")?);
    let most = size(path)?;
    read(&mut Npy::open(&mut file, most)?)
}

fn read_entry<T>(path: &Path, key: &str, read: impl FnOnce(&mut Npy) -> Result<T>) -> Result<T> {
    let mut archive = open_archive(path)?;
    let Some(index) = archive.index_for_name(&format!("{key}{EXTENSION}")) else {
        let found = list(&names(path)?);
        return Err(invalid(format!("there is no such array: found {found}; name one of these")));
    };
    let entry = archive.by_index_raw(index).map_err(damaged)?;
    let packed = entry.compressed_size().min(size(path)?);
    let (expected, most, file) = unpack(entry, packed)?;
    let mut file = CrcReader::new(file);
    let value = read(&mut Npy::open(&mut file, most)?)?;
    if file.crc().sum() != expected {
        return Err(invalid(format!("the data does not agree with its checksum, it is damaged: {SAVE_AGAIN}")));
    }
    Ok(value)
}

/// The checksum of an entry, the most bytes that it can hold, and its bytes.
///
/// Decompression is done here, not by the zip crate: with its features for it, candle would be built a second time.
fn unpack<'a>(entry: ZipFile<'a, BufReader<File>>, packed: u64) -> Result<(u32, u64, Box<dyn Read + 'a>)> {
    if entry.encrypted() {
        return Err(invalid("the entry is encrypted: save the archive without a password"));
    }
    let checksum = entry.crc32();
    match entry.compression() {
        CompressionMethod::STORE => Ok((checksum, packed, Box::new(entry))),
        CompressionMethod::DEFLATE => {
            let most = packed.saturating_mul(MOST_EXPANSION);
            Ok((checksum, most, Box::new(DeflateDecoder::new(entry))))
        }
        other => Err(invalid(format!(
            "expected an entry that is stored or deflated, found {other}: save the archive with numpy.savez or \
             numpy.savez_compressed"
        ))),
    }
}

fn open_archive(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    ZipArchive::new(BufReader::new(open_file(path, "NumPy archive")?)).map_err(damaged)
}

fn damaged(error: ZipError) -> Error {
    invalid(format!(
        "not an archive that NumPy saved, or damaged or cut short ({error}): save it with numpy.savez or \
         numpy.savez_compressed, or fetch the file again"
    ))
    .with_source(error)
}

fn size(path: &Path) -> Result<u64> {
    path.metadata().map(|found| found.len()).map_err(|error| Error::io("read the size of the file", path, error))
}
