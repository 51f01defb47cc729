//! Samples as a folder of PNG files for each class.

use std::fmt::Write as _;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use candle_augment::{Error, ErrorKind, Image, Result, SyntheticRequest, SyntheticSource};
use image::{DynamicImage, ImageFormat};
use rayon::prelude::*;

use super::{Export, unwritable};
use crate::cli::words::tell;

/// The folders, by label; none for a class that is not asked for.
pub struct ClassFolders(Vec<Option<PathBuf>>);

impl ClassFolders {
    /// Makes the folders.
    pub fn begin(root: &Path, export: &Export) -> Result<Self> {
        let names = export.source.classes();
        let mut folders = vec![None; names.len()];
        for &label in export.classes {
            let (class, name) = (&names[label], folder_name(&names[label]));
            // Where the system takes two names for one, the samples of two classes must not mix.
            fs::create_dir(root.join(&name)).map_err(|source| {
                let message = format!("cannot make a folder {name:?} for the class {class:?} ({source})");
                Error::new(ErrorKind::Io, message).with_source(source)
            })?;
            if name != *class {
                tell(format_args!("the folder of the class {class:?} is {name:?}"));
            }
            folders[label] = Some(root.join(name));
        }
        Ok(Self(folders))
    }

    pub fn put(&mut self, requests: &[SyntheticRequest], images: &[Image]) -> Result<()> {
        requests.par_iter().zip(images).try_for_each(|(request, image)| {
            let folder = self.0[request.label as usize].as_ref().expect("every requested class has a folder");
            fs::write(folder.join(format!("{:07}.png", request.serial)), png(image)?).map_err(unwritable)
        })
    }
}

fn png(image: &Image) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(image.clone()).write_to(&mut bytes, ImageFormat::Png).map_err(|source| {
        Error::new(ErrorKind::Io, format!("cannot encode a sample as PNG: {source}")).with_source(source)
    })?;
    Ok(bytes.into_inner())
}

/// A class's name as that of a folder on any system: itself where it can be; else with the bytes that cannot be there as `%` and
/// two digits, as in web addresses, so that no two names become one.
fn folder_name(class: &str) -> String {
    let bytes = class.as_bytes();
    let mut name = String::new();
    for (i, character) in class.char_indices() {
        let rest = &bytes[i + 1..];
        let is_bad = match character {
            // As it would stand for another byte, or alone for no name.
            '%' => bytes.len() == 1 || rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit),
            // Hidden ones are no classes.
            '.' if i == 0 => true,
            '.' | ' ' => rest.is_empty(),
            _ => character.is_ascii_control() || r#"/\:*?"<>|"#.contains(character),
        };
        if is_bad {
            let _ = write!(name, "%{:02X}", character as u32);
        } else {
            name.push(character);
        }
    }
    if name.is_empty() { "%".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_stay() {
        for name in ["7", "T-shirt and top", "größe", "100%", "a.b", "50%/50"] {
            assert_eq!(folder_name(name) == name, name != "50%/50", "{name}");
        }
    }

    #[test]
    fn others_become_safe_and_stay_apart() {
        let names =
            ["a/b", "a%2Fb", "..", ".", "", "%", "x. ", "x.", "x ", "con:1", "a\nb", "a\\b", "../up", "%/", "%%2F"];
        let safe: Vec<_> = names.iter().map(|name| folder_name(name)).collect();
        for (name, safe) in names.iter().zip(&safe) {
            assert!(!safe.is_empty() && !safe.starts_with('.') && !safe.ends_with(['.', ' ']), "{name:?}: {safe:?}");
            assert!(!safe.contains(['/', '\\', ':', '\n']), "{name:?}: {safe:?}");
        }
        assert_eq!(safe[..3], ["a%2Fb", "a%252Fb", "%2E%2E"]);
        let apart: std::collections::BTreeSet<_> = safe.iter().collect();
        assert_eq!(apart.len(), names.len(), "{safe:?}");
    }
}
