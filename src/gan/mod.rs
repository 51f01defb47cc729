//! A conditional GAN: two convolutional networks, trained against each other on labelled images, the first of which
//! then makes images of any class (M. Mirza, S. Osindero, "Conditional Generative Adversarial Nets", 2014).
//!
//! [`Trainer`] makes the steps, on any batches; [`Supervisor`] watches them and keeps the best; [`GeneratorSource`] makes
//! samples.
//!
//! # How good the samples are
//!
//! After 2,700 steps of 64 images, which take two to three minutes on two cores, by the defaults and under the supervisor. *Class
//! right* is the share of 2,000 samples that a classifier of all real images (99.0 % right on real ones) takes for the class they
//! were made for; *classifier* the accuracy on MNIST's 10,000 test images of one trained on 5,000 samples alone; *variety* the
//! mean distance of two samples of a class beside that of two real images. The mean of three seeds, in brackets the worst.
//!
//! | MNIST, images of each class | class right | classifier | variety |
//! |---|---|---|---|
//! | 20 | 97.2 % (93.4) | 81.7 % (78.8) | 0.77 (0.70) |
//! | 50 | 99.4 % (99.3) | 95.1 % (94.9) | 0.84 (0.83) |
//! | 100 | 99.4 % (99.2) | 96.1 % (96.0) | 0.85 (0.82) |
//! | all, about 6,000 (one seed) | 99.5 % | 96.4 % | 0.90 |
//!
//! `cargo run --release --example gan_ablation -- mnist --per-class 20 --steps 2700 --judge-steps 600 --seeds 3 --supervised --only default`;
//! for so many as all images [`GanConfig::for_images`] takes a noise of 0.3.
//!
//! # What the choices are worth
//!
//! The same figures without the supervisor, after 600 steps on 100 images of each digit, one seed: differences of a few points are
//! noise. On transposed convolutions, with noise 0.3 and an average of 0.05 where nothing else is said (and the
//! spectral norm with one for all vectors of the discriminator's head):
//!
//! | variant | class right | classifier | variety |
//! |---|---|---|---|
//! | non-saturating, batch norm in both networks | 87.5 % | 60.2 % | 0.69 |
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
//! On the last, 20 images of each digit, one seed:
//!
//! | variant | steps | class right | classifier | variety |
//! |---|---|---|---|---|
//! | noise 0.3, average 0.05 | 2,800 | 100.0 % | 51.2 % | 0.15 |
//! | the same under the supervisor | 1,400 | 93.0 % | 73.2 % | 0.69 |
//! | average 0.2 | 1,000 | 98.8 % | 76.4 % | 0.79 |
//! | noise 0.5 | 1,000 | 98.4 % | 73.2 % | 0.76 |
//! | **noise 0.5, average 0.2** | 2,700 | 93.4 % | **78.8 %** | 0.86 |
//!
//! So few images collapse without a supervisor, which keeps the best and answers with more noise. Penalties and augmentation, which
//! are for longer training, cost more than they give in so few steps; they are off by default.

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
mod pulse;
mod regularizer;
mod schedule;
mod source;
mod state;
mod supervisor;
mod tensor_file;
mod trained_on;
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
pub use trained_on::TrainedOn;
pub use trainer::{TrainReport, Trainer};
