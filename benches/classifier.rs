//! The classifier: one training step and inference, by image size.

use std::hint::black_box;

use candle_augment::{Batch, ClassifierConfig, ClassifierTrainer, Image, Purpose, Result, SampleKey, Size};
use candle_core::{Device, Tensor};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const BATCH: usize = 64;
const CLASSES: usize = 10;
/// Side and channels: the embedded digits, MNIST, small colour images, the largest that the generator makes.
const SIZES: [(usize, usize); 4] = [(8, 1), (28, 1), (32, 3), (64, 3)];

fn batch(side: usize, channels: usize) -> Result<Batch> {
    let mut rng = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Training }.rng();
    let pixels: Vec<f32> = (0..BATCH * channels * side * side).map(|_| rng.uniform(-1.0, 1.0) as f32).collect();
    let labels: Vec<u32> = (0..BATCH).map(|n| (n % CLASSES) as u32).collect();
    Ok(Batch::new(
        Tensor::from_vec(pixels, (BATCH, channels, side, side), &Device::Cpu)?,
        Tensor::new(labels, &Device::Cpu)?,
    ))
}

fn trainer(side: usize, channels: usize) -> Result<ClassifierTrainer> {
    let config = ClassifierConfig { steps: usize::MAX, ..ClassifierConfig::new(Size::square(side), channels, CLASSES) };
    ClassifierTrainer::new(config, &Device::Cpu)
}

fn training_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("classifier_step");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    for (side, channels) in SIZES {
        let mut trainer = trainer(side, channels).expect("a valid configuration");
        let batch = batch(side, channels).expect("a batch");
        group.bench_function(BenchmarkId::from_parameter(format!("{side}x{side}x{channels}")), |b| {
            b.iter(|| trainer.step(black_box(&batch)).expect("a step"));
        });
    }
    group.finish();
}

fn inference(c: &mut Criterion) {
    let mut group = c.benchmark_group("classifier_inference");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    for (side, channels) in SIZES {
        let classifier = trainer(side, channels).expect("a valid configuration").finish();
        let images = vec![Image::filled(side, side, &vec![90; channels]).expect("an image"); BATCH];
        group.bench_function(BenchmarkId::from_parameter(format!("{side}x{side}x{channels}")), |b| {
            b.iter(|| classifier.classify(black_box(&images)).expect("probabilities"));
        });
    }
    group.finish();
}

criterion_group!(benches, training_step, inference);
criterion_main!(benches);
