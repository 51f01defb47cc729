//! Random affine maps.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::params::Point;
use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::params::{self, Amount, Finite, Interval, Number, Probability, Scale};
use crate::transform::{Fill, Interpolation, Op, SampleInfo, Transform};

/// Turns, moves, scales and shears by random amounts; positive angles are **clockwise**, unlike those of
/// [`RandomRotation`](crate::RandomRotation), as in torchvision.
///
/// ```
/// use candle_augment::{Interpolation, RandomAffine};
///
/// let affine = RandomAffine::new(10.0)?.with_translate(0.1, 0.1)?.with_scale(0.9, 1.1)?.with_shear(5.0)?;
/// let smooth = affine.with_interpolation(Interpolation::Bilinear);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomAffine {
    degrees: Interval<Finite>,
    #[serde(default = "nothing")]
    translate: [Number<Probability>; 2],
    #[serde(default = "Interval::neutral", deserialize_with = "params::range")]
    scale: Interval<Scale>,
    #[serde(default)]
    shear: Shear,
    #[serde(default)]
    interpolation: Interpolation,
    #[serde(default)]
    fill: Fill,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    center: Option<Point>,
}

const fn nothing() -> [Number<Probability>; 2] {
    [Number::constant(0.0); 2]
}

/// The angles of shear along x and along y; in a file a number or `[low, high]` for x alone, or `[x low, x high, y low, y high]`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shear {
    x: Interval<Finite>,
    y: Interval<Finite>,
}

impl Default for Shear {
    fn default() -> Self {
        Self { x: Interval::neutral(), y: Interval::neutral() }
    }
}

impl Serialize for Shear {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.x.low(), self.x.high(), self.y.low(), self.y.high()].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Shear {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a number, or a list of two or four numbers")]
        enum Written {
            Both([f64; 4]),
            X(Amount),
        }
        let checked = |amount| Interval::checked(amount).map_err(de::Error::custom);
        Ok(match Written::deserialize(deserializer)? {
            Written::X(amount) => Self { x: checked(amount)?, ..Self::default() },
            Written::Both([a, b, c, d]) => {
                Self { x: checked(Amount::Between(a, b))?, y: checked(Amount::Between(c, d))? }
            }
        })
    }
}

impl RandomAffine {
    /// Turns by up to `degrees` either way, or by degrees from a range, and does nothing else yet. Nearest pixel, around the middle, filled
    /// with black.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the degrees are negative, reversed or not finite.
    pub fn new(degrees: impl Into<Amount>) -> Result<Self> {
        Ok(Self {
            degrees: Interval::new("RandomAffine: degrees", degrees)?,
            translate: nothing(),
            scale: Interval::neutral(),
            shear: Shear::default(),
            interpolation: Interpolation::Nearest,
            fill: Fill::default(),
            center: None,
        })
    }

    /// The furthest way, in parts of the width and of the height; the way itself is a whole number of pixels. Default: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if one lies outside [0, 1].
    pub fn with_translate(self, x: f64, y: f64) -> Result<Self> {
        let part = |value| Number::new("RandomAffine: translate", value);
        Ok(Self { translate: [part(x)?, part(y)?], ..self })
    }

    /// The range of the factor of the size; default: 1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if an end is not positive and finite, or the range is reversed.
    pub fn with_scale(self, low: f64, high: f64) -> Result<Self> {
        Ok(Self { scale: Interval::new("RandomAffine: scale", low..=high)?, ..self })
    }

    /// The degrees of shear along x; default: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if they are negative, reversed or not finite.
    pub fn with_shear(self, x: impl Into<Amount>) -> Result<Self> {
        self.with_shear_xy(x, 0.0)
    }

    /// The degrees of shear along x and along y; default: none.
    ///
    /// # Errors
    ///
    /// As [`RandomAffine::with_shear`].
    pub fn with_shear_xy(self, x: impl Into<Amount>, y: impl Into<Amount>) -> Result<Self> {
        let shear = Shear { x: Interval::new("RandomAffine: shear", x)?, y: Interval::new("RandomAffine: shear", y)? };
        Ok(Self { shear, ..self })
    }

    /// The interpolation; default: nearest.
    #[must_use]
    pub fn with_interpolation(self, interpolation: Interpolation) -> Self {
        Self { interpolation, ..self }
    }

    /// The colour outside of the source image; default: black.
    #[must_use]
    pub fn with_fill(self, fill: impl Into<Fill>) -> Self {
        Self { fill: fill.into(), ..self }
    }

    /// The fixed point in pixels from the top left corner; default: the middle, (W / 2, H / 2).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a coordinate is not finite.
    pub fn with_center(self, x: f64, y: f64) -> Result<Self> {
        Ok(Self { center: Some(Point::new("RandomAffine: center", x, y)?), ..self })
    }
}

impl Transform for RandomAffine {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let degrees = self.degrees.draw(rng);
        let mut way = |part: Number<Probability>, side: usize| {
            let furthest = part.get() * side as f64;
            (rng.uniform(-furthest, furthest) as f32).round_ties_even()
        };
        let translate = [way(self.translate[0], info.size.width), way(self.translate[1], info.size.height)];
        let scale = self.scale.draw(rng);
        let shear = [self.shear.x, self.shear.y].map(|angles| f64::from(angles.draw(rng)));
        ops.push(Op::Affine {
            degrees,
            translate,
            scale,
            shear,
            interpolation: self.interpolation,
            center: self.center.map(Point::get),
            fill: self.fill,
        });
    }
}
