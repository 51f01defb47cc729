//! From the images of a batch to its tensors.

use candle_core::{DType, Device, Tensor, WithDType};

use super::batch::Batch;
use super::guard::guarded;
use super::recipe::Recipe;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::plan::{Origin, Slot};
use crate::transform::{Normalize, write_planar};

/// The form of the batches.
pub(super) struct Output {
    pixels: Pixels,
    device: Device,
}

enum Pixels {
    F32(Normalize),
    U8,
}

impl Output {
    pub(super) fn new(dtype: DType, normalize: Option<Normalize>, device: Device) -> Result<Self> {
        let pixels = match (dtype, normalize) {
            (DType::F32, normalize) => Pixels::F32(normalize.unwrap_or_else(Normalize::unit)),
            (DType::U8, None) => Pixels::U8,
            (DType::U8, Some(normalize)) => {
                return Err(Error::config(format!(
                    "u8 batches hold the pixels as they are, but {normalize:?} makes f32 of them: \
                     leave one of the two out"
                )));
            }
            (other, _) => {
                return Err(Error::config(format!(
                    "expected batches of dtype f32 or u8, got {}: give one of the two, and convert the batches",
                    other.as_str()
                )));
            }
        };
        Ok(Self { pixels, device })
    }

    fn images(&self, images: Vec<Image>, write_error: impl Fn(Error, usize) -> Error) -> Result<Tensor> {
        match &self.pixels {
            Pixels::F32(normalize) => self
                .tensor(images, |n, image, out: &mut [f32]| normalize.write(image, out).map_err(|e| write_error(e, n))),
            Pixels::U8 => {
                self.tensor(images, |n, image, out: &mut [u8]| write_planar(image, out).map_err(|e| write_error(e, n)))
            }
        }
    }

    /// A tensor `(N, C, H, W)` into whose parts `write` puts the images, all of one shape. The only copy is the one
    /// that converts.
    fn tensor<T: WithDType + Default>(
        &self,
        images: Vec<Image>,
        write: impl Fn(usize, &Image, &mut [T]) -> Result<()>,
    ) -> Result<Tensor> {
        let (channels, height, width) = images.first().map(shape).unwrap_or_default();
        let (count, area) = (images.len(), channels * height * width);
        let mut data = vec![T::default(); count * area];
        for (n, (image, out)) in images.into_iter().zip(data.chunks_exact_mut(area.max(1))).enumerate() {
            write(n, &image, out)?;
        }
        Ok(Tensor::from_vec(data, (count, channels, height, width), &self.device)?)
    }
}

impl Recipe {
    /// The batch of these images, one for each slot.
    pub(super) fn collated(&self, slots: Vec<Slot>, images: Vec<Image>) -> Result<Batch> {
        guarded("collating the batch", || {
            self.check_shapes(&slots, &images)?;
            let images = self.output.images(images, |error, n| self.locate(error, &slots[n]))?;
            let labels: Vec<u32> = slots.iter().map(|slot| slot.label).collect();
            let labels = Tensor::from_vec(labels, slots.len(), &self.output.device)?;
            Ok(Batch { images, labels, slots })
        })
    }

    /// All samples must have the shape of the first real one, or of the first where none is real.
    fn check_shapes(&self, slots: &[Slot], images: &[Image]) -> Result<()> {
        let first = slots.iter().position(|slot| matches!(slot.origin, Origin::Real(_))).unwrap_or(0);
        let Some(expected) = images.get(first).map(shape) else { return Ok(()) };
        match images.iter().position(|image| shape(image) != expected) {
            None => Ok(()),
            Some(other) => Err(self
                .locate(self.mismatch(&slots[first], expected, &slots[other], shape(&images[other])), &slots[other])),
        }
    }

    fn mismatch(&self, first: &Slot, expected: Shape, other: &Slot, found: Shape) -> Error {
        let (kind, remedy) = match other.origin {
            _ if expected.0 == found.0 => (ErrorKind::Dataset, "add Resize::exact to the transforms"),
            Origin::Real(_) => (ErrorKind::Dataset, "give all images one colour, as ImageFolder::with_color does"),
            Origin::Synthetic(_) => {
                (ErrorKind::Synthetic, "use a synthetic source that makes images of the data set's colour")
            }
        };
        Error::new(
            kind,
            format!(
                "the samples of a batch must have one shape (channels, height, width): {} has {found:?}, \
             but {} has {expected:?}: {remedy}",
                self.describe(other),
                self.describe(first),
            ),
        )
    }

    fn describe(&self, slot: &Slot) -> String {
        match slot.origin {
            Origin::Real(index) => match self.dataset.path(index) {
                Some(path) => path.display().to_string(),
                None => format!("image {index}"),
            },
            Origin::Synthetic(serial) => {
                format!("synthetic sample {serial} of class {:?}", self.dataset.classes()[slot.label as usize])
            }
        }
    }
}

/// Channels, height, width.
type Shape = (usize, usize, usize);

fn shape(image: &Image) -> Shape {
    (image.channels(), image.height(), image.width())
}
