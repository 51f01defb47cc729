//! Small GANs on made-up images.

use std::path::Path;

use candle_augment::gan::{GanConfig, Trainer};
use candle_augment::{Batch, Purpose, Result, SampleKey};
use candle_core::{Device, Tensor};

/// A GAN that trains in no time.
pub fn config(size: usize, channels: usize) -> GanConfig {
    GanConfig {
        latent: 8,
        embedding: 4,
        generator_width: 8,
        discriminator_width: 4,
        seed: 11,
        ..GanConfig::new(size, channels, ["dark", "gray", "bright"])
    }
}

/// The batch of one step: noise about a brightness that depends on the class.
pub fn batch(config: &GanConfig, step: u64) -> Result<Batch> {
    let count = 9;
    let labels: Vec<u32> = (0..count).map(|i| (i % config.classes.len()) as u32).collect();
    let mut rng = SampleKey { seed: 1, epoch: step, position: 0, purpose: Purpose::Training }.rng();
    let pixels = config.channels * config.size * config.size;
    let values: Vec<f32> = labels
        .iter()
        .flat_map(|label| vec![0.6 * f64::from(*label) - 0.6; pixels])
        .map(|middle| (middle + rng.uniform(-0.3, 0.3)) as f32)
        .collect();
    let shape = (count, config.channels, config.size, config.size);
    Ok(Batch::new(Tensor::from_vec(values, shape, &Device::Cpu)?, Tensor::from_vec(labels, count, &Device::Cpu)?))
}

/// Trains up to `steps` and saves.
pub fn train_and_save(trainer: &mut Trainer, steps: u64, path: &Path) -> Result<()> {
    for step in trainer.steps()..steps {
        trainer.step(&batch(trainer.config(), step)?)?;
    }
    trainer.save(path)
}
