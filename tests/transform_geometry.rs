//! Geometry reads mirrored and cropped pictures in place, and bad numbers are refused by name.

use candle_augment::{ErrorKind, Executor, Fill, Image, Interpolation, Op, Padding, Size, apply_ops};
use proptest::prelude::*;

fn image(height: usize, width: usize, channels: usize, seed: u32) -> Image {
    let byte = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 24) as u8;
    let data = (0..height * width * channels).map(byte).collect();
    Image::new(height, width, channels, data).expect("the bytes fit")
}

fn interpolation() -> impl Strategy<Value = Interpolation> {
    prop_oneof![Just(Interpolation::Nearest), Just(Interpolation::Bilinear), Just(Interpolation::Bicubic)]
}

fn resampling() -> impl Strategy<Value = Op> {
    let center = prop::option::of(prop::array::uniform2(-9.0f32..80.0));
    let degrees = prop_oneof![(0u8..4).prop_map(|quarters| f32::from(quarters) * 90.0), -360.0f32..360.0];
    let fill = any::<u8>().prop_map(Fill::All);
    prop_oneof![
        (degrees.clone(), interpolation(), any::<bool>(), center.clone(), fill.clone()).prop_map(
            |(degrees, interpolation, expand, center, fill)| Op::Rotate {
                degrees,
                interpolation,
                expand,
                center,
                fill
            }
        ),
        (degrees, 0.1f32..4.0, interpolation(), center, fill.clone()).prop_map(
            |(degrees, scale, interpolation, center, fill)| Op::Affine {
                degrees,
                translate: [scale * 3.0, -2.5],
                scale,
                shear: [10.0, -5.0],
                interpolation,
                center,
                fill
            }
        ),
        (prop::array::uniform4(0.0f32..3.0), interpolation(), fill.clone()).prop_map(
            |([a, b, c, d], interpolation, fill)| {
                Op::Perspective {
                    start: [[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]],
                    end: [[a, b], [9.0 - c, d], [9.0 + b, 9.0 - a], [-d, 9.0 + c]],
                    interpolation,
                    fill,
                }
            }
        ),
        (any::<u64>(), interpolation(), fill).prop_map(|(seed, interpolation, fill)| Op::Elastic {
            alpha: [20.0, 10.0],
            sigma: [0.0; 2],
            seed,
            interpolation,
            fill
        }),
        (1usize..90, 1usize..90, interpolation(), any::<bool>()).prop_map(
            |(height, width, interpolation, antialias)| Op::Resize {
                size: Size::new(height, width),
                interpolation,
                antialias
            }
        ),
        (0usize..20, 0usize..20, prop_oneof![Just(Padding::Constant), Just(Padding::Edge)], any::<u8>()).prop_map(
            |(left, bottom, padding, fill)| Op::Pad { left, top: 1, right: 2, bottom, padding, fill: fill.into() }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn views_give_the_pixels_of_their_copies(
        (height, width) in (2usize..70, 2usize..70), channels in prop_oneof![Just(1usize), Just(3)], seed: u32,
        cut in prop::array::uniform4(0.0f64..1.0), mirrored: bool, upside_down: bool, op in resampling(),
    ) {
        let part = |side: usize, share: f64| 1 + (share * (side - 1) as f64) as usize;
        let size = Size::new(part(height, cut[0]), part(width, cut[1]));
        let place = |rest: usize, share: f64| (share * rest as f64) as usize;
        let mut ops = vec![Op::Crop { top: place(height - size.height, cut[2]), left: place(width - size.width, cut[3]), size }];
        ops.extend(mirrored.then_some(Op::HFlip));
        ops.extend(upside_down.then_some(Op::VFlip));
        ops.push(op);
        let image = image(height, width, channels, seed);
        let together = Executor::new().image(&ops, &image);
        // Each alone works on a copy.
        let apart = ops.iter().try_fold(image, |image, op| op.apply(image));
        prop_assert_eq!(together.expect("valid ops"), apart.expect("valid ops"));
    }

    /// A buffer that has held another picture leaves no trace.
    #[test]
    fn an_executor_gives_what_a_new_one_gives(
        ops in prop::collection::vec(resampling(), 1..5), (height, width) in (1usize..40, 1usize..40), seed: u32,
    ) {
        let mut kept = Executor::new();
        for op in ops {
            for channels in [3, 1] {
                let image = image(height, width, channels, seed);
                prop_assert_eq!(kept.image(std::slice::from_ref(&op), &image).expect("valid"), op.apply(image).expect("valid"));
            }
        }
    }
}

#[test]
fn padding_shows_what_its_mode_says() -> candle_augment::Result<()> {
    let row = Image::new(1, 3, 1, vec![1, 2, 3])?;
    let padded = |padding, margin| {
        let op = Op::Pad { left: margin, top: 0, right: margin, bottom: 0, padding, fill: 9.into() };
        op.apply(row.clone()).map(Image::into_data)
    };
    assert_eq!(padded(Padding::Constant, 2)?, [9, 9, 1, 2, 3, 9, 9]);
    assert_eq!(padded(Padding::Edge, 2)?, [1, 1, 1, 2, 3, 3, 3]);
    assert_eq!(padded(Padding::Reflect, 2)?, [3, 2, 1, 2, 3, 2, 1]);
    assert_eq!(padded(Padding::Symmetric, 3)?, [3, 2, 1, 1, 2, 3, 3, 2, 1]);
    assert_eq!(padded(Padding::Reflect, 3).expect_err("wider than the side").kind(), ErrorKind::Transform);
    Ok(())
}

#[test]
fn rgb_padding_takes_its_colour_above_and_beside() -> candle_augment::Result<()> {
    let op = Op::Pad { left: 1, top: 1, right: 0, bottom: 0, padding: Padding::Constant, fill: [7, 8, 9].into() };
    let padded = op.apply(Image::new(1, 1, 3, vec![1, 2, 3])?)?;
    assert_eq!(padded.data(), [7, 8, 9, 7, 8, 9, 7, 8, 9, 1, 2, 3]);
    Ok(())
}

fn perspective(end: [[f32; 2]; 4]) -> Op {
    let start = [[0.0, 0.0], [7.0, 0.0], [7.0, 7.0], [0.0, 7.0]];
    Op::Perspective { start, end, interpolation: Interpolation::Bilinear, fill: Fill::default() }
}

#[test]
fn points_on_one_line_are_refused_by_name() {
    for end in [
        [[0.0, 0.0], [3.0, 0.0], [7.0, 0.0], [0.0, 7.0]],
        [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [5.0, 5.0]],
        [[0.0, 0.0], [0.0, 0.0], [7.0, 7.0], [0.0, 7.0]],
        [[3.0, 3.0]; 4],
    ] {
        let error = perspective(end).apply(image(8, 8, 1, 0)).expect_err("no such map");
        assert_eq!(error.kind(), ErrorKind::Transform);
        assert!(error.to_string().contains(&format!("{end:?}")), "{error}");
    }
    assert!(perspective([[0.0, 0.0], [7.0, 0.0], [7.0, 7.0], [1.0, 6.0]]).apply(image(8, 8, 1, 0)).is_ok());
}

#[test]
fn elastic_fields_need_room_to_be_smoothed() {
    let elastic = |sigma, side| {
        let op = Op::Elastic {
            alpha: [50.0; 2],
            sigma,
            seed: 3,
            interpolation: Interpolation::Bilinear,
            fill: Fill::default(),
        };
        op.apply(image(side, 64, 1, 0)).map_err(|error| error.to_string())
    };
    assert!(elastic([5.0, 5.0], 21).is_ok());
    assert!(elastic([5.0, 5.0], 20).expect_err("20 pixels to each side").contains("more than 20"));
    assert!(elastic([0.0, 0.0], 1).is_ok());
    assert!(elastic([0.0, 2.0], 64).expect_err("both or none").contains("sigma"));
    assert!(elastic([f32::MAX, 2.0], 64).expect_err("too far").contains("sigma"));
}

#[test]
fn sizes_and_numbers_at_the_edge_are_survived() {
    let resized = |side: usize, height: usize, width: usize| {
        let ops = [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic]
            .map(|interpolation| Op::Resize { size: Size::new(height, width), interpolation, antialias: true });
        ops.map(|op| op.apply(image(side, 1, 3, 7)).expect("valid").data().len())
    };
    assert_eq!(resized(1, 700, 3), [6300; 3]);
    assert_eq!(resized(3000, 1, 1), [3; 3]);
    let wide = Op::Affine {
        degrees: 1e30,
        translate: [3e38, -3e38],
        scale: 1e-38,
        shear: [90.0, 90.0],
        interpolation: Interpolation::Bilinear,
        center: None,
        fill: 5.into(),
    };
    assert!(apply_ops(&[wide], image(9, 9, 3, 1)).is_ok());
}
