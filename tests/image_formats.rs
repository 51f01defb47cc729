//! Every kind of image file becomes 8-bit gray or RGB, turned as its EXIF orientation says.

mod common;

use candle_augment::{Color, Header, Image, Limits, Result, Size, decode_image, read_header};
use common::data::{encode, exif, gradient, idat, ihdr, png, png_of_chunks, put, scratch};
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};

const LOSSLESS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP];

fn decode(bytes: &[u8]) -> Result<Image> {
    decode_image(bytes, Color::AsStored, &Limits::default())
}

#[test]
fn lossless_formats_keep_every_pixel() -> Result<()> {
    let image = gradient(5, 7, 3);
    for format in LOSSLESS {
        assert_eq!(decode(&encode(image.clone(), format))?, image, "{format:?}");
    }
    Ok(())
}

#[test]
fn one_pixel_is_enough() -> Result<()> {
    for format in [&LOSSLESS[..], &[ImageFormat::Jpeg, ImageFormat::Gif]].concat() {
        let image = Image::filled(1, 1, &[255, 255, 255])?;
        assert_eq!(decode(&encode(image.clone(), format))?, image, "{format:?}");
    }
    let gray = Image::filled(1, 1, &[7])?;
    assert_eq!(decode(&png(gray.clone()))?, gray);
    Ok(())
}

#[test]
fn jpeg_is_close_and_gray_stays_gray() -> Result<()> {
    let gray = Image::filled(9, 17, &[100])?;
    let decoded = decode(&encode(gray.clone(), ImageFormat::Jpeg))?;
    assert_eq!((decoded.size(), decoded.channels()), (gray.size(), 1));
    assert!(decoded.data().iter().all(|value| value.abs_diff(100) <= 1));
    Ok(())
}

#[test]
fn color_is_as_asked_for() -> Result<()> {
    let bytes = png(Image::filled(2, 2, &[10, 200, 30])?);
    assert_eq!(decode_image(&bytes, Color::Gray, &Limits::default())?, Image::filled(2, 2, &[124])?);
    let gray = png(Image::filled(2, 2, &[9])?);
    assert_eq!(decode_image(&gray, Color::Rgb, &Limits::default())?, Image::filled(2, 2, &[9; 3])?);
    Ok(())
}

#[test]
fn sixteen_bits_become_eight() -> Result<()> {
    let gray: DynamicImage = ImageBuffer::from_pixel(2, 1, Luma([0x8080_u16])).into();
    let rgb: DynamicImage = ImageBuffer::from_pixel(2, 1, Rgb([0xffff_u16, 0x8080, 0])).into();
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        assert_eq!(decode(&encode(gray.clone(), format))?, Image::filled(1, 2, &[0x80])?, "{format:?}");
        assert_eq!(decode(&encode(rgb.clone(), format))?, Image::filled(1, 2, &[0xff, 0x80, 0])?, "{format:?}");
    }
    Ok(())
}

#[test]
fn alpha_is_dropped() -> Result<()> {
    let rgba: DynamicImage = ImageBuffer::from_pixel(1, 2, Rgba([10_u8, 20, 30, 0])).into();
    assert_eq!(decode(&encode(rgba, ImageFormat::Png))?, Image::filled(2, 1, &[10, 20, 30])?);
    let gray: DynamicImage = ImageBuffer::from_pixel(1, 2, LumaA([10_u8, 128])).into();
    assert_eq!(decode(&encode(gray, ImageFormat::Png))?, Image::filled(2, 1, &[10])?);
    Ok(())
}

#[test]
fn palettes_are_looked_up() -> Result<()> {
    let (header, pixels) = (ihdr(3, 1, 8, 3), idat(&[&[2, 0, 1]]));
    let palette = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    let bytes = png_of_chunks(&[(b"IHDR", &header), (b"PLTE", &palette), (b"IDAT", &pixels), (b"IEND", &[])]);
    assert_eq!(decode(&bytes)?, Image::new(1, 3, 3, vec![7, 8, 9, 1, 2, 3, 4, 5, 6])?);
    Ok(())
}

#[test]
fn single_bits_become_black_and_white() -> Result<()> {
    let (header, pixels) = (ihdr(8, 1, 1, 0), idat(&[&[0b1010_0011]]));
    let bytes = png_of_chunks(&[(b"IHDR", &header), (b"IDAT", &pixels), (b"IEND", &[])]);
    assert_eq!(decode(&bytes)?, Image::new(1, 8, 1, vec![255, 0, 255, 0, 0, 0, 255, 255])?);
    Ok(())
}

#[test]
fn cmyk_becomes_rgb() -> Result<()> {
    let image = decode(include_bytes!("../fixtures/cmyk-16x16.jpg"))?;
    assert_eq!(image.size(), Size::square(16));
    // What Pillow's `convert("RGB")` gives; JPEG's and the conversion's roundings differ by a few steps.
    let expected = [((3, 3), [255, 0, 0]), ((12, 3), [0, 255, 0]), ((3, 12), [0, 0, 255]), ((12, 12), [127; 3])];
    for ((x, y), color) in expected {
        let found = image.pixel(x, y);
        assert!(found.iter().zip(color).all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 3), "({x}, {y}): {found:?}");
    }
    Ok(())
}

#[test]
fn a_gif_gives_its_first_frame() -> Result<()> {
    let frame = |value| image::Frame::new(ImageBuffer::from_pixel(3, 2, Rgba([value, 0, 0, 255])));
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    encoder.encode_frames([frame(200), frame(100)]).expect("two frames encode");
    drop(encoder);
    assert_eq!(decode(&bytes)?, Image::filled(2, 3, &[200, 0, 0])?);
    Ok(())
}

/// `[a b c] / [d e f]` as EXIF's eight orientations show it.
const SHOWN: [&[&[u8]]; 8] = [
    &[b"abc", b"def"],
    &[b"cba", b"fed"],
    &[b"fed", b"cba"],
    &[b"def", b"abc"],
    &[b"ad", b"be", b"cf"],
    &[b"da", b"eb", b"fc"],
    &[b"fc", b"eb", b"da"],
    &[b"cf", b"be", b"ad"],
];

#[test]
fn exif_orientation_is_applied() -> Result<()> {
    let folder = scratch();
    for (orientation, rows) in (1..).zip(SHOWN) {
        let chunks: [(&[u8; 4], &[u8]); 4] = [
            (b"IHDR", &ihdr(3, 2, 8, 0)),
            (b"eXIf", &exif(orientation)),
            (b"IDAT", &idat(&[b"abc", b"def"])),
            (b"IEND", &[]),
        ];
        let bytes = png_of_chunks(&chunks);
        let expected = Image::new(rows.len(), rows[0].len(), 1, rows.concat())?;
        assert_eq!(decode(&bytes)?, expected, "orientation {orientation}");
        let header = read_header(put(folder.path(), "image.png", &bytes))?;
        assert_eq!(header, Header { size: expected.size(), channels: 1 }, "orientation {orientation}");
    }
    Ok(())
}

#[test]
fn exif_orientation_is_applied_to_jpeg() -> Result<()> {
    let upright = encode(gradient(16, 32, 3), ImageFormat::Jpeg);
    let block = [b"Exif\0\0", &exif(6)[..]].concat();
    let segment = [&[0xff, 0xe1][..], &(block.len() as u16 + 2).to_be_bytes(), &block].concat();
    let turned = [&upright[..2], &segment, &upright[2..]].concat();
    let (upright, turned) = (decode(&upright)?, decode(&turned)?);
    assert_eq!(turned.size(), Size::new(32, 16));
    assert!((0..16).all(|y| (0..32).all(|x| turned.pixel(15 - y, x) == upright.pixel(x, y))));
    Ok(())
}

#[test]
fn headers_tell_size_and_channels_of_every_format() -> Result<()> {
    let folder = scratch();
    for format in [&LOSSLESS[..], &[ImageFormat::Jpeg, ImageFormat::Gif]].concat() {
        let path = put(folder.path(), "image", &encode(gradient(5, 7, 3), format));
        assert_eq!(read_header(&path)?, Header { size: Size::new(5, 7), channels: 3 }, "{format:?}");
    }
    let path = put(folder.path(), "image", &encode(gradient(5, 7, 1), ImageFormat::Jpeg));
    assert_eq!(read_header(&path)?.channels, 1);
    Ok(())
}

#[test]
fn a_jpeg_header_behind_a_large_profile_is_found() -> Result<()> {
    let bytes = encode(gradient(5, 7, 3), ImageFormat::Jpeg);
    let segment = [&[0xff, 0xed, 0xff, 0xff][..], &[0; 65_533]].concat();
    let long = [&bytes[..2], &segment, &segment, &bytes[2..]].concat();
    let folder = scratch();
    assert_eq!(read_header(put(folder.path(), "long.jpg", &long))?.size, Size::new(5, 7));
    Ok(())
}
