//! Folders of images and files of bad bytes, made on the spot.

use std::fs;
use std::path::{Path, PathBuf};

use candle_augment::Image;
use image::{DynamicImage, ImageFormat};
use tempfile::TempDir;

pub fn scratch() -> TempDir {
    tempfile::tempdir().expect("the system has a folder for temporary files")
}

/// An image whose pixels all differ a little.
pub fn gradient(height: usize, width: usize, channels: usize) -> Image {
    let data = (0..height * width * channels).map(|i| (i * 37 % 251) as u8).collect();
    Image::new(height, width, channels, data).expect("the sides are positive and the channels 1 or 3")
}

pub fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).expect("the format takes this image");
    bytes.into_inner()
}

pub fn png(image: Image) -> Vec<u8> {
    encode(image, ImageFormat::Png)
}

/// Writes `bytes` to `root/name`, making the folders between.
pub fn put(root: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("the name has a folder")).expect("a scratch folder is writable");
    fs::write(&path, bytes).expect("a scratch folder is writable");
    path
}

/// An IDX file of unsigned bytes.
pub fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    bytes.extend_from_slice(data);
    bytes
}
