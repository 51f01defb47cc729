//! Decoding of each format at the sizes that training meets, in pixels a second, and reading of headers.

use std::hint::black_box;
use std::io::Cursor;

use candle_augment::{Color, Decoder, EncodedImage, Image, Limits, Region, Scale, View, decode_image, read_header};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use image::{DynamicImage, ImageFormat};

/// Smooth colours with some grain, so that files are about as large as photographs' are.
fn photo(side: usize) -> DynamicImage {
    let value = |x: usize, y: usize, channel: usize| {
        let smooth = ((x + channel * 40) as f32 / 31.0).sin() * 60.0 + (y as f32 / 47.0).cos() * 60.0 + 128.0;
        let grain = (x * 7919 + y * 104_729 + channel * 31) % 17;
        smooth as u8 + grain as u8 / 2
    };
    let pixels = (0..side * side * 3).map(|i| value(i / 3 % side, i / 3 / side, i % 3)).collect();
    Image::new(side, side, 3, pixels).expect("the sides and channels are those of the pixels").into()
}

fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("each format takes RGB");
    bytes.into_inner()
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    let limits = Limits::default();
    for side in [64, 224, 512] {
        group.throughput(Throughput::Elements((side * side) as u64));
        let image = photo(side);
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
            let bytes = encode(&image, format);
            group.bench_function(BenchmarkId::new(format!("{format:?}"), side), |bencher| {
                bencher.iter(|| decode_image(black_box(&bytes), Color::Rgb, &limits).expect("the file is whole"));
            });
        }
    }
    group.finish();
}

/// A JPEG file decoded in part or smaller, with buffers that are kept.
fn views(criterion: &mut Criterion) {
    let bytes = encode(&photo(512), ImageFormat::Jpeg);
    let limits = Limits::default();
    let region = |top, left| Some(Region { top, left, height: 256, width: 256 });
    let at = |scale| View { scale, ..View::default() };
    let part = |top, left| View { region: region(top, left), ..View::default() };
    let views = [
        ("full", at(Scale::Full)),
        ("half", at(Scale::Half)),
        ("quarter", at(Scale::Quarter)),
        ("eighth", at(Scale::Eighth)),
        ("top left", part(0, 0)),
        ("middle", part(128, 128)),
        ("bottom right", part(256, 256)),
    ];
    let mut group = criterion.benchmark_group("jpeg view");
    for (name, view) in views {
        let (mut decoder, mut pixels) = (Decoder::new(), Vec::new());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let encoded = EncodedImage::new(black_box(&bytes), &limits).expect("the file is whole");
                encoded.decode_into(&mut decoder, view, &mut pixels).expect("the file is whole")
            });
        });
    }
    group.finish();
}

fn headers(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let mut group = criterion.benchmark_group("header");
    for format in [ImageFormat::Jpeg, ImageFormat::Png] {
        let path = folder.path().join(format!("{format:?}"));
        std::fs::write(&path, encode(&photo(512), format)).expect("a temporary folder is writable");
        group.bench_function(format!("{format:?}"), |bencher| {
            bencher.iter(|| read_header(black_box(&path)).expect("the file is whole"));
        });
    }
    group.finish();
}

criterion_group!(benches, decoding, views, headers);
criterion_main!(benches);
