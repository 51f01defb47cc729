//! An executor combines operations as it likes; the results are those of one operation after the other.

use candle_augment::{Executor, Fill, Image, Interpolation, Normalize, Op, Patch, Result, SampleInfo, Size};
use proptest::prelude::*;

fn images() -> impl Strategy<Value = Image> {
    let sides = prop_oneof![(1..24usize, 1..24usize), (70..90usize, 70..90usize)];
    (sides, prop_oneof![Just(1usize), Just(3)]).prop_flat_map(|((height, width), channels)| {
        prop::collection::vec(any::<u8>(), height * width * channels)
            .prop_map(move |data| Image::new(height, width, channels, data).expect("the bytes fit"))
    })
}

/// An operation that fits an image like `info`, by a kind and three numbers in [0, 1).
fn op(info: SampleInfo<'_>, kind: usize, [a, b, c]: [f32; 3]) -> Op {
    let factor = f64::from(a) * 3.0;
    let below = |limit: usize, part: f32| (limit as f32 * part) as usize;
    let rectangle = || {
        let size = Size::new(1 + below(info.size.height, a), 1 + below(info.size.width, b));
        (below(info.size.height - size.height + 1, c), below(info.size.width - size.width + 1, c), size)
    };
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
        15 => Op::Solarize { threshold: a * 256.0 },
        16 => Op::Autocontrast,
        17 => Op::Equalize,
        18 => Op::Rotate {
            degrees: a * 360.0,
            interpolation: Interpolation::Nearest,
            expand: b < 0.5,
            center: None,
            fill: Fill::All(9),
        },
        19 => {
            let size = Size::new(1 + below(40, a), 1 + below(40, b));
            Op::Resize { size, interpolation: Interpolation::Bilinear, antialias: true }
        }
        20 => Op::Jpeg { quality: 1 + below(100, a) as u8 },
        21 => Op::Sharpness { factor },
        22 => {
            let (top, left, size) = rectangle();
            Op::Erase { top, left, size, patch: Patch::Noise { seed: 7 } }
        }
        _ => Op::GaussianBlur { kernel_size: [1, 1], sigma: [0.3 + a, 0.3 + b] },
    }
}

/// Each operation alone, in an executor of its own.
fn one_after_the_other(ops: &[Op], image: &Image) -> Result<Image> {
    ops.iter().try_fold(image.clone(), |image, op| Executor::new().image(std::slice::from_ref(op), &image))
}

proptest! {
    #[test]
    fn combined_operations_are_the_operations_in_turn(
        image in images(),
        drawn in prop::collection::vec((0..24usize, prop::array::uniform3(0.0..1.0f32)), 0..9),
    ) {
        let mut ops = Vec::new();
        for (kind, numbers) in drawn {
            let info = SampleInfo::of(&image).after(&ops);
            ops.push(op(info, kind, numbers));
        }
        let expected = one_after_the_other(&ops, &image)?;
        let mut executor = Executor::new();
        // The buffers of one image serve the next.
        executor.image(&ops, &Image::filled(image.height(), image.width(), &vec![99; image.channels()])?)?;
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
    }
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
