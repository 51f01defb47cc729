//! A small convolutional classifier: the yardstick with which synthetic samples and whole training sets are judged.

mod config;
mod confusion;
mod model;
mod network;
mod trainer;

pub use config::ClassifierConfig;
pub use confusion::Confusion;
pub use model::Classifier;
pub use trainer::{ClassifierTrainer, endless};
