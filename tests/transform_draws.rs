//! The transforms that move pixels, and those made of others, draw what torchvision's draw: the same operations as often, with numbers of the same
//! distributions. The references and the script that made them are in `fixtures/`.
//!
//! Both sides draw 100,000 times. The seeds are fixed; a test at the level of one in ten thousand passes for equal distributions, and fails for
//! a range or a probability that is off by some hundredths of itself.

#[path = "common/draws.rs"]
mod draws;

use std::collections::BTreeMap;

use candle_augment::{
    CenterCrop, ColorJitter, ElasticTransform, FiveCrop, Image, Interpolation, Op, Pad, Padding, RandomAffine,
    RandomCrop, RandomHorizontalFlip, RandomPerspective, RandomResize, RandomResizedCrop, RandomRotation,
    RandomVerticalFlip, RandomZoomOut, Resize, Result, SampleInfo, Size, Step, TenCrop, apply_ops,
};
use draws::{Shape, assert_same_distribution, assert_same_shares, draw, pairs, read_references, taken_apart};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct References {
    /// How often each transform was drawn.
    count: u64,
    draws: Vec<Case>,
    crops: Vec<Crops>,
    sizes: Vec<Sizes>,
}

#[derive(Deserialize)]
struct Case {
    transform: Step,
    image: Shape,
    /// How often each sequence of operations was drawn, by their names.
    sequences: BTreeMap<String, u64>,
    /// How often each value of a number was drawn, where they are few.
    counts: BTreeMap<String, Vec<(f64, u64)>>,
    /// Points of the distribution of each other number: a value, and the share of draws up to it.
    numbers: BTreeMap<String, Vec<(f64, f64)>>,
}

/// A transform without chance, applied to an image of one channel whose bytes count from 0.
#[derive(Deserialize)]
struct Crops {
    transform: Value,
    image: Size,
    results: Vec<Picture>,
}

#[derive(Deserialize)]
struct Picture {
    size: Size,
    data: Vec<u8>,
}

/// A `Resize`, and the sizes that it makes of others.
#[derive(Deserialize)]
struct Sizes {
    parameters: Value,
    sizes: Vec<(Size, Size)>,
}

fn references() -> References {
    read_references("draw-references.json.gz")
}

/// The operations and their numbers as the references hold them.
fn recorded(case: &Case, mut ops: Vec<Op>) -> Vec<(String, Vec<(String, f64)>)> {
    if let Step::RandomResizedCrop(_) = case.transform {
        // Its scaling is always the same; the whole image is not cropped, which is the largest crop.
        assert!(matches!(ops.pop(), Some(Op::Resize { .. })));
        if ops.is_empty() {
            ops.push(Op::Crop { top: 0, left: 0, size: case.image.info().size });
        }
    }
    ops.iter().map(with_derived).collect()
}

fn with_derived(op: &Op) -> (String, Vec<(String, f64)>) {
    if let Op::Resize { size, .. } = op {
        return ("resize".into(), vec![("resize.short_edge".into(), size.height.min(size.width) as f64)]);
    }
    let (name, mut numbers) = taken_apart(op);
    if let Op::Crop { size: Size { height, width }, .. } = *op {
        numbers.push(("crop.area".into(), (height * width) as f64));
        numbers.push(("crop.ratio".into(), width as f64 / height as f64));
    }
    (name, numbers)
}

#[test]
fn operations_and_their_numbers_are_torchvisions() {
    let References { count, draws, .. } = references();
    draws.par_iter().for_each(|case| {
        let title = format!("{:?} for {:?}", case.transform, case.image);
        let (mut sequences, mut numbers) = (BTreeMap::new(), BTreeMap::<String, Vec<f64>>::new());
        for position in 0..count {
            let ops = recorded(case, draw(&case.transform, case.image.info(), position));
            let names: Vec<&str> = ops.iter().map(|(name, _)| name.as_str()).collect();
            *sequences.entry(names.join(",")).or_insert(0) += 1;
            for (path, number) in ops.into_iter().flat_map(|(_, numbers)| numbers) {
                numbers.entry(path).or_default().push(number);
            }
        }
        assert_same_shares(&title, pairs(&case.sequences, &sequences));
        let known = case.counts.keys().chain(case.numbers.keys());
        assert!(known.clone().all(|path| numbers.contains_key(path)), "{title}: {:?}", numbers.keys());
        assert_eq!(known.count(), numbers.len(), "{title}: {:?}", numbers.keys());
        for (path, found) in numbers {
            let title = format!("{title}: {path}");
            match case.numbers.get(&path) {
                // There are as many on the other side but for chance, which the sequences show.
                Some(points) => assert_same_distribution(&title, points, found.len() as u64, found),
                None => assert_same_counts(&title, &case.counts[&path], &found),
            }
        }
    });
}

fn assert_same_counts(title: &str, expected: &[(f64, u64)], found: &[f64]) {
    // Zero has one sign here.
    let text = |value: f64| (value + 0.0).to_string();
    let expected = expected.iter().map(|&(value, count)| (text(value), count)).collect();
    let mut counts = BTreeMap::new();
    for &value in found {
        *counts.entry(text(value)).or_insert(0) += 1;
    }
    assert_same_shares(title, pairs(&expected, &counts));
}

#[test]
fn crops_and_margins_are_torchvisions() {
    for Crops { transform, image, results } in references().crops {
        let bytes = (0..image.height * image.width).map(|byte| byte as u8).collect();
        let source = Image::new(image.height, image.width, 1, bytes).unwrap();
        let expected: Vec<Image> = results
            .into_iter()
            .map(|Picture { size, data }| Image::new(size.height, size.width, 1, data).unwrap())
            .collect();
        let found: Vec<Image> = lists(&transform, SampleInfo::of(&source))
            .iter()
            .map(|ops| apply_ops(ops, source.clone()).unwrap())
            .collect();
        assert_eq!(found, expected, "{transform} of {image:?}");
    }
}

/// The operations of each result.
fn lists(transform: &Value, info: SampleInfo<'_>) -> Vec<Vec<Op>> {
    let (name, parameters) = transform.as_object().unwrap().iter().next().unwrap();
    let sides = || {
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let size = &parameters["size"];
        size.as_array().map_or_else(|| [number(size); 2], |sides| [number(&sides[0]), number(&sides[1])])
    };
    match name.as_str() {
        "FiveCrop" => FiveCrop::new(sides()[0], sides()[1]).unwrap().draw(info).map(|op| vec![op]).into(),
        "TenCrop" => {
            let upside_down = parameters.get("vertical_flip").is_some();
            TenCrop::new(sides()[0], sides()[1]).unwrap().with_vertical_flip(upside_down).draw(info)
        }
        _ => vec![draw(&serde_json::from_value::<Step>(transform.clone()).unwrap(), info, 0)],
    }
}

#[test]
fn sizes_are_torchvisions() {
    for Sizes { parameters, sizes } in references().sizes {
        let resize: Resize = serde_json::from_value(parameters.clone()).unwrap();
        for (from, to) in sizes {
            let ops = draw(&resize, SampleInfo { size: from, channels: 1, class: None }, 0);
            let op = Op::Resize { size: to, interpolation: Interpolation::Bilinear, antialias: true };
            assert_eq!(ops, [op], "{parameters} of {from:?}");
        }
    }
}

const RGB: SampleInfo<'_> = SampleInfo { size: Size::new(30, 40), channels: 3, class: None };

#[test]
fn parameters_reach_the_operation() -> Result<()> {
    let (interpolation, fill) = (Interpolation::Bicubic, [1, 2, 3].into());
    let rotation = RandomRotation::new(90.0..=90.0)?.with_interpolation(interpolation).with_fill([1, 2, 3]);
    let rotate = |expand, center| Op::Rotate { degrees: 90.0, interpolation, expand, center, fill };
    assert_eq!(draw(&rotation.with_expand(true), RGB, 0), [rotate(true, None)]);
    assert_eq!(draw(&rotation.with_center(1.5, 2.0)?, RGB, 0), [rotate(false, Some([1.5, 2.0]))]);

    let affine = RandomAffine::new(5.0..=5.0)?.with_interpolation(interpolation).with_fill([1, 2, 3]);
    let (degrees, translate, scale, shear, center) = (5.0, [0.0; 2], 1.0, [0.0; 2], Some([1.5, 2.0]));
    let op = Op::Affine { degrees, translate, scale, shear, interpolation, center, fill };
    assert_eq!(draw(&affine.with_center(1.5, 2.0)?, RGB, 0), [op]);

    let perspective = RandomPerspective::new(0.0, 1.0)?.with_interpolation(interpolation).with_fill([1, 2, 3]);
    let corners = [[0.0, 0.0], [39.0, 0.0], [39.0, 29.0], [0.0, 29.0]];
    let op = Op::Perspective { start: corners, end: corners, interpolation, fill };
    assert_eq!(draw(&perspective, RGB, 0), [op]);

    let elastic = ElasticTransform::new_xy([30.0, 40.0], [4.0, 5.0])?.with_interpolation(interpolation).with_fill(9);
    let [Op::Elastic { seed, .. }] = draw(&elastic, RGB, 0)[..] else { panic!("no elastic op") };
    let (alpha, sigma) = ([30.0, 40.0], [4.0, 5.0]);
    assert_eq!(draw(&elastic, RGB, 0), [Op::Elastic { alpha, sigma, seed, interpolation, fill: 9.into() }]);
    assert_ne!(draw(&elastic, RGB, 0), draw(&elastic, RGB, 1), "the field is another");

    let pad = Pad::new([1, 2]).with_padding_mode(Padding::Edge).with_fill(9);
    let op = Op::Pad { left: 1, top: 2, right: 1, bottom: 2, padding: Padding::Edge, fill: 9.into() };
    assert_eq!(draw(&pad, RGB, 0), [op]);
    assert_eq!(draw(&Pad::new(0), RGB, 0), []);

    let out = RandomZoomOut::new(1.0)?.with_side_range(2.0, 2.0)?.with_fill([1, 2, 3]);
    let ops = draw(&out, RGB, 0);
    assert!(matches!(ops[..], [Op::Pad { fill: found, .. }] if found == fill), "{ops:?}");
    assert_eq!(RGB.after(&ops).size, Size::new(60, 80));
    Ok(())
}

#[test]
fn resizing_takes_its_options_along() -> Result<()> {
    let (size, interpolation, antialias) = (Size::new(5, 7), Interpolation::Bicubic, false);
    let op = Op::Resize { size, interpolation, antialias };
    let resize = Resize::exact(5, 7)?.with_interpolation(interpolation).with_antialias(antialias);
    assert_eq!(draw(&resize, RGB, 0), std::slice::from_ref(&op));
    let crop = RandomResizedCrop::new(5, 7)?.with_interpolation(interpolation).with_antialias(antialias);
    assert_eq!(draw(&crop, RGB, 0).last(), Some(&op));
    let random = RandomResize::new(15, 16)?.with_interpolation(interpolation).with_antialias(antialias);
    assert_eq!(draw(&random, RGB, 0), [Op::Resize { size: Size::new(15, 20), interpolation, antialias }]);
    Ok(())
}

/// Sizes of `Resize(None, max_size=…)`.
#[test]
fn the_longer_edge_gives_torchvisions_sizes() -> Result<()> {
    for ((height, width), max_size, expected) in
        [((31, 17), 50, (50, 27)), ((250, 333), 100, (75, 100)), ((9, 9), 4, (4, 4))]
    {
        let info = SampleInfo { size: Size::new(height, width), ..RGB };
        let ops = draw(&Resize::long_edge(max_size)?, info, 0);
        assert_eq!(info.after(&ops).size, Size::new(expected.0, expected.1));
    }
    Ok(())
}

#[test]
fn defaults_are_torchvisions() -> Result<()> {
    assert_eq!(RandomHorizontalFlip::default(), RandomHorizontalFlip::new(0.5)?);
    assert_eq!(RandomVerticalFlip::default(), RandomVerticalFlip::new(0.5)?);
    assert_eq!(RandomPerspective::default(), RandomPerspective::new(0.5, 0.5)?);
    assert_eq!(RandomZoomOut::default(), RandomZoomOut::new(0.5)?.with_side_range(1.0, 4.0)?);
    assert_eq!(ElasticTransform::default(), ElasticTransform::new(50.0, 5.0)?);
    let usual = RandomResizedCrop::new(9, 9)?.with_scale(0.08, 1.0)?.with_ratio(3.0 / 4.0, 4.0 / 3.0)?;
    assert_eq!(RandomResizedCrop::new(9, 9)?, usual);
    Ok(())
}

#[test]
fn a_crop_that_does_not_fit_is_refused_when_it_is_applied() -> Result<()> {
    let image = Image::filled(5, 9, &[7])?;
    let too_high = draw(&RandomCrop::new(6, 3)?, SampleInfo::of(&image), 0);
    let error = apply_ops(&too_high, image.clone()).unwrap_err();
    assert!(error.message().contains("6×3") && error.op().is_some_and(|op| op.contains("Crop")), "{error}");
    // Sizes that overflow are refused too.
    for ops in [
        draw(&CenterCrop::new(1 << 27, 2)?, SampleInfo::of(&image), 0),
        draw(&RandomCrop::new(1 << 14, 1 << 14)?.with_pad_if_needed(true), SampleInfo::of(&image), 0),
        draw(&RandomCrop::new(3, 3)?.with_padding(usize::MAX), SampleInfo::of(&image), 0),
        draw(&Pad::new(usize::MAX), SampleInfo::of(&image), 0),
        draw(&Resize::short_edge(1 << 28)?, SampleInfo::of(&image), 0),
        draw(&RandomZoomOut::new(1.0)?.with_side_range(1e30, 1e30)?, SampleInfo::of(&image), 0),
    ] {
        let error = apply_ops(&ops, image.clone()).unwrap_err();
        assert!(error.message().contains("pixels"), "{error}");
    }
    Ok(())
}

#[test]
fn a_line_of_pixels_has_no_perspective() -> Result<()> {
    let always = RandomPerspective::new(1.0, 1.0)?;
    for size in [Size::new(1, 7), Size::new(7, 1), Size::new(1, 1)] {
        assert_eq!(draw(&always, SampleInfo { size, ..RGB }, 0), []);
    }
    Ok(())
}

#[test]
fn corners_that_no_perspective_shows_are_drawn_again() -> Result<()> {
    let always = RandomPerspective::new(1.0, 1.0)?;
    for size in [Size::square(2), Size::new(5, 4)] {
        let image = Image::filled(size.height, size.width, &[7])?;
        for position in 0..1000 {
            let ops = draw(&always, SampleInfo::of(&image), position);
            assert!(matches!(ops[..], [Op::Perspective { .. }]), "{ops:?}");
            apply_ops(&ops, image.clone())?;
        }
    }
    Ok(())
}

#[test]
fn each_jitter_can_be_left_out() -> Result<()> {
    let none = ColorJitter::default();
    assert_eq!(draw(&none, RGB, 0), []);
    assert_eq!(ColorJitter::new(0.0, 1.0..=1.0, 0.0, 0.0)?, none);
    assert_eq!(ColorJitter::new(0.4, 0.0, 0.0, 0.0)?, none.with_brightness(0.4)?);
    let kinds = [
        (none.with_brightness(0.4)?, "Brightness"),
        (none.with_contrast(0.4)?, "Contrast"),
        (none.with_saturation(0.4)?, "Saturation"),
        (none.with_hue(0.4)?, "Hue"),
    ];
    for (jitter, kind) in kinds {
        let ops = draw(&jitter, RGB, 0);
        assert!(ops.len() == 1 && format!("{:?}", ops[0]).starts_with(kind), "{ops:?}");
    }
    Ok(())
}
