//! The JPEG files of `fixtures/jpeg/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use candle_augment::Scale;

pub const SCALES: [Scale; 4] = [Scale::Full, Scale::Half, Scale::Quarter, Scale::Eighth];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/jpeg")
}

pub fn jpeg(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).expect("the fixture is there")
}

/// By the file's name and the scale's divisor, the CRC-32 of libjpeg-turbo's pixels.
pub fn references() -> BTreeMap<String, BTreeMap<usize, u32>> {
    let text = fs::read(folder().join("references.json")).expect("the fixture is there");
    serde_json::from_slice(&text).expect("the fixture is made of objects and numbers")
}

/// `file` with an EXIF block that holds `orientation`.
pub fn oriented(file: &[u8], orientation: u8) -> Vec<u8> {
    let block = [b"Exif\0\0", &super::data::exif(orientation)[..]].concat();
    let segment = [&[0xff, 0xe1][..], &(block.len() as u16 + 2).to_be_bytes(), &block].concat();
    [&file[..2], &segment, &file[2..]].concat()
}
