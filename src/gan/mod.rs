//! A conditional GAN: two convolutional networks, trained against each other on labelled images, the first of which
//! then makes images of any class (M. Mirza, S. Osindero, "Conditional Generative Adversarial Nets", 2014).
//!
//! [`Trainer`] trains on any iterator of batches, [`GeneratorSource`] makes samples.

mod checkpoint;
mod config;
mod discriminator;
mod ema;
mod generator;
mod loss;
mod source;
mod trainer;

pub use config::{GanConfig, Loss};
pub use source::GeneratorSource;
pub use trainer::{TrainReport, Trainer};
