//! The deterministic operations that transforms draw, as plain data.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::kernels::{color, flip, resize, rotate};
use crate::error::{Error, ErrorKind, Result};
use crate::image::{Image, Size};

/// The most pixels that an operation may make, 2²⁸: a larger result is an error, not an attempt to allocate it.
const MAX_PIXELS: usize = 1 << 28;

/// The longest side that can be rotated: 32-bit floats, in which torchvision computes positions too, tell no more pixels apart.
const MAX_ROTATED_SIDE: usize = 1 << 20;

/// How a pixel is found between source pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interpolation {
    /// The nearest source pixel.
    #[default]
    Nearest,
    /// The mean of the source pixels around, weighted by distance. Resizing widens the weights when it shrinks an image
    /// (antialiasing).
    Bilinear,
}

/// The colour of the pixels that no source pixel reaches: one value for every channel, or one for each of R, G and B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fill {
    /// The same value in every channel; fits every image.
    All(u8),
    /// A colour; fits RGB images only.
    Rgb([u8; 3]),
}

impl Default for Fill {
    /// Black.
    fn default() -> Self {
        Self::All(0)
    }
}

impl From<u8> for Fill {
    fn from(value: u8) -> Self {
        Self::All(value)
    }
}

impl From<[u8; 3]> for Fill {
    fn from(color: [u8; 3]) -> Self {
        Self::Rgb(color)
    }
}

/// One deterministic operation on an image: plain data to print, compare, store and replay.
///
/// Results are torchvision's tensor form on 8-bit images, to the bit unless an operation says otherwise. All numbers are 32-bit floats, as torch
/// draws them; so JSON gives them back exactly.
///
/// ```
/// use candle_augment::{Image, Op};
///
/// let image = Image::new(1, 2, 1, vec![10, 200])?;
/// assert_eq!(Op::HFlip.apply(image.clone())?.data(), [200, 10]);
/// assert_eq!(Op::Brightness { factor: 1.5 }.apply(image)?.data(), [15, 255]);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Op {
    /// Mirrors left and right.
    HFlip,
    /// Mirrors top and bottom.
    VFlip,
    /// Turns the image counter-clockwise.
    ///
    /// Without a centre of its own, 0° and 180°, and 90° and 270° on a square or expanded image, move pixels and nothing else.
    /// Nearest agrees with torchvision to the bit; bilinear differs by at most 1 of 255, on under 0.1 % of the values (about 1 in
    /// 100,000). torchvision's own results may differ as little between processors, whose matrix products round differently.
    Rotate {
        /// The angle in degrees, counter-clockwise; finite.
        degrees: f32,
        /// Default: nearest.
        #[serde(default)]
        interpolation: Interpolation,
        /// Whether the result grows to hold the whole rotated image; default: no, it keeps its size. The size assumes a turn around the middle.
        #[serde(default)]
        expand: bool,
        /// The fixed point `[x, y]` in pixels from the top left corner; default: the middle, `[W / 2, H / 2]`.
        #[serde(default)]
        center: Option<[f32; 2]>,
        /// The colour outside of the source image; default: black.
        #[serde(default)]
        fill: Fill,
    },
    /// Multiplies by `factor`: `⌊clamp(factor · x)⌋`.
    Brightness {
        /// 0 gives black, 1 the image itself; finite, not negative.
        factor: f32,
    },
    /// Blends with the mean of the image's gray: `⌊clamp(factor · x + (1 − factor) · mean)⌋`.
    ///
    /// The gray is `⌊0.2989 R + 0.587 G + 0.114 B⌋`. torch sums it in 32-bit floats, which is exact while the sum is below 2²⁴, thus
    /// always up to 256×256 pixels. Above that torch's own mean depends on its vector width and threads, and is off by some units in
    /// the last place; then one of the 256 levels may rarely differ by 1.
    Contrast {
        /// 0 gives even gray, 1 the image itself; finite, not negative.
        factor: f32,
    },
    /// Blends with the image's own gray: `⌊clamp(factor · x + (1 − factor) · gray)⌋`. Gray images stay as they are.
    Saturation {
        /// 0 gives a gray image, 1 the image itself; finite, not negative.
        factor: f32,
    },
    /// Moves the hue around the colour circle in floating-point HSV, `h = (h + shift) mod 1`. Gray images stay as they are.
    Hue {
        /// The part of a full turn, in [−0.5, 0.5].
        shift: f32,
    },
    /// Scales to `size`; bilinear is antialiased when it shrinks, and computed in integers as in torch's native 8-bit kernel.
    Resize {
        /// The size of the result.
        size: Size,
        /// How values between the pixels are found.
        interpolation: Interpolation,
    },
}

impl Op {
    /// Applies the operation; in place where the size stays.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transform`], with the op, if a number is out of range, if the fill colour has other channels than the image, if a
    /// side is too long to rotate (2²⁰ pixels), or if the result, or what a resize holds on the way, would be empty or have more than
    /// 2²⁸ pixels.
    pub fn apply(&self, mut image: Image) -> Result<Image> {
        self.check(&image)?;
        match *self {
            Self::HFlip => flip::horizontal(&mut image),
            Self::VFlip => flip::vertical(&mut image),
            Self::Rotate { degrees, interpolation, expand, center, fill } => {
                let turn = rotate::Turn::new(image.size(), degrees, expand, center);
                image = rotate::rotate(image, &turn, interpolation, fill);
            }
            Self::Brightness { factor } => color::brightness(&mut image, factor),
            Self::Contrast { factor } => color::contrast(&mut image, factor),
            Self::Saturation { factor } => color::saturation(&mut image, factor),
            Self::Hue { shift } => color::hue(&mut image, shift),
            Self::Resize { size, interpolation } => image = resize::resize(image, size, interpolation),
        }
        Ok(image)
    }

    /// The size of the result for an image of `size`.
    #[must_use]
    pub fn output_size(&self, size: Size) -> Size {
        match *self {
            Self::Rotate { degrees, expand, center, .. } => {
                rotate::Turn::new(size, degrees, expand, center).output_size(size)
            }
            Self::Resize { size, .. } => size,
            _ => size,
        }
    }

    fn check(&self, image: &Image) -> Result<()> {
        match *self {
            Self::Rotate { degrees, center, fill, .. } => {
                self.require(degrees.is_finite(), format_args!("the degrees must be finite"))?;
                let finite = center.is_none_or(|[x, y]| x.is_finite() && y.is_finite());
                self.require(finite, format_args!("the centre must be finite"))?;
                let fits = matches!(fill, Fill::All(_)) || image.channels() == 3;
                self.require(fits, format_args!("an RGB fill needs an RGB image, this one is gray: give one value"))?;
                let side = image.height().max(image.width());
                let short = side <= MAX_ROTATED_SIDE;
                self.require(short, format_args!("the sides must have at most {MAX_ROTATED_SIDE} pixels, not {side}"))?;
            }
            Self::Brightness { factor } | Self::Contrast { factor } | Self::Saturation { factor } => {
                let fits = factor.is_finite() && factor >= 0.0;
                self.require(fits, format_args!("the factor must lie in [0, ∞)"))?;
            }
            Self::Hue { shift } => {
                self.require((-0.5..=0.5).contains(&shift), format_args!("the shift must lie in [−0.5, 0.5]"))?;
            }
            Self::Resize { size, .. } => {
                // The rows are scaled before the columns.
                let between = image.height().checked_mul(size.width);
                self.require(
                    between.is_some_and(|pixels| pixels <= MAX_PIXELS),
                    format_args!("{} rows of {} pixels are more than {MAX_PIXELS}", image.height(), size.width),
                )?;
            }
            Self::HFlip | Self::VFlip => {}
        }
        let (from, to) = (image.size(), self.output_size(image.size()));
        let pixels = to.height.checked_mul(to.width);
        self.require(
            pixels.is_some_and(|pixels| (1..=MAX_PIXELS).contains(&pixels)),
            format_args!(
                "the result must have 1 to {MAX_PIXELS} pixels, but {}×{} would become {}×{} (height × width)",
                from.height, from.width, to.height, to.width
            ),
        )
    }

    fn require(&self, holds: bool, message: fmt::Arguments<'_>) -> Result<()> {
        if holds { Ok(()) } else { Err(Error::new(ErrorKind::Transform, message.to_string()).with_op(self)) }
    }
}

/// Applies operations in order.
///
/// # Errors
///
/// Those of the first that fails, see [`Op::apply`].
pub fn apply_ops(ops: &[Op], image: Image) -> Result<Image> {
    ops.iter().try_fold(image, |image, op| op.apply(image))
}
