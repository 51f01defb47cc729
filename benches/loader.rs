//! One epoch of the embedded digits (1,797 real images) through the loader, by workers: as they are, which is the
//! loader's own cost, and augmented at 64×64.

use std::sync::Arc;

use candle_augment::{
    Balance, ClassMixture, Color, ColorJitter, DataLoader, DataLoaderBuilder, Dataset, Image, InMemory, Pipeline,
    RandomHorizontalFlip, RandomRotation, Resize, Result, SyntheticRequest, SyntheticSource, digits,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// A source that costs next to nothing.
struct Blank(Vec<String>);

impl SyntheticSource for Blank {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        requests.iter().map(|request| Image::filled(8, 8, &[request.label as u8])).collect()
    }

    fn classes(&self) -> &[String] {
        &self.0
    }
}

fn plain(set: &InMemory) -> Result<DataLoaderBuilder> {
    Ok(DataLoader::builder(set.clone()))
}

fn balanced_and_mixed(set: &InMemory) -> Result<DataLoaderBuilder> {
    let source = Arc::new(Blank(set.classes().to_vec()));
    Ok(plain(set)?.balance(Balance::Uniform).mixture(ClassMixture::Share(0.25)).synthetic(source))
}

fn augmented(set: &InMemory) -> Result<DataLoaderBuilder> {
    let images = (0..set.len()).map(|index| Ok(set.load(index)?.into_color(Color::Rgb))).collect::<Result<_>>()?;
    let labels = (0..set.len()).map(|index| set.label(index)).collect();
    let set = InMemory::from_images(images, labels, set.classes())?;
    let transform = Pipeline::new()
        .then(Resize::exact(64, 64)?)
        .then(RandomHorizontalFlip::new(0.5)?)
        .then(RandomRotation::new(15.0)?)
        .then(ColorJitter::new(0.4, 0.4, 0.4, 0.1)?);
    Ok(DataLoader::builder(set).transform(transform))
}

type Configure = fn(&InMemory) -> Result<DataLoaderBuilder>;

fn loader(c: &mut Criterion) {
    let set = digits().expect("the digits are part of the program");
    let mut group = c.benchmark_group("loader");
    group.sample_size(20).throughput(Throughput::Elements(set.len() as u64));
    let cases: [(&str, Configure); 3] =
        [("plain", plain), ("balanced and mixed", balanced_and_mixed), ("augmented", augmented)];
    for (name, configure) in cases {
        for workers in [0, 1, 2, 8] {
            let loader = configure(&set).and_then(|builder| builder.workers(workers).build()).expect("it can be built");
            let mut epochs = 0..;
            group.bench_function(format!("{name}/{workers} workers"), |b| {
                b.iter_batched(
                    || epochs.next().expect("epochs do not run out"),
                    |epoch| loader.epoch(epoch).filter(|batch| batch.is_ok()).count(),
                    BatchSize::PerIteration,
                );
            });
        }
    }
}

criterion_group!(benches, loader);
criterion_main!(benches);
