//! Operations and short pipelines, on one thread: a borrowed image in, a whole new image (or planes of floats) out.
//!
//! `python benches/beside_peers.py` puts the figures beside those of other libraries.

use candle_augment::{
    ColorJitter, Executor, Fill, Image, Interpolation, Normalize, Op, Patch, Pipeline, Purpose, RandomCrop,
    RandomHorizontalFlip, RandomResizedCrop, RandomRotation, Result, SampleInfo, SampleKey, Size, Transform, apply_ops,
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// Transforms draw as many times before the clock starts, and the draws take turns.
const DRAWS: u64 = 64;

/// The photo of the tests, scaled.
fn photo(side: usize, channels: usize) -> Result<Image> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/photo-cat-96x64.png");
    let photo = Image::try_from(image::open(path).expect("the fixture is a PNG"))?;
    let resize = Op::Resize { size: Size::square(side), interpolation: Interpolation::Bicubic, antialias: true };
    if channels == 3 { resize.apply(photo) } else { apply_ops(&[resize, Op::Grayscale { channels }], photo) }
}

/// Each operation with the name that peers' figures have too.
fn single_ops(side: usize) -> Vec<(&'static str, Op)> {
    let fill = Fill::default();
    let rotate = |interpolation| Op::Rotate { degrees: 15.0, interpolation, expand: false, center: None, fill };
    let (scale, edge) = (side as f32 / 256.0, side as f32 - 1.0);
    let affine = Op::Affine {
        degrees: 10.0,
        translate: [20.0 * scale, 10.0 * scale],
        scale: 1.1,
        shear: [5.0, 0.0],
        interpolation: Interpolation::Bilinear,
        center: None,
        fill,
    };
    let perspective = Op::Perspective {
        start: [[0.0, 0.0], [edge, 0.0], [edge, edge], [0.0, edge]],
        end: [
            [20.0 * scale, 12.0 * scale],
            [edge - 10.0 * scale, 8.0 * scale],
            [edge - 16.0 * scale, edge - 14.0 * scale],
            [6.0 * scale, edge - 18.0 * scale],
        ],
        interpolation: Interpolation::Bilinear,
        fill,
    };
    let (size, half) = (Size::square(224), Size::square(side / 2));
    vec![
        ("hflip", Op::HFlip),
        ("vflip", Op::VFlip),
        ("rotate15_nearest", rotate(Interpolation::Nearest)),
        ("rotate15_bilinear", rotate(Interpolation::Bilinear)),
        ("affine_bilinear", affine),
        ("perspective_bilinear", perspective),
        ("resize224_aa", Op::Resize { size, interpolation: Interpolation::Bilinear, antialias: true }),
        ("resize224_noaa", Op::Resize { size, interpolation: Interpolation::Bilinear, antialias: false }),
        ("brightness1.3", Op::Brightness { factor: 1.3 }),
        ("contrast1.3", Op::Contrast { factor: 1.3 }),
        ("saturation1.3", Op::Saturation { factor: 1.3 }),
        ("hue0.1", Op::Hue { shift: 0.1 }),
        ("gamma2.2", Op::Gamma { gamma: 2.2, gain: 1.0 }),
        ("grayscale3", Op::Grayscale { channels: 3 }),
        ("invert", Op::Invert),
        ("posterize4", Op::Posterize { bits: 4 }),
        ("solarize128", Op::Solarize { threshold: 128.0 }),
        ("autocontrast", Op::Autocontrast),
        ("equalize", Op::Equalize),
        ("sharpness1.5", Op::Sharpness { factor: 1.5 }),
        ("gaussian_blur5", Op::GaussianBlur { kernel_size: [5, 5], sigma: [1.0, 1.0] }),
        ("gaussian_noise", Op::GaussianNoise { mean: 0.0, sigma: 0.1, clip: true, seed: 1 }),
        ("jpeg75", Op::Jpeg { quality: 75 }),
        (
            "elastic",
            Op::Elastic { alpha: [50.0; 2], sigma: [5.0; 2], seed: 1, interpolation: Interpolation::Bilinear, fill },
        ),
        ("erase25pct", Op::Erase { top: side / 4, left: side / 5, size: half, patch: Patch::Fill(fill) }),
    ]
}

fn ops(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("op");
    for side in [512, 256] {
        let image = photo(side, 3).expect("the photo can be scaled");
        for (name, op) in single_ops(side) {
            bench_image(&mut group, name, side, &image, &[vec![op]]);
        }
        let jitter = ColorJitter::new(0.4, 0.4, 0.4, 0.1).expect("the amounts are in range");
        bench_image(&mut group, "colorjitter", side, &image, &draws(&jitter, &image));
        let crop = RandomResizedCrop::new(224, 224).expect("the size is positive");
        bench_image(&mut group, "rrc224", side, &image, &draws(&crop, &image));
    }
    group.finish();
}

/// Operations whose result becomes normalised planes.
fn planes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("op");
    for side in [512, 256] {
        let image = photo(side, 3).expect("the photo can be scaled");
        bench_planes(&mut group, "to_float_normalize", side, &image, &[vec![]]);
        let fused = fused().expect("the amounts are in range");
        bench_planes(&mut group, "flip_colorjitter_normalize", side, &image, &draws(&fused, &image));
    }
    let (gray, color) = (photo(28, 1).expect("it can be scaled"), photo(32, 3).expect("it can be scaled"));
    let small = small().expect("the amounts are in range");
    bench_planes(&mut group, "flip_rotate_brightness_contrast_gray", 28, &gray, &draws(&small, &gray));
    let padded = padded().expect("the amounts are in range");
    bench_planes(&mut group, "crop_flip_colorjitter", 32, &color, &draws(&padded, &color));
    let trivial = vec![Op::HFlip, Op::VFlip, Op::Invert, Op::Posterize { bits: 4 }];
    bench_planes(&mut group, "four_trivial_ops_gray", 28, &gray, &[trivial]);
    group.finish();
}

fn fused() -> Result<Pipeline> {
    Ok(Pipeline::new().then(RandomHorizontalFlip::default()).then(ColorJitter::new(0.4, 0.4, 0.4, 0.1)?))
}

fn small() -> Result<Pipeline> {
    let rotation = RandomRotation::new(15.0)?.with_interpolation(Interpolation::Bilinear);
    let jitter = ColorJitter::new(0.4, 0.4, 0.0, 0.0)?;
    Ok(Pipeline::new().then(RandomHorizontalFlip::default()).then(rotation).then(jitter))
}

fn padded() -> Result<Pipeline> {
    Ok(Pipeline::new()
        .then(RandomCrop::new(32, 32)?.with_padding(4))
        .then(RandomHorizontalFlip::default())
        .then(ColorJitter::new(0.4, 0.4, 0.4, 0.1)?))
}

fn draws(transform: &impl Transform, image: &Image) -> Vec<Vec<Op>> {
    let draw = |position| {
        let mut ops = Vec::new();
        let key = SampleKey { seed: 0, epoch: 0, position, purpose: Purpose::Transform };
        transform.draw(SampleInfo::of(image), &mut key.rng(), &mut ops);
        ops
    };
    (0..DRAWS).map(draw).collect()
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn bench_image(group: &mut Group<'_>, name: &str, side: usize, image: &Image, draws: &[Vec<Op>]) {
    let (mut executor, mut buffer) = (Executor::new(), Vec::new());
    let mut turns = draws.iter().cycle();
    group.bench_function(BenchmarkId::new(name, side), |bencher| {
        bencher.iter(|| {
            let ops = turns.next().expect("a cycle does not end");
            let made =
                executor.image_in(ops, image, std::mem::take(&mut buffer)).expect("the operations fit the photo");
            buffer = made.into_data();
        });
    });
}

fn bench_planes(group: &mut Group<'_>, name: &str, side: usize, image: &Image, draws: &[Vec<Op>]) {
    let mut executor = Executor::new();
    let mut turns = draws.iter().cycle();
    let normalize = if image.channels() == 3 { Normalize::imagenet() } else { Normalize::signed() };
    let mut out = vec![0.0; image.data().len()];
    group.bench_function(BenchmarkId::new(name, side), |bencher| {
        bencher.iter(|| executor.write(turns.next().expect("a cycle does not end"), image, &normalize, &mut out));
    });
}

fn config() -> Criterion {
    Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_millis(700))
        .sample_size(20)
}

criterion_group! { name = benches; config = config(); targets = ops, planes }
criterion_main!(benches);
