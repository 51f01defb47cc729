//! An executor combines operations as it likes; the results are those of one operation after the other.

use std::cell::RefCell;

use candle_augment::{
    Executor, Fill, Image, Interpolation, Normalize, Op, Padding, Patch, Result, SampleInfo, Size, apply_ops,
};
use proptest::prelude::*;

/// Sides of one pixel, odd ones, and more pixels than a strip of a pass holds.
fn images() -> impl Strategy<Value = Image> {
    let sides = prop_oneof![
        (1..4usize, 1..4usize),
        (1..24usize, 1..24usize),
        (70..90usize, 70..90usize),
        (1..3usize, 2040..2060usize)
    ];
    (sides, prop_oneof![Just(1usize), Just(3)], any::<u32>()).prop_map(|((height, width), channels, seed)| {
        let byte = |i: usize| ((i as u32 ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8;
        Image::new(height, width, channels, (0..height * width * channels).map(byte).collect()).expect("the bytes fit")
    })
}

/// Operations have these kinds; flips, crops and functions of one pixel, which are combined, are the first.
const KINDS: usize = 34;
const COMBINED: usize = 18;

/// An operation that fits an image like `info`, by a kind and four numbers in [0, 1).
fn op(info: SampleInfo<'_>, kind: usize, [a, b, c, d]: [f32; 4]) -> Op {
    let Size { height, width } = info.size;
    let below = |limit: usize, part: f32| (limit as f32 * part) as usize;
    let factor = f64::from(a) * 3.0;
    let rectangle = || {
        let size = Size::new(1 + below(height, a), 1 + below(width, b));
        (below(height - size.height + 1, c), below(width - size.width + 1, d), size)
    };
    let interpolation = [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic][below(3, d)];
    let fill = match below(3, c) {
        0 => Fill::None,
        1 if info.channels == 3 => Fill::Rgb([9, 200, 77]),
        _ => Fill::All(9),
    };
    let seed = below(1000, a) as u64;
    match kind {
        0 | 1 => Op::HFlip,
        2 | 3 => Op::VFlip,
        4 => {
            let (top, left, size) = rectangle();
            Op::Crop { top, left, size }
        }
        5 => Op::Brightness { factor },
        6 | 7 => Op::Contrast { factor },
        8 => Op::Saturation { factor },
        9 => Op::Hue { shift: a - 0.5 },
        10 => Op::Gamma { gamma: a * 3.0, gain: 0.5 + b },
        11 => Op::Grayscale { channels: if a < 0.5 { 1 } else { 3 } },
        12 => Op::PermuteChannels { order: if a < 0.5 { [1, 2, 0] } else { [2, 1, 0] } },
        13 => Op::Invert,
        14 => Op::Posterize { bits: below(9, a) as u8 },
        15 => Op::Solarize { threshold: a * 300.0 - 20.0 },
        16 => Op::Autocontrast,
        17 => Op::Equalize,
        18..=21 => {
            let padding = [Padding::Constant, Padding::Edge, Padding::Reflect, Padding::Symmetric][kind - 18];
            let [across, down] = [width, height].map(|side| if kind == 20 { side.min(20) } else { side.min(20) + 1 });
            Op::Pad {
                left: below(across, a),
                top: below(down, b),
                right: below(across, c),
                bottom: below(down, d),
                padding,
                fill,
            }
        }
        22 | 23 => {
            let size = Size::new(1 + below(40, a), 1 + below(40, b));
            Op::Resize { size, interpolation, antialias: kind == 22 }
        }
        24 => {
            Op::Rotate { degrees: a * 720.0 - 360.0, interpolation, expand: b < 0.5 && width < 100, center: None, fill }
        }
        25 => Op::Rotate {
            degrees: [90.0, 180.0, 270.0][below(3, a)],
            interpolation,
            expand: b < 0.5,
            center: None,
            fill,
        },
        26 => Op::Affine {
            degrees: a * 360.0,
            translate: [b * 9.0 - 4.0, c * 9.0 - 4.0],
            scale: 0.5 + b,
            shear: [f64::from(c) * 30.0, f64::from(a) * 10.0],
            interpolation,
            center: (b < 0.5).then_some([c * 30.0, a * 10.0]),
            fill,
        },
        27 => {
            let (w, h) = (width as f32, height as f32);
            let end =
                [[a * w * 0.4, b * h * 0.4], [w, c * h * 0.3], [w * (1.0 - 0.3 * b), h], [0.0, h * (0.7 + 0.3 * a)]];
            Op::Perspective { start: [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]], end, interpolation, fill }
        }
        28 => {
            let sigma = (height.min(width) - 1) as f32 / 4.0 * (0.1 + 0.8 * b);
            Op::Elastic { alpha: [a * 30.0, c * 30.0], sigma: [sigma; 2], seed, interpolation, fill }
        }
        29 => Op::Jpeg { quality: 1 + below(100, a) as u8 },
        30 => Op::Sharpness { factor },
        31 => {
            let (top, left, size) = rectangle();
            Op::Erase { top, left, size, patch: if a < 0.5 { Patch::Noise { seed } } else { Patch::Fill(fill) } }
        }
        32 => {
            let side = |side: usize, part: f32| 1 + 2 * below(side.min(9), part);
            Op::GaussianBlur { kernel_size: [side(width, a), side(height, b)], sigma: [0.3 + c, 0.3 + 2.0 * d] }
        }
        33 if a < 0.5 => Op::GaussianNoise { mean: b - 0.5, sigma: c, clip: d < 0.5, seed },
        _ => {
            let chain = |kinds: [usize; 2]| kinds.map(|kind| op(info, kind, [b, c, d, a])).to_vec();
            // Of what keeps the shape.
            let chains = [[16, 0], [30, 2], [26, 9]].map(chain);
            let weights = [0.2, 0.5 * b, 0.3];
            Op::Blend { chains: weights.into_iter().zip(chains).collect(), mixing: c }
        }
    }
}

/// Operations that fit an image in this order. Half of them are of those that are combined.
fn ops(image: &Image, drawn: &[(usize, [f32; 4])]) -> Vec<Op> {
    drawn.iter().fold(Vec::new(), |mut ops, &(kind, numbers)| {
        ops.push(op(SampleInfo::of(image).after(&ops), kind, numbers));
        ops
    })
}

fn drawn() -> impl Strategy<Value = Vec<(usize, [f32; 4])>> {
    let kind = prop_oneof![0..COMBINED, COMBINED..KINDS];
    prop::collection::vec((kind, prop::array::uniform4(0.0..1.0f32)), 0..9)
}

/// Each operation alone, in an executor of its own.
fn one_after_the_other(ops: &[Op], image: &Image) -> Result<Image> {
    ops.iter().try_fold(image.clone(), |image, op| Executor::new().image(std::slice::from_ref(op), &image))
}

thread_local! {
    /// Its buffers come from images of all sizes, which must not be seen.
    static KEPT: RefCell<Executor> = RefCell::default();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn combined_operations_are_the_operations_in_turn(image in images(), drawn in drawn()) {
        let ops = ops(&image, &drawn);
        let expected = one_after_the_other(&ops, &image)?;
        let mut executor = KEPT.take();
        prop_assert_eq!(&executor.image(&ops, &image)?, &expected, "{:?}", ops);
        prop_assert_eq!(&executor.image_in(&ops, &image, vec![1; 50])?, &expected, "{:?}", ops);

        let length = expected.data().len();
        let area = length / expected.channels();
        let planar: Vec<u8> =
            (0..length).map(|i| expected.data()[i % area * expected.channels() + i / area]).collect();
        let mut bytes = vec![0; length];
        executor.write_planar(&ops, &image, &mut bytes)?;
        prop_assert_eq!(&bytes, &planar, "{:?}", ops);

        let mut floats = vec![0.0; length];
        executor.write(&ops, &image, &Normalize::signed(), &mut floats)?;
        let normalized: Vec<f32> = planar.iter().map(|&x| (f32::from(x) * (1.0 / 255.0) - 0.5) / 0.5).collect();
        prop_assert_eq!(floats, normalized, "{:?}", ops);
        KEPT.set(executor);
    }
}

#[test]
fn rows_that_are_cropped_off_at_the_end_of_a_result_are_gone() -> Result<()> {
    let image = Image::new(3, 1, 1, vec![1, 2, 3])?;
    let ops = [
        Op::Pad { left: 0, top: 1, right: 0, bottom: 0, padding: Padding::Constant, fill: Fill::All(0) },
        Op::Crop { top: 0, left: 0, size: Size::new(2, 1) },
    ];
    assert_eq!(apply_ops(&ops, image)?.data(), [0, 1]);
    Ok(())
}

#[test]
fn an_executor_knows_where_it_stopped() -> Result<()> {
    let image = Image::filled(2, 2, &[9])?;
    let mut executor = Executor::new();
    let too_large = Op::Crop { top: 0, left: 0, size: Size::square(3) };
    assert!(executor.image(&[Op::Invert, too_large], &image).is_err());
    assert_eq!(executor.stopped_at(), Some(1));
    executor.image(&[Op::Invert], &image)?;
    assert_eq!(executor.stopped_at(), None);
    Ok(())
}
