//! Samples as NumPy's arrays, in the format of `numpy.lib.format`, version 1.0.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use candle_augment::{Image, Result, SyntheticRequest};

use super::{Export, unwritable};
use crate::cli::output;

/// What the length of a header is a multiple of.
const ALIGNMENT: usize = 64;

/// Images and labels in the making.
pub struct Arrays {
    folder: PathBuf,
    images: BufWriter<File>,
    labels: BufWriter<File>,
}

impl Arrays {
    /// Begins the arrays, which will hold all samples of `export`.
    pub fn begin(folder: &Path, export: &Export) -> Result<Self> {
        let config = export.source.config();
        let (total, size) = (export.total(), config.size as u64);
        let images = begin(&folder.join("images.npy"), "|u1", &[total, size, size, config.channels as u64])?;
        let labels = begin(&folder.join("labels.npy"), "<i8", &[total])?;
        Ok(Self { folder: folder.into(), images, labels })
    }

    pub fn put(&mut self, requests: &[SyntheticRequest], images: &[Image]) -> Result<()> {
        images.iter().try_for_each(|image| self.images.write_all(image.data())).map_err(unwritable)?;
        let mut labels = requests.iter().map(|request| i64::from(request.label).to_le_bytes());
        labels.try_for_each(|label| self.labels.write_all(&label)).map_err(unwritable)
    }

    /// Ends the arrays; `classes.json` beside them has the classes' names in the order of the labels.
    pub fn finish(self, classes: &[String]) -> Result<()> {
        for array in [self.images, self.labels] {
            let file = array.into_inner().map_err(|error| unwritable(error.into_error()))?;
            file.sync_all().map_err(unwritable)?;
        }
        fs::write(self.folder.join("classes.json"), output::to_json(&classes)?).map_err(unwritable)
    }
}

/// A file with the header of an array of `shape`.
fn begin(path: &Path, dtype: &str, shape: &[u64]) -> Result<BufWriter<File>> {
    let mut file = BufWriter::new(File::create_new(path).map_err(unwritable)?);
    file.write_all(&header(dtype, shape)).map_err(unwritable)?;
    Ok(file)
}

/// Magic, version, length, and a literal of Python padded with spaces so that the data is aligned.
fn header(dtype: &str, shape: &[u64]) -> Vec<u8> {
    let shape: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let text = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    let before = 10;
    let length = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - before;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{text:<width$}\n", width = length - 1).into_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_numpys() {
        for (shape, literal) in [(&[5][..], "(5,)"), (&[1_000_000, 128, 128, 3], "(1000000, 128, 128, 3,)")] {
            let header = header("|u1", shape);
            assert!(header.len().is_multiple_of(64) && header.ends_with(b" \n"));
            assert_eq!(usize::from(u16::from_le_bytes([header[8], header[9]])), header.len() - 10);
            let text = std::str::from_utf8(&header[10..]).unwrap();
            assert_eq!(text.trim_end(), format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {literal}, }}"));
        }
    }
}
