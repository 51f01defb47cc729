//! One seed gives one model, whatever the number of threads; another seed gives another.

mod common;

use candle_augment::Result;
use candle_augment::gan::{Architecture, GanConfig, Trainer};
use candle_core::Device;
use common::gan::train_and_save;

/// The checkpoint after three steps in a pool of so many threads.
fn train(config: GanConfig, threads: usize) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gan.safetensors");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| train_and_save(&mut Trainer::new(config, &Device::Cpu)?, 3, &path))?;
    Ok(std::fs::read(path).unwrap())
}

#[test]
fn the_same_weights_for_any_number_of_threads() -> Result<()> {
    // Widths and sizes at which the kernels have several chunks to share out, by every method.
    let config = |architecture| GanConfig {
        architecture,
        generator_width: 32,
        discriminator_width: 16,
        ..common::gan::config(28, 1)
    };
    for architecture in [Architecture::Transposed, Architecture::Upsampled, Architecture::Residual] {
        let one = train(config(architecture), 1)?;
        for threads in [1, 2, 3, 5] {
            assert!(train(config(architecture), threads)? == one, "{architecture:?}, {threads} threads");
        }
    }
    let config = || config(Architecture::Transposed);
    let one = train(config(), 1)?;
    assert!(train(GanConfig { seed: 12, ..config() }, 1)? != one);
    Ok(())
}
