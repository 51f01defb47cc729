//! One operation at a time, on one thread: 512×512 RGB and 28×28 gray. Cloning the image is not part of the figures.

use std::hint::black_box;

use candle_augment::{Fill, Image, Interpolation, Normalize, Op, Size, write_planar};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};

/// Bytes that look like a smooth photo with some noise.
fn image(height: usize, width: usize, channels: usize) -> Image {
    let byte = |i: usize| {
        let (x, y) = (i / channels % width, i / channels / width);
        let noise = (i as u32).wrapping_mul(2_654_435_761) >> 28;
        (x * 160 / width + y * 60 / height + i % channels * 10 + noise as usize) as u8
    };
    Image::new(height, width, channels, (0..height * width * channels).map(byte).collect()).expect("the bytes fit")
}

fn rotate(interpolation: Interpolation) -> Op {
    Op::Rotate { degrees: 15.0, interpolation, expand: false, center: None, fill: Fill::default() }
}

fn ops(criterion: &mut Criterion) {
    let ops = [
        ("hflip", Op::HFlip),
        ("vflip", Op::VFlip),
        ("rotate15_nearest", rotate(Interpolation::Nearest)),
        ("rotate15_bilinear", rotate(Interpolation::Bilinear)),
        ("brightness", Op::Brightness { factor: 1.3 }),
        ("contrast", Op::Contrast { factor: 1.3 }),
        ("saturation", Op::Saturation { factor: 1.3 }),
        ("hue", Op::Hue { shift: 0.1 }),
        (
            "resize224_nearest",
            Op::Resize { size: Size::square(224), interpolation: Interpolation::Nearest, antialias: true },
        ),
        (
            "resize224_bilinear",
            Op::Resize { size: Size::square(224), interpolation: Interpolation::Bilinear, antialias: true },
        ),
    ];
    let mut group = criterion.benchmark_group("op");
    for (name, op) in ops {
        for (label, image) in images() {
            group.bench_with_input(BenchmarkId::new(name, label), &image, |bencher, image| {
                bencher.iter_batched(|| image.clone(), |image| op.apply(image), BatchSize::SmallInput);
            });
        }
    }
    group.finish();
}

fn planes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write");
    for (label, image) in images() {
        let normalize = Normalize::signed();
        let mut floats = vec![0.0; image.data().len()];
        group.bench_function(BenchmarkId::new("normalize", label), |bencher| {
            bencher.iter(|| normalize.write(black_box(&image), &mut floats));
        });
        let mut bytes = vec![0; image.data().len()];
        group.bench_function(BenchmarkId::new("planar", label), |bencher| {
            bencher.iter(|| write_planar(black_box(&image), &mut bytes));
        });
    }
    group.finish();
}

fn images() -> [(&'static str, Image); 2] {
    [("512x512x3", image(512, 512, 3)), ("28x28x1", image(28, 28, 1))]
}

criterion_group!(benches, ops, planes);
criterion_main!(benches);
