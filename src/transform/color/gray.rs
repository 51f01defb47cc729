//! Gray.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::rng::SampleRng;
use crate::transform::chance::chance;
use crate::transform::op::Op;
use crate::transform::{SampleInfo, Transform};

/// Makes every image gray, of one channel by default.
///
/// ```
/// use candle_augment::Grayscale;
///
/// let three_equal_channels = Grayscale::new(3)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grayscale {
    num_output_channels: Channels,
}

impl Grayscale {
    /// With 1 or 3 channels, which are equal.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `num_output_channels` is neither 1 nor 3.
    pub fn new(num_output_channels: usize) -> Result<Self> {
        let num_output_channels = Channels::try_from(num_output_channels)
            .map_err(|message| Error::config(format!("Grayscale: num_output_channels {message}")))?;
        Ok(Self { num_output_channels })
    }
}

impl Transform for Grayscale {
    fn draw(&self, _info: SampleInfo<'_>, _rng: &mut SampleRng, ops: &mut Vec<Op>) {
        ops.push(Op::Grayscale { channels: self.num_output_channels.into() });
    }
}

/// How many channels gray may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
enum Channels {
    #[default]
    One,
    Three,
}

impl TryFrom<usize> for Channels {
    type Error = String;

    fn try_from(channels: usize) -> Result<Self, String> {
        match channels {
            1 => Ok(Self::One),
            3 => Ok(Self::Three),
            _ => Err(format!("must be 1 or 3, got {channels}")),
        }
    }
}

impl From<Channels> for usize {
    fn from(channels: Channels) -> Self {
        match channels {
            Channels::One => 1,
            Channels::Three => 3,
        }
    }
}

chance! {
    /// Makes the image gray with probability `p`, 0.1 by default; it keeps its channels.
    RandomGrayscale, 0.1, SampleInfo { channels, .. } => Op::Grayscale { channels }
}
