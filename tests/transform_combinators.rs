//! Transforms made of transforms: each part draws for the image that the parts before it leave, and for its class.
//!
//! How often each part is drawn is compared with torchvision in `transform_draws.rs`.

use std::sync::Arc;

use candle_augment::{
    CenterCrop, ColorJitter, Compose, ErrorKind, Image, Lambda, OneOf, Op, PerClass, Pipeline, Purpose, RandomApply,
    RandomCrop, RandomHorizontalFlip, RandomOrder, RandomRotation, RandomVerticalFlip, Resize, Result, SampleInfo,
    SampleKey, SampleRng, Size, Step, Transform, apply_ops,
};

const INFO: SampleInfo<'_> = SampleInfo { size: Size::new(20, 40), channels: 3, class: None };

fn key(position: u64) -> SampleKey {
    SampleKey { seed: 5, epoch: 1, position, purpose: Purpose::Transform }
}

fn draw(transform: &dyn Transform, info: SampleInfo<'_>, position: u64) -> Vec<Op> {
    let mut ops = Vec::new();
    transform.draw(info, &mut key(position).rng(), &mut ops);
    ops
}

/// The size after each operation.
fn sizes(ops: &[Op]) -> Vec<Size> {
    (1..=ops.len()).map(|count| INFO.after(&ops[..count]).size).collect()
}

fn quarter_turn() -> Result<RandomRotation> {
    Ok(RandomRotation::new(90.0..=90.0)?.with_expand(true))
}

#[test]
fn each_part_draws_for_the_size_that_is_left() -> Result<()> {
    let pipeline = Pipeline::new()
        .then(quarter_turn()?)
        .then(Pipeline::new().then(Resize::short_edge(10)?))
        .then(RandomApply::new(Pipeline::new().then(quarter_turn()?).then(Resize::short_edge(5)?), 1.0)?)
        .then(OneOf::new().or(Resize::short_edge(4)?));
    let expected = [(40, 20), (20, 10), (10, 20), (5, 10), (4, 8)];
    assert_eq!(sizes(&draw(&pipeline, INFO, 0)), expected.map(|(height, width)| Size::new(height, width)));
    Ok(())
}

#[test]
fn in_any_order_each_part_draws_for_the_size_that_is_left() -> Result<()> {
    let any_order = RandomOrder::new()
        .and(quarter_turn()?)
        .and(RandomCrop::new(18, 19)?.with_pad_if_needed(true))
        .and(Resize::short_edge(30)?);
    let image = Image::filled(20, 40, &[1, 2, 3])?;
    let mut orders = std::collections::BTreeSet::new();
    for position in 0..200 {
        let ops = draw(&any_order, INFO, position);
        orders.insert(ops.iter().map(|op| format!("{op:?}")[..3].to_owned()).collect::<Vec<_>>());
        let short_edges = ops.iter().zip(sizes(&ops)).filter(|(op, _)| matches!(op, Op::Resize { .. }));
        short_edges.for_each(|(_, size)| assert_eq!(size.height.min(size.width), 30));
        if ops.iter().all(|op| !matches!(op, Op::Pad { .. })) {
            apply_ops(&ops, image.clone())?;
        }
    }
    assert!(orders.len() >= 6, "{orders:?}");
    Ok(())
}

#[test]
fn nothing_is_drawn_without_parts() -> Result<()> {
    let nothing: [Step; 6] = [
        Pipeline::new().into(),
        OneOf::new().into(),
        RandomOrder::new().into(),
        PerClass::new().into(),
        RandomApply::new(Pipeline::new(), 1.0)?.into(),
        RandomApply::new(RandomHorizontalFlip::new(1.0)?, 0.0)?.into(),
    ];
    for step in nothing {
        assert_eq!(draw(&step, INFO, 0), [], "{step:?}");
    }
    Ok(())
}

#[test]
fn weights_are_refused_unless_they_can_be_meant() -> Result<()> {
    let two = OneOf::new().or(RandomHorizontalFlip::default()).or(RandomVerticalFlip::default());
    let cases: [(&[f64], &str); 7] = [
        (&[1.0], "a weight for each of 2 transforms, got 1"),
        (&[1.0, 2.0, 3.0], "got 3"),
        (&[1.0, -0.5], "[0, ∞), got -0.5"),
        (&[f64::NAN, 1.0], "[0, ∞), got NaN"),
        (&[f64::INFINITY, 1.0], "[0, ∞), got inf"),
        (&[0.0, 0.0], "(0, ∞), got 0"),
        (&[f64::MAX, f64::MAX], "(0, ∞), got inf"),
    ];
    for (weights, part) in cases {
        let error = two.clone().with_weights(weights).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().starts_with("OneOf: ") && error.message().contains(part), "{error}");
    }
    let never_the_first = two.with_weights(&[0.0, 1e-300])?;
    assert!((0..1000).all(|position| draw(&never_the_first, INFO, position) != [Op::HFlip]));
    Ok(())
}

#[test]
fn classes_have_pipelines_of_their_own() -> Result<()> {
    let by_class = PerClass::new()
        .with("eight", RandomHorizontalFlip::new(1.0)?)
        .with("one", Pipeline::new())
        .otherwise(RandomVerticalFlip::new(1.0)?);
    let nested = Pipeline::new().then(RandomApply::new(by_class.clone(), 1.0)?);
    for transform in [&by_class as &dyn Transform, &nested] {
        assert_eq!(draw(transform, INFO.with_class("eight"), 0), [Op::HFlip]);
        assert_eq!(draw(transform, INFO.with_class("one"), 0), []);
        assert_eq!(draw(transform, INFO.with_class("two"), 0), [Op::VFlip]);
        assert_eq!(draw(transform, INFO, 0), [Op::VFlip]);
    }
    Ok(())
}

#[test]
fn names_of_other_classes_are_refused_wherever_they_stand() -> Result<()> {
    let by_class = PerClass::new().with("cat", RandomHorizontalFlip::default());
    let transforms: [Step; 7] = [
        by_class.clone().into(),
        Pipeline::new().then(by_class.clone()).into(),
        RandomApply::new(by_class.clone(), 0.5)?.into(),
        OneOf::new().or(by_class.clone()).into(),
        RandomOrder::new().and(by_class.clone()).into(),
        PerClass::new().with("dog", by_class.clone()).into(),
        PerClass::new().otherwise(by_class).into(),
    ];
    let classes = |names: [&str; 2]| names.map(str::to_owned);
    for transform in transforms {
        transform.check_classes(&classes(["cat", "dog"]))?;
        let error = transform.check_classes(&classes(["dog", "Cat"])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("got \"cat\"") && error.message().contains("\"dog\""), "{error}");
    }
    Ok(())
}

#[test]
fn a_key_always_draws_the_same() -> Result<()> {
    let jitter = ColorJitter::new(0.4, 0.4, 0.4, 0.1)?;
    let transform: Arc<dyn Transform> = Arc::new(
        Pipeline::new()
            .then(RandomHorizontalFlip::default())
            .then(OneOf::new().or(RandomRotation::new(15.0)?).or(jitter))
            .then(RandomOrder::new().and(RandomVerticalFlip::default()).and(RandomRotation::new(15.0)?))
            .then(RandomApply::new(jitter, 0.5)?)
            .then(Lambda::new("noise", |image, _| Ok(image))),
    );
    let all = || (0..1000).map(|position| draw(&transform, INFO, position)).collect::<Vec<_>>();
    let (first, second) = (all(), all());
    assert_eq!(first, second);
    // Other positions draw otherwise.
    assert!(first.windows(2).all(|pair| pair[0] != pair[1]));
    Ok(())
}

struct Double;

impl Transform for Double {
    fn draw(&self, info: SampleInfo<'_>, _rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let size = Size::new(2 * info.size.height, 2 * info.size.width);
        ops.push(Op::Resize { size, interpolation: Default::default(), antialias: true });
    }
}

#[test]
fn transforms_of_ones_own_take_part() -> Result<()> {
    let own = Step::own(Double);
    assert!(own.name().ends_with("Double") && format!("{own:?}").contains("Double"), "{own:?}");
    assert_eq!((&own, &own.clone()), (&own, &own));
    assert_ne!(own, Step::own(Double), "another may do something else");
    let pipeline: Compose = Pipeline::new().then(CenterCrop::new(8, 9)?).then(own.clone()).then(own);
    assert_eq!(sizes(&draw(&pipeline, INFO, 0)), [Size::new(8, 9), Size::new(16, 18), Size::new(32, 36)]);
    let names: Vec<&str> = pipeline.steps().iter().map(Step::name).collect();
    assert_eq!(names[0], "CenterCrop");

    let shared: Arc<dyn Transform> = Arc::new(Double);
    assert_eq!(draw(&Pipeline::new().then(Step::own(shared)), INFO, 0), draw(&Double, INFO, 0));
    Ok(())
}

#[test]
fn pipelines_are_plain_values() -> Result<()> {
    fn shared_between_threads<T: Send + Sync + Clone + 'static>(_: &T) {}
    let pipeline = Pipeline::new().then(RandomHorizontalFlip::new(0.5)?).then(RandomRotation::new(15.0)?);
    shared_between_threads(&pipeline);
    assert_eq!(pipeline, pipeline.clone());
    assert_ne!(pipeline, Pipeline::new().then(RandomRotation::new(15.0)?).then(RandomHorizontalFlip::new(0.5)?));
    assert_eq!(pipeline, pipeline.steps().iter().cloned().fold(Pipeline::new(), Pipeline::then));
    Ok(())
}
