//! Every operation gives what torchvision's tensor transforms give. The references and the script that made them are in `fixtures/`.
//!
//! What moves or changes pixels one by one agrees to the bit. What takes means of pixels around is summed by torch with fused multiply-adds
//! in an order of its own, so a mean close to a half may be rounded the other way: by 1, on under 0.1 % of the pixels.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use candle_augment::{Image, Interpolation, Normalize, Op, Result, apply_ops};
use flate2::Crc;
use flate2::read::GzDecoder;
use safetensors::SafeTensors;
use serde::Deserialize;

/// Operations, and the name of the tensor that holds the result.
#[derive(Deserialize)]
struct Case {
    image: Source,
    ops: Vec<Op>,
    result: String,
}

/// Operations, and the CRC-32 of the result.
#[derive(Deserialize)]
struct Check {
    image: Source,
    ops: Vec<Op>,
    crc32: u32,
}

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// A PNG in `fixtures/`.
    File(String),
    /// Height, width and channels of bytes that look random.
    Noise(usize, usize, usize),
    /// Height, width and channels of bytes that rise to the right and down.
    Gradient(usize, usize, usize),
    /// Height, width, channels, and the value of every byte.
    Even(usize, usize, usize, u8),
    /// Each of the 2²⁴ colours once.
    AllColors,
}

impl Source {
    fn image(&self) -> Result<Image> {
        match *self {
            Self::File(ref name) => {
                let path = fixture(&format!("{name}.png"));
                image::open(path).expect("the fixture is a PNG").try_into()
            }
            Self::Noise(height, width, channels) => {
                let byte = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 24) as u8;
                Image::new(height, width, channels, (0..height * width * channels).map(byte).collect())
            }
            Self::Gradient(height, width, channels) => {
                let byte = |i: usize| {
                    let (pixel, c) = (i / channels, i % channels);
                    ((2 * (pixel % width) + 3 * (pixel / width) + 40 * c) / 4) as u8
                };
                Image::new(height, width, channels, (0..height * width * channels).map(byte).collect())
            }
            Self::Even(height, width, channels, value) => {
                Image::new(height, width, channels, vec![value; height * width * channels])
            }
            Self::AllColors => {
                let color = |i: u32| [(i >> 16) as u8, (i >> 8) as u8, i as u8];
                Image::new(4096, 4096, 3, (0..1 << 24).flat_map(color).collect())
            }
        }
    }
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn references() -> Vec<u8> {
    let file = std::fs::File::open(fixture("transform-references.safetensors.gz")).expect("the fixture exists");
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes).expect("the fixture is gzipped");
    bytes
}

fn listed<T: for<'a> Deserialize<'a>>(bytes: &[u8], key: &str) -> Vec<T> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).expect("the fixture is a safetensors file");
    let text = &metadata.metadata().as_ref().expect("it has metadata")[key];
    serde_json::from_str(text).expect("the metadata is JSON of the crate's ops")
}

/// The operation that takes means, by name and interpolation.
fn kind(ops: &[Op]) -> &'static str {
    match ops[0] {
        Op::Rotate { interpolation: Interpolation::Bilinear, .. } => "bilinear rotation",
        Op::Rotate { .. } => "bicubic rotation",
        Op::Affine { interpolation: Interpolation::Bilinear, .. } => "bilinear affine map",
        Op::Affine { .. } => "bicubic affine map",
        Op::Perspective { interpolation: Interpolation::Bilinear, .. } => "bilinear perspective",
        Op::Perspective { .. } => "bicubic perspective",
        Op::Elastic { interpolation: Interpolation::Bilinear, .. } => "bilinear elastic map",
        Op::Elastic { .. } => "bicubic elastic map",
        Op::Resize { interpolation: Interpolation::Bilinear, .. } => "bilinear resize without antialiasing",
        Op::Resize { .. } => "bicubic resize without antialiasing",
        Op::GaussianBlur { .. } => "blur",
        ref other => panic!("{other:?} must agree to the bit"),
    }
}

#[derive(Debug, Default)]
struct Tally {
    pixels: usize,
    off: usize,
}

#[test]
fn means_agree_but_for_roundings() -> Result<()> {
    let bytes = references();
    let tensors = SafeTensors::deserialize(&bytes).expect("the fixture is a safetensors file");
    let cases: Vec<Case> = listed(&bytes, "cases");
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for Case { image, ops, result } in cases {
        let expected = tensors.tensor(&result).expect("each case has a tensor");
        let found = apply_ops(&ops, image.image()?)?;
        assert_eq!(expected.shape(), [found.height(), found.width(), found.channels()], "{image:?} {ops:?}");
        let tally = tallies.entry(kind(&ops)).or_default();
        let pixels = expected.data().chunks(found.channels()).zip(found.data().chunks(found.channels()));
        for (place, (expected, found)) in pixels.enumerate() {
            tally.pixels += 1;
            tally.off += usize::from(expected != found);
            let close = expected.iter().zip(found).all(|(expected, found)| expected.abs_diff(*found) <= 1);
            assert!(close, "pixel {place} of {image:?} {ops:?}: expected {expected:?}, found {found:?}");
        }
    }
    assert_eq!(tallies.len(), 11, "{tallies:?}");
    for (kind, Tally { pixels, off }) in tallies {
        assert!(pixels > 20_000 && off * 1_000 < pixels, "{kind}: {off} of {pixels} pixels differ");
    }
    Ok(())
}

/// Among them saturation and hue of every colour there is, and a thousand rotations by nearest pixel.
#[test]
fn checksums_agree() -> Result<()> {
    let bytes = references();
    let checks: Vec<Check> = listed(&bytes, "checks");
    assert!(checks.len() > 4_000, "{}", checks.len());
    let mut images = BTreeMap::new();
    for Check { image, ops, crc32 } in checks {
        if !images.contains_key(&image) {
            images.insert(image.clone(), image.image()?);
        }
        let mut crc = Crc::new();
        crc.update(apply_ops(&ops, images[&image].clone())?.data());
        assert_eq!(crc.sum(), crc32, "{image:?} {ops:?}");
    }
    Ok(())
}

#[test]
fn normalized_planes_agree() -> Result<()> {
    let bytes = references();
    let tensors = SafeTensors::deserialize(&bytes).expect("the fixture is a safetensors file");
    for (name, normalize, channels) in
        [("normalize_imagenet", Normalize::imagenet(), 3), ("normalize_signed", Normalize::signed(), 1)]
    {
        let expected = tensors.tensor(name).expect("it is there");
        let image = Image::new(1, 256, channels, (0..=255).flat_map(|byte| vec![byte; channels]).collect())?;
        let mut planes = vec![0.0; 256 * channels];
        normalize.write(&image, &mut planes)?;
        let found: Vec<u8> = planes.iter().flat_map(|value: &f32| value.to_le_bytes()).collect();
        assert!(expected.data() == found, "{name}");
    }
    Ok(())
}
