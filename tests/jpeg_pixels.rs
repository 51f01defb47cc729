//! JPEG files have libjpeg-turbo's pixels, at every scale; a region has those of the whole, whatever the orientation.

mod common;

use candle_augment::{
    Color, Decoder, EncodedImage, ErrorKind, Image, Limits, Region, Result, Scale, Size, View, decode_image,
};
use common::data::{gradient, png};
use common::jpeg::{SCALES, jpeg, oriented, references};
use flate2::Crc;
use proptest::prelude::*;

const AS_STORED: View = View { region: None, scale: Scale::Full, color: Color::AsStored };

fn decode(bytes: &[u8], view: View) -> Result<Image> {
    EncodedImage::new(bytes, &Limits::default())?.decode(&mut Decoder::new(), view)
}

fn crop(image: &Image, region: Region) -> Image {
    let channels = image.channels();
    let rows = image.data().chunks_exact(image.width() * channels).skip(region.top).take(region.height);
    let data = rows.flat_map(|row| &row[region.left * channels..(region.left + region.width) * channels]).copied();
    Image::new(region.height, region.width, channels, data.collect()).expect("the region lies within the image")
}

#[test]
fn every_pixel_is_libjpegs() -> Result<()> {
    for (name, checksums) in references() {
        for scale in SCALES {
            let Some(&expected) = checksums.get(&scale.divisor()) else { continue };
            let image = decode(&jpeg(&name), View { scale, ..AS_STORED })?;
            let mut found = Crc::new();
            found.update(image.data());
            assert_eq!(found.sum(), expected, "{name} at {scale:?}");
        }
    }
    Ok(())
}

#[test]
fn every_pixel_can_be_decoded_alone() -> Result<()> {
    let mut decoder = Decoder::new();
    for name in ["cat-17x3-420-q90.jpg", "coffee-31x40-440-q60-restart-5.jpg", "coffee-31x40-411-q60-restart-1.jpg"] {
        let bytes = jpeg(name);
        for scale in SCALES {
            let whole = decode(&bytes, View { scale, ..AS_STORED })?;
            for (top, left) in (0..whole.height()).flat_map(|top| (0..whole.width()).map(move |left| (top, left))) {
                let region = Some(Region { top, left, height: 1, width: 1 });
                let encoded = EncodedImage::new(&bytes, &Limits::default())?;
                let pixel = encoded.decode(&mut decoder, View { region, scale, ..AS_STORED })?;
                assert_eq!(pixel.data(), whole.pixel(left, top), "{name} at {scale:?}, row {top}, column {left}");
            }
        }
    }
    Ok(())
}

/// Any fixture, orientation, scale and color, and a region by fractions.
fn cases() -> impl Strategy<Value = (String, u8, Scale, Color, [f64; 4])> {
    let names: Vec<_> = references().into_keys().collect();
    let color = prop_oneof![Just(Color::Rgb), Just(Color::Gray), Just(Color::AsStored)];
    let scale = prop::sample::select(&SCALES[..]);
    (prop::sample::select(names), 1..=8_u8, scale, color, prop::array::uniform4(0.0..1.0))
}

fn region_at([top, left, height, width]: [f64; 4], size: Size) -> Region {
    let start = |fraction: f64, length: usize| (fraction * length as f64) as usize;
    let (top, left) = (start(top, size.height), start(left, size.width));
    let length = |fraction: f64, most: usize| 1 + (fraction * most as f64) as usize;
    Region { top, left, height: length(height, size.height - top), width: length(width, size.width - left) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_region_is_a_crop_of_the_whole((name, orientation, scale, color, fractions) in cases()) {
        let bytes = oriented(&jpeg(&name), orientation);
        let whole = decode(&bytes, View { region: None, scale, color })?;
        prop_assert_eq!(whole.size(), scale.of(EncodedImage::new(&bytes, &Limits::default())?.size()));
        let region = region_at(fractions, whole.size());
        let part = decode(&bytes, View { region: Some(region), scale, color })?;
        prop_assert_eq!(part, crop(&whole, region));
    }
}

#[test]
fn orientations_are_applied_at_every_scale() -> Result<()> {
    let upright = jpeg("coffee-61x47-420-q30-restart-3.jpg");
    for scale in SCALES {
        let view = View { scale, ..AS_STORED };
        let stored = decode(&upright, view)?;
        for orientation in 1..=8 {
            let shown = decode(&oriented(&upright, orientation), view)?;
            // `image` has an implementation of its own.
            let mut expected = image::DynamicImage::from(stored.clone());
            expected.apply_orientation(image::metadata::Orientation::from_exif(orientation).expect("1 to 8 are valid"));
            assert_eq!(shown, Image::try_from(expected)?, "orientation {orientation} at {scale:?}");
        }
    }
    Ok(())
}

#[test]
fn colors_are_those_of_the_whole_converted() -> Result<()> {
    for name in ["cat-96x64-420-q90.jpg", "cat-33x31-rgb-q90.jpg", "coffee-61x47-gray-q80.jpg"] {
        let stored = decode(&jpeg(name), AS_STORED)?;
        for color in [Color::Rgb, Color::Gray] {
            assert_eq!(decode(&jpeg(name), View { color, ..AS_STORED })?, stored.clone().into_color(color), "{name}");
            assert_eq!(
                decode_image(&jpeg(name), color, &Limits::default())?,
                stored.clone().into_color(color),
                "{name}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_decoder_keeps_nothing_of_the_files_before() -> Result<()> {
    let mut decoder = Decoder::new();
    let mut pixels = Vec::new();
    for name in references().into_keys().chain(references().into_keys().rev()) {
        let bytes = jpeg(&name);
        let encoded = EncodedImage::new(&bytes, &Limits::default())?;
        let (size, channels) = encoded.decode_into(&mut decoder, AS_STORED, &mut pixels)?;
        let image = Image::new(size.height, size.width, channels, pixels.clone())?;
        assert_eq!(image, decode(&bytes, AS_STORED)?, "{name}");
    }
    Ok(())
}

#[test]
fn other_images_are_cut_but_not_scaled() -> Result<()> {
    let region = Region { top: 2, left: 3, height: 4, width: 1 };
    for bytes in [jpeg("cat-96x64-progressive.jpg"), png(gradient(9, 7, 3))] {
        assert!(!EncodedImage::new(&bytes, &Limits::default())?.can_scale());
        let whole = decode(&bytes, AS_STORED)?;
        assert_eq!(decode(&bytes, View { region: Some(region), ..AS_STORED })?, crop(&whole, region));
        let error = decode(&bytes, View { scale: Scale::Half, ..AS_STORED }).expect_err("it cannot be scaled");
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    assert!(EncodedImage::new(&jpeg("cat-96x64-420-q90.jpg"), &Limits::default())?.can_scale());
    Ok(())
}

#[test]
fn regions_outside_are_refused() -> Result<()> {
    let bytes = jpeg("cat-96x64-420-q90.jpg");
    let outside = [(0, 0, 65, 96), (64, 0, 1, 1), (0, 96, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0), (usize::MAX, 0, 2, 1)];
    for (top, left, height, width) in outside {
        let region = Some(Region { top, left, height, width });
        let error = decode(&bytes, View { region, ..AS_STORED }).expect_err("the region lies outside");
        assert_eq!(error.kind(), ErrorKind::Config, "{region:?}");
        assert!(error.message().contains("96×64"), "{error}");
    }
    // A region is in pixels of the scaled image.
    let region = Some(Region { top: 31, left: 47, height: 2, width: 1 });
    assert!(decode(&bytes, View { region, scale: Scale::Half, ..AS_STORED }).is_err());
    Ok(())
}
