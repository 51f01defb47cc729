//! Synthetic samples in the batches: as many as the mixture says, from the source, transformed like the real ones.

mod common;

use std::collections::BTreeMap;

use candle_augment::{
    Balance, ClassMixture, DataLoader, ErrorKind, Image, Mixture, Op, Origin, Purpose, Result, SampleRng, Size, Slot,
    SyntheticRequest, SyntheticSource, write_planar,
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
    assert!(message(ClassMixture::FillTo(5), None).contains("3 synthetic samples of class \"class 1\""));
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
