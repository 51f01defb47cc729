//! The form of the batches: dtype, normalisation and device; and the memory that their images are written into.

use candle_core::{DType, Device, Tensor};

use crate::error::{Error, Result};
use crate::image::{Image, ImageRef, Size};
use crate::transform::{BatchOp, Executor, Normalize, Op};

/// The form of the batches.
#[derive(Debug)]
pub(super) struct Output {
    pixels: Pixels,
    device: Device,
}

#[derive(Debug)]
enum Pixels {
    F32(Normalize),
    U8,
    /// Bytes until they are on the device.
    NormalizedThere(Normalize),
}

/// What the builder was told.
#[derive(Debug)]
pub(super) struct OutputConfig {
    pub dtype: DType,
    pub normalize: Option<Normalize>,
    pub normalize_on_device: bool,
    pub device: Device,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self { dtype: DType::F32, normalize: None, normalize_on_device: false, device: Device::Cpu }
    }
}

impl Output {
    pub(super) fn new(config: OutputConfig) -> Result<Self> {
        let OutputConfig { dtype, normalize, normalize_on_device, device } = config;
        let pixels = match (dtype, normalize) {
            (DType::F32, normalize) => {
                let normalize = normalize.unwrap_or_else(Normalize::unit);
                if normalize_on_device { Pixels::NormalizedThere(normalize) } else { Pixels::F32(normalize) }
            }
            (DType::U8, Some(normalize)) => {
                return Err(Error::config(format!(
                    "u8 batches hold the pixels as they are, but {normalize:?} makes f32 of them: \
                     leave one of the two out"
                )));
            }
            (DType::U8, None) if normalize_on_device => {
                return Err(Error::config(
                    "u8 batches hold the pixels as they are, but they are to be normalised on the device: \
                     leave one of the two out",
                ));
            }
            (DType::U8, None) => Pixels::U8,
            (other, _) => {
                return Err(Error::config(format!(
                    "expected batches of dtype f32 or u8, got {}: give one of the two, and convert the batches",
                    other.as_str()
                )));
            }
        };
        Ok(Self { pixels, device })
    }

    /// Whether images can be mixed before they are put on the device.
    pub(super) fn can_mix(&self) -> bool {
        matches!(self.pixels, Pixels::F32(_))
    }

    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// The memory for `count` images. Of small batches it is empty, and [grows](Buffer::grow) image by image, so that what is
    /// written next has just been cleared and is still in the cache; that of large ones comes clear from the system.
    pub(super) fn buffer(&self, count: usize, shape: Shape) -> Result<Buffer> {
        let length = count.checked_mul(shape.len()).ok_or_else(|| {
            Error::config(format!(
                "a batch of {count} images of {shape} does not fit into memory: lower the batch size"
            ))
        })?;
        const LARGE: usize = 1 << 20;
        Ok(match self.pixels {
            Pixels::F32(_) if length < LARGE => Buffer::F32(Vec::with_capacity(length)),
            Pixels::F32(_) => Buffer::F32(vec![0.0; length]),
            Pixels::U8 | Pixels::NormalizedThere(_) if length < LARGE => Buffer::U8(Vec::with_capacity(length)),
            Pixels::U8 | Pixels::NormalizedThere(_) => Buffer::U8(vec![0; length]),
        })
    }

    /// The place of image `n` of `shape` in the buffer, which has grown so far.
    pub(super) fn place<'a>(&'a self, buffer: &'a mut Buffer, n: usize, shape: Shape) -> Place<'a> {
        let place = n * shape.len()..(n + 1) * shape.len();
        match (buffer, &self.pixels) {
            (Buffer::F32(data), Pixels::F32(normalize)) => Place::F32(&mut data[place], normalize),
            (Buffer::U8(data), _) => Place::U8(&mut data[place]),
            (Buffer::F32(_), _) => unreachable!("only normalised images are f32"),
        }
    }

    /// The place of each image of `shape` in the buffer, in order.
    pub(super) fn places<'a>(&'a self, buffer: &'a mut Buffer, shape: Shape) -> impl Iterator<Item = Place<'a>> {
        let (floats, bytes, normalize) = match (buffer, &self.pixels) {
            (Buffer::F32(data), Pixels::F32(normalize)) => (Some(data), None, Some(normalize)),
            (Buffer::F32(data), _) => (Some(data), None, None),
            (Buffer::U8(data), _) => (None, Some(data), None),
        };
        let floats = floats.into_iter().flat_map(move |data| data.chunks_exact_mut(shape.len()));
        let bytes = bytes.into_iter().flat_map(move |data| data.chunks_exact_mut(shape.len()));
        floats
            .zip(normalize.into_iter().cycle())
            .map(|(out, normalize)| Place::F32(out, normalize))
            .chain(bytes.map(Place::U8))
    }

    /// The images `(N, C, H, W)` on the device.
    pub(super) fn tensor(&self, buffer: Buffer, count: usize, shape: Shape) -> Result<Tensor> {
        let dims = (count, shape.channels, shape.size.height, shape.size.width);
        match (buffer, &self.pixels) {
            (Buffer::F32(data), _) => Ok(Tensor::from_vec(data, dims, &self.device)?),
            (Buffer::U8(data), Pixels::NormalizedThere(normalize)) => {
                normalize.tensor(&Tensor::from_vec(data, dims, &self.device)?)
            }
            (Buffer::U8(data), _) => Ok(Tensor::from_vec(data, dims, &self.device)?),
        }
    }
}

/// The shape of a sample; all of a batch have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub channels: usize,
    pub size: Size,
}

impl Shape {
    /// The number of values.
    fn len(self) -> usize {
        self.channels * self.size.height * self.size.width
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({}, {}, {})", self.channels, self.size.height, self.size.width)
    }
}

/// The images of a batch, `(N, C, H, W)`, while they are made.
#[derive(Debug)]
pub(super) enum Buffer {
    F32(Vec<f32>),
    U8(Vec<u8>),
}

impl Buffer {
    /// Makes room for so many images, of which new ones are zeros; it does not become smaller.
    pub(super) fn grow(&mut self, images: usize, shape: Shape) {
        let length = images * shape.len();
        match self {
            Self::F32(data) if data.len() < length => data.resize(length, 0.0),
            Self::U8(data) if data.len() < length => data.resize(length, 0),
            Self::F32(_) | Self::U8(_) => {}
        }
    }

    /// Keeps the images for which `kept` says so, in order.
    pub(super) fn keep(&mut self, kept: &[bool], shape: Shape) {
        fn pack<T: Copy>(data: &mut Vec<T>, kept: &[bool], length: usize) {
            let mut end = 0;
            for (n, _) in kept.iter().enumerate().filter(|(_, kept)| **kept) {
                data.copy_within(n * length..(n + 1) * length, end);
                end += length;
            }
            data.truncate(end);
        }
        match self {
            Self::F32(data) => pack(data, kept, shape.len()),
            Self::U8(data) => pack(data, kept, shape.len()),
        }
    }

    /// Mixes normalised images; bytes are left alone.
    pub(super) fn mix(&mut self, op: BatchOp, shape: Shape) -> Result<()> {
        match self {
            Self::F32(data) => op.mix_images(data, shape.channels, shape.size),
            Self::U8(_) => Ok(()),
        }
    }
}

/// Where one sample is written, and in which form.
#[derive(Debug)]
pub(super) enum Place<'a> {
    F32(&'a mut [f32], &'a Normalize),
    U8(&'a mut [u8]),
    /// An image of its own, not part of a batch.
    Image(&'a mut Option<Image>),
}

impl Place<'_> {
    /// The same place, for a time.
    pub(super) fn reborrow(&mut self) -> Place<'_> {
        match self {
            Self::F32(out, normalize) => Place::F32(out, normalize),
            Self::U8(out) => Place::U8(out),
            Self::Image(out) => Place::Image(out),
        }
    }

    /// Writes the image after `ops`, of which the first `done` have been applied to it.
    pub(super) fn write(self, executor: &mut Executor, done: usize, ops: &[Op], image: ImageRef<'_>) -> Result<()> {
        match self {
            Self::F32(out, normalize) => executor.write_after(done, ops, image, normalize, out),
            Self::U8(out) => executor.write_planar_after(done, ops, image, out),
            Self::Image(out) => {
                *out = Some(executor.image_after(done, ops, image, Vec::new())?);
                Ok(())
            }
        }
    }
}
