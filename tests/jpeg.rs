//! JPEG artefacts are those of a JPEG file.

use candle_augment::{Image, Op, Result};

/// Height, width, channels, quality, and the pixels that torchvision 0.29 (`v2.functional.jpeg`) makes of them.
type Case = (usize, usize, usize, u8, &'static [u8]);

#[rustfmt::skip]
const CASES: [Case; 4] = [
    (9, 5, 1, 30, &[0, 40, 48, 82, 140, 138, 236, 205, 41, 61, 80, 165, 218, 154, 44, 86, 68, 168, 255, 0, 84, 113, 205, 209, 27, 78, 190, 197, 21, 195, 138, 201, 145, 13, 178, 0, 61, 147, 255, 35, 130, 213, 33, 124, 207]),
    (5, 7, 3, 50, &[0, 42, 126, 83, 136, 168, 143, 214, 148, 55, 116, 23, 207, 230, 188, 117, 95, 97, 95, 25, 62, 111, 151, 236, 36, 89, 123, 77, 149, 85, 150, 212, 126, 107, 126, 94, 158, 134, 147, 179, 107, 157, 90, 128, 211, 66, 116, 151, 35, 109, 50, 138, 199, 122, 133, 147, 130, 204, 173, 207, 136, 60, 134, 24, 61, 141, 109, 159, 194, 70, 145, 89, 51, 112, 45, 193, 201, 204, 190, 152, 211, 76, 0, 97, 68, 102, 174, 78, 127, 157, 115, 192, 138, 57, 118, 61, 149, 149, 173, 133, 85, 171, 119, 34, 164]),
    (2, 3, 3, 10, &[30, 64, 0, 154, 188, 112, 161, 195, 119, 31, 65, 0, 143, 177, 101, 131, 165, 89]),
    (1, 1, 3, 90, &[0, 29, 59]),
];

fn picture(height: usize, width: usize, channels: usize) -> Result<Image> {
    let byte = |i: usize| ((i * i * 7 / 11 + i * 29) % 256) as u8;
    Image::new(height, width, channels, (0..height * width * channels).map(byte).collect())
}

#[test]
fn pixels_are_torchvisions() -> Result<()> {
    for (height, width, channels, quality, expected) in CASES {
        let image = Op::Jpeg { quality }.apply(picture(height, width, channels)?)?;
        assert_eq!(image.data(), expected, "{height}×{width}×{channels} at quality {quality}");
    }
    Ok(())
}

#[test]
fn the_higher_the_quality_the_nearer_the_image() -> Result<()> {
    let smooth = |i: usize| (i / 3 % 40 * 4 + i / 120 * 2) as u8;
    let image = Image::new(30, 40, 3, (0..3600).map(smooth).collect())?;
    let error = |quality| -> Result<u32> {
        let compressed = Op::Jpeg { quality }.apply(image.clone())?;
        Ok(image.data().iter().zip(compressed.data()).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum())
    };
    let errors = [error(1)?, error(10)?, error(50)?, error(95)?];
    assert!(errors.is_sorted_by(|worse, better| worse > better), "{errors:?}");
    Ok(())
}

#[test]
fn one_colour_stays_gray_where_it_was_gray() -> Result<()> {
    let gray = Op::Jpeg { quality: 5 }.apply(Image::filled(13, 21, &[77; 3])?)?;
    assert!(gray.data().iter().all(|byte| *byte == gray.data()[0]), "{:?}", gray.pixel(0, 0));
    Ok(())
}
