//! From the images of a batch to its tensors.

use candle_core::{DType, Device, Tensor};

use super::batch::Batch;
use super::guard::guarded;
use super::recipe::{Recipe, Sample};
use crate::error::{Error, ErrorKind, Result};
use crate::image::{Image, Size};
use crate::plan::{Origin, Slot};
use crate::rng::Purpose;
use crate::transform::{BatchOp, Normalize, Op, write_planar};

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

    /// Whether the batches hold normalised f32.
    pub(super) fn is_normalized(&self) -> bool {
        matches!(self.pixels, Pixels::F32(_))
    }

    /// The images, mixed by `op`. `write_error` tells of which sample an error is.
    fn images(
        &self,
        images: Vec<Image>,
        op: Option<BatchOp>,
        write_error: impl Fn(Error, usize) -> Error,
    ) -> Result<Tensor> {
        let (channels, height, width) = images.first().map(shape).unwrap_or_default();
        let dims = (images.len(), channels, height, width);
        match &self.pixels {
            Pixels::F32(normalize) => {
                let mut data = written(images, |image, out| normalize.write(image, out), write_error)?;
                op.map_or(Ok(()), |op| op.mix_images(&mut data, channels, Size::new(height, width)))?;
                Ok(Tensor::from_vec(data, dims, &self.device)?)
            }
            Pixels::U8 => Ok(Tensor::from_vec(written(images, write_planar, write_error)?, dims, &self.device)?),
        }
    }
}

/// What `write` puts into the parts of one buffer for the images, all of one shape. The only copy is the one that converts.
fn written<T: Clone + Default>(
    images: Vec<Image>,
    write: impl Fn(&Image, &mut [T]) -> Result<()>,
    write_error: impl Fn(Error, usize) -> Error,
) -> Result<Vec<T>> {
    let length = images.first().map_or(0, |image| image.data().len());
    let mut data = vec![T::default(); images.len() * length];
    for (n, (image, out)) in images.into_iter().zip(data.chunks_exact_mut(length.max(1))).enumerate() {
        write(&image, out).map_err(|error| write_error(error, n))?;
    }
    Ok(data)
}

impl Recipe {
    /// The batch of these samples, one for each slot.
    pub(super) fn collated(&self, slots: Vec<Slot>, samples: Vec<Sample>) -> Result<Batch> {
        let (images, drawn): (Vec<Image>, Vec<Vec<Op>>) =
            samples.into_iter().map(|sample| (sample.image, sample.ops)).unzip();
        guarded("collating the batch", || {
            self.check_shapes(&slots, &images)?;
            let batch_op = self.draw_for_batch(&slots, &images)?;
            let device = &self.output.device;
            let labels: Vec<u32> = slots.iter().map(|slot| slot.label).collect();
            let soft_labels = batch_op.map(|op| {
                let classes = self.dataset.classes().len();
                Ok::<_, Error>(Tensor::from_vec(op.mix_labels(&labels, classes)?, (slots.len(), classes), device)?)
            });
            Ok(Batch {
                images: self.output.images(images, batch_op, |error, n| self.locate(error, &slots[n]))?,
                labels: Tensor::from_vec(labels, slots.len(), device)?,
                soft_labels: soft_labels.transpose()?,
                slots,
                drawn,
                batch_op,
            })
        })
    }

    /// The operation on the whole batch; its generator is that of the first slot.
    fn draw_for_batch(&self, slots: &[Slot], images: &[Image]) -> Result<Option<BatchOp>> {
        let (Some(transform), Some(slot), Some(image)) = (&self.batch_transform, slots.first(), images.first()) else {
            return Ok(None);
        };
        let key = slot.key.with_purpose(Purpose::Batch);
        let draw = || Ok(transform.draw(image.size(), &mut key.rng()));
        guarded("the batch transform", draw)
            .map(Some)
            .map_err(|error| error.with_key(key).with_op(format_args!("draw")))
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
