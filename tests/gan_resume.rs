//! Training that was stopped, saved, loaded and continued ends as training that went through, to the bit.

mod common;

use candle_augment::gan::{
    Architecture, Augmentation, Conditioning, DiscriminatorNorm, GanConfig, GeneratorSource, Loss, Regularizers,
    Trainer,
};
use candle_augment::{Purpose, Result, SampleKey, SyntheticRequest, SyntheticSource};
use candle_core::Device;
use common::gan::{batch, config, train_and_save};

#[test]
fn stopped_at_any_step() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let everything = Regularizers { r1: 0.5, r2: 0.5, interval: 2, lecam: 0.3, consistency: 1.0 };
    let adaptive = Augmentation { color: true, translation: true, cutout: true, probability: 0.3, target: Some(0.6) };
    let configs = [
        config(8, 1),
        GanConfig {
            loss: Loss::Hinge,
            regularizers: everything,
            augmentation: adaptive,
            label_ramp: 0.5,
            ..config(18, 3)
        },
        GanConfig {
            loss: Loss::Relativistic,
            regularizers: Regularizers { lecam: 0.0, ..everything },
            augmentation: adaptive,
            discriminator_steps: 2,
            architecture: Architecture::Upsampled,
            conditioning: Conditioning::BatchNorm,
            discriminator_norm: DiscriminatorNorm::Spectral,
            ..config(8, 1)
        },
        GanConfig {
            architecture: Architecture::Residual,
            discriminator_norm: DiscriminatorNorm::Spectral,
            ..config(9, 1)
        },
    ];
    for config in configs {
        let config = || config.clone();
        let planned = || -> Result<Trainer> {
            let mut trainer = Trainer::new(config(), &Device::Cpu)?;
            trainer.plan(6);
            Ok(trainer)
        };
        train_and_save(&mut planned()?, 5, &file("through"))?;
        let through = std::fs::read(file("through")).unwrap();
        for stop in 0..5 {
            train_and_save(&mut planned()?, stop, &file("stopped"))?;
            let mut resumed = Trainer::load(file("stopped"), &Device::Cpu)?;
            assert_eq!(resumed.steps(), stop);
            assert_eq!(resumed.config(), &config());
            train_and_save(&mut resumed, 5, &file("resumed"))?;
            assert!(std::fs::read(file("resumed")).unwrap() == through, "stopped at {stop}");
        }
    }
    Ok(())
}

#[test]
fn saving_and_sampling_leave_training_as_it_was() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    train_and_save(&mut Trainer::new(config(8, 1), &Device::Cpu)?, 4, &file("plain"))?;
    let mut watched = Trainer::new(config(8, 1), &Device::Cpu)?;
    for step in 0..4 {
        watched.step(&batch(watched.config(), step)?)?;
        watched.source()?;
        watched.save(file("watched"))?;
    }
    assert!(std::fs::read(file("plain")).unwrap() == std::fs::read(file("watched")).unwrap());
    Ok(())
}

#[test]
fn a_source_from_the_file_is_the_trainers() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gan.safetensors");
    let mut trainer = Trainer::new(config(8, 3), &Device::Cpu)?;
    train_and_save(&mut trainer, 3, &path)?;
    let loaded = GeneratorSource::load(&path)?;
    assert_eq!((loaded.config(), loaded.step()), (trainer.config(), 3));
    let key = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Synthetic };
    let requests = [0, 1, 2].map(|label| SyntheticRequest { label, serial: 0, key });
    let source = trainer.source()?;
    let before = source.generate(&requests)?;
    assert_eq!(loaded.generate(&requests)?, before);
    // A source is a copy: it stays as it is while training goes on.
    trainer.step(&batch(trainer.config(), 3)?)?;
    assert_eq!(source.generate(&requests)?, before);
    Ok(())
}
