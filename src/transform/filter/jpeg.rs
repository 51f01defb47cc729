//! The traces of compression.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::rng::SampleRng;
use crate::transform::op::Op;
use crate::transform::whole::OneOrTwo;
use crate::transform::{SampleInfo, Transform};

/// Compresses as JPEG and decompresses (torchvision's `JPEG`).
///
/// ```
/// use candle_augment::Jpeg;
///
/// let fixed = Jpeg::new(75)?;
/// let random = Jpeg::between(25, 90)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jpeg {
    quality: Quality,
}

impl Jpeg {
    /// Of one quality, 1 to 100.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `quality` lies outside [1, 100].
    pub fn new(quality: u8) -> Result<Self> {
        Self::between(quality, quality)
    }

    /// Of a quality from `lowest` to `highest`, both included, each as likely.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `highest` is below `lowest` or one of them outside [1, 100].
    pub fn between(lowest: u8, highest: u8) -> Result<Self> {
        let quality = Quality::try_from(OneOrTwo::Two(lowest.into(), highest.into()))
            .map_err(|message| Error::config(format!("Jpeg: quality {message}")))?;
        Ok(Self { quality })
    }
}

impl Transform for Jpeg {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let Quality([lowest, highest]) = self.quality;
        let above = rng.below(usize::from(highest - lowest) + 1);
        ops.push(Op::Jpeg { quality: lowest + above as u8 });
    }
}

/// The lowest and the highest quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OneOrTwo<i64>")]
struct Quality([u8; 2]);

impl TryFrom<OneOrTwo<i64>> for Quality {
    type Error = String;

    fn try_from(quality: OneOrTwo<i64>) -> Result<Self, String> {
        let [lowest, highest] = quality.pair();
        if 1 <= lowest && lowest <= highest && highest <= 100 {
            return Ok(Self([lowest as u8, highest as u8]));
        }
        Err(format!("must be a whole number or an increasing range in [1, 100], got {lowest} to {highest}"))
    }
}
