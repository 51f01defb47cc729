//! RandAugment.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::space::{Bin, KINDS, SCALE, Warp};
use super::warp_settings;
use crate::error::{Error, Result};
use crate::rng::SampleRng;
use crate::transform::op::{Fill, Interpolation, Op};
use crate::transform::whole::Whole;
use crate::transform::{SampleInfo, Transform};

/// Several operations of one magnitude (E. D. Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search
/// space", 2020).
///
/// Each is any of 14 kinds, with replacement: nothing, shear and translation along x and y, rotation, brightness, saturation,
/// contrast, sharpness, posterize, solarize, autocontrast and equalize. Those with a direction take either with the same probability.
/// By default: two operations of magnitude 9 on a scale of 0 to 30, whose ends are
///
/// | kind | at 0 | at the end |
/// |---|---|---|
/// | shear | 0 | 0.3 pixels sideways for each pixel |
/// | translation | 0 | 150 / 331 of the side, whole pixels |
/// | rotation | 0° | 30° |
/// | brightness, saturation, contrast, sharpness | 1 | 1 ± 0.9 |
/// | posterize | 8 bits | 4 bits |
/// | solarize | from 255 | from 0 |
///
/// ```
/// use candle_augment::{Interpolation, RandAugment};
///
/// let mild = RandAugment::default().with_magnitude(5)?.with_interpolation(Interpolation::Bilinear).with_fill(128);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct RandAugment {
    num_ops: Whole<0, { usize::MAX }>,
    magnitude: Whole<0, { usize::MAX }>,
    num_magnitude_bins: Whole<2, { usize::MAX }>,
    interpolation: Interpolation,
    fill: Fill,
}

impl RandAugment {
    /// How many operations; default: 2.
    #[must_use]
    pub fn with_num_ops(self, num_ops: usize) -> Self {
        Self { num_ops: Whole::constant(num_ops), ..self }
    }

    /// Their magnitude, from 0 to the number of bins − 1; default: 9.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there is no such bin.
    pub fn with_magnitude(self, magnitude: usize) -> Result<Self> {
        Self { magnitude: Whole::constant(magnitude), ..self }.checked().map_err(config)
    }

    /// How many magnitudes there are, at least 2; default: 31.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there are fewer than 2 or no more than the magnitude.
    pub fn with_num_magnitude_bins(self, num_magnitude_bins: usize) -> Result<Self> {
        let num_magnitude_bins = Whole::new("RandAugment: num_magnitude_bins", num_magnitude_bins)?;
        Self { num_magnitude_bins, ..self }.checked().map_err(config)
    }

    fn checked(self) -> Result<Self, String> {
        let (magnitude, bins) = (self.magnitude.get(), self.num_magnitude_bins.get());
        if magnitude < bins {
            return Ok(self);
        }
        Err(format!("magnitude must lie in [0, {}] for {bins} bins, got {magnitude}", bins - 1))
    }
}

warp_settings!(RandAugment, "nearest");

// With `remote = "Self"` the derive makes functions that these wrap: what is read from a file is checked as a whole.
impl Serialize for RandAugment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for RandAugment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)?.checked().map_err(de::Error::custom)
    }
}

impl Default for RandAugment {
    fn default() -> Self {
        Self {
            num_ops: Whole::constant(2),
            magnitude: Whole::constant(9),
            num_magnitude_bins: Whole::constant(31),
            interpolation: Interpolation::Nearest,
            fill: Fill::None,
        }
    }
}

impl Transform for RandAugment {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let bin = Bin { index: self.magnitude.get(), count: self.num_magnitude_bins.get() };
        let warp = Warp { interpolation: self.interpolation, fill: self.fill };
        for _ in 0..self.num_ops.get() {
            let kind = KINDS[rng.below(KINDS.len())];
            ops.extend(SCALE.op(kind, bin, info.size, warp, rng));
        }
    }
}

fn config(message: String) -> Error {
    Error::config(format!("RandAugment: {message}"))
}
