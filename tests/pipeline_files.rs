//! Pipelines in files: what is written is read again as it was, and what cannot be meant is refused by name, place and allowed range.

use candle_augment::{
    Amount, AugMix, AutoAugment, AutoAugmentPolicy, CenterCrop, ColorJitter, ElasticTransform, ErrorKind, Fill,
    GaussianBlur, GaussianNoise, Grayscale, Interpolation, Jpeg, Lambda, OneOf, Op, Pad, Padding, PerClass, Pipeline,
    RandAugment, RandomAdjustSharpness, RandomAffine, RandomApply, RandomAutocontrast, RandomChannelPermutation,
    RandomCrop, RandomEqualize, RandomErasing, RandomGamma, RandomGrayscale, RandomHorizontalFlip, RandomInvert,
    RandomOrder, RandomPerspective, RandomPhotometricDistort, RandomPosterize, RandomResize, RandomResizedCrop,
    RandomRotation, RandomSolarize, RandomVerticalFlip, RandomZoomOut, Resize, Result, SampleInfo, SampleRng, Step,
    Transform, TrivialAugmentWide,
};
use proptest::prelude::*;
use proptest::strategy::Union;

/// Transforms made of what `values` gives.
fn made<V: Strategy + 'static, T: Into<Step> + 'static>(
    values: V,
    make: impl Fn(V::Value) -> Result<T> + Send + Sync + 'static,
) -> BoxedStrategy<Step> {
    values.prop_map(move |value| make(value).unwrap().into()).boxed()
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0]
}

fn between(low: f64, high: f64) -> impl Strategy<Value = (f64, f64)> {
    (low..=high, low..=high).prop_map(|(a, b)| (a.min(b), a.max(b)))
}

fn amount(neutral: f64, low: f64, high: f64) -> impl Strategy<Value = Amount> {
    prop_oneof![
        (0.0..=high - neutral).prop_map(Amount::UpTo),
        between(low, high).prop_map(|(low, high)| Amount::Between(low, high))
    ]
}

fn degrees() -> impl Strategy<Value = Amount> {
    amount(0.0, -720.0, 720.0)
}

fn interpolation() -> impl Strategy<Value = Interpolation> + Clone {
    prop::sample::select(vec![Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic])
}

fn fill() -> impl Strategy<Value = Fill> {
    prop_oneof![Just(Fill::None), any::<u8>().prop_map(Fill::All), any::<[u8; 3]>().prop_map(Fill::Rgb)]
}

fn padding() -> impl Strategy<Value = Padding> {
    prop::sample::select(vec![Padding::Constant, Padding::Edge, Padding::Reflect, Padding::Symmetric])
}

fn side() -> impl Strategy<Value = usize> {
    prop_oneof![1..300_usize, 1..=1_usize << 14, Just(1 << 14)]
}

fn geometry() -> Vec<BoxedStrategy<Step>> {
    let affine = (degrees(), (share(), share()), between(1e-3, 9.0), degrees(), degrees(), interpolation(), fill());
    let resize = prop_oneof![
        side().prop_map(Resize::short_edge),
        (side(), side()).prop_map(|(height, width)| Resize::exact(height, width)),
        (side(), side()).prop_map(|(size, more)| Resize::short_edge(size)?.with_max_size(size + more)),
        side().prop_map(Resize::long_edge),
    ];
    vec![
        made(share(), RandomHorizontalFlip::new),
        made(share(), RandomVerticalFlip::new),
        made((degrees(), interpolation(), any::<bool>(), fill()), |(degrees, interpolation, expand, fill)| {
            let turn = RandomRotation::new(degrees)?.with_interpolation(interpolation);
            Ok(turn.with_expand(expand).with_fill(fill))
        }),
        made((degrees(), -1e9..1e9, -9.0..9.0), |(degrees, x, y)| RandomRotation::new(degrees)?.with_center(x, y)),
        made(affine, |(degrees, (x, y), (low, high), along, across, interpolation, fill)| {
            let affine = RandomAffine::new(degrees)?.with_translate(x, y)?.with_scale(low, high)?;
            Ok(affine.with_shear_xy(along, across)?.with_interpolation(interpolation).with_fill(fill))
        }),
        made((-1e9..1e9, -9.0..9.0), |(x, y)| RandomAffine::new(1.0)?.with_center(x, y)),
        made((share(), share(), interpolation(), fill()), |(scale, p, interpolation, fill)| {
            Ok(RandomPerspective::new(scale, p)?.with_interpolation(interpolation).with_fill(fill))
        }),
        made((any::<[f32; 2]>(), 1e-3..99.0, 1e-3..99.0, fill()), |(alpha, x, y, fill)| {
            let alpha = alpha.map(|alpha| if alpha.is_finite() { f64::from(alpha) } else { 1.0 });
            Ok(ElasticTransform::new_xy(alpha, [x, y])?.with_fill(fill))
        }),
        made((resize, interpolation(), any::<bool>()), |(resize, interpolation, antialias)| {
            Ok(resize?.with_interpolation(interpolation).with_antialias(antialias))
        }),
        made((side(), side(), interpolation()), |(low, more, interpolation)| {
            Ok(RandomResize::new(low, low + more)?.with_interpolation(interpolation))
        }),
        made((side(), side()), |(height, width)| CenterCrop::new(height, width)),
        made(
            (side(), any::<[u16; 4]>(), any::<bool>(), fill(), padding()),
            |(side, margins, needed, fill, padding)| {
                let crop = RandomCrop::new(side, 7)?.with_padding(margins.map(usize::from)).with_pad_if_needed(needed);
                Ok(crop.with_fill(fill).with_padding_mode(padding))
            },
        ),
        made((side(), between(1e-3, 2.0), between(0.1, 9.0)), |(side, scale, ratio)| {
            RandomResizedCrop::new(side, 7)?.with_scale(scale.0, scale.1)?.with_ratio(ratio.0, ratio.1)
        }),
        made((any::<[u16; 4]>(), fill(), padding()), |(margins, fill, padding)| {
            Ok(Pad::new(margins.map(usize::from)).with_fill(fill).with_padding_mode(padding))
        }),
        made((share(), between(1.0, 1e9), fill()), |(p, (low, high), fill)| {
            Ok(RandomZoomOut::new(p)?.with_side_range(low, high)?.with_fill(fill))
        }),
    ]
}

fn colors() -> Vec<BoxedStrategy<Step>> {
    let factor = || amount(1.0, 0.0, 3.0);
    let hue = || amount(0.0, -0.5, 0.5);
    vec![
        made((factor(), factor(), factor(), hue()), |(b, c, s, h)| ColorJitter::new(b, c, s, h)),
        made((factor(), factor(), factor(), hue(), share()), |(b, c, s, h, p)| {
            let distort = RandomPhotometricDistort::default().with_brightness(b)?.with_contrast(c)?;
            distort.with_saturation(s)?.with_hue(h)?.with_p(p)
        }),
        made(prop::sample::select(vec![1, 3]), Grayscale::new),
        made(share(), RandomGrayscale::new),
        made(Just(()), |()| Ok(RandomChannelPermutation::default())),
        made(share(), RandomInvert::new),
        made((0..=8_usize, share()), |(bits, p)| RandomPosterize::new(bits)?.with_p(p)),
        made((0.0..=255.0, share()), |(threshold, p)| RandomSolarize::new(threshold)?.with_p(p)),
        made(share(), RandomAutocontrast::new),
        made(share(), RandomEqualize::new),
        made((factor(), share()), |(gamma, p)| RandomGamma::new(gamma)?.with_p(p)),
        made((0.0..9.0, share()), |(factor, p)| RandomAdjustSharpness::new(factor)?.with_p(p)),
        made((0..9_usize, between(1e-3, 9.0)), |(half, (low, high))| {
            GaussianBlur::new(2 * half + 1)?.with_sigma(low..=high)
        }),
        made((-1.0..1.0, 0.0..1.0, any::<bool>()), |(mean, sigma, clip)| {
            Ok(GaussianNoise::default().with_mean(mean)?.with_sigma(sigma)?.with_clip(clip))
        }),
        made(1..=100_u8, Jpeg::new),
        made((share(), between(0.0, 1.0), between(0.1, 9.0), fill()), |(p, scale, ratio, fill)| {
            let erasing = RandomErasing::new(p)?.with_scale(scale.0, scale.1)?.with_ratio(ratio.0, ratio.1)?;
            Ok(erasing.with_value(fill))
        }),
        made(share(), |p| Ok(RandomErasing::new(p)?.with_random_value())),
    ]
}

fn policies() -> Vec<BoxedStrategy<Step>> {
    let policy =
        prop::sample::select(vec![AutoAugmentPolicy::ImageNet, AutoAugmentPolicy::Cifar10, AutoAugmentPolicy::Svhn]);
    vec![
        made((1..9_usize, 0..9_usize, fill()), |(ops, magnitude, fill)| {
            Ok(RandAugment::default().with_num_ops(ops).with_magnitude(magnitude)?.with_fill(fill))
        }),
        made((2..99_usize, interpolation()), |(bins, interpolation)| {
            Ok(TrivialAugmentWide::default().with_num_magnitude_bins(bins)?.with_interpolation(interpolation))
        }),
        made((policy, fill()), |(policy, fill)| Ok(AutoAugment::new(policy).with_fill(fill))),
        made(
            (1..=10_usize, 1..9_usize, -9..9_i64, 1e-3..9.0, any::<bool>()),
            |(severity, width, depth, alpha, all)| {
                let mix = AugMix::default().with_severity(severity)?.with_mixture_width(width)?.with_chain_depth(depth);
                Ok(mix.with_alpha(alpha)?.with_all_ops(all))
            },
        ),
    ]
}

/// Transforms made of `inner`.
fn combined(inner: BoxedStrategy<Step>) -> BoxedStrategy<Step> {
    let several = || prop::collection::vec(inner.clone(), 0..4);
    let pipeline = || several().prop_map(|steps| steps.into_iter().fold(Pipeline::new(), Pipeline::then));
    let classes = prop::collection::btree_map("\\PC*", pipeline(), 0..3);
    Union::new(vec![
        made(pipeline(), Ok),
        made((pipeline(), share()), |(pipeline, p)| RandomApply::new(pipeline, p)),
        made(several(), |steps| Ok(steps.into_iter().fold(OneOf::new(), OneOf::or))),
        made(prop::collection::vec((inner.clone(), 1e-9..9.0), 1..4), |weighted| {
            let (steps, weights): (Vec<Step>, Vec<f64>) = weighted.into_iter().unzip();
            steps.into_iter().fold(OneOf::new(), OneOf::or).with_weights(&weights)
        }),
        made(several(), |steps| Ok(steps.into_iter().fold(RandomOrder::new(), RandomOrder::and))),
        made((classes, pipeline()), |(classes, others)| {
            let by_class = classes.into_iter().fold(PerClass::new(), |all, (class, own)| all.with(class, own));
            Ok(by_class.otherwise(others))
        }),
    ])
    .boxed()
}

fn pipelines() -> impl Strategy<Value = Pipeline> {
    let plain = Union::new([geometry(), colors(), policies()].concat());
    let steps = plain.prop_recursive(3, 12, 4, combined);
    prop::collection::vec(steps, 0..8).prop_map(|steps| steps.into_iter().fold(Pipeline::new(), Pipeline::then))
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(pipeline in pipelines()) {
        let toml = pipeline.to_toml().unwrap();
        prop_assert_eq!(&Pipeline::from_toml(&toml).unwrap(), &pipeline, "{}", toml);
        let json = pipeline.to_json().unwrap();
        prop_assert_eq!(&Pipeline::from_json(&json).unwrap(), &pipeline, "{}", json);
    }
}

/// Every transform is among those that are written above, by its name.
#[test]
fn no_transform_is_left_out() {
    let error = Pipeline::from_toml("[[transforms]]\nNone = {}").unwrap_err().to_string();
    let known: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
    assert!(known.len() > 38, "{error}");
    let written: Vec<String> = [geometry(), colors(), policies(), vec![combined(Just(flip()).boxed()); 40]]
        .concat()
        .into_iter()
        .map(|steps| {
            let mut runner = proptest::test_runner::TestRunner::default();
            steps.new_tree(&mut runner).unwrap().current().name().to_owned()
        })
        .collect();
    let other_names = ["JPEG", "RandomChoice", "Pipeline"];
    for name in known {
        assert!(other_names.contains(&name) || written.iter().any(|written| written == name), "{name}");
    }
}

fn flip() -> Step {
    RandomHorizontalFlip::default().into()
}

#[test]
fn defaults_and_short_forms() -> Result<()> {
    let pipeline = Pipeline::from_toml(
        r#"
        transforms = [
            { RandomHorizontalFlip = {} },
            { RandomCrop = { size = 32, padding = 4 } },
            { RandomCrop = { size = [3, 4], padding = [1, 2] } },
            { RandomRotation = { degrees = 15 } },
            { RandomAffine = { degrees = [0, 10], shear = 3, center = [1, 2] } },
            { ElasticTransform = { alpha = [1, 2], sigma = 3 } },
            { Resize = { size = 256 } },
            { Resize = { max_size = 512 } },
            { Compose = [{ JPEG = { quality = 75 } }] },
            { RandomChoice = { transforms = [{ RandomInvert = {} }, { RandomEqualize = {} }], p = [1, 3] } },
            { RandomApply = { transforms = [] } },
            { PerClass = { classes = { "8" = [{ RandomHorizontalFlip = {} }] } } },
        ]"#,
    )?;
    let same = Pipeline::new()
        .then(RandomHorizontalFlip::default())
        .then(RandomCrop::new(32, 32)?.with_padding(4))
        .then(RandomCrop::new(3, 4)?.with_padding([1, 2]))
        .then(RandomRotation::new(15.0)?)
        .then(RandomAffine::new(0.0..=10.0)?.with_shear(3.0)?.with_center(1.0, 2.0)?)
        .then(ElasticTransform::new_xy([1.0, 2.0], [3.0, 3.0])?)
        .then(Resize::short_edge(256)?)
        .then(Resize::long_edge(512)?)
        .then(Pipeline::new().then(Jpeg::new(75)?))
        .then(OneOf::new().or(RandomInvert::new(0.5)?).or(RandomEqualize::new(0.5)?).with_weights(&[1.0, 3.0])?)
        .then(RandomApply::new(Pipeline::new(), 0.5)?)
        .then(PerClass::new().with("8", RandomHorizontalFlip::default()));
    assert_eq!(pipeline, same);
    Ok(())
}

/// That the file is refused, in a message with all of `parts`.
#[track_caller]
fn refused(read: Result<Pipeline>, parts: &[&str]) {
    let error = match read {
        Ok(pipeline) => panic!("{pipeline:?} was read, not refused by {parts:?}"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    for part in parts {
        assert!(error.message().contains(part), "{error} does not say {part}");
    }
}

/// What is wrong about the parameters of one transform, in TOML and, where it has the same, in JSON: the place, the line, and what is allowed.
#[test]
fn wrong_parameters_are_refused_by_place_and_range() {
    let cases: [(&str, &str, &str, &[&str]); 29] = [
        ("RandomHorizontalFlip", "p = 1.5", "p", &["[0, 1]", "1.5"]),
        ("RandomHorizontalFlip", "p = \"often\"", "p", &["often"]),
        ("RandomHorizontalFlip", "q = 0.5", "q", &["unknown field `q`", "`p`"]),
        ("RandomRotation", "degrees = -5", "degrees", &["not negative", "(−∞, ∞)", "-5"]),
        ("RandomRotation", "degrees = [9, 5]", "degrees", &["increasing", "9..=5"]),
        ("RandomRotation", "degrees = [1, 2, 3]", "degrees", &["a number or a list of two"]),
        ("RandomRotation", "degrees = 5, interpolation = \"cubic\"", "interpolation", &["cubic", "`bicubic`"]),
        ("RandomRotation", "degrees = 5, fill = 256", "fill", &["0 to 255"]),
        ("RandomRotation", "degrees = 5, center = [1]", "center", &["2"]),
        ("RandomAffine", "degrees = 5, translate = [0.1, 1.1]", "translate[1]", &["[0, 1]", "1.1"]),
        ("RandomAffine", "degrees = 5, scale = [0.0, 1.0]", "scale", &["(0, ∞)", "0..=1"]),
        ("RandomAffine", "degrees = 5, scale = 0.5", "scale", &["a list of two", "(0, ∞)", "0.5"]),
        ("RandomAffine", "degrees = 5, shear = [1, 2, 3]", "shear", &["two or four"]),
        ("RandomPerspective", "distortion_scale = -0.1", "distortion_scale", &["[0, 1]", "-0.1"]),
        ("ElasticTransform", "sigma = 0", "sigma", &["(0, ∞)", "0"]),
        ("Resize", "size = [3, 0]", "size", &["[1, ∞)", "3 × 0"]),
        ("Resize", "size = -3", "size", &["[1, 268435456]", "-3"]),
        ("Resize", "max_size = 0", "max_size", &["[1, 268435456]", "0"]),
        ("RandomResize", "min_size = -1, max_size = 5", "min_size", &["[1, 268435456]", "-1"]),
        ("CenterCrop", "size = [16385, 16384]", "size", &["[1, 268435456]", "16385 × 16384"]),
        ("GaussianBlur", "kernel_size = [3, -3]", "kernel_size", &["odd", "[1, ∞)", "3 × -3"]),
        ("RandomCrop", "size = -5", "size", &["[1, ∞)", "-5 × -5"]),
        ("RandomCrop", "size = 5, padding = -1", "padding", &["not negative"]),
        ("RandomCrop", "size = 5.5", "size", &["a number or a list of two"]),
        ("RandomCrop", "size = 5, padding_mode = \"wrap\"", "padding_mode", &["wrap", "`reflect`"]),
        ("RandomResizedCrop", "size = 5, scale = 0.5", "scale", &["a list of two", "(0, ∞)", "0.5"]),
        ("RandomZoomOut", "side_range = [0.5, 2]", "side_range", &["[1, ∞)", "0.5..=2"]),
        ("ColorJitter", "hue = 0.6", "hue", &["[−0.5, 0.5]", "0.6"]),
        ("RandomApply", "p = 2, transforms = []", "p", &["[0, 1]", "2"]),
    ];
    for (name, parameters, key, parts) in cases {
        let toml = format!("[[transforms]]\nGrayscale = {{}}\n\n[[transforms]]\n{name} = {{ {parameters} }}\n");
        let place = format!("transforms[1].{name}.{key}: ");
        refused(Pipeline::from_toml(&toml), &[&[place.as_str(), "line 5, column"], parts].concat());
        let value: serde_json::Value = toml::from_str(&toml).unwrap();
        refused(
            Pipeline::from_json(&serde_json::to_string_pretty(&value).unwrap()),
            &[&[place.as_str(), "at line"], parts].concat(),
        );
    }
    // JSON has no such numbers.
    for number in ["nan", "inf", "-inf"] {
        let toml = format!("[[transforms]]\nRandomAffine = {{ degrees = 5, center = [0, {number}] }}");
        refused(Pipeline::from_toml(&toml), &["transforms[0].RandomAffine.center[1]: ", "line 2", "(−∞, ∞)"]);
    }
}

/// Parameters that contradict each other are refused at their transform.
#[test]
fn contradictions_are_refused() {
    let cases = [
        ("Resize", "size = 5, max_size = 5", "max_size must lie above the short edge, 5, got 5"),
        ("Resize", "size = [5, 6], max_size = 9", "max_size goes with a short edge"),
        ("Resize", "antialias = false", "missing field `size`"),
        ("RandomResize", "min_size = 5, max_size = 5", "min_size must lie in [1, max_size), got 5 and 5"),
        ("OneOf", "transforms = [], weights = [1]", "a weight for each of 0 transforms, got 1"),
        ("OneOf", "transforms = [{ Grayscale = {} }], weights = [-1]", "a weight must lie in [0, ∞), got -1"),
        ("OneOf", "transforms = [{ Grayscale = {} }], weights = [0]", "the sum of the weights must lie in (0, ∞)"),
    ];
    for (name, parameters, message) in cases {
        let place = format!("transforms[0].{name}: ");
        refused(
            Pipeline::from_toml(&format!("[[transforms]]\n{name} = {{ {parameters} }}")),
            &[&place, "line 1", message],
        );
    }
    refused(Pipeline::from_toml("[[transforms]]\nResize = 5"), &["transforms[0].Resize: ", "the parameters of Resize"]);
}

#[test]
fn places_in_nested_pipelines_are_named() {
    let toml = "[[transforms]]\nRandomApply = { p = 0.5, transforms = [\n  { Grayscale = {} },\n  { OneOf = { transforms = [\n    { Pad = { padding = 1, fil = 3 } } ] } }\n] }";
    let place = "transforms[0].RandomApply.transforms[1].OneOf.transforms[0].Pad.fil: ";
    refused(Pipeline::from_toml(toml), &[place, "line 5, column 28", "unknown field `fil`"]);
    let json =
        "{\"transforms\": [{\"PerClass\": {\"classes\": {\"a b\": [\n{\"Pad\": {\"padding\": 1, \"fil\": 3}}]}}}]}";
    let place = "transforms[0].PerClass.classes.a b[0].Pad.fil: ";
    refused(Pipeline::from_json(json), &[place, "line 2 column 28", "unknown field `fil`"]);
}

#[test]
fn unknown_transforms_and_keys_are_refused_by_name() {
    refused(
        Pipeline::from_toml("[[transforms]]\nRotate = { degrees = 5 }"),
        &["transforms[0]: ", "line 2, column 1", "`Rotate`", "`RandomRotation`"],
    );
    refused(Pipeline::from_toml("transform = []"), &["line 1", "`transform`", "`transforms`"]);
    refused(Pipeline::from_toml("transforms = []\nname = \"mine\""), &["line 2", "`name`", "`transforms`"]);
    refused(Pipeline::from_toml("[[transforms]]\nOwn = {}"), &["`Own`"]);
    refused(Pipeline::from_json("{\"transforms\": [{\"Own\": {}}]}"), &["`Own`"]);
}

#[test]
fn what_is_no_pipeline_is_refused() {
    let texts = [
        "",
        "transforms",
        "transforms = 3",
        "transforms = [3]",
        "transforms = [\"Grayscale\"]",
        "[transforms]\nGrayscale = {}",
        "[[transforms]]",
        "[[transforms]]\nGrayscale = {}\nRandomInvert = {}",
        "[[transforms]]\nGrayscale = {}\nGrayscale = {}",
        "[[transforms]]\nGrayscale = { num_output_channels = 3",
        "[[transforms]]\nRandomInvert = { p = 0.1, p = 0.2 }",
    ];
    for text in texts {
        refused(Pipeline::from_toml(text), &["line"]);
    }
    let texts = [
        "",
        "[]",
        "null",
        "{\"transforms\": null}",
        "{\"transforms\": [{}]}",
        "{\"transforms\": [{\"Grayscale\": {}, \"RandomInvert\": {}}]}",
        "{\"transforms\": [{\"RandomInvert\": {\"p\": 0.1, \"p\": 0.2}}]}",
        "{\"transforms\": []} {}",
        "{\"transforms\": [], \"transforms\": []}",
        "{\"transforms\": [{\"RandomInvert\": {\"p\": 1e999}}]}",
    ];
    for text in texts {
        refused(Pipeline::from_json(text), &["line"]);
    }
}

/// Neither the reader nor what drops the pipeline may run out of stack.
#[test]
fn deep_nesting_is_refused() {
    let depth = 100_000;
    let json = format!("{{\"transforms\": [{}{}]}}", "{\"Compose\": [".repeat(depth), "]}".repeat(depth));
    refused(Pipeline::from_json(&json), &["recursion limit"]);
    let toml = format!("transforms = [{}{}]", "{Compose=[".repeat(depth), "]}".repeat(depth));
    refused(Pipeline::from_toml(&toml), &["recurs"]);
}

struct Nothing;

impl Transform for Nothing {
    fn draw(&self, _info: SampleInfo<'_>, _rng: &mut SampleRng, _ops: &mut Vec<Op>) {}
}

#[test]
fn code_is_not_written_but_named() -> Result<()> {
    let dim = || Lambda::new("dim", |image, _| Ok(image));
    let by_class = PerClass::new().with("a", flip()).with("b", Pipeline::new().then(flip()).then(dim()));
    let cases = [
        (Step::own(Nothing), "", "Nothing"),
        (dim().into(), "", "Lambda \"dim\""),
        (Pipeline::new().then(dim()).into(), ".Compose[0]", "dim"),
        (RandomApply::new(dim(), 0.5)?.into(), ".RandomApply.transforms[0]", "dim"),
        (OneOf::new().or(flip()).or(dim()).into(), ".OneOf.transforms[1]", "dim"),
        (
            RandomOrder::new().and(OneOf::new().or(dim())).into(),
            ".RandomOrder.transforms[0].OneOf.transforms[0]",
            "dim",
        ),
        (by_class.into(), ".PerClass.classes.b[1]", "dim"),
        (PerClass::new().otherwise(dim()).into(), ".PerClass.others[0]", "dim"),
    ];
    for (step, place, name) in cases {
        let pipeline = Pipeline::new().then(flip()).then(step);
        for error in [pipeline.to_toml().unwrap_err(), pipeline.to_json().unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().starts_with(&format!("transforms[1]{place}: ")), "{error}");
            assert!(error.message().contains(name) && error.message().contains("cannot be written"), "{error}");
        }
    }
    Ok(())
}

#[test]
fn files_are_of_the_kind_that_they_are_named() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = Pipeline::new().then(flip()).then(RandomRotation::new(15.0)?);
    for name in ["a.toml", "a.json", "grün.toml"] {
        let path = folder.path().join(name);
        pipeline.write(&path)?;
        assert_eq!(Pipeline::read(&path)?, pipeline);
    }
    assert!(std::fs::read_to_string(folder.path().join("a.json")).unwrap().starts_with('{'));
    for name in ["a.yaml", "a", ".toml"] {
        let path = folder.path().join(name);
        for error in [pipeline.write(&path).unwrap_err(), Pipeline::read(&path).unwrap_err()] {
            assert_eq!((error.kind(), error.path()), (ErrorKind::Config, Some(path.as_path())));
            assert!(error.message().contains(".toml or .json"), "{error}");
        }
        assert!(!path.exists());
    }
    Ok(())
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    std::fs::create_dir(folder.path().join("folder.toml")).unwrap();
    let cases = [
        (folder.path().join("missing.toml"), ErrorKind::Io, "cannot"),
        (folder.path().join("folder.toml"), ErrorKind::Io, "folder"),
        (put("latin.toml", b"# gr\xfcn"), ErrorKind::Io, "UTF-8"),
        (put("long.toml", &vec![b' '; (1 << 20) + 1]), ErrorKind::Io, "at most 1048576 bytes"),
        (put("wrong.toml", b"[[transforms]]\nRandomInvert = { p = 2 }"), ErrorKind::Config, "line 2"),
        (put("wrong.json", b"{\"transforms\": [\n3]}"), ErrorKind::Config, "line 2"),
    ];
    for (path, kind, part) in cases {
        let error = Pipeline::read(&path).unwrap_err();
        assert_eq!((error.kind(), error.path()), (kind, Some(path.as_path())), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}
