//! From interleaved bytes to the planes of a batch tensor: normalised f32, or u8 as they are.

use std::fmt;

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
/// let image = Image::new(1, 2, 3, vec![0, 51, 255, 255, 51, 0])?;
/// let mut planes = [0.0; 6];
/// Normalize::signed().write(&image, &mut planes)?;
/// assert_eq!(planes, [-1.0, 1.0, -0.6, -0.6, 1.0, -1.0]);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Normalize {
    mean: Vec<f32>,
    std: Vec<f32>,
    /// The result for each byte, per channel.
    tables: Vec<[f32; 256]>,
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
        let table =
            |(mean, std): (&f32, &f32)| std::array::from_fn(|byte| (byte as f32 * const { 1.0 / 255.0 } - mean) / std);
        Self { mean: mean.to_vec(), std: std.to_vec(), tables: mean.iter().zip(std).map(table).collect() }
    }

    /// Writes the normalised `image` into `out` as planes `(C, H, W)`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transform`] if `out` has another length than the image's data, or if there are three means and the image is gray.
    pub fn write(&self, image: &Image, out: &mut [f32]) -> Result<()> {
        check_length(image, out.len())?;
        match (image.channels(), self.tables.as_slice()) {
            (1, [table]) => look_up(image.data(), [table], out),
            (3, [table]) => look_up(image.data(), [table; 3], out),
            (3, [red, green, blue]) => look_up(image.data(), [red, green, blue], out),
            (channels, tables) => {
                return Err(Error::new(
                    ErrorKind::Transform,
                    format!("{self:?} has {} channels, the image has {channels}: convert one to fit", tables.len()),
                ));
            }
        }
        Ok(())
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
    check_length(image, out.len())?;
    if image.channels() == 1 {
        out.copy_from_slice(image.data());
    } else {
        split(image.data(), out, |pixel: [u8; 3]| pixel);
    }
    Ok(())
}

fn check_length(image: &Image, length: usize) -> Result<()> {
    if image.data().len() == length {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Transform,
        format!(
            "an image of {}×{} (height × width) with {} channels does not fit a place for {length} values: bring all images to one size, as with Resize::exact, and to one colour",
            image.height(),
            image.width(),
            image.channels()
        ),
    ))
}

fn look_up<const C: usize>(data: &[u8], tables: [&[f32; 256]; C], out: &mut [f32]) {
    split(data, out, |pixel: [u8; C]| std::array::from_fn(|c| tables[c][usize::from(pixel[c])]));
}

/// Writes channel c of each converted pixel into plane c.
fn split<const C: usize, T>(data: &[u8], out: &mut [T], convert: impl Fn([u8; C]) -> [T; C]) {
    let (pixels, _) = data.as_chunks::<C>();
    let mut rest = out;
    let mut planes: [&mut [T]; C] = std::array::from_fn(|_| {
        let (plane, tail) = std::mem::take(&mut rest).split_at_mut(pixels.len());
        rest = tail;
        plane
    });
    for (i, pixel) in pixels.iter().enumerate() {
        for (plane, value) in planes.iter_mut().zip(convert(*pixel)) {
            plane[i] = value;
        }
    }
}
