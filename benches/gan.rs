//! The GAN's training step and its sampling, on small and large images; `gan_step.py` measures PyTorch on the same
//! networks.
#![allow(missing_docs)]

use candle_augment::gan::{GanConfig, Trainer};
use candle_augment::{Batch, Purpose, SampleKey, SyntheticRequest, SyntheticSource};
use candle_core::{Device, Tensor};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// As in the program: glibc's allocator gives pages back that the next step asks for again.
#[cfg(feature = "cli")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 64;
const CLASSES: usize = 10;
const KINDS: [(usize, usize); 4] = [(8, 1), (28, 1), (32, 1), (64, 3)];

fn trainer(size: usize, channels: usize) -> Trainer {
    let config = GanConfig::new(size, channels, (0..CLASSES).map(|class| class.to_string()));
    Trainer::new(config, &Device::Cpu).unwrap()
}

fn batch(size: usize, channels: usize) -> Batch {
    let mut rng = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Training }.rng();
    let values = (0..BATCH * channels * size * size).map(|_| rng.uniform(-1.0, 1.0) as f32).collect();
    let labels: Vec<u32> = (0..BATCH).map(|i| (i % CLASSES) as u32).collect();
    Batch::new(
        Tensor::from_vec(values, (BATCH, channels, size, size), &Device::Cpu).unwrap(),
        Tensor::from_vec(labels, BATCH, &Device::Cpu).unwrap(),
    )
}

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gan_step");
    group.sample_size(20);
    for (size, channels) in KINDS {
        let (mut trainer, batch) = (trainer(size, channels), batch(size, channels));
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{size}x{size}x{channels}")), |bencher| {
            bencher.iter(|| trainer.step(&batch).unwrap());
        });
    }
    group.finish();
}

fn sample(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gan_sample");
    group.sample_size(20);
    for (size, channels) in KINDS {
        let source = trainer(size, channels).source().unwrap();
        let requests: Vec<SyntheticRequest> = (0..256)
            .map(|position| SyntheticRequest {
                label: (position % CLASSES as u64) as u32,
                serial: position / CLASSES as u64,
                key: SampleKey { seed: 0, epoch: 0, position, purpose: Purpose::Synthetic },
            })
            .collect();
        group.throughput(Throughput::Elements(requests.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{size}x{size}x{channels}")), |bencher| {
            bencher.iter(|| source.generate(&requests).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, step, sample);
criterion_main!(benches);
