//! Damaged JPEG files give typed errors, whatever part of them is asked for; nothing panics, and nothing takes long.

mod common;

use candle_augment::{
    Color, Decoder, EncodedImage, Error, ErrorKind, Image, Limits, Region, Result, View, decode_image,
};
use common::jpeg::{SCALES, jpeg, references};

const END: [u8; 2] = [0xff, 0xd9];

fn decode(bytes: &[u8]) -> Result<Image> {
    decode_image(bytes, Color::AsStored, &Limits::default())
}

fn refused(bytes: &[u8]) -> Error {
    decode(bytes).expect_err("the file is damaged")
}

fn position(bytes: &[u8], marker: u8) -> usize {
    bytes.windows(2).position(|pair| pair == [0xff, marker]).expect("the file has such a segment")
}

/// Decodes all of `bytes`, and the last pixel, at every scale; only to see that it comes back.
fn decode_every_way(bytes: &[u8], decoder: &mut Decoder) {
    let limits = Limits { max_side: 200, max_pixels: 20_000 };
    let Ok(encoded) = EncodedImage::new(bytes, &limits) else { return };
    let size = encoded.size();
    for scale in SCALES {
        let scaled = scale.of(size);
        let last = Region { top: scaled.height - 1, left: scaled.width - 1, height: 1, width: 1 };
        for region in [None, Some(last)] {
            let encoded = EncodedImage::new(bytes, &limits).expect("its header was read before");
            let _ = encoded.decode(decoder, View { region, scale, color: Color::Rgb });
        }
    }
}

#[test]
fn every_cut_with_an_end_marker_is_an_error() {
    for name in ["cat-48x32-420-q100.jpg", "coffee-61x47-420-q30-restart-3.jpg", "cat-33x31-gray-q95-restart-2.jpg"] {
        let whole = jpeg(name);
        let data = position(&whole, 0xda) + 14;
        for end in 2..whole.len() - 2 {
            // The last bits of the data are filling: a byte with nothing else may be missing.
            let cut = [&whole[..end], &END].concat();
            match decode(&cut) {
                Ok(image) => assert!(end + 2 >= whole.len() && image == decode(&whole).expect("it is whole"), "{end}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Decode, "{name} cut to {end}: {error}");
                    assert!(end < data || error.message().contains("cut short") || error.message().contains("damaged"));
                }
            }
        }
    }
}

#[test]
fn no_changed_byte_panics() {
    let mut decoder = Decoder::new();
    for name in ["cat-17x3-420-q90.jpg", "coffee-31x40-440-q60-restart-5.jpg", "cat-33x31-rgb-q90.jpg"] {
        let whole = jpeg(name);
        for at in 0..whole.len() {
            for mask in [0x01, 0x10, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= mask;
                decode_every_way(&changed, &mut decoder);
            }
        }
    }
}

#[test]
fn no_missing_stretch_panics() {
    let mut decoder = Decoder::new();
    for name in references().keys().filter(|name| name.contains("restart")) {
        let whole = jpeg(name);
        for start in (2..whole.len()).step_by(7) {
            let end = (start + 29).min(whole.len());
            decode_every_way(&[&whole[..start], &whole[end..]].concat(), &mut decoder);
        }
    }
}

/// `file` without the segments of `marker`.
fn without(file: &[u8], marker: u8) -> Vec<u8> {
    let mut rest = file.to_vec();
    while let Some(at) = rest.windows(2).position(|pair| pair == [0xff, marker]) {
        let length = usize::from(u16::from_be_bytes([rest[at + 2], rest[at + 3]]));
        rest.drain(at..at + 2 + length);
    }
    rest
}

#[test]
fn missing_tables_and_headers_are_errors() {
    let whole = jpeg("cat-96x64-420-q90.jpg");
    for marker in [0xc4, 0xdb, 0xc0, 0xda] {
        assert_eq!(refused(&without(&whole, marker)).kind(), ErrorKind::Decode, "{marker:x}");
    }
}

#[test]
fn absurd_frames_are_errors() {
    let whole = jpeg("cat-96x64-420-q90.jpg");
    let frame = position(&whole, 0xc0);
    // Bits a sample, height, width, number of components, sampling of the first, its table.
    for (offset, values) in [(4, &[0][..]), (4, &[7]), (5, &[0, 0]), (7, &[0, 0]), (9, &[0]), (9, &[2]), (11, &[0])] {
        let mut changed = whole.clone();
        changed[frame + offset..][..values.len()].copy_from_slice(values);
        assert_eq!(refused(&changed).kind(), ErrorKind::Decode, "{values:?} at {offset}");
    }
    let mut changed = whole;
    changed[frame + 5..frame + 9].fill(0xff);
    assert_eq!(refused(&changed).kind(), ErrorKind::Limits);
}

#[test]
fn a_size_that_the_data_cannot_fill_is_an_error_before_memory_is_taken() {
    let mut changed = jpeg("cat-96x64-420-q90.jpg");
    let frame = position(&changed, 0xc0);
    changed[frame + 5..frame + 9].copy_from_slice(&[0x30, 0, 0x30, 0]);
    let error = refused(&changed);
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.message().contains("cut short"), "{error}");
}

#[test]
fn restart_markers_must_be_in_turn() {
    let whole = jpeg("coffee-61x47-420-q30-restart-3.jpg");
    let marker = position(&whole, 0xd1);
    let mut swapped = whole.clone();
    swapped[marker + 1] = 0xd2;
    let missing = [&whole[..marker], &whole[marker + 2..]].concat();
    for file in [swapped, missing] {
        let error = refused(&file);
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.message().contains("restart marker"), "{error}");
    }
}

#[test]
fn codes_that_no_table_has_are_errors() {
    let whole = jpeg("cat-96x64-420-q90.jpg");
    let data = position(&whole, 0xda) + 14;
    // All ones are no code (ITU-T T.81, annex C); a stuffed zero belongs to each.
    let ones = [0xff, 0].repeat(40);
    let changed = [&whole[..data], &ones, &whole[data..]].concat();
    let error = refused(&changed);
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.message().contains("damaged"), "{error}");
}

#[test]
fn damage_behind_the_region_goes_unseen() -> Result<()> {
    let whole = jpeg("cat-96x64-420-q90.jpg");
    let end = whole.len() - 700;
    let cut = [&whole[..end], &END].concat();
    assert!(decode(&cut).is_err());
    let region = Some(Region { top: 0, left: 0, height: 10, width: 96 });
    let view = View { region, ..View::default() };
    let part = EncodedImage::new(&cut, &Limits::default())?.decode(&mut Decoder::new(), view)?;
    assert_eq!(part, EncodedImage::new(&whole, &Limits::default())?.decode(&mut Decoder::new(), view)?);
    Ok(())
}
