//! Crops of a random size and shape, scaled to one size.

use serde::{Deserialize, Serialize};

use super::crop::push_crop;
use super::params::Sides;
use crate::error::Result;
use crate::image::Size;
use crate::rng::SampleRng;
use crate::transform::params::{self, Interval, Scale};
use crate::transform::{Interpolation, Op, SampleInfo, Transform};

/// How often a crop that does not lie inside the image is drawn again.
const TRIES: usize = 10;

/// Keeps a part of random area and shape and scales it to one size, bilinear and antialiased by default: the usual training transform for
/// ImageNet (C. Szegedy et al., "Going Deeper with Convolutions", 2014).
///
/// ```
/// use candle_augment::RandomResizedCrop;
///
/// let crop = RandomResizedCrop::new(224, 224)?.with_scale(0.2, 1.0)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomResizedCrop {
    size: Sides,
    #[serde(default = "usual_scale", deserialize_with = "params::range")]
    scale: Interval<Scale>,
    #[serde(default = "usual_ratio", deserialize_with = "params::range")]
    ratio: Interval<Scale>,
    #[serde(default = "bilinear")]
    interpolation: Interpolation,
    #[serde(default = "yes")]
    antialias: bool,
}

const fn usual_scale() -> Interval<Scale> {
    Interval::constant(0.08, 1.0)
}

const fn usual_ratio() -> Interval<Scale> {
    Interval::constant(3.0 / 4.0, 4.0 / 3.0)
}

fn bilinear() -> Interpolation {
    Interpolation::Bilinear
}

fn yes() -> bool {
    true
}

impl RandomResizedCrop {
    /// To `height` × `width` pixels, from 0.08 to 1 of the area, with a ratio of width to height from 3/4 to 4/3.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a side is 0, or there are more than 2²⁸ pixels.
    pub fn new(height: usize, width: usize) -> Result<Self> {
        Ok(Self {
            size: Sides::new("RandomResizedCrop:", height, width)?,
            scale: usual_scale(),
            ratio: usual_ratio(),
            interpolation: bilinear(),
            antialias: true,
        })
    }

    /// The part of the area that is kept; default: from 0.08 to 1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if an end is not positive and finite, or the range is reversed.
    pub fn with_scale(self, low: f64, high: f64) -> Result<Self> {
        Ok(Self { scale: Interval::new("RandomResizedCrop: scale", low..=high)?, ..self })
    }

    /// The ratio of width to height of what is kept; default: from 3/4 to 4/3.
    ///
    /// # Errors
    ///
    /// As [`RandomResizedCrop::with_scale`].
    pub fn with_ratio(self, low: f64, high: f64) -> Result<Self> {
        Ok(Self { ratio: Interval::new("RandomResizedCrop: ratio", low..=high)?, ..self })
    }

    /// The interpolation; default: bilinear.
    #[must_use]
    pub fn with_interpolation(self, interpolation: Interpolation) -> Self {
        Self { interpolation, ..self }
    }

    /// Whether all source pixels count where the part shrinks; default: yes.
    #[must_use]
    pub fn with_antialias(self, antialias: bool) -> Self {
        Self { antialias, ..self }
    }

    /// The first row, the first column and the size of what is kept.
    fn part(&self, image: Size, rng: &mut SampleRng) -> (usize, usize, Size) {
        let area = image.height as f64 * image.width as f64;
        let logarithms = [self.ratio.low(), self.ratio.high()].map(|end| f64::from((end as f32).ln()));
        for _ in 0..TRIES {
            let area = area * f64::from(self.scale.draw(rng));
            let ratio = f64::from((rng.uniform(logarithms[0], logarithms[1]) as f32).exp());
            let width = (area * ratio).sqrt().round_ties_even() as usize;
            let height = (area / ratio).sqrt().round_ties_even() as usize;
            if (1..=image.width).contains(&width) && (1..=image.height).contains(&height) {
                let top = rng.below(image.height - height + 1);
                return (top, rng.below(image.width - width + 1), Size::new(height, width));
            }
        }
        self.central(image)
    }

    /// The largest part in the middle whose ratio is allowed.
    fn central(&self, image: Size) -> (usize, usize, Size) {
        let Size { height, width } = image;
        let ratio = width as f64 / height as f64;
        let rounded = |side: f64| (side.round_ties_even() as usize).max(1);
        let size = if ratio < self.ratio.low() {
            Size::new(rounded(width as f64 / self.ratio.low()), width)
        } else if ratio > self.ratio.high() {
            Size::new(height, rounded(height as f64 * self.ratio.high()))
        } else {
            image
        };
        ((height - size.height) / 2, (width - size.width) / 2, size)
    }
}

impl Transform for RandomResizedCrop {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let (top, left, part) = self.part(info.size, rng);
        push_crop(ops, top, left, part, info.size);
        let Self { interpolation, antialias, .. } = *self;
        ops.push(Op::Resize { size: self.size.get(), interpolation, antialias });
    }
}
