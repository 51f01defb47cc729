//! Smoothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::rng::SampleRng;
use crate::transform::op::Op;
use crate::transform::params::{Amount, Interval, Scale};
use crate::transform::whole::OneOrTwo;
use crate::transform::{SampleInfo, Transform};

/// Smooths by a Gaussian whose standard deviation is uniform over a range, 0.1 to 2 pixels by default.
///
/// The image must be wider and higher than half the kernel, which reaches over its edge by reflection.
///
/// ```
/// use candle_augment::GaussianBlur;
///
/// let random = GaussianBlur::new(5)?;
/// let fixed = GaussianBlur::rectangular(7, 3)?.with_sigma(1.5)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianBlur {
    kernel_size: KernelSize,
    #[serde(default)]
    sigma: Sigma,
}

impl GaussianBlur {
    /// With a kernel of `kernel_size` × `kernel_size` pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the size is even.
    pub fn new(kernel_size: usize) -> Result<Self> {
        Self::rectangular(kernel_size, kernel_size)
    }

    /// With a kernel of `width` × `height` pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a side is even.
    pub fn rectangular(width: usize, height: usize) -> Result<Self> {
        let kernel_size = KernelSize::checked([width, height])
            .map_err(|message| Error::config(format!("GaussianBlur: kernel_size {message}")))?;
        Ok(Self { kernel_size, sigma: Sigma::default() })
    }

    /// The standard deviation in pixels: always the same, or from a range; default: 0.1 to 2.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the range is reversed or leaves (0, ∞).
    pub fn with_sigma(self, sigma: impl Into<Amount>) -> Result<Self> {
        Ok(Self { sigma: Sigma(Interval::new("GaussianBlur: sigma", range(sigma.into()))?), ..self })
    }
}

impl Transform for GaussianBlur {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let sigma = self.sigma.0.draw(rng);
        ops.push(Op::GaussianBlur { kernel_size: self.kernel_size.0, sigma: [sigma; 2] });
    }
}

/// The width and the height of a kernel that has a middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OneOrTwo<i64>")]
struct KernelSize([usize; 2]);

impl KernelSize {
    /// The sides may be negative, which is refused by the same words.
    fn checked<N: TryInto<usize> + Copy + fmt::Display>([width, height]: [N; 2]) -> Result<Self, String> {
        match (width.try_into(), height.try_into()) {
            (Ok(width), Ok(height)) if width % 2 == 1 && height % 2 == 1 => Ok(Self([width, height])),
            _ => Err(format!("must be odd and lie in [1, ∞), got {width} × {height} (width × height)")),
        }
    }
}

impl TryFrom<OneOrTwo<i64>> for KernelSize {
    type Error = String;

    fn try_from(size: OneOrTwo<i64>) -> Result<Self, String> {
        Self::checked(size.pair())
    }
}

/// A range of standard deviations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Amount")]
struct Sigma(Interval<Scale>);

/// A number alone means itself.
fn range(sigma: Amount) -> Amount {
    match sigma {
        Amount::UpTo(sigma) => Amount::Between(sigma, sigma),
        range @ Amount::Between(..) => range,
    }
}

impl Default for Sigma {
    fn default() -> Self {
        Self(Interval::constant(0.1, 2.0))
    }
}

impl TryFrom<Amount> for Sigma {
    type Error = String;

    fn try_from(amount: Amount) -> Result<Self, String> {
        Interval::checked(range(amount)).map(Self)
    }
}
