//! Folders of images and files of bad bytes, made on the spot.

use std::fs;
use std::io::Write;
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

/// A whole GIF whose logical screen is 0 columns wide and 5 rows high.
pub const GIF_WITHOUT_COLUMNS: &[u8] = b"GIF89a\x00\x00\x05\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\
    \x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// An IDX file of unsigned bytes.
pub fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    bytes.extend_from_slice(data);
    bytes
}

/// A PNG file from its chunks, with the checksums that belong to them.
pub fn png_of_chunks(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        let mut checksum = flate2::Crc::new();
        checksum.update(*kind);
        checksum.update(data);
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend_from_slice(*kind);
        bytes.extend_from_slice(data);
        bytes.extend(checksum.sum().to_be_bytes());
    }
    bytes
}

/// The data of a PNG header chunk.
pub fn ihdr(width: u32, height: u32, bits: u8, color_type: u8) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, color_type, 0, 0, 0]].concat()
}

/// Compressed rows for a PNG data chunk, each with its filter byte.
pub fn idat(rows: &[&[u8]]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    for row in rows {
        encoder.write_all(&[0]).and_then(|()| encoder.write_all(row)).expect("memory takes every write");
    }
    encoder.finish().expect("memory takes every write")
}

/// The TIFF structure of an EXIF block that holds nothing but an orientation, 1 to 8.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0\x01\0".to_vec();
    bytes.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    bytes.extend([0; 4]);
    bytes
}
