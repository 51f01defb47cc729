//! The GAN's training step, its sampling, and an epoch of which it makes a part; `python benches/gan_beside_torch.py`
//! puts the figures beside PyTorch's on the same networks.
#![allow(missing_docs)]

use std::sync::Arc;

use candle_augment::gan::{Architecture, GanConfig, Trainer};
use candle_augment::{
    Batch, ClassMixture, DataLoader, DataLoaderBuilder, Dataset, Image, InMemory, Pipeline, Purpose, RandomAffine,
    RandomHorizontalFlip, SampleKey, SyntheticRequest, SyntheticSource,
};
use candle_core::{Device, Tensor};
use criterion::{BatchSize, Criterion, Throughput, criterion_group};

/// As the program does.
#[cfg(feature = "cli")]
#[path = "../src/cli/environment.rs"]
mod environment;

/// As in the program: glibc's allocator gives pages back that the next step asks for again.
#[cfg(feature = "cli")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 64;
const CLASSES: usize = 10;

/// What is measured: a name, side and channels of the images, how many times as wide as by default the networks are, and how they
/// are built.
type Kind = (&'static str, usize, usize, usize, Architecture);

const KINDS: [Kind; 8] = [
    ("8x8x1", 8, 1, 1, Architecture::Upsampled),
    ("28x28x1", 28, 1, 1, Architecture::Upsampled),
    ("32x32x1", 32, 1, 1, Architecture::Upsampled),
    ("32x32x1 wide", 32, 1, 2, Architecture::Upsampled),
    ("64x64x3", 64, 3, 1, Architecture::Upsampled),
    ("32x32x1 transposed", 32, 1, 1, Architecture::Transposed),
    ("32x32x1 transposed wide", 32, 1, 2, Architecture::Transposed),
    ("64x64x3 transposed", 64, 3, 1, Architecture::Transposed),
];

fn trainer((_, size, channels, width, architecture): Kind) -> Trainer {
    let mut config = GanConfig::new(size, channels, (0..CLASSES).map(|class| class.to_string()));
    config.architecture = architecture;
    config.generator_width *= width;
    config.discriminator_width *= width;
    Trainer::new(config, &Device::Cpu).unwrap()
}

fn values(count: usize) -> Vec<f32> {
    let mut rng = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Training }.rng();
    (0..count).map(|_| rng.uniform(-1.0, 1.0) as f32).collect()
}

fn batch(size: usize, channels: usize) -> Batch {
    let values = values(BATCH * channels * size * size);
    let labels: Vec<u32> = (0..BATCH).map(|i| (i % CLASSES) as u32).collect();
    Batch::new(
        Tensor::from_vec(values, (BATCH, channels, size, size), &Device::Cpu).unwrap(),
        Tensor::from_vec(labels, BATCH, &Device::Cpu).unwrap(),
    )
}

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gan_step");
    group.sample_size(20).throughput(Throughput::Elements(BATCH as u64));
    for kind in KINDS {
        let (mut trainer, batch) = (trainer(kind), batch(kind.1, kind.2));
        group.bench_function(kind.0, |bencher| bencher.iter(|| trainer.step(&batch).unwrap()));
    }
    group.finish();
}

fn sample(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gan_sample");
    let requests: Vec<SyntheticRequest> = (0..256)
        .map(|position| SyntheticRequest {
            label: (position % CLASSES as u64) as u32,
            serial: position / CLASSES as u64,
            key: SampleKey { seed: 0, epoch: 0, position, purpose: Purpose::Synthetic },
        })
        .collect();
    group.sample_size(20).throughput(Throughput::Elements(requests.len() as u64));
    for kind in KINDS {
        let source = trainer(kind).source().unwrap();
        group.bench_function(kind.0, |bencher| bencher.iter(|| source.generate(&requests).unwrap()));
    }
    group.finish();
}

/// A loader of 2,000 images with two workers, which turn, shift and flip them.
fn loader(size: usize, channels: usize) -> DataLoaderBuilder {
    const COUNT: usize = 2000;
    let pixels: Vec<u8> = values(COUNT * size * size * channels).iter().map(|x| (x * 127.0 + 127.0) as u8).collect();
    let images = pixels.chunks_exact(size * size * channels);
    let images = images.map(|pixels| Image::new(size, size, channels, pixels.to_vec())).collect::<Result<_, _>>();
    let labels = (0..COUNT).map(|i| (i % CLASSES) as u32).collect();
    let names: Vec<String> = (0..CLASSES).map(|class| class.to_string()).collect();
    let set = InMemory::from_images(images.unwrap(), labels, &names).unwrap();
    assert_eq!(set.len(), COUNT);
    let transform = Pipeline::new()
        .then(RandomAffine::new(15.0).unwrap().with_translate(0.1, 0.1).unwrap())
        .then(RandomHorizontalFlip::new(0.5).unwrap());
    DataLoader::builder(set).transform(transform).batch_size(BATCH).workers(2)
}

/// Epochs of real images alone, and with 30 % from the generator: how much of their rate the real ones lose shows whether
/// the generator keeps the workers from them.
fn epoch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gan_epoch");
    group.sample_size(20);
    for kind in [KINDS[2], KINDS[4]] {
        let (name, size, channels, ..) = kind;
        let source = Arc::new(trainer(kind).source().unwrap());
        let real = loader(size, channels).build().unwrap();
        let mixed = loader(size, channels).mixture(ClassMixture::Share(0.3)).synthetic(source).build().unwrap();
        for (mixture, loader) in [("real", real), ("30 % generated", mixed)] {
            let count = |epoch| loader.epoch(epoch).map(|batch| batch.unwrap().labels.elem_count()).sum::<usize>();
            group.throughput(Throughput::Elements(count(0) as u64));
            let mut epochs = 1..;
            group.bench_function(format!("{name} {mixture}"), |bencher| {
                bencher.iter_batched(|| epochs.next().unwrap(), count, BatchSize::PerIteration);
            });
        }
    }
    group.finish();
}

criterion_group!(benches, step, sample, epoch);

fn main() {
    #[cfg(feature = "cli")]
    environment::settle();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
