//! The passes beside the plain functions in [`color`].

use proptest::prelude::*;

use crate::error::Result;
use crate::image::Image;
use crate::transform::kernels::color;
use crate::transform::{Executor, Op, write_planar};

fn all_colors() -> Image {
    let color = |i: u32| [(i >> 16) as u8, (i >> 8) as u8, i as u8];
    Image::new(4096, 4096, 3, (0..1 << 24).flat_map(color).collect()).expect("each colour is a pixel")
}

/// The place and the values of the first byte that differs.
fn difference(image: &Image, other: &Image) -> Option<(usize, u8, u8)> {
    assert_eq!((image.size(), image.channels()), (other.size(), other.channels()));
    if image == other {
        return None;
    }
    let bytes = image.data().iter().zip(other.data());
    bytes.enumerate().find(|(_, (a, b))| a != b).map(|(i, (&a, &b))| (i, a, b))
}

#[test]
fn every_color_becomes_what_the_plain_functions_make_of_it() -> Result<()> {
    let colors = all_colors();
    let saturations = [0.0, 0.37, 1.4, 2.6].map(|factor| Op::Saturation { factor });
    let hues = [-0.5, -0.031, 0.1, 0.37].map(|shift| Op::Hue { shift });
    let mut executor = Executor::new();
    for op in saturations.into_iter().chain(hues).chain([Op::Grayscale { channels: 3 }]) {
        let expected = color::apply(&op, colors.clone()).expect("it has a plain form");
        assert_eq!(difference(&executor.image(std::slice::from_ref(&op), &colors)?, &expected), None, "{op:?}");
    }
    Ok(())
}

fn images() -> impl Strategy<Value = Image> {
    let sides = prop_oneof![(1..20usize, 1..20usize), (1..4usize, 600..2500usize), (90..99usize, 70..80usize)];
    let levels = prop_oneof![Just((0, 255)), (0..100u8, 150..=255u8), (7..9u8, 9..11u8)];
    (sides, prop_oneof![Just(1usize), Just(3)], levels, any::<u32>()).prop_map(
        |((height, width), channels, (least, greatest), seed)| {
            let byte = |i: usize| {
                let noise = (i as u32 ^ seed).wrapping_mul(2_654_435_761) >> 16;
                (u32::from(least) + noise % (u32::from(greatest - least) + 1)) as u8
            };
            Image::new(height, width, channels, (0..height * width * channels).map(byte).collect()).expect("they fit")
        },
    )
}

fn point_ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0.0..3.0f64).prop_map(|factor| Op::Brightness { factor }),
        (0.0..3.0f64).prop_map(|factor| Op::Contrast { factor }),
        (0.0..3.0f64).prop_map(|factor| Op::Saturation { factor }),
        (-0.5..=0.5f32).prop_map(|shift| Op::Hue { shift }),
        (0.0..3.0f32, 0.5..1.5f32).prop_map(|(gamma, gain)| Op::Gamma { gamma, gain }),
        prop_oneof![Just(1), Just(3)].prop_map(|channels| Op::Grayscale { channels }),
        Just([0u8, 1, 2]).prop_shuffle().prop_map(|order| Op::PermuteChannels { order }),
        Just(Op::Invert),
        (0..=8u8).prop_map(|bits| Op::Posterize { bits }),
        (-10.0..300.0f32).prop_map(|threshold| Op::Solarize { threshold }),
        Just(Op::Autocontrast),
        Just(Op::Equalize),
    ]
}

proptest! {
    /// In one pass or several, on images small and large enough for tables.
    #[test]
    fn passes_are_the_plain_functions(image in images(), ops in prop::collection::vec(point_ops(), 0..6)) {
        let plain = ops.iter().fold(image.clone(), |image, op| color::apply(op, image).expect("it has a plain form"));
        let mut executor = Executor::new();
        let fused = executor.image(&ops, &image)?;
        prop_assert_eq!(difference(&fused, &plain), None);
        let (mut planes, mut expected) = (vec![0; plain.data().len()], vec![0; plain.data().len()]);
        executor.write_planar(&ops, &image, &mut planes)?;
        write_planar(&plain, &mut expected)?;
        prop_assert_eq!(planes, expected);
    }
}
