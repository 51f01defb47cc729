//! Whichever thread is how fast, the same batches come, and no thread waits for ever.
//!
//! Images, transforms, synthetic samples and the consumer pause at random, by seed, for hundreds of small loaders. What shares
//! out the workers is tried under every schedule of a few threads, in the package `models`.

mod common;

use std::thread::{sleep, yield_now};
use std::time::Duration;

use candle_augment::{
    Balance, ClassMixture, DataLoader, DataLoaderBuilder, Dataset, Epoch, Image, InMemory, Lambda, Pipeline, Purpose,
    RandomHorizontalFlip, Result, SampleKey, SampleRng, Size, SyntheticRequest, SyntheticSource,
};
use common::loader::{Content, Noise, contents, counted, in_time, names};

/// Pauses now and then.
fn pause(rng: &mut SampleRng) {
    match rng.below(12) {
        0 => sleep(Duration::from_micros(rng.below(300) as u64)),
        1..=3 => yield_now(),
        _ => {}
    }
}

fn rng(seed: u64, position: u64) -> SampleRng {
    SampleKey { seed, epoch: 0, position, purpose: Purpose::Training }.rng()
}

/// Pauses before it does what it is asked for.
struct Pausing<T> {
    inner: T,
    seed: u64,
}

impl Dataset for Pausing<InMemory> {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.inner.label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        pause(&mut rng(self.seed, index as u64));
        self.inner.load(index)
    }

    fn classes(&self) -> &[String] {
        self.inner.classes()
    }
}

impl SyntheticSource for Pausing<Noise> {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        requests.iter().for_each(|request| pause(&mut rng(self.seed, 1000 + request.serial)));
        self.inner.generate(requests)
    }

    fn classes(&self) -> &[String] {
        self.inner.classes()
    }
}

/// A small loader of some shape; with `pauses` it does the same more slowly.
fn builder(seed: u64, pauses: bool) -> Result<DataLoaderBuilder> {
    let mut shape = rng(seed, 0);
    let counts = [1 + shape.below(30), 1 + shape.below(10)];
    let noise = Noise { classes: names(2), size: Size::square(4), channels: 1 };
    let builder = match pauses {
        true => {
            DataLoader::builder(Pausing { inner: counted(&counts), seed }).synthetic(Pausing { inner: noise, seed })
        }
        false => DataLoader::builder(counted(&counts)).synthetic(noise),
    };
    let pausing = Lambda::new("pause", move |image, rng| {
        if pauses {
            pause(rng);
        }
        Ok(image)
    });
    let balance = [Balance::Natural, Balance::Uniform][shape.below(2)].clone();
    Ok(builder
        .transform(Pipeline::new().then(RandomHorizontalFlip::new(0.5)?).then(pausing))
        .mixture(ClassMixture::Share([0.0, 0.3, 1.0][shape.below(3)]))
        .balance(balance)
        .batch_size(1 + shape.below(9))
        .seed(seed))
}

/// The next batch, after a pause.
fn next(epoch: &mut Epoch, rng: &mut SampleRng) -> Option<Content> {
    pause(rng);
    epoch.next().map(|batch| Content::from(batch.expect("nothing fails here")))
}

#[test]
fn the_same_batches_come_whoever_pauses() -> Result<()> {
    for seed in 0..300 {
        let mut shape = rng(seed, 1);
        let (workers, prefetch) = (1 + shape.below(6), 1 + shape.below(6));
        let what = format!("seed {seed}, {workers} workers, prefetch {prefetch}");
        let alone = builder(seed, false)?.workers(0).build()?;
        let expected = [contents(alone.epoch(0)), contents(alone.epoch(1))];
        let loader = builder(seed, true)?.workers(workers).prefetch(prefetch).build()?;
        in_time(move || {
            // One epoch is dropped somewhere, and the other is begun before that.
            let mut epoch = loader.epoch(0);
            for batch in &expected[0][..shape.below(expected[0].len() + 1)] {
                assert!(next(&mut epoch, &mut shape).as_ref() == Some(batch), "{what}");
            }
            let mut other = loader.epoch(1);
            drop(epoch);
            for batch in &expected[1] {
                assert!(next(&mut other, &mut shape).as_ref() == Some(batch), "{what}");
            }
            assert!(next(&mut other, &mut shape).is_none(), "{what}");
        });
    }
    Ok(())
}
