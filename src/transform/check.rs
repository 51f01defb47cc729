//! Whether an operation can be applied, and what it makes of an image's shape.

use std::fmt;

use super::SampleInfo;
use super::kernels::rotate;
use super::kernels::warp::elastic;
use super::kernels::warp::perspective::Perspective;
use super::op::{Fill, Op, Padding, Patch};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Size;

/// The most pixels that an operation may make, 2²⁸: a larger result is an error, not an attempt to allocate it.
pub const MAX_PIXELS: usize = 1 << 28;

/// The longest side that can be warped or scaled: 32-bit floats, in which torchvision computes positions too, tell no more pixels apart, and
/// the weights of a longer side would need far more memory than its pixels.
const MAX_SIDE: usize = 1 << 20;

impl Op {
    /// What the operation makes of an image like `info`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transform`] if it cannot be applied, see [`apply_ops`](crate::apply_ops).
    pub fn output<'a>(&self, info: SampleInfo<'a>) -> Result<SampleInfo<'a>> {
        self.check(info)?;
        let size = self.output_size(info.size);
        let pixels = size.height.checked_mul(size.width);
        require(
            pixels.is_some_and(|pixels| (1..=MAX_PIXELS).contains(&pixels)),
            format_args!(
                "the result must have 1 to {MAX_PIXELS} pixels, but {}×{} would become {}×{} (height × width)",
                info.size.height, info.size.width, size.height, size.width
            ),
        )?;
        Ok(SampleInfo { size, channels: self.output_channels(info.channels), ..info })
    }

    /// The channels of the result for an image of `channels`.
    #[must_use]
    pub fn output_channels(&self, channels: usize) -> usize {
        if let Self::Grayscale { channels } = *self { channels } else { channels }
    }

    /// The size of the result for an image of `size`; sides that overflow are `usize::MAX`.
    #[must_use]
    pub fn output_size(&self, size: Size) -> Size {
        match *self {
            Self::Rotate { degrees, expand: expand @ true, center, .. } => {
                rotate::Turn::new(size, degrees, expand, center).output_size(size)
            }
            Self::Crop { size, .. } | Self::Resize { size, .. } => size,
            Self::Pad { left, top, right, bottom, .. } => {
                let side = |side: usize, before, after| side.saturating_add(before).saturating_add(after);
                Size::new(side(size.height, top, bottom), side(size.width, left, right))
            }
            _ => size,
        }
    }

    fn check(&self, info: SampleInfo<'_>) -> Result<()> {
        match *self {
            Self::HFlip | Self::VFlip | Self::Invert | Self::Autocontrast | Self::Equalize => Ok(()),
            Self::Crop { top, left, size } => inside("crop", info.size, top, left, size),
            Self::Pad { left, top, right, bottom, padding, fill } => {
                check_fill(fill, info)?;
                check_padding(padding, info.size, [left.max(right), top.max(bottom)])
            }
            Self::Resize { size, .. } => {
                // The rows are scaled before the columns.
                let between = info.size.height.checked_mul(size.width);
                require(
                    between.is_some_and(|pixels| pixels <= MAX_PIXELS),
                    format_args!("{} rows of {} pixels are more than {MAX_PIXELS}", info.size.height, size.width),
                )?;
                check_sides(info.size)?;
                check_sides(size)
            }
            Self::Rotate { degrees, center, fill, .. } => {
                finite("degrees", &[degrees])?;
                check_warp(info, center, fill)
            }
            Self::Affine { degrees, translate, scale, shear, center, fill, .. } => {
                finite("degrees", &[degrees])?;
                finite("translation", &translate)?;
                finite("shear", &shear.map(|angle| angle as f32))?;
                require(scale.is_finite() && scale > 0.0, format_args!("the scale must lie in (0, ∞), not {scale}"))?;
                check_warp(info, center, fill)
            }
            Self::Perspective { start, end, fill, .. } => {
                finite("points", start.as_flattened())?;
                finite("points", end.as_flattened())?;
                require(
                    Perspective::new(info.size, start, end).is_some(),
                    format_args!(
                        "no single perspective shows {start:?} at {end:?}: no three of the end points may lie on one line"
                    ),
                )?;
                check_warp(info, None, fill)
            }
            Self::Elastic { alpha, sigma, fill, .. } => {
                finite("alpha", &alpha)?;
                check_smoothing(sigma, info.size)?;
                check_warp(info, None, fill)
            }
            Self::Brightness { factor }
            | Self::Contrast { factor }
            | Self::Saturation { factor }
            | Self::Sharpness { factor } => not_negative("factor", factor),
            Self::Hue { shift } => {
                require((-0.5..=0.5).contains(&shift), format_args!("the shift must lie in [−0.5, 0.5], not {shift}"))
            }
            Self::Gamma { gamma, gain } => {
                not_negative("gamma", gamma)?;
                finite("gain", &[gain])
            }
            Self::Grayscale { channels } => {
                require(matches!(channels, 1 | 3), format_args!("gray has 1 or 3 channels, not {channels}"))
            }
            Self::PermuteChannels { order } => {
                let mut sorted = order;
                sorted.sort_unstable();
                require(sorted == [0, 1, 2], format_args!("the order must hold 0, 1 and 2 once each, not {order:?}"))
            }
            Self::Posterize { bits } => require(bits <= 8, format_args!("the bits must lie in [0, 8], not {bits}")),
            Self::Solarize { threshold } => finite("threshold", &[threshold]),
            Self::GaussianBlur { kernel_size, sigma } => {
                let odd = kernel_size.iter().all(|side| side % 2 == 1);
                require(odd, format_args!("the sides of the kernel must be odd and positive, not {kernel_size:?}"))?;
                positive("sigma", &sigma)?;
                check_padding(Padding::Reflect, info.size, kernel_size.map(|side| side / 2))
            }
            Self::GaussianNoise { mean, sigma, .. } => {
                finite("mean", &[mean])?;
                not_negative("sigma", sigma)
            }
            Self::Jpeg { quality } => {
                require((1..=100).contains(&quality), format_args!("the quality must lie in [1, 100], not {quality}"))
            }
            Self::Erase { top, left, size, patch } => {
                if let Patch::Fill(fill) = patch {
                    check_fill(fill, info)?;
                }
                inside("rectangle", info.size, top, left, size)
            }
            Self::Blend { ref chains, mixing } => {
                require((0.0..=1.0).contains(&mixing), format_args!("mixing must lie in [0, 1], not {mixing}"))?;
                chains.iter().try_for_each(|(weight, ops)| check_chain(*weight, ops, info))
            }
            Self::Custom(ref custom) => custom.check(),
        }
    }
}

/// Refuses what is not so, with a message for the user.
fn require(holds: bool, message: fmt::Arguments<'_>) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::new(ErrorKind::Transform, message.to_string())) }
}

fn finite(name: &str, values: &[f32]) -> Result<()> {
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(value) => require(false, format_args!("the {name} must be finite, not {value}")),
    }
}

fn positive(name: &str, values: &[f32]) -> Result<()> {
    match values.iter().find(|value| !(value.is_finite() && **value > 0.0)) {
        None => Ok(()),
        Some(value) => require(false, format_args!("{name} must lie in (0, ∞), not {value}")),
    }
}

fn not_negative(name: &str, value: impl Into<f64>) -> Result<()> {
    let value = value.into();
    // Too large for 32 bits is infinite to the kernels.
    require(value >= 0.0 && value <= f64::from(f32::MAX), format_args!("the {name} must lie in [0, ∞), not {value}"))
}

fn check_fill(fill: Fill, info: SampleInfo<'_>) -> Result<()> {
    let fits = !matches!(fill, Fill::Rgb(_)) || info.channels == 3;
    require(fits, format_args!("an RGB fill needs an RGB image, this one is gray: give one value"))
}

fn check_warp(info: SampleInfo<'_>, center: Option<[f32; 2]>, fill: Fill) -> Result<()> {
    finite("centre", center.as_ref().map_or(&[], |center| &center[..]))?;
    check_fill(fill, info)?;
    check_sides(info.size)
}

fn check_sides(size: Size) -> Result<()> {
    let side = size.height.max(size.width);
    require(side <= MAX_SIDE, format_args!("the sides must have at most {MAX_SIDE} pixels, not {side}"))
}

/// `most` is the widest padding along x and along y.
fn check_padding(padding: Padding, size: Size, most: [usize; 2]) -> Result<()> {
    for (padded, side) in most.into_iter().zip([size.width, size.height]) {
        let allowed = match padding {
            Padding::Constant | Padding::Edge => continue,
            Padding::Reflect => side - 1,
            Padding::Symmetric => side,
        };
        require(
            padded <= allowed,
            format_args!("a side of {side} pixels can be mirrored by at most {allowed}, not {padded}"),
        )?;
    }
    Ok(())
}

/// An elastic field is smoothed along both axes or not at all, by kernels that fit the image.
fn check_smoothing(sigma: [f32; 2], size: Size) -> Result<()> {
    if sigma == [0.0; 2] {
        return Ok(());
    }
    positive("sigma (both 0 for no smoothing, or each)", &sigma)?;
    let reach = sigma.map(|sigma| elastic::kernel_size(sigma) / 2);
    let reach = reach[0].max(reach[1]);
    let side = size.height.min(size.width);
    require(
        reach < side,
        format_args!(
            "sigma {sigma:?} smooths over {reach} pixels to each side, so the image needs more than {reach} a side, not {side}"
        ),
    )
}

fn inside(what: &str, image: Size, top: usize, left: usize, part: Size) -> Result<()> {
    let fits = |first: usize, length: usize, side: usize| {
        length > 0 && first.checked_add(length).is_some_and(|end| end <= side)
    };
    require(
        fits(top, part.height, image.height) && fits(left, part.width, image.width),
        format_args!(
            "a {what} of {}×{} (height × width) at row {top}, column {left} does not lie inside the image of {}×{}: pad it or make it smaller",
            part.height, part.width, image.height, image.width
        ),
    )
}

fn check_chain(weight: f32, ops: &[Op], info: SampleInfo<'_>) -> Result<()> {
    not_negative("weight", weight)?;
    let after = ops.iter().try_fold(info, |info, op| op.output(info))?;
    require(after == info, format_args!("a chain must keep the size and the channels"))
}
