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

/// An `.npy` file, version 1.0, as NumPy writes one: `shape` is Python's text for the shape.
pub fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    npy_with_header(&format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"), data)
}

/// An `.npy` file with any header.
pub fn npy_with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16 + 1).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(data);
    bytes
}

/// How an entry of a zip archive is packed.
#[derive(Clone, Copy)]
pub enum Packing {
    Stored,
    Deflated,
    /// A method of this number, which nobody unpacks.
    Unknown(u16),
}

/// A zip archive with an entry `NAME.npy` for each array.
pub fn npz(arrays: &[(&str, Vec<u8>)], packing: Packing) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, array) in arrays {
        let (method, packed) = match packing {
            Packing::Stored => (0, array.clone()),
            Packing::Deflated => (8_u16, deflate(array)),
            Packing::Unknown(method) => (method, array.clone()),
        };
        let mut checksum = flate2::Crc::new();
        checksum.update(array);
        let name = format!("{name}.npy");
        let mut fields = Vec::new();
        fields.extend([20, 0, 0, 0]);
        fields.extend(method.to_le_bytes());
        fields.extend([0; 4]);
        for value in [checksum.sum(), packed.len() as u32, array.len() as u32] {
            fields.extend(value.to_le_bytes());
        }
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0; 2]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&fields);
        directory.extend([0; 10]);
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(name.bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(fields);
        bytes.extend(name.bytes());
        bytes.extend(packed);
    }
    let start = bytes.len() as u32;
    let count = (arrays.len() as u16).to_le_bytes();
    bytes.extend_from_slice(&directory);
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
    bytes.extend([count, count].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes every write")
}

/// A record of CIFAR's binary version: label bytes and three planes, each of one value.
pub fn cifar_record(labels: &[u8], [red, green, blue]: [u8; 3]) -> Vec<u8> {
    [labels, &[red; 1024], &[green; 1024], &[blue; 1024]].concat()
}
