//! Transforms that filter an image, add noise to it or erase parts of it: names, parameters and defaults are those of
//! `torchvision.transforms.v2`.

mod blur;
mod erasing;
mod jpeg;
mod noise;
mod sharpness;

pub use blur::GaussianBlur;
pub use erasing::RandomErasing;
pub use jpeg::Jpeg;
pub use noise::GaussianNoise;
pub use sharpness::RandomAdjustSharpness;
