//! Trains autoencoders, from which samples are interpolated and GANs get their start.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use candle_augment::gan::{Autoencoder, GanConfig};
use candle_augment::{DataLoader, Result, endless};
use candle_core::Device;

use super::interrupt;
use super::progress::{Goal, Progress};
use super::words::count;

/// Steps that time is taken of, after some to warm up.
const TIMED: u32 = 4;
const WARM_UP: u32 = 2;
/// What any autoencoder needs, and beyond which none gains.
pub const STEPS: RangeInclusive<u64> = 10..=4000;

/// How many steps of an autoencoder fit into `time`, by the pace of the first few.
pub fn steps_in(time: Duration, config: &GanConfig, loader: &DataLoader, device: &Device) -> Result<u64> {
    let mut autoencoder = Autoencoder::new(config.clone(), device)?;
    let mut started = Instant::now();
    for (step, batch) in endless(loader).take((WARM_UP + TIMED) as usize).enumerate() {
        if step == WARM_UP as usize {
            started = Instant::now();
        }
        autoencoder.step(&batch?)?;
    }
    let pace = started.elapsed().as_secs_f64() / f64::from(TIMED);
    Ok(((time.as_secs_f64() / pace) as u64).clamp(*STEPS.start(), *STEPS.end()))
}

/// An autoencoder after so many steps, or fewer where Ctrl-C ends it.
pub fn train(steps: u64, config: &GanConfig, loader: &DataLoader, device: &Device) -> Result<Autoencoder> {
    let mut autoencoder = Autoencoder::new(config.clone(), device)?;
    autoencoder.plan(steps);
    let mut progress = Progress::new("train the autoencoder", "steps", Goal::Count(steps));
    for batch in endless(loader).take(steps as usize) {
        let loss = autoencoder.step(&batch?)?;
        progress.update(autoencoder.steps(), || format!("loss {loss:.3}"));
        if interrupt::stopped() {
            break;
        }
    }
    progress.finish(&count(autoencoder.steps(), "step", "steps"));
    Ok(autoencoder)
}
