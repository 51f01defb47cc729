//! Bad parameters are refused when a transform is made, by an error that names the transform, the value and what is allowed.

use candle_augment::{
    AugMix, AutoAugment, AutoAugmentPolicy, CenterCrop, ColorJitter, ElasticTransform, ErrorKind, FiveCrop,
    GaussianBlur, GaussianNoise, Grayscale, Jpeg, Normalize, Pipeline, RandAugment, RandomAdjustSharpness,
    RandomAffine, RandomApply, RandomAutocontrast, RandomChannelPermutation, RandomCrop, RandomEqualize, RandomErasing,
    RandomGamma, RandomGrayscale, RandomHorizontalFlip, RandomInvert, RandomPerspective, RandomPhotometricDistort,
    RandomPosterize, RandomResize, RandomResizedCrop, RandomRotation, RandomSolarize, RandomVerticalFlip,
    RandomZoomOut, Resize, Result, TenCrop, TrivialAugmentWide,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

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
        refused(RandomPerspective::new(p, 0.5), ["RandomPerspective: distortion_scale", text, "[0, 1]"]);
        refused(RandomPerspective::new(0.5, p), ["RandomPerspective: p", text, "[0, 1]"]);
        refused(RandomZoomOut::new(p), ["RandomZoomOut: p", text, "[0, 1]"]);
    }
}

#[test]
fn angles() -> Result<()> {
    for (degrees, text) in [(-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf"), (1e300, "1000")] {
        refused(RandomRotation::new(degrees), ["RandomRotation: degrees", text, "(−∞, ∞)"]);
    }
    refused(RandomRotation::new(20.0..=10.0), ["RandomRotation: degrees", "20..=10", "increasing"]);
    refused(RandomRotation::new(f64::NAN..=10.0), ["RandomRotation: degrees", "NaN..=10", "increasing"]);
    refused(RandomRotation::new(1.0)?.with_center(f64::NAN, 1.0), ["RandomRotation: center", "NaN", "(−∞, ∞)"]);
    Ok(())
}

#[test]
fn affine_maps() -> Result<()> {
    refused(RandomAffine::new(-1.0), ["RandomAffine: degrees", "-1", "(−∞, ∞)"]);
    let affine = RandomAffine::new(0.0)?;
    for (part, text) in [(-0.1, "-0.1"), (1.1, "1.1"), (f64::NAN, "NaN")] {
        refused(affine.with_translate(part, 0.0), ["RandomAffine: translate", text, "[0, 1]"]);
        refused(affine.with_translate(0.0, part), ["RandomAffine: translate", text, "[0, 1]"]);
    }
    for (low, high, text) in
        [(0.0, 1.0, "0..=1"), (2.0, 1.0, "2..=1"), (1.0, f64::INFINITY, "inf"), (f64::NAN, 1.0, "NaN")]
    {
        refused(affine.with_scale(low, high), ["RandomAffine: scale", text, "(0, ∞)"]);
    }
    refused(affine.with_shear(-5.0), ["RandomAffine: shear", "-5", "(−∞, ∞)"]);
    refused(affine.with_shear_xy(5.0, f64::NAN..=1.0), ["RandomAffine: shear", "NaN..=1", "(−∞, ∞)"]);
    refused(affine.with_center(0.0, f64::INFINITY), ["RandomAffine: center", "inf", "(−∞, ∞)"]);
    Ok(())
}

#[test]
fn elastic_fields() {
    for (sigma, text) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN")] {
        refused(ElasticTransform::new(1.0, sigma), ["ElasticTransform: sigma", text, "(0, ∞)"]);
        refused(ElasticTransform::new_xy([1.0; 2], [1.0, sigma]), ["ElasticTransform: sigma", text, "(0, ∞)"]);
    }
    refused(ElasticTransform::new(f64::INFINITY, 1.0), ["ElasticTransform: alpha", "inf", "(−∞, ∞)"]);
}

#[test]
fn crops() -> Result<()> {
    for (height, width, text) in [(0, 5, "0 × 5"), (5, 0, "5 × 0")] {
        refused(CenterCrop::new(height, width), ["CenterCrop", text, "[1, ∞)"]);
        refused(RandomCrop::new(height, width), ["RandomCrop", text, "[1, ∞)"]);
        refused(RandomResizedCrop::new(height, width), ["RandomResizedCrop", text, "[1, ∞)"]);
        refused(FiveCrop::new(height, width), ["FiveCrop", text, "[1, ∞)"]);
        refused(TenCrop::new(height, width), ["TenCrop", text, "[1, ∞)"]);
    }
    let crop = RandomResizedCrop::new(5, 5)?;
    for (low, high, text) in [(0.0, 1.0, "0..=1"), (2.0, 1.0, "2..=1"), (f64::NAN, 1.0, "NaN..=1")] {
        refused(crop.with_scale(low, high), ["RandomResizedCrop: scale", text, "(0, ∞)"]);
        refused(crop.with_ratio(low, high), ["RandomResizedCrop: ratio", text, "(0, ∞)"]);
    }
    let out = RandomZoomOut::default();
    for (low, high, text) in [(0.9, 2.0, "0.9..=2"), (3.0, 2.0, "3..=2"), (1.0, f64::INFINITY, "1..=inf")] {
        refused(out.with_side_range(low, high), ["RandomZoomOut: side_range", text, "[1, ∞)"]);
    }
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
    refused(Resize::short_edge(0), ["Resize: size", "0", "[1, 268435456]"]);
    refused(Resize::short_edge(usize::MAX), ["Resize: size", "18446744073709551615", "[1, 268435456]"]);
    refused(Resize::long_edge(0), ["Resize: max_size", "0", "[1, 268435456]"]);
    refused(Resize::exact(1 << 14, (1 << 14) + 1), ["Resize", "16384 × 16385", "[1, 268435456]"]);
    refused(Resize::exact(usize::MAX, 2), ["Resize", "18446744073709551615 × 2", "[1, 268435456]"]);
    refused(Resize::exact(0, 7), ["Resize", "0 × 7", "[1, ∞)"]);
    refused(Resize::exact(7, 0), ["Resize", "7 × 0", "[1, ∞)"]);
    refused(Resize::short_edge(7).and_then(|resize| resize.with_max_size(7)), ["Resize: max_size", "above", "7"]);
    refused(
        Resize::exact(7, 7).and_then(|resize| resize.with_max_size(9)),
        ["Resize: max_size", "short edge", "alone"],
    );
    refused(RandomResize::new(0, 7), ["RandomResize: min_size", "[1, 268435456]", "0"]);
    refused(RandomResize::new(7, 7), ["RandomResize: min_size", "[1, max_size)", "7 and 7"]);
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

#[test]
fn probabilities_of_colours_and_filters() -> Result<()> {
    for (p, text) in [(-0.1, "-0.1"), (1.5, "1.5"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        refused(RandomGrayscale::new(p), ["RandomGrayscale: p", text, "[0, 1]"]);
        refused(RandomInvert::new(p), ["RandomInvert: p", text, "[0, 1]"]);
        refused(RandomAutocontrast::new(p), ["RandomAutocontrast: p", text, "[0, 1]"]);
        refused(RandomEqualize::new(p), ["RandomEqualize: p", text, "[0, 1]"]);
        refused(RandomErasing::new(p), ["RandomErasing: p", text, "[0, 1]"]);
        refused(RandomPosterize::new(4)?.with_p(p), ["RandomPosterize: p", text, "[0, 1]"]);
        refused(RandomSolarize::new(4.0)?.with_p(p), ["RandomSolarize: p", text, "[0, 1]"]);
        refused(RandomAdjustSharpness::new(2.0)?.with_p(p), ["RandomAdjustSharpness: p", text, "[0, 1]"]);
        refused(RandomGamma::default().with_p(p), ["RandomGamma: p", text, "[0, 1]"]);
        refused(RandomPhotometricDistort::default().with_p(p), ["RandomPhotometricDistort: p", text, "[0, 1]"]);
    }
    Ok(())
}

#[test]
fn colours() {
    refused(Grayscale::new(2), ["Grayscale: num_output_channels", "1 or 3", "2"]);
    refused(RandomPosterize::new(9), ["RandomPosterize: bits", "[0, 8]", "9"]);
    for (threshold, text) in [(-1.0, "-1"), (255.5, "255.5"), (f64::NAN, "NaN")] {
        refused(RandomSolarize::new(threshold), ["RandomSolarize: threshold", "[0, 255]", text]);
    }
    refused(RandomGamma::new(-0.5..=1.0), ["RandomGamma: gamma", "[0, ∞)", "-0.5..=1"]);
    let distort = RandomPhotometricDistort::default();
    refused(distort.with_brightness(-0.5..=1.0), ["RandomPhotometricDistort: brightness", "[0, ∞)", "-0.5..=1"]);
    refused(distort.with_contrast(2.0..=1.0), ["RandomPhotometricDistort: contrast", "[0, ∞)", "2..=1"]);
    refused(distort.with_saturation(f64::NAN), ["RandomPhotometricDistort: saturation", "[0, ∞)", "NaN"]);
    refused(distort.with_hue(-0.6..=0.0), ["RandomPhotometricDistort: hue", "[−0.5, 0.5]", "-0.6..=0"]);
}

#[test]
fn filters_and_noise() -> Result<()> {
    refused(GaussianBlur::new(4), ["GaussianBlur: kernel_size", "odd", "4 × 4"]);
    refused(GaussianBlur::rectangular(3, 0), ["GaussianBlur: kernel_size", "odd", "3 × 0"]);
    for (sigma, text) in [(0.0..=1.0, "0..=1"), (2.0..=1.0, "2..=1"), (f64::NAN..=1.0, "NaN")] {
        refused(GaussianBlur::new(3)?.with_sigma(sigma), ["GaussianBlur: sigma", "(0, ∞)", text]);
    }
    refused(GaussianBlur::new(3)?.with_sigma(0.0), ["GaussianBlur: sigma", "(0, ∞)", "0..=0"]);
    refused(GaussianNoise::default().with_mean(f64::NAN), ["GaussianNoise: mean", "(−∞, ∞)", "NaN"]);
    refused(GaussianNoise::default().with_sigma(-0.1), ["GaussianNoise: sigma", "[0, ∞)", "-0.1"]);
    refused(Jpeg::new(0), ["Jpeg: quality", "[1, 100]", "0"]);
    refused(Jpeg::new(101), ["Jpeg: quality", "[1, 100]", "101"]);
    refused(Jpeg::between(60, 50), ["Jpeg: quality", "increasing", "60 to 50"]);
    refused(RandomAdjustSharpness::new(-1.0), ["RandomAdjustSharpness: sharpness_factor", "[0, ∞)", "-1"]);
    let erasing = RandomErasing::default();
    refused(erasing.with_scale(0.1, 1.1), ["RandomErasing: scale", "[0, 1]", "0.1..=1.1"]);
    refused(erasing.with_scale(0.3, 0.1), ["RandomErasing: scale", "increasing", "0.3..=0.1"]);
    refused(erasing.with_ratio(0.0, 1.0), ["RandomErasing: ratio", "(0, ∞)", "0..=1"]);
    Ok(())
}

#[test]
fn policies() {
    let policy = RandAugment::default();
    refused(policy.with_magnitude(31), ["RandAugment: magnitude", "[0, 30]", "31"]);
    refused(policy.with_num_magnitude_bins(9), ["RandAugment: magnitude", "[0, 8]", "9"]);
    refused(policy.with_num_magnitude_bins(1), ["RandAugment: num_magnitude_bins", "[2, ∞)", "1"]);
    let trivial = TrivialAugmentWide::default();
    refused(trivial.with_num_magnitude_bins(0), ["TrivialAugmentWide: num_magnitude_bins", "[2, ∞)", "0"]);
    let mix = AugMix::default();
    refused(mix.with_severity(0), ["AugMix: severity", "[1, 10]", "0"]);
    refused(mix.with_severity(11), ["AugMix: severity", "[1, 10]", "11"]);
    refused(mix.with_mixture_width(0), ["AugMix: mixture_width", "[1, ∞)", "0"]);
    for (alpha, text) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        refused(mix.with_alpha(alpha), ["AugMix: alpha", "(0, ∞)", text]);
    }
}

#[track_caller]
fn unreadable<T: DeserializeOwned>(value: serde_json::Value, part: &str) {
    let Err(error) = serde_json::from_value::<T>(value.clone()) else { panic!("{value} was taken") };
    assert!(error.to_string().contains(part), "{error} does not name {part}");
}

/// What code refuses is refused in a file too, and so are unknown names.
#[test]
fn files_are_checked_alike() {
    unreadable::<RandomPosterize>(json!({}), "bits");
    unreadable::<RandomPosterize>(json!({"bits": 9}), "[0, 8], got 9");
    unreadable::<RandomPosterize>(json!({"bits": 8, "q": 0.5}), "`q`");
    unreadable::<RandomInvert>(json!({"p": 1.5}), "[0, 1], got 1.5");
    unreadable::<RandomChannelPermutation>(json!({"p": 1.0}), "`p`");
    unreadable::<Grayscale>(json!({"num_output_channels": 2}), "must be 1 or 3, got 2");
    unreadable::<GaussianBlur>(json!({"kernel_size": [3, 4]}), "must be odd and lie in [1, ∞), got 3 × 4");
    unreadable::<GaussianBlur>(json!({"kernel_size": 3, "sigma": 0.0}), "in (0, ∞), got 0..=0");
    unreadable::<RandomPosterize>(json!({"bits": -1}), "[0, 8], got -1");
    unreadable::<Jpeg>(json!({"quality": 300}), "[1, 100], got 300 to 300");
    unreadable::<Jpeg>(json!({"quality": [0, 5]}), "[1, 100], got 0 to 5");
    unreadable::<RandomErasing>(json!({"value": "white"}), "expected a whole number from 0 to 255");
    unreadable::<AutoAugment>(json!({"fill": 256}), "expected a whole number from 0 to 255");
    unreadable::<RandAugment>(json!({"magnitude": 31}), "magnitude must lie in [0, 30] for 31 bins, got 31");
    unreadable::<RandAugment>(json!({"num_ops": -2}), "[0, ∞), got -2");
    unreadable::<RandAugment>(json!({"num_magnitude_bins": 1}), "[2, ∞), got 1");
    unreadable::<TrivialAugmentWide>(json!({"magnitude": 3}), "`magnitude`");
    unreadable::<AutoAugment>(json!({"policy": "mnist"}), "`mnist`");
    unreadable::<AugMix>(json!({"severity": 11}), "[1, 10], got 11");
}

/// Written and read again, a transform is the same.
#[test]
fn files_give_back_what_was_written() -> Result<()> {
    #[track_caller]
    fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(transform: T) {
        let json = serde_json::to_string(&transform).unwrap();
        assert_eq!(serde_json::from_str::<T>(&json).unwrap(), transform, "{json}");
        let toml = toml::to_string(&transform).unwrap();
        assert_eq!(toml::from_str::<T>(&toml).unwrap(), transform, "{toml}");
    }
    same(Grayscale::new(3)?);
    same(RandomChannelPermutation::default());
    same(RandomGrayscale::new(0.3)?);
    same(RandomGamma::new(0.1..=0.3)?.with_p(1.0)?);
    same(RandomPhotometricDistort::default().with_hue(0.1)?.with_p(0.7)?);
    same(RandomPosterize::new(3)?.with_p(0.1)?);
    same(RandomSolarize::new(0.1)?);
    same(RandomAdjustSharpness::new(1.0 / 3.0)?);
    same(GaussianBlur::rectangular(7, 3)?.with_sigma(1.5)?);
    same(GaussianNoise::default().with_mean(-0.1)?.with_clip(false));
    same(Jpeg::between(10, 20)?);
    same(RandomErasing::default().with_random_value().with_scale(0.1, 0.2)?);
    same(RandomErasing::new(1.0)?.with_value([1, 2, 3]).with_ratio(1.0, 1.0)?);
    same(RandAugment::default().with_num_ops(3).with_num_magnitude_bins(10)?.with_fill(7));
    same(TrivialAugmentWide::default().with_num_magnitude_bins(5)?.with_fill([1, 2, 3]));
    same(AutoAugment::new(AutoAugmentPolicy::Svhn));
    same(AugMix::default().with_chain_depth(4).with_alpha(0.3)?.with_all_ops(false).with_mixture_width(2)?);
    Ok(())
}
