//! Damaged, absurd and mislabelled image files give errors that say what is wrong; nothing panics.

mod common;

use candle_augment::{Color, Error, ErrorKind, Image, Limits, Result, decode_image, read_header};
use common::data::{GIF_WITHOUT_COLUMNS, encode, gradient, idat, ihdr, png_of_chunks, put, scratch};
use image::ImageFormat;

const FORMATS: [ImageFormat; 6] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Tiff];

fn decode(bytes: &[u8]) -> Result<Image> {
    decode_image(bytes, Color::AsStored, &Limits::default())
}

fn refused(bytes: &[u8]) -> Error {
    decode(bytes).expect_err("the bytes are no whole image of a permitted size")
}

#[test]
fn every_cut_is_an_error_or_loses_no_pixel() {
    for format in FORMATS {
        let bytes = encode(gradient(6, 9, 3), format);
        let whole = decode(&bytes).expect("the whole file is in order");
        for end in 0..bytes.len() {
            match decode(&bytes[..end]) {
                Ok(image) => assert_eq!(image, whole, "{format:?} cut to {end} of {} bytes", bytes.len()),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Decode, "{format:?} cut to {end}: {error}"),
            }
        }
    }
}

#[test]
fn every_cut_of_a_jpeg_is_an_error() {
    let bytes = encode(gradient(40, 50, 3), ImageFormat::Jpeg);
    for end in 0..bytes.len() {
        assert!(decode(&bytes[..end]).is_err(), "cut to {end} of {} bytes", bytes.len());
    }
    assert!(refused(&bytes[..bytes.len() / 2]).message().contains("cut short"));
}

#[test]
fn no_changed_byte_panics() {
    let limits = Limits { max_side: 1000, max_pixels: 100_000 };
    for format in FORMATS {
        let bytes = encode(gradient(6, 9, 3), format);
        for at in 0..bytes.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= mask;
                if let Ok(image) = decode_image(&changed, Color::Rgb, &limits) {
                    assert!(limits.check(image.size()).is_ok(), "{format:?} with byte {at} changed");
                }
            }
        }
    }
}

#[test]
fn an_empty_file_is_called_empty() {
    let error = refused(&[]);
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Decode, "the file is empty (0 bytes): replace or remove the file")
    );
}

#[test]
fn text_is_not_an_image_whatever_its_name() {
    let folder = scratch();
    let path = put(folder.path(), "text.png", b"Dear reader, this is not an image.");
    let error = read_header(&path).expect_err("text has no image header");
    assert_eq!((error.kind(), error.path()), (ErrorKind::Decode, Some(&*path)));
    assert!(error.message().contains("expected PNG, JPEG, WebP, BMP, GIF or TIFF"), "{error}");
    assert!(error.message().contains("Dear rea"), "{error}");
}

#[test]
fn other_kinds_of_images_are_named() {
    let error = refused(b"\0\0\0\x20ftypavif\0\0\0\0avif");
    assert!(error.message().contains("AVIF images are not supported"), "{error}");
}

/// A whole PNG file, save that its header says another size.
fn png_that_says(width: u32, height: u32) -> Vec<u8> {
    png_of_chunks(&[(b"IHDR", &ihdr(width, height, 8, 2)), (b"IDAT", &idat(&[&[0; 3]])), (b"IEND", &[])])
}

#[test]
fn absurd_png_dimensions_are_refused() {
    for (width, height) in [(0x7fff_ffff, 0x7fff_ffff), (0x7fff_ffff, 1), (1, 0x7fff_ffff), (30_000, 30_000)] {
        let error = refused(&png_that_says(width, height));
        assert_eq!(error.kind(), ErrorKind::Limits, "{width}×{height}: {error}");
        assert!(error.message().contains("limits"), "{error}");
    }
    let error = refused(&png_that_says(40_000, 10));
    assert!(error.message().contains("40000×10"), "{error}");
}

#[test]
fn absurd_dimensions_of_other_formats_are_refused() {
    let patched = |format, at: usize, bytes: &[u8]| {
        let mut file = encode(gradient(6, 9, 3), format);
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let jpeg = encode(gradient(6, 9, 3), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a baseline JPEG has a frame header");
    let tiff = encode(gradient(6, 9, 3), ImageFormat::Tiff);
    let width_entry = [0, 1, 4, 0, 1, 0, 0, 0, 9, 0, 0, 0];
    let entry = tiff.windows(12).position(|bytes| bytes == width_entry).expect("a TIFF has an entry for its width");
    let files = [
        patched(ImageFormat::Tiff, entry + 8, &[0xff, 0xff, 0xff, 0x7f]),
        patched(ImageFormat::WebP, 21, &[0xfe, 0xbf, 0xff, 0x0f]),
        patched(ImageFormat::Jpeg, frame + 5, &[0xff; 4]),
        patched(ImageFormat::Gif, 6, &[0xff; 4]),
        patched(ImageFormat::Bmp, 18, &[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]),
    ];
    for file in files {
        let error = refused(&file);
        assert_eq!(error.kind(), ErrorKind::Limits, "{error}");
    }
}

#[test]
fn images_without_pixels_are_refused() {
    let error = refused(GIF_WITHOUT_COLUMNS);
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.message(), "the header says 0×5 pixels: replace or remove the file");

    let mut bmp = encode(gradient(6, 9, 3), ImageFormat::Bmp);
    bmp[18..26].fill(0);
    let error = refused(&bmp);
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.message().contains("the BMP image is"), "{error}");
    assert!(error.message().contains("replace or remove the file"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_header_that_the_system_cannot_read_is_no_damage() {
    // A regular file whose first bytes are mapped in no process.
    let path = std::path::Path::new("/proc/self/mem");
    let error = read_header(path).expect_err("the first page is never mapped");
    assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(path)));
}

#[test]
fn a_gif_frame_far_larger_than_its_image_is_refused() {
    let mut bytes = encode(gradient(6, 9, 3), ImageFormat::Gif);
    let frame_start = [0x2c, 0, 0, 0, 0, 9, 0, 6, 0];
    let frame = bytes.windows(9).position(|window| window == frame_start).expect("the GIF has a frame of its size");
    bytes[frame + 5..frame + 9].copy_from_slice(&[0xff, 0x7f, 0xff, 0x7f]);
    assert_eq!(refused(&bytes).kind(), ErrorKind::Limits);
}

#[test]
fn limits_can_be_set() -> Result<()> {
    let bytes = encode(gradient(6, 9, 3), ImageFormat::Png);
    let limits = |max_side, max_pixels| Limits { max_side, max_pixels };
    assert!(decode_image(&bytes, Color::Rgb, &limits(9, 54)).is_ok());
    for tight in [limits(8, 54), limits(9, 53)] {
        let error = decode_image(&bytes, Color::Rgb, &tight).expect_err("the image is larger");
        assert_eq!(error.kind(), ErrorKind::Limits);
    }
    Ok(())
}

#[test]
fn a_jpeg_with_data_behind_its_end_is_whole() -> Result<()> {
    let mut bytes = encode(gradient(6, 9, 3), ImageFormat::Jpeg);
    let whole = decode(&bytes)?;
    bytes.extend_from_slice(b"a camera's own data");
    assert_eq!(decode(&bytes)?, whole);
    Ok(())
}
