//! Applies operations to one image after another without allocating.

use super::kernels::view::{Layout, View};
use super::kernels::{self, Scratch};
use super::normalize::{Normalize, write_planar};
use super::op::Op;
use crate::error::Result;
use crate::image::Image;

/// Applies operations; its buffers are kept from one image to the next.
///
/// The results are those of the operations one after the other, to the bit, however they are combined on the way.
///
/// ```
/// use candle_augment::{Executor, Image, Normalize, Op};
///
/// let image = Image::new(1, 2, 1, vec![0, 255])?;
/// let mut executor = Executor::new();
/// let mut planes = [0.0; 2];
/// executor.write(&[Op::HFlip, Op::Invert], &image, &Normalize::signed(), &mut planes)?;
/// assert_eq!(planes, [-1.0, 1.0]);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Executor {
    /// The pixels so far, once an operation has moved or changed them.
    current: Vec<u8>,
    /// What the operation under way makes.
    next: Vec<u8>,
    scratch: Scratch,
}

impl Executor {
    /// With empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The image after `ops`.
    ///
    /// # Errors
    ///
    /// As [`apply_ops`](crate::apply_ops).
    pub fn image(&mut self, ops: &[Op], image: &Image) -> Result<Image> {
        let picture = self.run(ops, image)?;
        let view = self.view(&picture, image);
        let mut data = Vec::new();
        view.copy_into(&mut data);
        Image::new(view.size().height, view.size().width, view.channels(), data)
    }

    /// Writes the image after `ops`, normalised, into `out` as planes `(C, H, W)`.
    ///
    /// # Errors
    ///
    /// As [`apply_ops`](crate::apply_ops), and as [`Normalize::write`].
    pub fn write(&mut self, ops: &[Op], image: &Image, normalize: &Normalize, out: &mut [f32]) -> Result<()> {
        normalize.write(&self.image(ops, image)?, out)
    }

    /// Writes the image after `ops` into `out` as planes `(C, H, W)` of bytes.
    ///
    /// # Errors
    ///
    /// As [`apply_ops`](crate::apply_ops), and as [`write_planar`](crate::write_planar).
    pub fn write_planar(&mut self, ops: &[Op], image: &Image, out: &mut [u8]) -> Result<()> {
        write_planar(&self.image(ops, image)?, out)
    }

    /// Applies `ops`; flips and crops only change how the pixels are read.
    fn run(&mut self, ops: &[Op], image: &Image) -> Result<Picture> {
        let mut picture = Picture { in_source: true, layout: View::of(image).layout() };
        for (place, op) in ops.iter().enumerate() {
            self.apply(op, image, &mut picture)
                .map_err(|error| error.with_op(format_args!("{op:?}, number {} of {}", place + 1, ops.len())))?;
        }
        Ok(picture)
    }

    fn apply(&mut self, op: &Op, image: &Image, picture: &mut Picture) -> Result<()> {
        let output = op.output(picture.layout.info())?;
        picture.layout = match *op {
            Op::HFlip => picture.layout.flipped_horizontally(),
            Op::VFlip => picture.layout.flipped_vertically(),
            Op::Crop { top, left, size } => picture.layout.cropped(top, left, size),
            _ => {
                let mut out = std::mem::take(&mut self.next);
                let mut scratch = std::mem::take(&mut self.scratch);
                let done = kernels::apply(op, self.view(picture, image), &mut out, &mut scratch);
                self.scratch = scratch;
                self.next = std::mem::replace(&mut self.current, out);
                done?;
                picture.in_source = false;
                Layout::whole(output.size, output.channels)
            }
        };
        Ok(())
    }

    fn view<'a>(&'a self, picture: &Picture, image: &'a Image) -> View<'a> {
        View::new(if picture.in_source { image.data() } else { &self.current }, picture.layout)
    }
}

/// Where the pixels are.
struct Picture {
    in_source: bool,
    layout: Layout,
}
