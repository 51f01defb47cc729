//! `gate`: how much of each class is to be synthetic?

mod measure;

pub use measure::{GAN, Gate, GateArgs, INTERPOLATION, by_class, gan_time};
