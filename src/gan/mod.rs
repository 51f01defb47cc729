//! A conditional GAN: two convolutional networks, trained against each other on labelled images, the first of which
//! then makes images of any class (M. Mirza, S. Osindero, "Conditional Generative Adversarial Nets", 2014).
//!
//! [`Trainer`] makes the steps, on any batches; [`Supervisor`] watches them and keeps the best; [`GeneratorSource`] makes
//! samples.
//!
//! # What the choices are worth
//!
//! `examples/gan_ablation.rs` trains a GAN by each variant of the recipe and measures its samples. *Class right* is the share of
//! 2,000 samples that a classifier of all real images (98.8 % right on real ones) takes for the class they were made for;
//! *classifier* the accuracy on MNIST's 10,000 test images of one trained for 300 steps on 5,000 samples alone; *variety* the
//! mean distance of two samples of a class beside that of two real images. 100 images of each digit, 600 steps of 64 images,
//! one seed: differences of a few points are noise.
//!
//! On transposed convolutions:
//!
//! | variant | class right | classifier | variety |
//! |---|---|---|---|
//! | non-saturating, noise 0.3, batch norm in both networks | 87.5 % | 60.2 % | 0.69 |
//! | minimax, the original loss | 23.7 % | 15.4 % | 0.54 |
//! | hinge | 84.7 % | 58.9 % | 0.92 |
//! | least squares | 82.9 % | 56.5 % | 0.91 |
//! | relativistic | 86.8 % | 53.7 % | 0.47 |
//! | noise 0.1 | 80.2 % | 52.5 % | 0.55 |
//! | aR1 and aR2, γ = 0.5 | 30.8 % | 15.2 % | 0.36 |
//! | spectral norm, relativistic, aR1 and aR2 | 61.6 % | 42.1 % | 0.38 |
//! | translation | 91.8 % | 48.1 % | 0.28 |
//! | translation, noise 0.1 | 90.0 % | 53.6 % | 0.24 |
//! | **doubled pixels and 3×3 convolutions** | **96.2 %** | **80.5 %** | 0.85 |
//!
//! So that architecture is the default, with this loss and noise. Penalties and augmentation, which are for longer training,
//! cost more than they give in so few steps; they are off by default.

mod augment;
mod autoencoder;
mod checkpoint;
mod config;
mod discriminator;
mod ema;
mod encoder;
mod event;
mod examiner;
mod generator;
mod interpolation;
mod loss;
mod noise;
mod norm;
mod precision;
mod regularizer;
mod schedule;
mod source;
mod state;
mod supervisor;
mod trainer;

pub use augment::Augmentation;
pub use autoencoder::Autoencoder;
pub use config::{Architecture, Conditioning, DiscriminatorNorm, GanConfig};
pub use event::{Event, Reaction};
pub use examiner::{Examiner, Score};
pub use interpolation::InterpolationSource;
pub use loss::Loss;
pub use precision::Precision;
pub use regularizer::Regularizers;
pub use source::GeneratorSource;
pub use supervisor::{Budget, Progress, Supervisor};
pub use trainer::{TrainReport, Trainer};
