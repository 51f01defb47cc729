//! MixUp and CutMix on batches: what is drawn, what it does to images and labels, and that it belongs to the batch.

mod common;

use candle_augment::{
    BatchOneOf, BatchOp, BatchTransform, CutMix, DataLoader, ErrorKind, MixUp, Purpose, Result, SampleKey, Size,
};
use common::loader::{counted, in_time};
use proptest::prelude::*;

const SIZE: Size = Size::new(20, 30);

fn draws(transform: &dyn BatchTransform, count: u64) -> Vec<BatchOp> {
    let key = |position| SampleKey { seed: 5, epoch: 0, position, purpose: Purpose::Batch };
    (0..count).map(|position| transform.draw(SIZE, &mut key(position).rng())).collect()
}

fn lambda(op: BatchOp) -> f64 {
    match op {
        BatchOp::MixUp { lambda } | BatchOp::CutMix { lambda, .. } => lambda,
        other => unreachable!("{other:?} is not drawn here"),
    }
}

/// The largest distance of the values' distribution from the one whose function is `expected` (Kolmogorov and Smirnov).
fn distance(mut values: Vec<f64>, expected: impl Fn(f64) -> f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let count = values.len() as f64;
    values.iter().enumerate().map(|(i, &x)| (expected(x) - (i as f64 + 0.5) / count).abs()).fold(0.0, f64::max)
}

#[test]
fn lambda_is_from_the_beta_distribution() -> Result<()> {
    let lambdas =
        |alpha| -> Result<Vec<f64>> { Ok(draws(&MixUp::new(alpha)?, 20_000).into_iter().map(lambda).collect()) };
    // 1.95 / √n is exceeded once in a thousand.
    let bound = 1.95 / 20_000_f64.sqrt();
    assert!(distance(lambdas(1.0)?, |x| x) < bound);
    assert!(distance(draws(&MixUp::default(), 20_000).into_iter().map(lambda).collect(), |x| x) < bound);
    assert!(distance(lambdas(0.5)?, |x| x.sqrt().asin() / std::f64::consts::FRAC_PI_2) < bound);
    assert!(distance(lambdas(2.0)?, |x| x * x * (3.0 - 2.0 * x)) < bound);
    Ok(())
}

#[test]
fn extreme_alphas_give_numbers_all_the_same() -> Result<()> {
    for alpha in [f64::MIN_POSITIVE, 1e-300, 1e-9, 1e-3, 1e9, 1e300, f64::MAX] {
        for op in draws(&MixUp::new(alpha)?, 1000) {
            assert!((0.0..=1.0).contains(&lambda(op)), "{op:?} for alpha {alpha}");
        }
    }
    Ok(())
}

#[test]
fn rectangles_lie_inside_and_lambda_is_what_they_leave() -> Result<()> {
    let mut empty = 0;
    for op in draws(&CutMix::new(1.0)?, 20_000) {
        let BatchOp::CutMix { top, left, size, lambda } = op else { unreachable!("{op:?} is not drawn here") };
        assert!(top + size.height <= SIZE.height && left + size.width <= SIZE.width, "{op:?}");
        assert_eq!(lambda, 1.0 - (size.height * size.width) as f64 / 600.0, "{op:?}");
        empty += usize::from(size.height * size.width == 0);
    }
    // Where half of 20 · √(1 − λ) is below 1, for λ above 0.99.
    assert!((100..300).contains(&empty), "{empty}");
    Ok(())
}

#[test]
fn one_of_several_is_chosen_evenly() -> Result<()> {
    let either = BatchOneOf::new().or(MixUp::new(0.2)?).or(CutMix::default());
    let mixed = draws(&either, 10_000).into_iter().filter(|op| matches!(op, BatchOp::MixUp { .. })).count();
    assert!((4800..5200).contains(&mixed), "{mixed}");
    assert_eq!(draws(&BatchOneOf::new(), 1), [BatchOp::Keep]);
    let never_cut = BatchOneOf::new().or(CutMix::default()).or(MixUp::default()).with_weights(&[0.0, 2.0])?;
    assert!(draws(&never_cut, 500).iter().all(|op| matches!(op, BatchOp::MixUp { .. })));
    let error = never_cut.or(CutMix::default()).with_weights(&[1.0]).map(drop).unwrap_err();
    assert!(error.message().contains("BatchOneOf: expected a weight for each of 3"), "{error}");
    Ok(())
}

#[test]
fn alpha_out_of_range_is_refused() {
    for alpha in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for error in [MixUp::new(alpha).unwrap_err(), CutMix::new(alpha).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains(&format!("alpha must lie in (0, ∞), not {alpha}")), "{error}");
        }
    }
}

/// Numbers from torchvision 0.29: `MixUp.transform` and `CutMix.transform` with these parameters.
#[test]
fn images_and_labels_are_torchvisions() -> Result<()> {
    let size = Size::new(2, 2);
    let images: Vec<f32> = (0..12).map(|i| i as f32 / 7.0 - 0.6).collect();
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();

    let op = BatchOp::MixUp { lambda: f64::from(0.3_f32) };
    let mut mixed = images.clone();
    op.mix_images(&mut mixed, 1, size)?;
    assert_eq!(bits(&mixed), MIXED_IMAGES);
    assert_eq!(bits(&op.mix_labels(&[0, 2, 2], 3)?), MIXED_LABELS);

    let op = BatchOp::CutMix { top: 1, left: 0, size: Size::new(1, 1), lambda: 0.75 };
    let mut cut = images.clone();
    op.mix_images(&mut cut, 1, size)?;
    let expected = [0, 1, 10, 3, 4, 5, 2, 7, 8, 9, 6, 11].map(|i: usize| images[i]);
    assert_eq!(cut, expected);
    assert_eq!(op.mix_labels(&[0, 2, 2], 3)?, [0.75, 0.0, 0.25, 0.25, 0.0, 0.75, 0.0, 0.0, 1.0]);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() {
    let size = Size::new(2, 2);
    let cut = |size| BatchOp::CutMix { top: 1, left: 1, size, lambda: 0.5 };
    let mut images = [0.0; 8];
    for (result, words) in [
        (cut(Size::new(2, 1)).mix_images(&mut images, 1, size), "must lie inside"),
        (cut(Size::new(1, usize::MAX)).mix_images(&mut images, 1, size), "must lie inside"),
        (BatchOp::MixUp { lambda: 1.5 }.mix_images(&mut images, 1, size), "must lie in [0, 1]"),
        (BatchOp::MixUp { lambda: f64::NAN }.mix_images(&mut images, 1, size), "must lie in [0, 1]"),
        (BatchOp::Keep.mix_images(&mut images, 3, size), "not a whole number of images"),
        (BatchOp::Keep.mix_images(&mut images, 1, Size::new(0, 2)), "not a whole number of images"),
        (BatchOp::Keep.mix_images(&mut images, 4, Size::new(1 << 63, 1)), "not a whole number of images"),
        (BatchOp::Keep.mix_labels(&[3], 3).map(|_| ()), "label 3"),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transform);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn every_batch_is_mixed_by_its_own_draw_for_any_number_of_workers() -> Result<()> {
    let batches = |workers| {
        let set = counted(&[10, 13]);
        let loader =
            DataLoader::builder(set).batch_transform(MixUp::default()).batch_size(5).workers(workers).build()?;
        let epoch = loader.epoch(2);
        in_time(move || epoch.collect::<Result<Vec<_>>>())
    };
    let alone = batches(0)?;
    for batch in &alone {
        let key = batch.slots[0].key.with_purpose(Purpose::Batch);
        assert_eq!(batch.batch_op, Some(MixUp::default().draw(Size::square(4), &mut key.rng())));
        let shares = batch.soft_labels.as_ref().expect("the batch is mixed").to_vec2::<f32>()?;
        let labels = batch.labels.to_vec1::<u32>()?;
        let lambda = lambda(batch.batch_op.expect("the batch is mixed")) as f32;
        for (n, (shares, label)) in shares.iter().zip(&labels).enumerate() {
            let same = labels[(n + labels.len() - 1) % labels.len()] == *label;
            let expected = if same { 1.0 } else { lambda };
            assert!((shares[*label as usize] - expected).abs() < 1e-6, "{shares:?} of label {label}");
            assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{shares:?}");
        }
    }
    // The last batch of 23 has 3 samples, whose first one is mixed with the last.
    assert_eq!(alone.last().map(|batch| batch.len()), Some(3));
    for workers in [1, 2, 4] {
        for (one, other) in alone.iter().zip(batches(workers)?) {
            assert_eq!(one.batch_op, other.batch_op);
            assert_eq!(one.images.flatten_all()?.to_vec1::<f32>()?, other.images.flatten_all()?.to_vec1::<f32>()?);
        }
    }
    Ok(())
}

#[test]
fn a_batch_of_one_is_mixed_with_itself() -> Result<()> {
    let loader = DataLoader::builder(counted(&[1])).batch_transform(CutMix::default()).build()?;
    let batch = loader.epoch(0).next().expect("the set has an image")?;
    assert_eq!(batch.images.flatten_all()?.to_vec1::<f32>()?, [0.0; 16]);
    assert_eq!(batch.soft_labels.expect("the batch is mixed").to_vec2::<f32>()?, [[1.0]]);
    Ok(())
}

const MIXED_IMAGES: [u32; 12] = [
    1045220558, 1051691767, 1056485258, 1059121678, 3202051511, 3197258021, 3188869412, 2994733056, 1041385766,
    1049774372, 1054567863, 1058162980,
];
const MIXED_LABELS: [u32; 9] = [1050253722, 0, 1060320051, 1060320051, 0, 1050253722, 0, 0, 1065353216];

proptest! {
    /// Mixing is linear: the mean of all images stays.
    #[test]
    fn mixup_keeps_the_mean(images in prop::collection::vec(-2.0_f32..2.0, 1..9), lambda in 0.0..=1.0_f64) {
        let mut mixed = images.clone();
        BatchOp::MixUp { lambda }.mix_images(&mut mixed, 1, Size::square(1)).expect("it fits");
        let sum = |values: &[f32]| values.iter().sum::<f32>();
        prop_assert!((sum(&mixed) - sum(&images)).abs() < 1e-4);
    }

    #[test]
    fn ops_survive_json(lambda in 0.0..=1.0_f64, top in 0..9_usize) {
        for op in [BatchOp::MixUp { lambda }, BatchOp::CutMix { top, left: 3, size: Size::new(2, 5), lambda }, BatchOp::Keep] {
            let text = serde_json::to_string(&op).expect("plain data");
            prop_assert_eq!(serde_json::from_str::<BatchOp>(&text).expect("what was written is read"), op);
        }
    }
}
