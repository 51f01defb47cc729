//! What holds for every operation: algebra, sizes, storage, and errors on what it cannot do.

use candle_augment::{
    Color, ErrorKind, Fill, Image, Interpolation, Normalize, Op, Result, Size, apply_ops, write_planar,
};
use proptest::prelude::*;

fn images() -> impl Strategy<Value = Image> {
    (1..20usize, 1..20usize, prop_oneof![Just(1usize), Just(3)]).prop_flat_map(|(height, width, channels)| {
        prop::collection::vec(any::<u8>(), height * width * channels)
            .prop_map(move |data| Image::new(height, width, channels, data).expect("the bytes fit"))
    })
}

fn interpolations() -> impl Strategy<Value = Interpolation> {
    prop_oneof![Just(Interpolation::Nearest), Just(Interpolation::Bilinear)]
}

fn rotations() -> impl Strategy<Value = Op> {
    let angles = prop_oneof![-1000.0..1000.0f32, (-8..8i8).prop_map(|quarters| f32::from(quarters) * 90.0)];
    let centers = prop::option::of([-30.0..30.0f32, -30.0..30.0f32]);
    (angles, interpolations(), any::<bool>(), centers, any::<u8>()).prop_map(
        |(degrees, interpolation, expand, center, fill)| Op::Rotate {
            degrees,
            interpolation,
            expand,
            center,
            fill: fill.into(),
        },
    )
}

/// Every kind of operation, on images of any kind.
fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        Just(Op::HFlip),
        Just(Op::VFlip),
        rotations(),
        (0.0..4.0f64).prop_map(|factor| Op::Brightness { factor }),
        (0.0..4.0f64).prop_map(|factor| Op::Contrast { factor }),
        (0.0..4.0f64).prop_map(|factor| Op::Saturation { factor }),
        (-0.5..=0.5f32).prop_map(|shift| Op::Hue { shift }),
        (1..40usize, 1..40usize, interpolations()).prop_map(|(height, width, interpolation)| Op::Resize {
            size: Size::new(height, width),
            interpolation,
            antialias: true
        }),
    ]
}

fn rotate(degrees: f32) -> Op {
    Op::Rotate { degrees, interpolation: Interpolation::Nearest, expand: true, center: None, fill: Fill::default() }
}

proptest! {
    #[test]
    fn the_size_is_the_one_foretold(image in images(), op in ops()) {
        let foretold = op.output_size(image.size());
        let channels = image.channels();
        let result = op.apply(image)?;
        prop_assert_eq!(result.size(), foretold);
        prop_assert_eq!(result.channels(), channels);
    }

    #[test]
    fn json_gives_the_op_back(op in ops()) {
        let text = serde_json::to_string(&op).expect("an op is plain data");
        prop_assert_eq!(serde_json::from_str::<Op>(&text).expect("it was written by the op"), op);
    }

    #[test]
    fn two_flips_are_none(image in images()) {
        prop_assert_eq!(apply_ops(&[Op::HFlip, Op::HFlip], image.clone())?, image.clone());
        prop_assert_eq!(apply_ops(&[Op::VFlip, Op::VFlip], image.clone())?, image);
    }

    #[test]
    fn both_flips_are_a_half_turn(image in images()) {
        prop_assert_eq!(apply_ops(&[Op::HFlip, Op::VFlip], image.clone())?, rotate(180.0).apply(image)?);
    }

    #[test]
    fn four_quarter_turns_are_none(image in images()) {
        prop_assert_eq!(apply_ops(&[rotate(90.0), rotate(90.0), rotate(90.0), rotate(450.0)], image.clone())?, image.clone());
        prop_assert_eq!(apply_ops(&[rotate(90.0), rotate(270.0)], image.clone())?, image);
    }

    #[test]
    fn neutral_numbers_change_nothing(image in images()) {
        let neutral = [
            Op::Brightness { factor: 1.0 },
            Op::Contrast { factor: 1.0 },
            Op::Saturation { factor: 1.0 },
            Op::Hue { shift: 0.0 },
            Op::Resize { size: image.size(), interpolation: Interpolation::Bilinear, antialias: true },
            rotate(0.0),
        ];
        for op in neutral {
            prop_assert_eq!(&op.apply(image.clone())?, &image, "{:?}", op);
        }
    }

    #[test]
    fn gray_pixels_have_no_hue_and_no_saturation(gray in images(), shift in -0.5..=0.5f32, factor in 0.0..1.0f64) {
        let rgb = gray.into_color(Color::Gray).into_color(Color::Rgb);
        prop_assert_eq!(&Op::Hue { shift }.apply(rgb.clone())?, &rgb);
        // The weights of the gray sum up to 0.9999, so that gray pixels may lose 1.
        let pale = Op::Saturation { factor }.apply(rgb.clone())?;
        prop_assert!(pale.data().iter().zip(rgb.data()).all(|(a, b)| b - a <= 1));
    }

    #[test]
    fn bytes_and_floats_are_laid_out_alike(image in images()) {
        let (mut bytes, mut floats) = (vec![0; image.data().len()], vec![0.0; image.data().len()]);
        write_planar(&image, &mut bytes)?;
        Normalize::unit().write(&image, &mut floats)?;
        for (byte, float) in bytes.iter().zip(floats) {
            prop_assert_eq!(f32::from(*byte) * (1.0 / 255.0), float);
        }
        let tensor = image.to_tensor(&candle_core::Device::Cpu)?.flatten_all().expect("it is contiguous");
        prop_assert_eq!(tensor.to_vec1::<u8>().expect("it is u8"), bytes);
    }
}

#[test]
fn an_op_is_short_in_json_and_has_defaults() {
    let json = |op: &Op| serde_json::to_string(op).expect("an op is plain data");
    assert_eq!(json(&Op::HFlip), r#""h_flip""#);
    assert_eq!(json(&Op::Brightness { factor: 1.1 }), r#"{"brightness":{"factor":1.1}}"#);
    let parsed: Op = serde_json::from_str(r#"{"rotate":{"degrees":15}}"#).expect("the rest has defaults");
    let fill = Fill::All(0);
    assert_eq!(
        parsed,
        Op::Rotate { degrees: 15.0, interpolation: Interpolation::Nearest, expand: false, center: None, fill }
    );
    let parsed: Op = serde_json::from_str(r#"{"rotate":{"degrees":15,"fill":[1,2,3]}}"#).expect("a colour is a list");
    assert!(matches!(parsed, Op::Rotate { fill: Fill::Rgb([1, 2, 3]), .. }));
}

#[test]
fn rotation_is_counter_clockwise() -> Result<()> {
    let image = Image::new(1, 2, 1, vec![1, 2])?;
    assert_eq!(rotate(90.0).apply(image.clone())?, Image::new(2, 1, 1, vec![2, 1])?);
    assert_eq!(rotate(-90.0).apply(image)?, Image::new(2, 1, 1, vec![1, 2])?);
    Ok(())
}

#[test]
fn what_an_op_cannot_do_is_an_error_with_the_op() -> Result<()> {
    let turn = |degrees, center, fill| Op::Rotate {
        degrees,
        interpolation: Interpolation::Bilinear,
        expand: true,
        center,
        fill,
    };
    let resize = |height, width| Op::Resize {
        size: Size::new(height, width),
        interpolation: Interpolation::Bilinear,
        antialias: true,
    };
    let wrong = [
        (Op::Brightness { factor: f64::NAN }, "[0, ∞)"),
        (Op::Contrast { factor: -0.1 }, "[0, ∞)"),
        (Op::Saturation { factor: f64::INFINITY }, "[0, ∞)"),
        (Op::Hue { shift: 0.51 }, "[−0.5, 0.5]"),
        (turn(f32::NAN, None, Fill::All(0)), "finite"),
        (turn(10.0, Some([f32::INFINITY, 0.0]), Fill::All(0)), "finite"),
        (turn(10.0, None, Fill::Rgb([1, 2, 3])), "gray"),
        (resize(0, 5), "0×5"),
        (resize(1 << 20, 1 << 20), "1048576×1048576"),
        (resize(usize::MAX, 2), "pixels"),
        (resize(1, 1 << 28), "4 rows of 268435456"),
        (resize(1, (1 << 20) + 1), "at most 1048576 pixels, not 1048577"),
    ];
    for (op, part) in wrong {
        let error = op.apply(Image::filled(4, 6, &[9])?).expect_err(part);
        assert_eq!(error.kind(), ErrorKind::Transform, "{error}");
        assert_eq!(error.op(), Some(format!("{op:?}, number 1 of 1").as_str()));
        assert!(error.message().contains(part), "{error}");
    }
    Ok(())
}

#[test]
fn sides_too_long_to_rotate_or_scale_are_refused() -> Result<()> {
    let error = rotate(10.0).apply(Image::filled(1, (1 << 20) + 1, &[9])?).expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::Transform);
    assert!(error.message().contains("1048577"), "{error}");
    let shrink = Op::Resize { size: Size::square(1), interpolation: Interpolation::Bilinear, antialias: true };
    let error = shrink.apply(Image::filled((1 << 20) + 1, 1, &[9])?).expect_err("too long");
    assert!(error.message().contains("1048577"), "{error}");
    assert_eq!(shrink.apply(Image::filled(1 << 20, 1, &[9])?)?.data(), [9]);
    let longest = Image::filled(1, 1 << 20, &[9])?;
    let op = Op::Rotate {
        degrees: 0.0,
        interpolation: Interpolation::Nearest,
        expand: false,
        center: Some([524_288.0, 0.5]),
        fill: Fill::All(0),
    };
    assert_eq!(op.apply(longest.clone())?, longest);
    Ok(())
}

#[test]
fn a_center_far_away_leaves_only_the_fill() -> Result<()> {
    for center in [[1e30, -1e30], [1e38, 1e38], [-3e9, 0.0]] {
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            let op =
                Op::Rotate { degrees: 33.0, interpolation, expand: false, center: Some(center), fill: Fill::All(7) };
            assert_eq!(op.apply(Image::filled(5, 4, &[200])?)?, Image::filled(5, 4, &[7])?, "{op:?}");
        }
    }
    Ok(())
}

#[test]
fn one_pixel_survives_every_op() -> Result<()> {
    for color in [&[200][..], &[10, 200, 30]] {
        let pixel = Image::filled(1, 1, color)?;
        for degrees in [0.0, 30.0, 45.0, 90.0] {
            assert_eq!(rotate(degrees).apply(pixel.clone())?.pixel(0, 0).len(), color.len());
        }
        let grown = Op::Resize { size: Size::new(3, 5), interpolation: Interpolation::Bilinear, antialias: true }
            .apply(pixel)?;
        assert_eq!(grown, Image::filled(3, 5, color)?);
    }
    Ok(())
}

#[test]
fn a_place_of_another_length_is_refused() -> Result<()> {
    let image = Image::filled(4, 6, &[9])?;
    let error = Normalize::signed().write(&image, &mut [0.0; 23]).expect_err("one short");
    assert_eq!(error.kind(), ErrorKind::Transform);
    assert!(error.message().contains("4×6") && error.message().contains("23"), "{error}");
    assert!(write_planar(&image, &mut [0; 25]).is_err());
    let error = Normalize::imagenet().write(&image, &mut [0.0; 24]).expect_err("three means, one channel");
    assert_eq!(error.kind(), ErrorKind::Transform);
    assert!(error.message().contains("0.485") && error.message().contains("1"), "{error}");
    Ok(())
}
