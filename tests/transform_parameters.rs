//! Bad parameters are refused when a transform is made, by an error that names the transform, the value and what is allowed.

use candle_augment::{
    ColorJitter, ErrorKind, Normalize, Pipeline, RandomApply, RandomHorizontalFlip, RandomRotation, RandomVerticalFlip,
    Resize, Result,
};

#[track_caller]
fn refused<T>(result: Result<T>, parts: [&str; 3]) {
    let Err(error) = result else { panic!("{parts:?} was taken") };
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    for part in parts {
        assert!(error.message().contains(part), "{error} does not name {part}");
    }
}

#[test]
fn probabilities() {
    for (p, text) in [(-0.1, "-0.1"), (1.5, "1.5"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        refused(RandomHorizontalFlip::new(p), ["RandomHorizontalFlip: p", text, "[0, 1]"]);
        refused(RandomVerticalFlip::new(p), ["RandomVerticalFlip: p", text, "[0, 1]"]);
        refused(RandomApply::new(Pipeline::new(), p), ["RandomApply: p", text, "[0, 1]"]);
    }
}

#[test]
fn angles() -> Result<()> {
    for (degrees, text) in [(-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf"), (1e300, "1000")] {
        refused(RandomRotation::new(degrees), ["RandomRotation: degrees", text, "(−∞, ∞)"]);
    }
    refused(RandomRotation::new(20.0..=10.0), ["RandomRotation: degrees", "20..=10", "increasing"]);
    refused(RandomRotation::new(f64::NAN..=10.0), ["RandomRotation: degrees", "NaN..=10", "increasing"]);
    refused(RandomRotation::new(1.0)?.with_center(f32::NAN, 1.0), ["RandomRotation: the centre", "NaN", "(−∞, ∞)"]);
    Ok(())
}

#[test]
fn factors() {
    for (factor, text) in [(-0.5, "-0.5"), (f64::NAN, "NaN"), (f64::INFINITY, "inf"), (1e39, "1000")] {
        refused(ColorJitter::default().with_brightness(factor), ["ColorJitter: brightness", text, "[0, ∞)"]);
        refused(ColorJitter::new(0.1, factor, 0.1, 0.1), ["ColorJitter: contrast", text, "[0, ∞)"]);
        refused(ColorJitter::new(0.1, 0.1, factor, 0.1), ["ColorJitter: saturation", text, "[0, ∞)"]);
    }
    refused(ColorJitter::default().with_contrast(-0.1..=1.0), ["ColorJitter: contrast", "-0.1..=1", "[0, ∞)"]);
    refused(ColorJitter::default().with_contrast(1.2..=1.0), ["ColorJitter: contrast", "1.2..=1", "increasing"]);
}

#[test]
fn hues() {
    for (hue, text) in [(-0.1, "-0.1"), (0.51, "0.51"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        refused(ColorJitter::new(0.0, 0.0, 0.0, hue), ["ColorJitter: hue", text, "[−0.5, 0.5]"]);
    }
    refused(ColorJitter::default().with_hue(-0.6..=0.0), ["ColorJitter: hue", "-0.6..=0", "[−0.5, 0.5]"]);
}

#[test]
fn sizes() {
    refused(Resize::short_edge(0), ["Resize", "0", "[1, ∞)"]);
    refused(Resize::exact(0, 7), ["Resize", "0 × 7", "[1, ∞)"]);
    refused(Resize::exact(7, 0), ["Resize", "7 × 0", "[1, ∞)"]);
}

#[test]
fn means_and_deviations() {
    for (std, text) in [(0.0, "0"), (-1.0, "-1"), (f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        refused(Normalize::new(&[0.5], &[std]), ["Normalize", text, "(0, ∞)"]);
    }
    refused(Normalize::new(&[0.5, f32::NAN, 0.5], &[1.0; 3]), ["Normalize", "NaN", "(−∞, ∞)"]);
    refused(Normalize::new(&[0.5; 2], &[0.5; 2]), ["Normalize", "1 or 3", "2"]);
    refused(Normalize::new(&[0.5; 3], &[0.5]), ["Normalize", "as many", "3 and 1"]);
    refused(Normalize::new(&[], &[]), ["Normalize", "1 or 3", "0"]);
}
