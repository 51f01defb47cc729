//! The crate's image: 8 bits a channel, interleaved rows `(H, W, C)`, gray (C = 1) or RGB (C = 3).

use ::image::{DynamicImage, GrayImage, RgbImage};
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Height and width in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Size {
    /// `height` rows by `width` columns.
    #[must_use]
    pub const fn new(height: usize, width: usize) -> Self {
        Self { height, width }
    }

    /// A square of `side` pixels.
    #[must_use]
    pub const fn square(side: usize) -> Self {
        Self::new(side, side)
    }
}

/// How many channels an image is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    /// Three channels; gray is repeated. torchvision's `ImageFolder` does the same.
    #[default]
    Rgb,
    /// One channel: ITU-R 601-2 luma of RGB, as Pillow's mode "L".
    Gray,
    /// As the file has it: gray stays gray, everything else becomes RGB.
    AsStored,
}

/// An image of 8-bit pixels, rows first, channels interleaved: `(H, W, C)` with C = 1 (gray) or 3 (RGB).
///
/// ```
/// use candle_augment::Image;
///
/// let image = Image::new(2, 1, 3, vec![255, 0, 0, 0, 0, 255])?;
/// assert_eq!(image.pixel(0, 1), [0, 0, 255]);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Image {
    size: Size,
    channels: usize,
    data: Vec<u8>,
}

/// The pixels of an image that lie elsewhere: in a data set, or in a buffer that is kept. As [`Image`], but borrowed.
///
/// ```
/// use candle_augment::{Image, ImageRef};
///
/// let bytes = [0, 255];
/// let pair = ImageRef::new(1, 2, 1, &bytes)?;
/// assert_eq!(pair.to_image().pixel(1, 0), [255]);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageRef<'a> {
    size: Size,
    channels: usize,
    data: &'a [u8],
}

impl<'a> ImageRef<'a> {
    /// An image of pixels `(H, W, C)`, `height` × `width` × `channels` bytes, where `height` comes first.
    ///
    /// # Errors
    ///
    /// As [`Image::new`].
    pub fn new(height: usize, width: usize, channels: usize, data: &'a [u8]) -> Result<Self> {
        check(height, width, channels, data.len())?;
        Ok(Self { size: Size { height, width }, channels, data })
    }

    /// Height and width.
    #[must_use]
    pub fn size(self) -> Size {
        self.size
    }

    /// 1 (gray) or 3 (RGB).
    #[must_use]
    pub fn channels(self) -> usize {
        self.channels
    }

    /// The pixels, `(H, W, C)`.
    #[must_use]
    pub fn data(self) -> &'a [u8] {
        self.data
    }

    /// A copy of its own.
    #[must_use]
    pub fn to_image(self) -> Image {
        Image { size: self.size, channels: self.channels, data: self.data.to_vec() }
    }
}

impl<'a> From<&'a Image> for ImageRef<'a> {
    fn from(image: &'a Image) -> Self {
        Self { size: image.size, channels: image.channels, data: &image.data }
    }
}

/// Whether there are as many bytes as such an image has, and at least one pixel.
fn check(height: usize, width: usize, channels: usize, bytes: usize) -> Result<()> {
    let expected = height.checked_mul(width).and_then(|area| area.checked_mul(channels));
    if height > 0 && width > 0 && matches!(channels, 1 | 3) && expected == Some(bytes) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Dataset,
        format!(
            "expected height × width × channels bytes with 1 or 3 channels and at least 1×1 pixels, got {height} × {width} × {channels} and {bytes} bytes"
        ),
    ))
}

impl Image {
    /// An image from its pixels, `height` × `width` × `channels` bytes, where `height` comes first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`] if a side is 0, the channels are neither 1 nor 3, or the number of bytes is another.
    pub fn new(height: usize, width: usize, channels: usize, data: Vec<u8>) -> Result<Self> {
        check(height, width, channels, data.len())?;
        Ok(Self { size: Size { height, width }, channels, data })
    }

    /// An image of one colour, given by its 1 or 3 channels.
    ///
    /// # Errors
    ///
    /// As [`Image::new`].
    pub fn filled(height: usize, width: usize, color: &[u8]) -> Result<Self> {
        let area = height.saturating_mul(width);
        Self::new(height, width, color.len(), color.repeat(area))
    }

    /// Height and width.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.size.height
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.size.width
    }

    /// 1 (gray) or 3 (RGB).
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The pixels, `(H, W, C)`.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The pixels, `(H, W, C)`, to change in place.
    #[must_use]
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The pixels, `(H, W, C)`, taken out.
    #[must_use]
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// The channels of the pixel in column `x` and row `y`.
    ///
    /// # Panics
    ///
    /// If `x` or `y` lies outside.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> &[u8] {
        assert!(x < self.width() && y < self.height(), "pixel ({x}, {y}) of {:?}", self.size);
        let start = (y * self.width() + x) * self.channels;
        &self.data[start..start + self.channels]
    }

    /// The image with the channels that `color` asks for; as it is where it has them.
    #[must_use]
    pub fn into_color(self, color: Color) -> Self {
        match (color, self.channels) {
            (Color::Rgb, 1) => {
                let data = self.data.iter().flat_map(|&value| [value; 3]).collect();
                Self { size: self.size, channels: 3, data }
            }
            (Color::Gray, 3) => {
                let data = self.data.as_chunks().0.iter().copied().map(luma).collect();
                Self { size: self.size, channels: 1, data }
            }
            _ => self,
        }
    }

    /// Images from a tensor `(N, C, H, W)`, C = 1 or 3, of dtype u8, or f32 in [0, 1] (scaled by 255 and rounded to the nearest).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`] for another shape or dtype, or for an f32 outside [0, 1].
    pub fn from_tensor(images: &Tensor) -> Result<Vec<Self>> {
        let (count, channels, height, width) = images.dims4().map_err(|_| {
            Error::new(ErrorKind::Dataset, format!("expected images of shape (N, C, H, W), got {:?}", images.dims()))
        })?;
        let planar = tensor_bytes(images)?;
        let area = height * width;
        (0..count)
            .map(|n| {
                let image = &planar[n * channels * area..(n + 1) * channels * area];
                let data = (0..area).flat_map(|i| (0..channels).map(move |c| image[c * area + i])).collect();
                Self::new(height, width, channels, data)
            })
            .collect()
    }

    /// The image as a u8 tensor `(C, H, W)` on `device`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Tensor`] if the device refuses it.
    pub fn to_tensor(&self, device: &Device) -> Result<Tensor> {
        let mut planar: Vec<u8> = Vec::with_capacity(self.data.len());
        for c in 0..self.channels {
            planar.extend(self.data.iter().skip(c).step_by(self.channels));
        }
        Ok(Tensor::from_vec(planar, (self.channels, self.height(), self.width()), device)?)
    }
}

/// ITU-R 601-2 luma in Pillow's fixed point: `(19595 R + 38470 G + 7471 B + 2¹⁵) / 2¹⁶`.
#[inline(always)]
pub(crate) fn luma(rgb: [u8; 3]) -> u8 {
    let [r, g, b] = rgb.map(u32::from);
    ((19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16) as u8
}

fn tensor_bytes(images: &Tensor) -> Result<Vec<u8>> {
    match images.dtype() {
        DType::U8 => Ok(images.flatten_all()?.to_vec1()?),
        DType::F32 => {
            let values: Vec<f32> = images.flatten_all()?.to_vec1()?;
            if let Some(value) = values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
                return Err(Error::new(
                    ErrorKind::Dataset,
                    format!("expected f32 pixels in [0, 1], got {value}: divide by 255, or give u8"),
                ));
            }
            Ok(values.iter().map(|value| (value * 255.0).round() as u8).collect())
        }
        other => {
            Err(Error::new(ErrorKind::Dataset, format!("expected images of dtype u8 or f32, got {}", other.as_str())))
        }
    }
}

impl TryFrom<DynamicImage> for Image {
    type Error = Error;

    /// Gray stays gray, everything else becomes RGB; alpha is dropped, 16 bits and floats are scaled to 8. An image
    /// with a side of 0 is an error.
    fn try_from(image: DynamicImage) -> Result<Self> {
        let (height, width) = (image.height() as usize, image.width() as usize);
        let (channels, data) = if image.color().has_color() {
            (3, image.into_rgb8().into_raw())
        } else {
            (1, image.into_luma8().into_raw())
        };
        Self::new(height, width, channels, data)
    }
}

impl TryFrom<&Tensor> for Image {
    type Error = Error;

    /// An image from a tensor `(C, H, W)`, under the rules of [`Image::from_tensor`].
    fn try_from(image: &Tensor) -> Result<Self> {
        if image.rank() != 3 {
            return Err(Error::new(
                ErrorKind::Dataset,
                format!("expected an image of shape (C, H, W), got {:?}", image.dims()),
            ));
        }
        Ok(Self::from_tensor(&image.unsqueeze(0)?)?.remove(0))
    }
}

impl TryFrom<Tensor> for Image {
    type Error = Error;

    /// As for `&Tensor`.
    fn try_from(image: Tensor) -> Result<Self> {
        Self::try_from(&image)
    }
}

impl From<Image> for DynamicImage {
    fn from(image: Image) -> Self {
        let (width, height) = (image.width() as u32, image.height() as u32);
        let fits = "an image holds exactly height × width × channels bytes";
        if image.channels == 1 {
            GrayImage::from_raw(width, height, image.data).expect(fits).into()
        } else {
            RgbImage::from_raw(width, height, image.data).expect(fits).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_come_back() -> Result<()> {
        let image = Image::new(2, 2, 3, (0..12).collect())?;
        let tensor = image.to_tensor(&Device::Cpu)?.unsqueeze(0)?;
        assert_eq!(Image::from_tensor(&tensor)?, std::slice::from_ref(&image));
        let floats = (tensor.to_dtype(DType::F32)? / 255.0)?;
        assert_eq!(Image::from_tensor(&floats)?, [image]);
        Ok(())
    }

    #[test]
    fn luma_is_pillows() {
        assert_eq!(luma([255, 255, 255]), 255);
        assert_eq!(luma([10, 200, 30]), 124);
    }

    #[test]
    fn wrong_shapes_are_refused() {
        assert!(Image::new(0, 2, 1, vec![]).is_err());
        assert!(Image::new(1, 1, 2, vec![0; 2]).is_err());
        assert!(Image::new(usize::MAX, 2, 1, vec![0; 2]).is_err());
    }
}
