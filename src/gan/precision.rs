//! The numbers that the networks compute with.

use std::fmt;
use std::str::FromStr;

use candle_core::DType;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What the networks compute with in training: generator and discriminator, and the autoencoder before them, also where it
/// codes images to interpolate between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits throughout.
    #[default]
    F32,
    /// Mixed precision, for GPUs: all but the last layer of the discriminator, and all layers of the others, work on images and
    /// features of 16 bits (bfloat16), whose products GPUs have units for. Weights, the optimisers' moments, the
    /// average, the statistics of batch norms, codes, logits, losses, and the penalties [`r1` and `r2`](super::Regularizers) stay
    /// in f32; no scaling of the loss is needed, as bfloat16 has the range of f32 (P. Micikevicius et al., "Mixed Precision
    /// Training", 2018; D. Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", 2019).
    ///
    /// The CPU computes the same, rounding what f32 gives, and is slower at it than at f32: only good for trying it out.
    Bf16,
}

impl Precision {
    pub(super) fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(Error::config(format!("the precision is f32 or bf16, got {name:?}"))),
        }
    }
}
