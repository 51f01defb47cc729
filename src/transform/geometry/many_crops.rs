//! Several crops of one image, whose predictions are averaged in evaluation.

use super::crop::middle;
use super::params::Sides;
use crate::error::Result;
use crate::image::Size;
use crate::transform::{Op, SampleInfo};

/// The four corners and the middle.
///
/// It is no [`Transform`](crate::Transform), since it makes several images of one:
///
/// ```
/// use candle_augment::{FiveCrop, Image, SampleInfo, apply_ops};
///
/// let image = Image::filled(40, 30, &[7])?;
/// let crops = FiveCrop::new(24, 24)?.draw(SampleInfo::of(&image));
/// let images = crops.iter().map(|op| op.apply(image.clone())).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(images.len(), 5);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FiveCrop {
    size: Sides,
}

impl FiveCrop {
    /// Each of `height` × `width` pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a side is 0, or there are more than 2²⁸ pixels.
    pub fn new(height: usize, width: usize) -> Result<Self> {
        Ok(Self { size: Sides::new("FiveCrop:", height, width)? })
    }

    /// The crops: top left, top right, bottom left, bottom right, middle. Applying one to an image that is smaller is an error.
    #[must_use]
    pub fn draw(&self, info: SampleInfo<'_>) -> [Op; 5] {
        let size = self.size.get();
        let Size { height, width } = info.size;
        let (bottom, right) = (height.saturating_sub(size.height), width.saturating_sub(size.width));
        let (top, left) = (middle(bottom, 0), middle(right, 0));
        [(0, 0), (0, right), (bottom, 0), (bottom, right), (top, left)].map(|(top, left)| Op::Crop { top, left, size })
    }
}

/// The crops of [`FiveCrop`], and the same of the mirrored image.
///
/// ```
/// use candle_augment::{Image, SampleInfo, TenCrop, apply_ops};
///
/// let image = Image::filled(40, 30, &[7])?;
/// let crops = TenCrop::new(24, 24)?.draw(SampleInfo::of(&image));
/// let images = crops.iter().map(|ops| apply_ops(ops, image.clone())).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(images.len(), 10);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TenCrop {
    crops: FiveCrop,
    vertical_flip: bool,
}

impl TenCrop {
    /// Each of `height` × `width` pixels; mirrored left and right.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a side is 0, or there are more than 2²⁸ pixels.
    pub fn new(height: usize, width: usize) -> Result<Self> {
        Ok(Self { crops: FiveCrop { size: Sides::new("TenCrop:", height, width)? }, vertical_flip: false })
    }

    /// Whether the image is mirrored top and bottom instead; default: no.
    #[must_use]
    pub fn with_vertical_flip(self, vertical_flip: bool) -> Self {
        Self { vertical_flip, ..self }
    }

    /// The operations of each crop: five as the image is, five mirrored.
    #[must_use]
    pub fn draw(&self, info: SampleInfo<'_>) -> Vec<Vec<Op>> {
        let flip = if self.vertical_flip { Op::VFlip } else { Op::HFlip };
        let crops = self.crops.draw(info);
        let mirrored = crops.clone().map(|crop| vec![flip.clone(), crop]);
        crops.map(|crop| vec![crop]).into_iter().chain(mirrored).collect()
    }
}
