//! Synthetic samples in the batches: as many as the mixture says, from the source, transformed like the real ones.

mod common;

use std::collections::BTreeMap;

use candle_augment::{
    Balance, ClassMixture, DataLoader, ErrorKind, Image, Mixture, MixtureSchedule, Op, Origin, Purpose, Result,
    SampleRng, Size, Slot, SyntheticRequest, SyntheticSource, write_planar,
};
use candle_core::{DType, IndexOp};
use common::loader::{Draw, Noise, counted, names};

fn noise(classes: usize) -> Noise {
    Noise { classes: names(classes), size: Size::square(4), channels: 1 }
}

fn message(mixture: impl Into<Mixture>, source: Option<Noise>) -> String {
    let builder = DataLoader::builder(counted(&[8, 2])).mixture(mixture).workers(0);
    let builder = match source {
        Some(source) => builder.synthetic(source),
        None => builder,
    };
    let error = builder.build().expect_err("this mixture cannot be served");
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

#[test]
fn mixtures_that_cannot_be_served_are_refused() {
    for share in [-0.1, 1.1, f64::NAN] {
        assert!(message(ClassMixture::Share(share), Some(noise(2))).contains("share in [0, 1]"));
    }
    let unknown = Mixture::PerClass(BTreeMap::from([("dog".to_owned(), ClassMixture::FillTo(4))]));
    assert!(
        message(unknown, Some(noise(2))).contains("\"dog\", which the data set does not have; it has class 0, class 1")
    );
    let bad_share = Mixture::PerClass(BTreeMap::from([("class 1".to_owned(), ClassMixture::Share(2.0))]));
    assert!(message(bad_share, Some(noise(2))).contains("class \"class 1\": expected a synthetic share"));
    assert!(message(ClassMixture::FillTo(5), None).contains("wants synthetic samples of class \"class 1\""));
    assert!(message(ClassMixture::None, Some(noise(3))).contains("class 2 is \"class 2\" against none"));
    let renamed = Noise { classes: vec!["class 0".to_owned(), "cat".to_owned()], ..noise(2) };
    assert!(message(ClassMixture::None, Some(renamed)).contains("class 1 is \"cat\" against \"class 1\""));
    assert!(message(ClassMixture::Share(1.0 - 1e-12), Some(noise(2))).contains("lower the mixture's shares"));
}

#[test]
fn a_mixture_that_adds_nothing_needs_no_source() -> Result<()> {
    for mixture in [ClassMixture::FillTo(2), ClassMixture::Share(0.0)] {
        DataLoader::builder(counted(&[8, 2])).mixture(mixture).workers(0).build()?;
    }
    Ok(())
}

#[test]
fn a_share_is_the_share_of_the_rarest_class_too() -> Result<()> {
    let loader = DataLoader::builder(counted(&[99, 1]))
        .mixture(ClassMixture::Share(0.3))
        .balance(Balance::Uniform)
        .synthetic(noise(2))
        .batch_size(20)
        .workers(0)
        .build()?;
    let plan = loader.plan(0);
    for batch in plan.iter().take(plan.len() - 1) {
        let synthetic = |label| {
            let of_class = batch.iter().filter(move |slot| slot.label == label);
            of_class.filter(|slot| matches!(slot.origin, Origin::Synthetic(_))).count()
        };
        assert_eq!([synthetic(0), synthetic(1)], [3, 3]);
    }
    Ok(())
}

#[test]
fn classes_are_filled() -> Result<()> {
    let loader = DataLoader::builder(counted(&[8, 2]))
        .mixture(ClassMixture::FillTo(8))
        .synthetic(noise(2))
        .batch_size(4)
        .build()?;
    let mut origins = BTreeMap::new();
    for batch in loader.epoch(0) {
        let slots = batch?.slots;
        assert_eq!(slots.iter().filter(|slot| slot.label == 1).count(), 2);
        for Slot { label, origin, .. } in slots {
            *origins.entry((label, matches!(origin, Origin::Synthetic(_)))).or_insert(0) += 1;
        }
    }
    assert_eq!(origins, BTreeMap::from([((0, false), 8), ((1, false), 2), ((1, true), 6)]));
    Ok(())
}

#[test]
fn synthetic_samples_are_the_sources_and_transformed_alike() -> Result<()> {
    let loader = DataLoader::builder(counted(&[8, 2]))
        .mixture(ClassMixture::Share(0.5))
        .synthetic(noise(2))
        .transform(Draw(|_, rng: &mut SampleRng, ops: &mut Vec<Op>| {
            if rng.bernoulli(0.5) {
                ops.push(Op::HFlip);
            }
        }))
        .dtype(DType::U8)
        .batch_size(6)
        .build()?;
    let mut synthetic = 0;
    for batch in loader.epoch(3) {
        let batch = batch?;
        for (n, slot) in batch.slots.iter().enumerate() {
            let Origin::Synthetic(serial) = slot.origin else { continue };
            let key = slot.key.with_purpose(Purpose::Synthetic);
            let mut expected: Image =
                noise(2).generate(&[SyntheticRequest { label: slot.label, serial, key }])?.remove(0);
            if slot.key.rng().bernoulli(0.5) {
                expected = Op::HFlip.apply(expected)?;
            }
            let mut planes = vec![0; 16];
            write_planar(&expected, &mut planes)?;
            assert_eq!(batch.images.i(n)?.flatten_all()?.to_vec1::<u8>()?, planes);
            synthetic += 1;
        }
    }
    assert_eq!(synthetic, 10);
    Ok(())
}

#[test]
fn other_epochs_have_other_synthetic_samples() -> Result<()> {
    let loader = DataLoader::builder(counted(&[2, 2]))
        .mixture(ClassMixture::Share(1.0))
        .balance(Balance::Uniform)
        .synthetic(noise(2))
        .shuffle(false)
        .workers(0)
        .build()?;
    let images = |epoch| -> Result<Vec<f32>> {
        let batch = loader.epoch(epoch).next().expect("an epoch has a batch")?;
        assert!(batch.slots.iter().all(|slot| matches!(slot.origin, Origin::Synthetic(_))));
        Ok(batch.images.flatten_all()?.to_vec1()?)
    };
    assert_eq!(images(0)?, images(0)?);
    assert_ne!(images(0)?, images(1)?);
    Ok(())
}

/// Synthetic samples in each batch of some epochs of a loader with this schedule.
fn scheduled(schedule: MixtureSchedule, epochs: std::ops::Range<u64>) -> Result<Vec<usize>> {
    let loader = DataLoader::builder(counted(&[10, 10]))
        .mixture(ClassMixture::Share(0.5))
        .mixture_schedule(schedule)
        .synthetic(noise(2))
        .batch_size(40)
        .workers(0)
        .build()?;
    let synthetic = |epoch| -> Result<usize> {
        let batch = loader.epoch(epoch).next().expect("an epoch has a batch")?;
        let weights: Vec<f32> = batch.sample_weights(0.5)?.to_vec1()?;
        let synthetic: Vec<bool> = batch.slots.iter().map(|slot| matches!(slot.origin, Origin::Synthetic(_))).collect();
        assert!(
            weights.iter().zip(&synthetic).all(|(weight, synthetic)| *weight == if *synthetic { 0.5 } else { 1.0 })
        );
        Ok(synthetic.into_iter().filter(|synthetic| *synthetic).count())
    };
    epochs.map(synthetic).collect()
}

#[test]
fn a_share_follows_its_schedule() -> Result<()> {
    let schedule = MixtureSchedule { epochs: 10, ramp: 0.4, real_only: 0.3 };
    assert_eq!(scheduled(schedule, 0..12)?, [0, 6, 10, 16, 20, 20, 20, 0, 0, 0, 0, 0]);
    assert_eq!(scheduled(MixtureSchedule { ramp: 0.0, real_only: 0.0, ..schedule }, 0..3)?, [20; 3]);
    Ok(())
}

#[test]
fn a_run_goes_on_in_the_middle_of_a_schedule() -> Result<()> {
    let schedule = MixtureSchedule { epochs: 6, ramp: 0.5, real_only: 0.2 };
    let loader = |schedule| {
        DataLoader::builder(counted(&[10, 3]))
            .mixture(ClassMixture::Share(0.4))
            .balance(Balance::Uniform)
            .mixture_schedule(schedule)
            .synthetic(noise(2))
            .batch_size(6)
            .workers(0)
            .build()
    };
    let (first, second) = (loader(schedule)?, loader(schedule)?);
    let whole: Vec<Vec<Slot>> = first.plan(2).iter().collect();
    let rest: Vec<Vec<Slot>> =
        second.resume(&first.plan(2).state(2))?.map(|batch| batch.map(|batch| batch.slots)).collect::<Result<_>>()?;
    assert_eq!(rest, whole[2..]);
    let other = loader(MixtureSchedule { real_only: 0.0, ..schedule })?;
    assert!(other.resume(&first.plan(2).state(2)).is_err(), "another schedule is another run");
    Ok(())
}

#[test]
fn schedules_that_cannot_be_kept_are_refused() {
    let message = |schedule, counts: &[usize], mixture: ClassMixture| {
        let builder = DataLoader::builder(counted(counts)).mixture(mixture).synthetic(noise(2));
        let error = builder.mixture_schedule(schedule).workers(0).build().expect_err("it cannot be kept");
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    let good = MixtureSchedule { epochs: 3, ramp: 0.2, real_only: 0.2 };
    let share = ClassMixture::Share(0.5);
    assert!(message(MixtureSchedule { epochs: 0, ..good }, &[8, 2], share).contains("0 epochs"));
    for part in [-0.1, 1.5, f64::NAN] {
        assert!(message(MixtureSchedule { ramp: part, ..good }, &[8, 2], share).contains("ramp"));
        assert!(message(MixtureSchedule { real_only: part, ..good }, &[8, 2], share).contains("real_only"));
    }
    assert!(message(good, &[8, 0], ClassMixture::FillTo(4)).contains("\"class 1\" has no real image"));
}
