//! Every way to build the networks: sizes, gradients that reach every variable, and training that changes all of them.

mod common;

use candle_augment::gan::{Architecture, Conditioning, DiscriminatorNorm, GanConfig, Trainer};
use candle_augment::{Purpose, Result, SampleKey, SyntheticRequest, SyntheticSource};
use candle_core::Device;
use common::gan::{batch, config};
use safetensors::SafeTensors;

const ARCHITECTURES: [Architecture; 3] = [Architecture::Transposed, Architecture::Upsampled, Architecture::Residual];
const CONDITIONINGS: [Conditioning; 2] = [Conditioning::Concatenated, Conditioning::BatchNorm];
const NORMS: [DiscriminatorNorm; 2] = [DiscriminatorNorm::Batch, DiscriminatorNorm::Spectral];

fn all(size: usize, channels: usize) -> impl Iterator<Item = GanConfig> {
    let kinds = ARCHITECTURES.into_iter().flat_map(|a| CONDITIONINGS.map(|c| NORMS.map(|n| (a, c, n))));
    kinds.flatten().map(move |(architecture, conditioning, discriminator_norm)| GanConfig {
        architecture,
        conditioning,
        discriminator_norm,
        ..config(size, channels)
    })
}

fn requests(count: u64) -> Vec<SyntheticRequest> {
    let key = |position| SampleKey { seed: 0, epoch: 0, position, purpose: Purpose::Synthetic };
    (0..count).map(|i| SyntheticRequest { label: (i % 3) as u32, serial: i / 3, key: key(i) }).collect()
}

#[test]
fn images_have_their_size() -> Result<()> {
    for size in [8, 9, 16, 20, 31] {
        for architecture in ARCHITECTURES {
            let config = GanConfig { architecture, ..config(size, 3) };
            let images = Trainer::new(config, &Device::Cpu)?.source()?.generate(&requests(2))?;
            assert!(images.iter().all(|image| (image.height(), image.width(), image.channels()) == (size, size, 3)));
        }
    }
    Ok(())
}

#[test]
fn the_largest_images_are_trained_on() -> Result<()> {
    for architecture in ARCHITECTURES {
        let config = GanConfig { generator_width: 4, discriminator_width: 2, architecture, ..config(128, 1) };
        let mut trainer = Trainer::new(config, &Device::Cpu)?;
        trainer.step(&batch(trainer.config(), 0)?)?;
        assert_eq!(trainer.source()?.generate(&requests(1))?[0].height(), 128);
    }
    Ok(())
}

/// The values of the tensors of a checkpoint, by name.
fn weights(trainer: &Trainer) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gan.safetensors");
    trainer.save(&path)?;
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    Ok(file.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect())
}

#[test]
fn training_changes_every_weight_but_none_that_others_made_irrelevant() -> Result<()> {
    for config in all(12, 1) {
        let kind = format!("{:?}, {:?}, {:?}", config.architecture, config.conditioning, config.discriminator_norm);
        let mut trainer = Trainer::new(config, &Device::Cpu)?;
        let before = weights(&trainer)?;
        for step in 0..2 {
            trainer.step(&batch(trainer.config(), step)?)?;
        }
        for ((name, before), (_, after)) in before.iter().zip(weights(&trainer)?) {
            // The head's bias is alone: its two gradients may cancel.
            if name != "discriminator.head.bias" && !name.ends_with("moments.head.bias") {
                assert!(*before != after, "{kind}: {name} has not changed");
            }
        }
    }
    Ok(())
}

#[test]
fn the_label_makes_a_difference() -> Result<()> {
    for config in all(12, 1) {
        let source = Trainer::new(config, &Device::Cpu)?.source()?;
        let key = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Synthetic };
        let images = source.generate(&[0, 1].map(|label| SyntheticRequest { label, serial: 0, key }))?;
        assert_ne!(images[0], images[1]);
    }
    Ok(())
}

#[test]
fn truncation_draws_the_samples_together() -> Result<()> {
    let spread = |source: &dyn SyntheticSource| -> Result<f64> {
        let images = source.generate(&requests(60))?;
        let pixels: Vec<f64> = images.iter().step_by(3).map(|image| f64::from(image.data()[40])).collect();
        let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
        Ok(pixels.iter().map(|pixel| (pixel - mean).powi(2)).sum::<f64>())
    };
    let trainer = Trainer::new(config(12, 1), &Device::Cpu)?;
    let truncated = trainer.source()?.with_truncation(0.3)?;
    assert!(spread(&truncated)? < 0.5 * spread(&trainer.source()?)?);
    assert!(trainer.source()?.with_truncation(0.0).is_err());
    assert!(trainer.source()?.with_truncation(f64::NAN).is_err());
    Ok(())
}
