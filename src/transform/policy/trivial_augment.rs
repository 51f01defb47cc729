//! TrivialAugment.

use serde::{Deserialize, Serialize};

use super::space::{Bin, KINDS, Scale, Warp};
use super::warp_settings;
use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::op::{Fill, Interpolation, Op};
use crate::transform::whole::Whole;
use crate::transform::{SampleInfo, Transform};

const WIDE: Scale = Scale { shear: 0.99, translation: |_| 32.0, rotation: 135.0, factor: 0.99, bits: 8, cleared: 6 };

/// One operation of any magnitude (S. G. Müller and F. Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation", 2021;
/// its wide space).
///
/// It is any of the 14 kinds of [`RandAugment`](crate::RandAugment), and its magnitude any of 31 by default, from nothing to the end of a wider
/// scale: shear 0.99, translation 32 pixels, rotation 135°, factors 1 ± 0.99, 2 bits of posterize, solarize from 0. Those with a
/// direction take either with the same probability.
///
/// ```
/// use candle_augment::{Interpolation, TrivialAugmentWide};
///
/// let trivial = TrivialAugmentWide::default().with_interpolation(Interpolation::Bilinear);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrivialAugmentWide {
    num_magnitude_bins: Whole<2, { usize::MAX }>,
    interpolation: Interpolation,
    fill: Fill,
}

impl TrivialAugmentWide {
    /// How many magnitudes there are, at least 2; default: 31.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there are fewer than 2.
    pub fn with_num_magnitude_bins(self, num_magnitude_bins: usize) -> Result<Self> {
        let num_magnitude_bins = Whole::new("TrivialAugmentWide: num_magnitude_bins", num_magnitude_bins)?;
        Ok(Self { num_magnitude_bins, ..self })
    }
}

warp_settings!(TrivialAugmentWide, "nearest");

impl Default for TrivialAugmentWide {
    fn default() -> Self {
        let interpolation = Interpolation::Nearest;
        Self { num_magnitude_bins: Whole::constant(31), interpolation, fill: Fill::None }
    }
}

impl Transform for TrivialAugmentWide {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let kind = KINDS[rng.below(KINDS.len())];
        let count = self.num_magnitude_bins.get();
        let bin = Bin { index: rng.below(count), count };
        let warp = Warp { interpolation: self.interpolation, fill: self.fill };
        ops.extend(WIDE.op(kind, bin, info.size, warp, rng));
    }
}
