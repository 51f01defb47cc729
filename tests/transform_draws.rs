//! What transforms draw: probabilities, ranges, orders, and the same from the same key.
//!
//! The bounds on means and frequencies are five standard errors: the seeds are fixed, a right range passes by far and one that is off by a
//! tenth of its width fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_augment::{
    ColorJitter, Interpolation, OneOf, Op, Pipeline, Purpose, RandomApply, RandomHorizontalFlip, RandomRotation,
    RandomVerticalFlip, Resize, Result, SampleInfo, SampleKey, Size, Transform,
};

const DRAWS: u64 = 4_000;

fn key(position: u64) -> SampleKey {
    SampleKey { seed: 5, epoch: 1, position, purpose: Purpose::Transform }
}

fn draw(transform: &dyn Transform, size: Size, position: u64) -> Vec<Op> {
    let mut ops = Vec::new();
    transform.draw(SampleInfo { size, channels: 3, class: None }, &mut key(position).rng(), &mut ops);
    ops
}

fn draws(transform: &dyn Transform) -> Vec<Vec<Op>> {
    (0..DRAWS).map(|position| draw(transform, Size::new(30, 40), position)).collect()
}

/// How many of the draws hold something.
fn rate(transform: &dyn Transform) -> f64 {
    draws(transform).iter().filter(|ops| !ops.is_empty()).count() as f64 / DRAWS as f64
}

fn number(op: &Op) -> f64 {
    match *op {
        Op::Rotate { degrees: number, .. } | Op::Hue { shift: number } => number.into(),
        Op::Brightness { factor } | Op::Contrast { factor } | Op::Saturation { factor } => factor,
        ref op => panic!("{op:?} has no number"),
    }
}

/// That the single number of each draw is uniform from low to high: its mean, its spread and its ends.
fn assert_uniform(transform: &dyn Transform, low: f64, high: f64) {
    let numbers: Vec<f64> = draws(transform).iter().map(|ops| number(&ops[0])).collect();
    let (width, count) = (high - low, DRAWS as f64);
    let deviation = width / 12f64.sqrt();
    let mean = numbers.iter().sum::<f64>() / count;
    assert!((mean - (low + high) / 2.0).abs() < 5.0 * deviation / count.sqrt(), "mean {mean} of {low}..{high}");
    let square = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    assert!((square.sqrt() - deviation).abs() < 0.03 * deviation, "deviation {} of {low}..{high}", square.sqrt());
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert!(low - 1e-6 <= least && least < low + 0.005 * width, "least {least} of {low}..{high}");
    assert!(high - 0.005 * width < most && most <= high + 1e-6, "most {most} of {low}..{high}");
}

#[test]
fn flips_have_their_probability() -> Result<()> {
    for p in [0.0, 0.2, 0.5, 0.9, 1.0] {
        let error = 5.0 * (p * (1.0 - p) / DRAWS as f64).sqrt();
        assert!((rate(&RandomHorizontalFlip::new(p)?) - p).abs() <= error, "{p}");
        assert!((rate(&RandomVerticalFlip::new(p)?) - p).abs() <= error, "{p}");
        assert!((rate(&RandomApply::new(RandomRotation::new(5.0)?, p)?) - p).abs() <= error, "{p}");
    }
    assert_eq!(RandomHorizontalFlip::default(), RandomHorizontalFlip::new(0.5)?);
    assert_eq!(RandomVerticalFlip::default(), RandomVerticalFlip::new(0.5)?);
    assert_eq!(draw(&RandomHorizontalFlip::new(1.0)?, Size::square(4), 0), [Op::HFlip]);
    assert_eq!(draw(&RandomVerticalFlip::new(1.0)?, Size::square(4), 0), [Op::VFlip]);
    Ok(())
}

#[test]
fn rotations_are_uniform() -> Result<()> {
    assert_uniform(&RandomRotation::new(15.0)?, -15.0, 15.0);
    assert_uniform(&RandomRotation::new(10.0..=50.0)?, 10.0, 50.0);
    let rotation = RandomRotation::new(90.0..=90.0)?
        .with_interpolation(Interpolation::Bilinear)
        .with_expand(true)
        .with_fill([1, 2, 3]);
    let (interpolation, fill) = (Interpolation::Bilinear, [1, 2, 3].into());
    let op = |center| Op::Rotate { degrees: 90.0, interpolation, expand: true, center, fill };
    assert_eq!(draw(&rotation, Size::square(4), 0), [op(None)]);
    assert_eq!(draw(&rotation.with_center(1.5, 2.0)?, Size::square(4), 0), [op(Some([1.5, 2.0]))]);
    Ok(())
}

#[test]
fn jitters_are_uniform() -> Result<()> {
    let none = ColorJitter::default();
    assert_uniform(&none.with_brightness(0.4)?, 0.6, 1.4);
    assert_uniform(&none.with_contrast(1.5)?, 0.0, 2.5);
    assert_uniform(&none.with_saturation(0.3..=0.5)?, 0.3, 0.5);
    assert_uniform(&none.with_hue(0.1)?, -0.1, 0.1);
    assert_uniform(&none.with_hue(0.2..=0.5)?, 0.2, 0.5);
    Ok(())
}

#[test]
fn each_jitter_can_be_left_out() -> Result<()> {
    let none = ColorJitter::default();
    assert_eq!(rate(&none), 0.0);
    assert_eq!(ColorJitter::new(0.0, 1.0..=1.0, 0.0, 0.0)?, none);
    assert_eq!(ColorJitter::new(0.4, 0.0, 0.0, 0.0)?, none.with_brightness(0.4)?);
    let kinds = [
        (none.with_brightness(0.4)?, "Brightness"),
        (none.with_contrast(0.4)?, "Contrast"),
        (none.with_saturation(0.4)?, "Saturation"),
        (none.with_hue(0.4)?, "Hue"),
    ];
    for (jitter, kind) in kinds {
        let ops = draw(&jitter, Size::square(4), 0);
        assert!(ops.len() == 1 && format!("{:?}", ops[0]).starts_with(kind), "{ops:?}");
    }
    Ok(())
}

#[test]
fn every_order_of_the_jitters_is_as_likely() -> Result<()> {
    let mut orders = BTreeMap::new();
    for ops in draws(&ColorJitter::new(0.4, 0.4, 0.4, 0.1)?) {
        let order: Vec<String> = ops.iter().map(|op| format!("{op:?}")[..3].to_owned()).collect();
        *orders.entry(order).or_insert(0) += 1;
    }
    assert_eq!(orders.len(), 24);
    let expected = DRAWS as f64 / 24.0;
    // Chi-squared with 23 degrees of freedom: above 49.7 once in a thousand.
    let chi: f64 = orders.values().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    assert!(chi < 49.7, "{chi} {orders:?}");
    Ok(())
}

#[test]
fn one_of_is_even_and_draws_no_other() -> Result<()> {
    let one = OneOf::new()
        .or(RandomHorizontalFlip::new(1.0)?)
        .or(RandomVerticalFlip::new(1.0)?)
        .or(Pipeline::new())
        .or(RandomRotation::new(5.0)?);
    let all = draws(&one);
    assert!(all.iter().all(|ops| ops.len() <= 1));
    let counts = [
        all.iter().filter(|ops| ops.first() == Some(&Op::HFlip)).count(),
        all.iter().filter(|ops| ops.first() == Some(&Op::VFlip)).count(),
        all.iter().filter(|ops| ops.is_empty()).count(),
        all.iter().filter(|ops| matches!(ops.first(), Some(Op::Rotate { .. }))).count(),
    ];
    let error = 5.0 * (0.25 * 0.75 / DRAWS as f64).sqrt();
    assert!(counts.iter().all(|&count| (count as f64 / DRAWS as f64 - 0.25).abs() < error), "{counts:?}");
    assert_eq!(rate(&OneOf::new()), 0.0);
    Ok(())
}

#[test]
fn a_key_always_draws_the_same() -> Result<()> {
    let transform: Arc<dyn Transform> = Arc::new(
        Pipeline::new()
            .then(RandomHorizontalFlip::default())
            .then(OneOf::new().or(RandomRotation::new(15.0)?).or(ColorJitter::new(0.4, 0.4, 0.4, 0.1)?))
            .then(RandomApply::new(ColorJitter::new(0.4, 0.4, 0.4, 0.1)?, 0.5)?),
    );
    let (first, second) = (draws(&transform), draws(&transform));
    assert_eq!(first, second);
    // Other positions draw otherwise.
    assert!(first.windows(2).filter(|pair| pair[0] == pair[1]).count() < DRAWS as usize / 20);
    Ok(())
}

#[test]
fn the_short_edge_is_torchvisions() -> Result<()> {
    let resize = Resize::short_edge(224)?;
    let target = |height, width| match draw(&resize, Size::new(height, width), 0)[..] {
        [Op::Resize { size, interpolation: Interpolation::Bilinear, antialias: true }] => size,
        ref ops => panic!("{ops:?}"),
    };
    assert_eq!(target(375, 500), Size::new(224, 298));
    assert_eq!(target(500, 375), Size::new(298, 224));
    assert_eq!(target(100, 100), Size::new(224, 224));
    assert_eq!(target(333, 112), Size::new(666, 224));
    let exact = Resize::exact(5, 7)?.with_interpolation(Interpolation::Nearest);
    let op = Op::Resize { size: Size::new(5, 7), interpolation: Interpolation::Nearest, antialias: true };
    assert_eq!(draw(&exact, Size::square(9), 0), [op]);
    Ok(())
}

#[test]
fn compose_draws_for_the_size_that_is_left() -> Result<()> {
    let twice = Pipeline::new()
        .then(RandomRotation::new(90.0..=90.0)?.with_expand(true))
        .then(Pipeline::new().then(Resize::short_edge(10)?))
        .then(Resize::short_edge(5)?);
    let sizes: Vec<Size> = draw(&twice, Size::new(20, 40), 0)
        .iter()
        .scan(Size::new(20, 40), |size, op| {
            *size = op.output_size(*size);
            Some(*size)
        })
        .collect();
    assert_eq!(sizes, [Size::new(40, 20), Size::new(20, 10), Size::new(10, 5)]);
    Ok(())
}
