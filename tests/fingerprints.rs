//! Same batches, to the bit, over whole epochs: for any number of workers, any prefetch, any split over ranks, before and
//! after a resume.
//!
//! Each loader is compared with itself without workers, by a fingerprint of everything that its batches hold.

mod common;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use candle_augment::gan::{GanConfig, GeneratorSource, Trainer};
use candle_augment::{
    Balance, Batch, BatchOneOf, ClassMixture, ColorJitter, CutMix, DataLoader, DataLoaderBuilder, Dataset, DatasetExt,
    Epoch, ImageFolder, MixUp, Normalize, Pipeline, RandomHorizontalFlip, RandomResizedCrop, RandomRotation, Result,
    ResumeState, Shard, Size, Subset, digits,
};
use candle_core::{DType, Device, Tensor};
use common::data::{put, scratch};
use common::jpeg::jpeg;
use common::loader::{Noise, counted, in_time};

/// Of everything that a batch holds.
fn fingerprint(batch: &Batch) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut add = |tensor: &Tensor| -> Result<()> {
        tensor.dims().hash(&mut hasher);
        for value in tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()? {
            value.to_bits().hash(&mut hasher);
        }
        Ok(())
    };
    add(&batch.images)?;
    add(&batch.labels)?;
    batch.soft_labels.as_ref().map_or(Ok(()), add)?;
    batch.slots.hash(&mut hasher);
    (0..batch.len()).for_each(|n| format!("{:?}", batch.ops(n)).hash(&mut hasher));
    format!("{:?}", batch.batch_op).hash(&mut hasher);
    Ok(hasher.finish())
}

fn fingerprints(epoch: Epoch) -> Result<Vec<u64>> {
    in_time(move || epoch.map(|batch| fingerprint(&batch?)).collect())
}

/// A configuration, to be built again and again.
type Configure<'a> = &'a dyn Fn() -> Result<DataLoaderBuilder>;

const EPOCH: u64 = 3;

/// Checks everything of this file's promise for one configuration.
fn check(configure: Configure) -> Result<()> {
    let alone = configure()?.workers(0).build()?;
    let whole = fingerprints(alone.epoch(EPOCH))?;
    assert!(whole.len() >= 10, "an epoch of {} batches shows little", whole.len());
    assert_ne!(fingerprints(alone.epoch(EPOCH + 1))?, whole, "epochs differ");
    any_workers(configure, &whole)?;
    any_ranks(configure, &whole)?;
    any_resume(configure, &whole)
}

fn any_workers(configure: Configure, whole: &[u64]) -> Result<()> {
    for (workers, prefetch) in [(1, 0), (2, 2), (8, 5)] {
        let loader = configure()?.workers(workers).prefetch(prefetch).build()?;
        // Two epochs at once share the workers.
        let other = loader.epoch(EPOCH + 1);
        assert_eq!(fingerprints(loader.epoch(EPOCH))?, whole, "{workers} workers, prefetch {prefetch}");
        drop(other);
    }
    Ok(())
}

/// The ranks' batches in turn are the epoch's, and where these do not divide, its head again.
fn any_ranks(configure: Configure, whole: &[u64]) -> Result<()> {
    for world_size in 2..=3 {
        for rank in 0..world_size {
            let found =
                fingerprints(configure()?.shard(Shard { rank, world_size }).workers(rank).build()?.epoch(EPOCH))?;
            let rounds = 0..whole.len().div_ceil(world_size);
            let expected: Vec<u64> = rounds.map(|round| whole[(round * world_size + rank) % whole.len()]).collect();
            assert_eq!(found, expected, "rank {rank} of {world_size}");
        }
    }
    Ok(())
}

/// The state is saved after every fourth batch, and under other ranks at one step.
fn any_resume(configure: Configure, whole: &[u64]) -> Result<()> {
    for read in (0..=whole.len()).step_by(4) {
        let mut epoch = configure()?.workers(2).build()?.epoch(EPOCH);
        for expected in &whole[..read] {
            assert_eq!(fingerprint(&epoch.next().expect("there are more batches")?)?, *expected, "before batch {read}");
        }
        let state = stored(epoch.state());
        drop(epoch);
        let (workers, prefetch) = ([0, 1, 3][read / 4 % 3], read % 5);
        let rest = configure()?.workers(workers).prefetch(prefetch).build()?.resume(&state)?;
        assert_eq!(rest.len(), whole.len() - read);
        assert_eq!(fingerprints(rest)?, whole[read..], "{workers} workers after batch {read}");
    }

    let mut epoch = configure()?.shard(Shard { rank: 1, world_size: 2 }).workers(1).build()?.epoch(EPOCH);
    assert_eq!(epoch.by_ref().take(2).filter(|batch| batch.is_ok()).count(), 2);
    let state = stored(epoch.state());
    for rank in 0..3 {
        let shard = Shard { rank, world_size: 3 };
        let found = fingerprints(configure()?.shard(shard).workers(2).build()?.resume(&state)?)?;
        let left: Vec<u64> = whole[4..].iter().skip(rank).step_by(3).copied().collect();
        assert_eq!(found[..left.len()], left, "rank {rank} of 3 after 2 batches of 2 ranks");
    }
    Ok(())
}

fn stored(state: ResumeState) -> ResumeState {
    let text = serde_json::to_string(&state).expect("a state is plain data");
    serde_json::from_str(&text).expect("it was written just now")
}

fn classic() -> Result<Pipeline> {
    Ok(Pipeline::new()
        .then(RandomHorizontalFlip::new(0.5)?)
        .then(RandomRotation::new(15.0)?)
        .then(ColorJitter::new(0.4, 0.4, 0.0, 0.0)?))
}

#[test]
fn real_images_in_natural_balance() -> Result<()> {
    let digits = Arc::new(digits()?);
    check(&|| Ok(DataLoader::builder(Arc::clone(&digits)).transform(classic()?).seed(3).batch_size(64)))
}

#[test]
fn bytes_of_a_folder_decoded_in_part() -> Result<()> {
    let folder = scratch();
    for (class, name) in
        [("cat", "cat-96x64-420-q90.jpg"), ("cat", "cat-96x64-progressive.jpg"), ("coffee", "coffee-61x47-444-q97.jpg")]
    {
        for n in 0..9 {
            put(folder.path(), &format!("{class}/{n}-{name}"), &jpeg(name));
        }
    }
    check(&|| {
        let crop = Pipeline::new().then(RandomResizedCrop::new(24, 20)?).then(classic()?);
        Ok(DataLoader::builder(ImageFolder::open(folder.path())?).transform(crop).dtype(DType::U8).batch_size(2))
    })
}

#[test]
fn batches_of_one() -> Result<()> {
    check(&|| Ok(DataLoader::builder(counted(&[17, 6])).balance(Balance::Uniform).transform(classic()?).batch_size(1)))
}

#[test]
fn one_batch_larger_than_the_set() -> Result<()> {
    let set = Arc::new(digits()?);
    let configure = || Ok(DataLoader::builder(Arc::clone(&set)).transform(classic()?).batch_size(5000));
    let whole = fingerprints(configure()?.workers(0).build()?.epoch(EPOCH))?;
    any_workers(&configure, &whole)
}

fn few_digits() -> Result<Subset> {
    Arc::new(digits()?).per_class(16, 1)
}

#[test]
fn mixed_with_cheap_synthetic_ones() -> Result<()> {
    let source = Arc::new(Noise { classes: digits()?.classes().to_vec(), size: Size::square(8), channels: 1 });
    let digits = few_digits()?;
    check(&|| {
        Ok(DataLoader::builder(digits.clone())
            .transform(classic()?)
            .normalize(Normalize::signed())
            .balance(Balance::Weights((1..=10).map(f64::from).collect()))
            .mixture(ClassMixture::Share(0.4))
            .synthetic(Arc::clone(&source))
            .batch_transform(BatchOneOf::new().or(MixUp::new(0.4)?).or(CutMix::new(1.0)?))
            .batch_size(17))
    })
}

/// A tiny GAN that saw the digits a few times.
fn generator() -> Result<Arc<GeneratorSource>> {
    let digits = digits()?;
    let config = GanConfig {
        latent: 8,
        embedding: 4,
        generator_width: 8,
        discriminator_width: 4,
        ..GanConfig::new(8, 1, digits.classes().to_vec())
    };
    let mut trainer = Trainer::new(config, &Device::Cpu)?;
    for batch in DataLoader::builder(digits).normalize(Normalize::signed()).build()?.epoch(0).take(3) {
        trainer.step(&batch?)?;
    }
    Ok(Arc::new(trainer.source()?))
}

#[test]
fn mixed_with_those_of_a_generator() -> Result<()> {
    let (source, digits) = (generator()?, few_digits()?);
    check(&|| {
        Ok(DataLoader::builder(digits.clone())
            .transform(classic()?)
            .normalize(Normalize::signed())
            .balance(Balance::Uniform)
            .mixture(ClassMixture::FillTo(24))
            .synthetic(Arc::clone(&source))
            .batch_transform(MixUp::default())
            .batch_size(20))
    })
}
