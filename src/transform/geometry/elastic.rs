//! Random elastic distortion.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::params::{Domain, Finite, Number, Scale};
use crate::transform::whole::OneOrTwo;
use crate::transform::{Fill, Interpolation, Op, SampleInfo, Transform};

/// Moves every pixel by a smooth random field (P. Simard et al., "Best Practices for Convolutional Neural Networks Applied to Visual
/// Document Analysis", 2003).
///
/// The field is smoothed by reflecting it at its edges, so the image's sides must be longer than four times sigma: by default, more than
/// 20 pixels.
///
/// ```
/// use candle_augment::ElasticTransform;
///
/// let elastic = ElasticTransform::new(34.0, 4.0)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ElasticTransform {
    #[serde(deserialize_with = "one_or_two")]
    alpha: [Number<Finite>; 2],
    #[serde(deserialize_with = "one_or_two")]
    sigma: [Number<Scale>; 2],
    interpolation: Interpolation,
    fill: Fill,
}

fn one_or_two<'de, N: Domain, D: Deserializer<'de>>(deserializer: D) -> Result<[Number<N>; 2], D::Error> {
    let [x, y] = OneOrTwo::<f64>::deserialize(deserializer)?.pair().map(Number::checked);
    Ok([x.map_err(de::Error::custom)?, y.map_err(de::Error::custom)?])
}

impl Default for ElasticTransform {
    /// Alpha 50, sigma 5, bilinear, filled with black.
    fn default() -> Self {
        Self {
            alpha: [Number::constant(50.0); 2],
            sigma: [Number::constant(5.0); 2],
            interpolation: Interpolation::Bilinear,
            fill: Fill::default(),
        }
    }
}

impl ElasticTransform {
    /// Pixels move by up to about `alpha`, in a field smoothed by a Gaussian of `sigma` pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if alpha is not finite, or sigma not positive and finite.
    pub fn new(alpha: f64, sigma: f64) -> Result<Self> {
        Self::new_xy([alpha; 2], [sigma; 2])
    }

    /// As [`ElasticTransform::new`], with numbers of their own along x and along y.
    ///
    /// # Errors
    ///
    /// As [`ElasticTransform::new`].
    pub fn new_xy(alpha: [f64; 2], sigma: [f64; 2]) -> Result<Self> {
        let length = |value| Number::new("ElasticTransform: alpha", value);
        let width = |value| Number::new("ElasticTransform: sigma", value);
        Ok(Self {
            alpha: [length(alpha[0])?, length(alpha[1])?],
            sigma: [width(sigma[0])?, width(sigma[1])?],
            ..Self::default()
        })
    }

    /// The interpolation; default: bilinear.
    #[must_use]
    pub fn with_interpolation(self, interpolation: Interpolation) -> Self {
        Self { interpolation, ..self }
    }

    /// The colour outside of the source image; default: black.
    #[must_use]
    pub fn with_fill(self, fill: impl Into<Fill>) -> Self {
        Self { fill: fill.into(), ..self }
    }
}

impl Transform for ElasticTransform {
    fn draw(&self, _info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        ops.push(Op::Elastic {
            alpha: self.alpha.map(|value| value.get() as f32),
            sigma: self.sigma.map(|value| value.get() as f32),
            seed: rng.next_seed(),
            interpolation: self.interpolation,
            fill: self.fill,
        });
    }
}
