//! Checkpoints that cannot be used, and batches and configurations that do not fit: an error that says what to do.

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_augment::gan::{Augmentation, GanConfig, GeneratorSource, Loss, Regularizers, Trainer};
use candle_augment::{Batch, ErrorKind, Result};
use candle_core::{Device, Tensor};
use common::gan::{batch, config, train_and_save};
use safetensors::SafeTensors;
use tempfile::TempDir;

/// A folder with a good checkpoint.
fn checkpoint() -> Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gan.safetensors");
    train_and_save(&mut Trainer::new(config(8, 1), &Device::Cpu)?, 1, &path)?;
    Ok((folder, path))
}

/// Both readers refuse the file, and say where and why.
fn refused(path: &Path, kind: ErrorKind, words: &str) {
    let errors =
        [Trainer::load(path, &Device::Cpu).err().expect("no trainer"), GeneratorSource::load(path).unwrap_err()];
    for error in errors {
        assert_eq!((error.kind(), error.path()), (kind, Some(path)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn cut_anywhere() -> Result<()> {
    let (_folder, path) = checkpoint()?;
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 1, 7, 8, 9, 100, 2000, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        refused(&path, ErrorKind::Checkpoint, "safetensors");
    }
    Ok(())
}

#[test]
fn not_safetensors() -> Result<()> {
    let (folder, path) = checkpoint()?;
    for bytes in [&b"PK\x03\x04 some archive, long enough for a header"[..], &[0xff; 64], &[0; 64], b"text"] {
        std::fs::write(&path, bytes).unwrap();
        refused(&path, ErrorKind::Checkpoint, "safetensors");
    }
    refused(&folder.path().join("missing"), ErrorKind::Io, "cannot read the checkpoint");
    Ok(())
}

#[test]
fn some_other_networks_file() -> Result<()> {
    let (_folder, path) = checkpoint()?;
    let tensors = HashMap::from([("weight".to_owned(), Tensor::zeros(3, candle_core::DType::F32, &Device::Cpu)?)]);
    candle_core::safetensors::save(&tensors, &path)?;
    refused(&path, ErrorKind::Checkpoint, "not a GAN of candle-augment");
    Ok(())
}

/// Writes the checkpoint again with another description, and without the tensors that `drop` names.
fn rewrite(path: &Path, edit: impl Fn(&mut serde_json::Value), drop: impl Fn(&str) -> bool) {
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut entries = header.metadata().clone().unwrap();
    for text in entries.values_mut() {
        let mut value = serde_json::from_str(text).unwrap();
        edit(&mut value);
        *text = value.to_string();
    }
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.iter().filter(|(name, _)| !drop(name));
    std::fs::write(path, safetensors::serialize(tensors, Some(entries)).unwrap()).unwrap();
}

#[test]
fn another_version() -> Result<()> {
    let (_folder, path) = checkpoint()?;
    rewrite(&path, |description| description["version"] = 99.into(), |_| false);
    refused(&path, ErrorKind::Checkpoint, "found version 99");
    Ok(())
}

#[test]
fn a_configuration_out_of_range() -> Result<()> {
    let (_folder, path) = checkpoint()?;
    rewrite(&path, |description| description["config"]["size"] = 100_000.into(), |_| false);
    refused(&path, ErrorKind::Checkpoint, "image size must be from 8 to 128");
    let (_folder, path) = checkpoint()?;
    rewrite(&path, |description| description["config"] = 3.into(), |_| false);
    refused(&path, ErrorKind::Checkpoint, "configuration is damaged");
    Ok(())
}

#[test]
fn tensors_that_are_missing_or_of_another_shape() -> Result<()> {
    let (_folder, path) = checkpoint()?;
    rewrite(&path, |_| (), |name| name.ends_with("dense.weight"));
    refused(&path, ErrorKind::Checkpoint, "dense.weight");
    let (_folder, path) = checkpoint()?;
    rewrite(&path, |description| description["config"]["latent"] = 9.into(), |_| false);
    refused(&path, ErrorKind::Checkpoint, "dense.weight");
    Ok(())
}

#[test]
fn images_of_another_kind() {
    let config = config(8, 1);
    let classes = config.classes.clone();
    assert!(config.expect_images(8, 1, &classes).is_ok());
    let others = [
        (config.expect_images(9, 1, &classes), "size 8"),
        (config.expect_images(8, 3, &classes), "channels of 1"),
        (config.expect_images(8, 1, &classes[..2]), "dark, gray, bright"),
    ];
    for (result, words) in others {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Checkpoint);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn batches_of_another_kind() -> Result<()> {
    let mut trainer = Trainer::new(config(8, 1), &Device::Cpu)?;
    let good = batch(trainer.config(), 0)?;
    let bytes = good.images.to_dtype(candle_core::DType::U8)?;
    let (images, labels) = (&good.images, &good.labels);
    let mut mixed = good.clone();
    mixed.soft_labels = Some(labels.clone());
    let wrong = [
        Batch::new(images.narrow(2, 0, 7)?, labels.clone()),
        Batch::new(bytes, labels.clone()),
        Batch::new(images.clone(), labels.narrow(0, 0, 3)?),
        Batch::new(images.clone(), labels.to_dtype(candle_core::DType::I64)?),
        Batch::new(images.clone(), (labels + 1.0)?),
        mixed,
        Batch::new(images.narrow(0, 0, 1)?, labels.narrow(0, 0, 1)?),
    ];
    for batch in wrong {
        assert_eq!(trainer.step(&batch).unwrap_err().kind(), ErrorKind::Config);
    }
    assert_eq!(trainer.steps(), 0);
    trainer.step(&good).map(|_| ())
}

#[test]
fn an_image_that_is_no_number_is_an_error() -> Result<()> {
    let mut trainer = Trainer::new(config(8, 1), &Device::Cpu)?;
    let mut bad = batch(trainer.config(), 0)?;
    bad.images = (bad.images * f64::NAN)?;
    let error = trainer.step(&bad).unwrap_err();
    assert!(error.to_string().contains("image 0 of the batch of step 1 has a value that is NaN"), "{error}");
    Ok(())
}

#[test]
fn configurations_out_of_range() {
    let good = || config(8, 1);
    let wrong = [
        GanConfig { size: 7, ..good() },
        GanConfig { size: 129, ..good() },
        GanConfig { channels: 2, ..good() },
        GanConfig { classes: Vec::new(), ..good() },
        GanConfig { latent: 0, ..good() },
        GanConfig { generator_rate: 0.0, ..good() },
        GanConfig { discriminator_rate: f64::NAN, ..good() },
        GanConfig { beta1: 1.0, ..good() },
        GanConfig { noise: -0.1, ..good() },
        GanConfig { discriminator_steps: 0, ..good() },
        GanConfig { average: 0.0, ..good() },
        GanConfig { final_rate: 0.0, ..good() },
        GanConfig { label_ramp: 1.5, ..good() },
        GanConfig { regularizers: Regularizers { r1: -1.0, ..Default::default() }, ..good() },
        GanConfig { regularizers: Regularizers { interval: 0, ..Default::default() }, ..good() },
        // Neither has anything to compare.
        GanConfig { regularizers: Regularizers { consistency: 1.0, ..Default::default() }, ..good() },
        GanConfig {
            loss: Loss::Relativistic,
            regularizers: Regularizers { lecam: 0.3, ..Default::default() },
            ..good()
        },
        GanConfig { augmentation: Augmentation { probability: 1.5, ..Default::default() }, ..good() },
        GanConfig { augmentation: Augmentation { target: Some(2.0), ..Default::default() }, ..good() },
    ];
    for config in wrong {
        let error = Trainer::new(config, &Device::Cpu).err().expect("out of range");
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    }
}
