//! Applies operations to one image after another without allocating.

use super::SampleInfo;
use super::kernels::pad::Window;
use super::kernels::point::{Plan, Program, Sink, Source, Statistic, Statistics, Strips, gamma};
use super::kernels::view::{Layout, View};
use super::kernels::{self, Scratch};
use super::normalize::{Normalize, check_length};
use super::op::Op;
use crate::error::{Error, Result};
use crate::image::{Image, ImageRef};

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
    /// The pixels so far as planes, where a pass left them for the next one.
    planes: Vec<u8>,
    next_planes: Vec<u8>,
    /// Functions of one pixel that are still to be done to the pixels so far.
    program: Program,
    strips: Strips,
    statistics: Statistics,
    scratch: Scratch,
    under_way: Option<usize>,
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
    pub fn image<'a>(&mut self, ops: &[Op], image: impl Into<ImageRef<'a>>) -> Result<Image> {
        self.image_in(ops, image, Vec::new())
    }

    /// The image after `ops`, in the memory of `buffer`, whose contents do not matter: perhaps [`Image::into_data`] of the one before.
    ///
    /// # Errors
    ///
    /// As [`apply_ops`](crate::apply_ops).
    pub fn image_in<'a>(&mut self, ops: &[Op], image: impl Into<ImageRef<'a>>, buffer: Vec<u8>) -> Result<Image> {
        self.image_after(0, ops, image.into(), buffer)
    }

    /// As [`Executor::image_in`], where the first `done` of the `ops` have been applied to `image`.
    pub(crate) fn image_after(
        &mut self,
        done: usize,
        ops: &[Op],
        image: ImageRef<'_>,
        mut buffer: Vec<u8>,
    ) -> Result<Image> {
        let picture = self.run(done, ops, image)?;
        let SampleInfo { size, channels, .. } = picture.info();
        let length = size.height * size.width * channels;
        if self.program.is_empty() && picture.is_at_the_start() {
            std::mem::swap(&mut buffer, &mut self.current);
            buffer.truncate(length);
        } else {
            // Without `clear`, which would make `resize` fill the whole buffer.
            buffer.resize(length, 0);
            self.finish(&picture, image, &mut Sink::Pixels(&mut buffer));
        }
        Image::new(size.height, size.width, channels, buffer)
    }

    /// Writes the image after `ops`, normalised, into `out` as planes `(C, H, W)`.
    ///
    /// # Errors
    ///
    /// As [`apply_ops`](crate::apply_ops), and as [`Normalize::write`].
    pub fn write<'a>(
        &mut self,
        ops: &[Op],
        image: impl Into<ImageRef<'a>>,
        normalize: &Normalize,
        out: &mut [f32],
    ) -> Result<()> {
        self.write_after(0, ops, image.into(), normalize, out)
    }

    /// As [`Executor::write`], where the first `done` of the `ops` have been applied to `image`.
    pub(crate) fn write_after(
        &mut self,
        done: usize,
        ops: &[Op],
        image: ImageRef<'_>,
        normalize: &Normalize,
        out: &mut [f32],
    ) -> Result<()> {
        let picture = self.run(done, ops, image)?;
        normalize.check(picture.info(), out.len())?;
        self.finish(&picture, image, &mut Sink::Floats(normalize, out));
        Ok(())
    }

    /// Writes the image after `ops` into `out` as planes `(C, H, W)` of bytes.
    ///
    /// # Errors
    ///
    /// As [`apply_ops`](crate::apply_ops), and as [`write_planar`](crate::write_planar).
    pub fn write_planar<'a>(&mut self, ops: &[Op], image: impl Into<ImageRef<'a>>, out: &mut [u8]) -> Result<()> {
        self.write_planar_after(0, ops, image.into(), out)
    }

    /// As [`Executor::write_planar`], where the first `done` of the `ops` have been applied to `image`.
    pub(crate) fn write_planar_after(
        &mut self,
        done: usize,
        ops: &[Op],
        image: ImageRef<'_>,
        out: &mut [u8],
    ) -> Result<()> {
        let picture = self.run(done, ops, image)?;
        check_length(picture.info(), out.len())?;
        self.finish(&picture, image, &mut Sink::Planes(out));
        Ok(())
    }

    /// The place in `ops`, from 0, of the operation that the last call stopped at: with an error, or with the panic of a closure.
    #[must_use]
    pub fn stopped_at(&self) -> Option<usize> {
        self.under_way
    }

    /// Applies `ops`, but for the program that is left to do; flips and crops only change how the pixels are read.
    fn run(&mut self, done: usize, ops: &[Op], image: ImageRef<'_>) -> Result<Picture> {
        self.program.clear();
        let mut picture =
            Picture { place: Place::Source, layout: View::of(image).layout(), channels: image.channels() };
        let mut place = done;
        while let Some(op) = ops.get(place) {
            self.under_way = Some(place);
            let applied = self.apply(op, ops.get(place + 1), image, &mut picture);
            place += applied.map_err(|error| at_op(error, ops, place))?;
        }
        self.under_way = None;
        Ok(picture)
    }

    /// Applies `op`, and perhaps `next` with it; how many of them.
    fn apply(&mut self, op: &Op, next: Option<&Op>, image: ImageRef<'_>, picture: &mut Picture) -> Result<usize> {
        let output = op.output(picture.info())?;
        match *op {
            Op::HFlip => picture.layout = picture.layout.flipped_horizontally(),
            Op::VFlip => picture.layout = picture.layout.flipped_vertically(),
            Op::Crop { top, left, size } => picture.layout = picture.layout.cropped(top, left, size),
            _ => match Plan::new(op, picture.channels) {
                Some(plan) => {
                    self.plan(plan, op, image, picture);
                    picture.channels = output.channels;
                }
                None => {
                    self.settle(image, picture);
                    if let Some(window) = next.and_then(|next| window(op, output, next)) {
                        self.replace(image, picture, |source, out, _| kernels::pad_part(op, window, source, out));
                        *picture = Picture::whole(SampleInfo { size: window.size, ..output });
                        return Ok(2);
                    }
                    self.replace(image, picture, |source, out, scratch| kernels::apply(op, source, out, scratch))?;
                    *picture = Picture::whole(output);
                }
            },
        }
        Ok(1)
    }

    /// Adds an operation to the program.
    fn plan(&mut self, plan: Plan, op: &Op, image: ImageRef<'_>, picture: &mut Picture) {
        let SampleInfo { size, channels, .. } = picture.info();
        let bytes = size.height * size.width * channels;
        match plan {
            Plan::Nothing => {}
            Plan::Step(step) => self.program.push(step, bytes),
            Plan::Gamma { gamma: exponent, gain } => self.program.push_table(gamma(exponent, gain), bytes),
            Plan::After(kind) => {
                self.gather(kind, image, picture);
                Plan::after(op, &self.statistics, size, channels, &mut self.program);
            }
        }
    }

    /// Gathers statistics of the pixels after the program; what it costs is kept.
    fn gather(&mut self, kind: Statistic, image: ImageRef<'_>, picture: &mut Picture) {
        let SampleInfo { size, channels, .. } = picture.info();
        let source = picture.source(image, &self.current, &self.planes);
        self.statistics.reset(kind);
        if self.program.is_cheap() {
            return self.strips.run(source, &self.program, &mut Sink::Statistics(&mut self.statistics, None));
        }
        self.next_planes.resize(size.height * size.width * channels, 0);
        let mut sink = Sink::Statistics(&mut self.statistics, Some(&mut self.next_planes));
        self.strips.run(source, &self.program, &mut sink);
        self.program.clear();
        std::mem::swap(&mut self.planes, &mut self.next_planes);
        picture.place = Place::Planes { area: size.height * size.width };
        picture.layout = Layout::whole(size, 1);
    }

    /// Does the program, so that the pixels so far can be seen as an image.
    fn settle(&mut self, image: ImageRef<'_>, picture: &mut Picture) {
        if self.program.is_empty() && !matches!(picture.place, Place::Planes { .. }) {
            return;
        }
        let info = picture.info();
        let mut out = std::mem::take(&mut self.next);
        out.resize(info.size.height * info.size.width * info.channels, 0);
        self.finish(picture, image, &mut Sink::Pixels(&mut out));
        self.next = std::mem::replace(&mut self.current, out);
        self.program.clear();
        *picture = Picture::whole(info);
    }

    /// Writes the pixels after the program.
    fn finish(&mut self, picture: &Picture, image: ImageRef<'_>, sink: &mut Sink<'_>) {
        self.strips.run(picture.source(image, &self.current, &self.planes), &self.program, sink);
    }

    /// Makes a new image of the pixels so far.
    fn replace<T>(
        &mut self,
        image: ImageRef<'_>,
        picture: &Picture,
        make: impl FnOnce(View<'_>, &mut Vec<u8>, &mut Scratch) -> T,
    ) -> T {
        let mut out = std::mem::take(&mut self.next);
        let done = make(picture.view(image, &self.current), &mut out, &mut self.scratch);
        self.next = std::mem::replace(&mut self.current, out);
        done
    }
}

/// Adds to `error` that it is one of the operation at `place` in `ops`.
pub(crate) fn at_op(error: Error, ops: &[Op], place: usize) -> Error {
    error.with_op(format_args!("{:?}, number {} of {}", ops[place], place + 1, ops.len()))
}

/// What the crop behind a padding leaves of it: the rest need not be made. None if they are no such pair, or the crop would fail.
fn window(pad: &Op, padded: SampleInfo<'_>, next: &Op) -> Option<Window> {
    match (pad, next) {
        (Op::Pad { .. }, &Op::Crop { top, left, size }) if next.output(padded).is_ok() => {
            Some(Window { top, left, size })
        }
        _ => None,
    }
}

/// Where the pixels so far are.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the image itself.
    Source,
    /// In `Executor::current`.
    Current,
    /// In `Executor::planes`, of which each has so many pixels.
    Planes { area: usize },
}

/// The pixels so far, before the program.
#[derive(Debug)]
struct Picture {
    place: Place,
    /// How they are read; of one channel for planes.
    layout: Layout,
    /// The channels after the program.
    channels: usize,
}

impl Picture {
    /// All of `Executor::current`.
    fn whole(info: SampleInfo<'_>) -> Self {
        Self { place: Place::Current, layout: Layout::whole(info.size, info.channels), channels: info.channels }
    }

    /// Whether its bytes, in this order, are the first ones of `Executor::current`: all of them, but for rows that were cropped at the bottom.
    fn is_at_the_start(&self) -> bool {
        matches!(self.place, Place::Current) && self.layout == Layout::whole(self.layout.size, self.layout.channels)
    }

    /// What an operation may know of the pixels after the program.
    fn info(&self) -> SampleInfo<'static> {
        SampleInfo { channels: self.channels, ..self.layout.info() }
    }

    /// The pixels, which do not lie in planes.
    fn view<'a>(&self, image: ImageRef<'a>, current: &'a [u8]) -> View<'a> {
        View::new(if matches!(self.place, Place::Source) { image.data() } else { current }, self.layout)
    }

    fn source<'a>(&self, image: ImageRef<'a>, current: &'a [u8], planes: &'a [u8]) -> Source<'a> {
        match self.place {
            Place::Planes { area } if planes.len() == area => Source::Pixels(View::new(planes, self.layout)),
            Place::Planes { area } => {
                Source::Planes([0, 1, 2].map(|c| View::new(&planes[c * area..(c + 1) * area], self.layout)))
            }
            _ => Source::Pixels(self.view(image, current)),
        }
    }
}
