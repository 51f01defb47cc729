//! Transforms that change colours and no more: names, parameters and defaults are those of `torchvision.transforms.v2`.

mod channels;
mod gamma;
mod gray;
mod jitter;
mod photometric;
mod tone;

pub use channels::RandomChannelPermutation;
pub use gamma::RandomGamma;
pub use gray::{Grayscale, RandomGrayscale};
pub use jitter::ColorJitter;
pub use photometric::RandomPhotometricDistort;
pub use tone::{RandomAutocontrast, RandomEqualize, RandomInvert, RandomPosterize, RandomSolarize};
