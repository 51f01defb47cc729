//! Policies: transforms that choose among many operations, as `torchvision.transforms.v2` does.
//!
//! [`space`] says what an operation of some kind and magnitude is; each policy only says how it chooses.

mod aug_mix;
mod auto_augment;
mod rand_augment;
mod space;
mod trivial_augment;

pub use aug_mix::AugMix;
pub use auto_augment::{AutoAugment, AutoAugmentPolicy};
pub use rand_augment::RandAugment;
pub use trivial_augment::TrivialAugmentWide;

/// Adds the two settings of a policy's warps.
macro_rules! warp_settings {
    ($name:ident, $interpolation:literal) => {
        impl $name {
            #[doc = concat!("How warps find pixels; default: ", $interpolation, ".")]
            #[must_use]
            pub fn with_interpolation(self, interpolation: $crate::transform::Interpolation) -> Self {
                Self { interpolation, ..self }
            }

            /// The colour that warps show outside of the source image; default: none, which is black. A gray image needs one value, an RGB
            /// colour is an error when a warp is applied to it.
            #[must_use]
            pub fn with_fill(self, fill: impl Into<$crate::transform::Fill>) -> Self {
                Self { fill: fill.into(), ..self }
            }
        }
    };
}

use warp_settings;
