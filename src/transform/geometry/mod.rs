//! Transforms that move pixels: names, parameters and defaults are those of `torchvision.transforms.v2`.

mod affine;
mod crop;
mod elastic;
mod flip;
mod many_crops;
mod pad;
mod params;
mod perspective;
mod resize;
mod resized_crop;
mod rotation;

pub use affine::RandomAffine;
pub use crop::{CenterCrop, RandomCrop};
pub use elastic::ElasticTransform;
pub use flip::{RandomHorizontalFlip, RandomVerticalFlip};
pub use many_crops::{FiveCrop, TenCrop};
pub use pad::{Pad, RandomZoomOut};
pub use params::Margins;
pub use perspective::RandomPerspective;
pub use resize::{RandomResize, Resize};
pub use resized_crop::RandomResizedCrop;
pub use rotation::RandomRotation;
