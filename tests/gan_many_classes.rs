//! Many classes: a GAN of 1,000 trains, comes back from its file, and makes samples of every one.

mod common;

use candle_augment::gan::{Architecture, Conditioning, DiscriminatorNorm, GanConfig, GeneratorSource, Trainer};
use candle_augment::{Batch, Purpose, Result, SampleKey, SyntheticRequest, SyntheticSource};
use candle_core::{Device, Tensor};
use common::gan::config;

const CLASSES: usize = 1000;

/// Images as bright as their label is high.
fn batch(step: usize) -> Result<Batch> {
    let labels: Vec<u32> = (0..40).map(|i| ((step * 40 + i) * 37 % CLASSES) as u32).collect();
    let values: Vec<f32> = labels.iter().flat_map(|label| vec![*label as f32 / 500.0 - 1.0; 64]).collect();
    let images = Tensor::from_vec(values, (40, 1, 8, 8), &Device::Cpu)?;
    Ok(Batch::new(images, Tensor::from_vec(labels, 40, &Device::Cpu)?))
}

#[test]
fn a_thousand_classes_train_and_come_back() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gan.safetensors");
    let kinds = [
        (Architecture::Upsampled, Conditioning::Concatenated, DiscriminatorNorm::Batch),
        (Architecture::Residual, Conditioning::BatchNorm, DiscriminatorNorm::Spectral),
    ];
    for (architecture, conditioning, discriminator_norm) in kinds {
        let classes = (0..CLASSES).map(|class| format!("class {class}")).collect();
        let config = GanConfig { classes, architecture, conditioning, discriminator_norm, ..config(8, 1) };
        let mut trainer = Trainer::new(config, &Device::Cpu)?;
        for step in 0..8 {
            assert!(trainer.step(&batch(step)?)?.d_loss.is_finite());
        }
        trainer.save(&path)?;
        let source = GeneratorSource::load(&path)?;
        assert_eq!(source.classes().len(), CLASSES);
        let key = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Synthetic };
        let requests: Vec<_> = (0..CLASSES as u32).map(|label| SyntheticRequest { label, serial: 0, key }).collect();
        let images = source.generate(&requests)?;
        assert_eq!(images, trainer.source()?.generate(&requests)?);
        // From the same noise, so what differs is the class alone.
        let mut pixels: Vec<&[u8]> = images.iter().map(|image| image.data()).collect();
        pixels.sort_unstable();
        pixels.dedup();
        assert!(pixels.len() > 990, "{} different images of {CLASSES} classes", pixels.len());
        let beyond = SyntheticRequest { label: CLASSES as u32, serial: 0, key };
        assert!(source.generate(&[beyond]).is_err());
        // What was saved goes on.
        Trainer::load(&path, &Device::Cpu)?.step(&batch(9)?)?;
    }
    Ok(())
}
