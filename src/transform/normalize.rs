//! From interleaved bytes to the planes of a batch tensor: normalised f32, or u8 as they are.

use std::fmt;

use candle_core::{DType, Tensor};

use super::SampleInfo;
use super::kernels::point::{STRIP, deinterleave};
use super::kernels::vectorized::vectorized;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;

/// Turns 8-bit pixels `(H, W, C)` into normalised f32 planes `(C, H, W)`: `(x / 255 − mean) / std` for each channel.
///
/// The arithmetic is that of torchvision's `ToDtype(float32, scale=True)` and `Normalize`, to the bit: x · (1 / 255) in f32, then the difference,
/// then the quotient.
///
/// ```
/// use candle_augment::{Image, Normalize};
///
/// let image = Image::new(1, 2, 3, vec![0, 0, 255, 255, 0, 0])?;
/// let mut planes = [0.0; 6];
/// Normalize::signed().write(&image, &mut planes)?;
/// assert_eq!(planes, [-1.0, 1.0, -1.0, -1.0, 1.0, -1.0]);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Normalize {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Normalize {
    /// By a mean and a standard deviation of pixels in [0, 1]; one number each for all channels, or three for R, G and B.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if there are neither one nor three numbers, not as many of both, a mean that is not finite, or a standard
    /// deviation that is not positive and finite.
    pub fn new(mean: &[f32], std: &[f32]) -> Result<Self> {
        if mean.len() != std.len() || !matches!(mean.len(), 1 | 3) {
            return Err(Error::config(format!(
                "Normalize: expected 1 or 3 means and as many standard deviations, got {} and {}",
                mean.len(),
                std.len()
            )));
        }
        if let Some(value) = mean.iter().find(|value| !value.is_finite()) {
            return Err(Error::config(format!("Normalize: the mean must lie in (−∞, ∞), got {value}")));
        }
        if let Some(value) = std.iter().find(|value| !(value.is_finite() && **value > 0.0)) {
            return Err(Error::config(format!("Normalize: the standard deviation must lie in (0, ∞), got {value}")));
        }
        Ok(Self::checked(mean, std))
    }

    /// By the mean and standard deviation of ImageNet, which pretrained networks expect: (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225).
    #[must_use]
    pub fn imagenet() -> Self {
        Self::checked(&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225])
    }

    /// To [−1, 1]: mean 0.5 and standard deviation 0.5 in every channel.
    #[must_use]
    pub fn signed() -> Self {
        Self::checked(&[0.5], &[0.5])
    }

    /// To [0, 1]: mean 0 and standard deviation 1 in every channel.
    #[must_use]
    pub fn unit() -> Self {
        Self::checked(&[0.0], &[1.0])
    }

    fn checked(mean: &[f32], std: &[f32]) -> Self {
        Self { mean: mean.to_vec(), std: std.to_vec() }
    }

    /// Writes the normalised `image` into `out` as planes `(C, H, W)`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transform`] if `out` has another length than the image's data, or if there are three means and the image is gray.
    pub fn write(&self, image: &Image, out: &mut [f32]) -> Result<()> {
        self.check(SampleInfo::of(image), out.len())?;
        split_strips(image, |c, first, plane| self.write_plane(c, plane, &mut out[first..first + plane.len()]));
        Ok(())
    }

    /// Normalises u8 images `(N, C, H, W)` on the device that they are on: the values that [`Normalize::write`] gives, as
    /// exactly as the device computes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transform`] if there are three means and the images are gray; [`ErrorKind::Tensor`] for another shape.
    pub fn tensor(&self, images: &Tensor) -> Result<Tensor> {
        let (_, channels, _, _) = images.dims4()?;
        self.check_channels(channels)?;
        let by_channel = |values: &[f32]| Tensor::new(values, images.device())?.reshape((1, values.len(), 1, 1));
        let unit = images.to_dtype(DType::F32)?.affine(f64::from(const { 1.0_f32 / 255.0 }), 0.0)?;
        Ok(unit.broadcast_sub(&by_channel(&self.mean)?)?.broadcast_div(&by_channel(&self.std)?)?)
    }

    /// Whether an image like `info` can be written into a place of `length`.
    pub(super) fn check(&self, info: SampleInfo<'_>, length: usize) -> Result<()> {
        check_length(info, length)?;
        self.check_channels(info.channels)
    }

    fn check_channels(&self, channels: usize) -> Result<()> {
        let means = self.mean.len();
        if means == 1 || means == channels {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Transform,
            format!("{self:?} has {means} channels, the image has {channels}: convert one to fit"),
        ))
    }

    /// Writes bytes of channel `c`, normalised, into `out`.
    pub(super) fn write_plane(&self, c: usize, bytes: &[u8], out: &mut [f32]) {
        let c = if self.mean.len() == 1 { 0 } else { c };
        let (mean, std) = (self.mean[c], self.std[c]);
        vectorized!({
            for (byte, out) in bytes.iter().zip(out) {
                *out = (f32::from(*byte) * const { 1.0 / 255.0 } - mean) / std;
            }
        });
    }
}

impl fmt::Debug for Normalize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Normalize").field("mean", &self.mean).field("std", &self.std).finish()
    }
}

/// Writes `image` into `out` as planes `(C, H, W)` of bytes: the plain transposition for batches of u8.
///
/// # Errors
///
/// [`ErrorKind::Transform`] if `out` has another length than the image's data.
pub fn write_planar(image: &Image, out: &mut [u8]) -> Result<()> {
    check_length(SampleInfo::of(image), out.len())?;
    split_strips(image, |_, first, plane| out[first..first + plane.len()].copy_from_slice(plane));
    Ok(())
}

/// Whether an image like `info` has `length` values.
pub(super) fn check_length(info: SampleInfo<'_>, length: usize) -> Result<()> {
    let SampleInfo { size, channels, .. } = info;
    if size.height * size.width * channels == length {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Transform,
        format!(
            "an image of {}×{} (height × width) with {channels} channels does not fit a place for {length} values: bring all images to one size, as with Resize::exact, and to one colour",
            size.height, size.width
        ),
    ))
}

/// Calls `write` with the channel, the place in `(C, H, W)`, and bytes of that channel, until all have been seen.
fn split_strips(image: &Image, mut write: impl FnMut(usize, usize, &[u8])) {
    if image.channels() == 1 {
        return write(0, 0, image.data());
    }
    let area = image.height() * image.width();
    let mut planes = [[0; STRIP]; 3];
    for (strip, pixels) in image.data().chunks(3 * STRIP).enumerate() {
        let count = pixels.len() / 3;
        deinterleave(pixels, planes.each_mut().map(|plane| &mut plane[..count]));
        for (c, plane) in planes.iter().enumerate() {
            write(c, c * area + strip * STRIP, &plane[..count]);
        }
    }
}
