//! The deterministic operations that transforms draw, as plain data.

use serde::{Deserialize, Serialize};

use super::custom::Custom;
use super::executor::Executor;
use crate::error::Result;
use crate::image::{Image, Size};

/// How a pixel is found between source pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interpolation {
    /// The nearest source pixel.
    #[default]
    Nearest,
    /// The mean of the 2×2 source pixels around, weighted by distance.
    Bilinear,
    /// A cubic through the 4×4 source pixels around (a = −0.5 in antialiased resizing, −0.75 elsewhere, as in torch).
    Bicubic,
}

/// The colour of the pixels that no source pixel reaches: one value for every channel, or one for each of R, G and B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", expecting = "expected a whole number from 0 to 255, a list of three, or \"none\"")]
pub enum Fill {
    /// Nothing, which is black too (torchvision's `fill=None`); in a file `"none"`.
    ///
    /// It differs from `All(0)` where pixels are interpolated at the edge of the source: a colour is blended in there once more, by the
    /// share of the source that the interpolation has already seen.
    None,
    /// The same value in every channel; fits every image.
    #[serde(untagged)]
    All(u8),
    /// A colour; fits RGB images only.
    #[serde(untagged)]
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

/// What stands around an image that is padded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// One colour.
    #[default]
    Constant,
    /// The pixels of the edge, repeated.
    Edge,
    /// The image mirrored at its edge pixels, which are not repeated: `c b | a b c | b a`.
    Reflect,
    /// The image mirrored at its edge: `b a | a b c | c b`.
    Symmetric,
}

/// What stands where something is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Patch {
    /// One colour.
    Fill(Fill),
    /// A byte of its own for each pixel and channel, uniform, from the generator that this number seeds.
    Noise {
        /// The generator's seed.
        seed: u64,
    },
}

/// One deterministic operation on an image: plain data to print, compare, store and replay.
///
/// Results are torchvision's tensor form on 8-bit images, to the bit unless an operation says otherwise. Numbers are 32-bit floats, as torch
/// draws them, or 64-bit floats where torchvision computes with them in Python; JSON gives both back exactly.
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
    /// Keeps the part of `size` that begins in row `top` and column `left`; it must lie inside the image.
    Crop {
        /// The first row.
        top: usize,
        /// The first column.
        left: usize,
        /// The size of the result.
        size: Size,
    },
    /// Adds pixels around the image.
    Pad {
        /// Columns to add at the left.
        left: usize,
        /// Rows to add at the top.
        top: usize,
        /// Columns to add at the right.
        right: usize,
        /// Rows to add at the bottom.
        bottom: usize,
        /// What the new pixels show; default: one colour. `reflect` takes less than the side of the image, `symmetric` at most the side.
        #[serde(default)]
        padding: Padding,
        /// The colour, for constant padding; default: black.
        #[serde(default)]
        fill: Fill,
    },
    /// Scales to `size`.
    ///
    /// Bilinear and bicubic are computed in integers as in torch's native 8-bit kernels, to the bit.
    Resize {
        /// The size of the result.
        size: Size,
        /// How values between the pixels are found.
        interpolation: Interpolation,
        /// Whether bilinear and bicubic weigh all source pixels when they shrink an image; default: yes.
        #[serde(default = "yes")]
        antialias: bool,
    },
    /// Turns the image counter-clockwise.
    ///
    /// Without a centre of its own, 0° and 180°, and 90° and 270° on a square or expanded image, move pixels and nothing else.
    /// Nearest agrees with torchvision to the bit; bilinear and bicubic differ by at most 1 of 255, on under 0.1 % of the pixels.
    /// torchvision's own results may differ as little between processors, whose matrix products round differently.
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
    /// Turns the image **clockwise**, scales, shears and moves it, around the centre.
    Affine {
        /// The angle in degrees, clockwise; finite.
        degrees: f32,
        /// The way `[x, y]` in pixels, to the right and down.
        translate: [f32; 2],
        /// The factor of the size; positive.
        scale: f32,
        /// The angles of shear in degrees, along x and along y.
        shear: [f64; 2],
        /// Default: nearest.
        #[serde(default)]
        interpolation: Interpolation,
        /// The fixed point `[x, y]` in pixels from the top left corner; default: the middle, `[W / 2, H / 2]`.
        #[serde(default)]
        center: Option<[f32; 2]>,
        /// The colour outside of the source image; default: black.
        #[serde(default)]
        fill: Fill,
    },
    /// Moves four points, and everything between them as a camera would show it.
    Perspective {
        /// The points `[x, y]` in the source, usually its corners.
        start: [[f32; 2]; 4],
        /// Where they come to lie.
        end: [[f32; 2]; 4],
        /// Default: nearest.
        #[serde(default)]
        interpolation: Interpolation,
        /// The colour outside of the source image; default: black.
        #[serde(default)]
        fill: Fill,
    },
    /// Moves every pixel by a random field that was smoothed.
    Elastic {
        /// How far pixels move, along x and along y.
        alpha: [f32; 2],
        /// How smooth the field is, along x and along y: the standard deviation of a Gaussian in pixels; both
        /// positive, or both 0 for no smoothing. The image's sides must be longer than four times the greater one.
        sigma: [f32; 2],
        /// The seed of the field's generator.
        seed: u64,
        /// Default: nearest.
        #[serde(default)]
        interpolation: Interpolation,
        /// The colour outside of the source image; default: black.
        #[serde(default)]
        fill: Fill,
    },
    /// Multiplies by `factor`: `⌊clamp(factor · x)⌋`.
    Brightness {
        /// 0 gives black, 1 the image itself; finite, not negative.
        factor: f64,
    },
    /// Blends with the mean of the image's gray: `⌊clamp(factor · x + (1 − factor) · mean)⌋`.
    ///
    /// The gray is `⌊0.2989 R + 0.587 G + 0.114 B⌋`. torch sums it in 32-bit floats, which is exact while the sum is below 2²⁴, thus
    /// always up to 256×256 pixels. Above that torch's own mean depends on its vector width and threads, and is off by some units in
    /// the last place; then one of the 256 levels may rarely differ by 1.
    Contrast {
        /// 0 gives even gray, 1 the image itself; finite, not negative.
        factor: f64,
    },
    /// Blends with the image's own gray: `⌊clamp(factor · x + (1 − factor) · gray)⌋`. Gray images stay as they are.
    Saturation {
        /// 0 gives a gray image, 1 the image itself; finite, not negative.
        factor: f64,
    },
    /// Moves the hue around the colour circle in floating-point HSV, `h = (h + shift) mod 1`. Gray images stay as they are.
    Hue {
        /// The part of a full turn, in [−0.5, 0.5].
        shift: f32,
    },
    /// Raises to a power: `⌊255.999 · clamp(gain · (x / 255)^gamma)⌋`.
    Gamma {
        /// The exponent; finite, not negative. Above 1 the dark becomes darker.
        gamma: f32,
        /// The factor; finite, default 1.
        #[serde(default = "one")]
        gain: f32,
    },
    /// Makes the image gray: `⌊0.2989 R + 0.587 G + 0.114 B⌋`. A gray image of one channel gets `channels` equal ones.
    Grayscale {
        /// The channels of the result, 1 or 3.
        channels: usize,
    },
    /// Gives the channels another order: channel c of the result is channel `order[c]` of the source. Gray images stay as they are.
    PermuteChannels {
        /// 0, 1 and 2 in some order.
        order: [u8; 3],
    },
    /// The negative: `255 − x`.
    Invert,
    /// Keeps the highest bits of each byte and clears the others.
    Posterize {
        /// How many are kept, 0 to 8.
        bits: u8,
    },
    /// Inverts what is bright: `255 − x` where x ≥ threshold.
    Solarize {
        /// The first byte that is inverted; finite, 256 for none.
        threshold: f32,
    },
    /// Stretches each channel to the whole range: its least byte becomes 0, its greatest 255.
    Autocontrast,
    /// Spreads each channel's bytes so that all levels are equally frequent (Pillow's table).
    Equalize,
    /// Blends with a smoothed image: below 1 blurred, above 1 sharper. The outermost pixels stay as they are, and so do images with a
    /// side of up to 2.
    Sharpness {
        /// 0 gives the smoothed image, 1 the image itself; finite, not negative.
        factor: f64,
    },
    /// Smooths by a Gaussian; the image is reflected at its edges. At most 1 of 255 from torchvision, on under 0.1 % of the pixels.
    GaussianBlur {
        /// The width and the height of the kernel in pixels, odd.
        kernel_size: [usize; 2],
        /// The standard deviation along x and along y, in pixels; positive.
        sigma: [f32; 2],
    },
    /// Adds normal noise to every byte: `x / 255 + mean + sigma · N(0, 1)`, then to 8 bits.
    GaussianNoise {
        /// The mean of the noise, in parts of the whole range.
        mean: f32,
        /// Its standard deviation, in parts of the whole range; not negative.
        sigma: f32,
        /// Whether what leaves the range is cut off; otherwise it wraps around.
        clip: bool,
        /// The seed of the noise's generator.
        seed: u64,
    },
    /// Compresses as JPEG (4:2:0) and decompresses.
    Jpeg {
        /// 1 to 100.
        quality: u8,
    },
    /// Covers a rectangle, which must lie inside the image.
    Erase {
        /// The first row.
        top: usize,
        /// The first column.
        left: usize,
        /// The size of the rectangle.
        size: Size,
        /// What stands there.
        patch: Patch,
    },
    /// Blends the image with several changed versions of itself: `mixing · x + (1 − mixing) · Σ weight · chain(x)`, truncated.
    ///
    /// Chains must keep the size and the channels.
    Blend {
        /// The ops of each version, and its weight; the weights are not negative.
        chains: Vec<(f32, Vec<Op>)>,
        /// The weight of the image itself, in [0, 1].
        mixing: f32,
    },
    /// A closure, see [`Lambda`](crate::Lambda).
    Custom(Custom),
}

fn yes() -> bool {
    true
}

fn one() -> f32 {
    1.0
}

impl Op {
    /// Applies the operation.
    ///
    /// # Errors
    ///
    /// As [`apply_ops`].
    pub fn apply(&self, image: Image) -> Result<Image> {
        apply_ops(std::slice::from_ref(self), image)
    }
}

/// Applies operations in order.
///
/// An [`Executor`] does the same for many images without allocating.
///
/// # Errors
///
/// [`ErrorKind::Transform`](crate::ErrorKind::Transform), with the op and its place, if a number is out of range, if a fill colour has other channels than the image,
/// if a crop does not lie inside the image, if a side is too long to be warped or scaled (2²⁰ pixels), or if a result, or what a resize holds on the way,
/// would be empty or have more than 2²⁸ pixels. Nothing has been applied then.
pub fn apply_ops(ops: &[Op], image: Image) -> Result<Image> {
    if ops.is_empty() {
        return Ok(image);
    }
    Executor::new().image(ops, &image)
}
