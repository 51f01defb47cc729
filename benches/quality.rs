//! Figures of 5,000 samples beside 5,000 real images, with 64 features each.

use std::hint::black_box;

use candle_augment::quality::{Features, frechet_distance, kernel_distance, neighbour_scores};
use candle_augment::{Purpose, SampleKey};
use criterion::{Criterion, criterion_group, criterion_main};

const IMAGES: usize = 5000;
const DIMENSIONS: usize = 64;

fn features(seed: u64) -> Features {
    let mut rng = SampleKey { seed, epoch: 0, position: 0, purpose: Purpose::Noise }.rng();
    let values = (0..IMAGES * DIMENSIONS).map(|_| rng.normal()).collect();
    Features::new(values, DIMENSIONS, vec![0; IMAGES]).expect("normal numbers are finite")
}

fn figures(criterion: &mut Criterion) {
    let (real, samples) = (features(0), features(1));
    let mut group = criterion.benchmark_group("quality");
    group.sample_size(10);
    group.bench_function("frechet_distance", |bencher| {
        bencher.iter(|| frechet_distance(black_box(&real), black_box(&samples)).expect("there are images"));
    });
    group.bench_function("kernel_distance", |bencher| {
        bencher.iter(|| kernel_distance(black_box(&real), black_box(&samples)).expect("there are images"));
    });
    // Four times all distances between two sets of this size.
    group.bench_function("neighbour_scores", |bencher| {
        bencher.iter(|| neighbour_scores(black_box(&real), black_box(&samples), 5).expect("there are images"));
    });
}

criterion_group!(benches, figures);
criterion_main!(benches);
