//! Operations that are functions of one pixel, given some statistics of the whole image.
//!
//! Those in a row are one pass over strips that stay in the first-level cache: a strip is read into planes, every step runs over the planes
//! and rounds to 8 bits as the operation alone would, and the strip is written in the form that is wanted. What a step must know of the
//! whole image is gathered in the pass before.

mod bytes;
mod gray;
mod hue;
mod lanes;
mod plan;
mod planes;
mod program;
mod saturation;
mod statistics;
mod table;
#[cfg(test)]
mod tests;

pub use plan::{Plan, gamma};
pub use planes::{Planes, STRIP, deinterleave};
pub use program::Program;
pub use statistics::{Statistic, Statistics};

use lanes::LANES;
use planes::interleave;

use super::view::{Layout, View};
use crate::transform::Normalize;

/// The pixels that a pass reads.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// Gray, or RGB with the channels of a pixel side by side.
    Pixels(View<'a>),
    /// One view for each of R, G and B, all alike.
    Planes([View<'a>; 3]),
}

/// What a pass makes.
pub enum Sink<'a> {
    /// Pixels `(H, W, C)`.
    Pixels(&'a mut [u8]),
    /// Planes `(C, H, W)` of bytes.
    Planes(&'a mut [u8]),
    /// Planes `(C, H, W)`, normalised.
    Floats(&'a Normalize, &'a mut [f32]),
    /// Statistics, and also the planes if there is a place for them.
    Statistics(&'a mut Statistics, Option<&'a mut [u8]>),
}

/// Pixels that are read together: `rows` rows from `y` on, and of each `columns` columns from `x` on.
#[derive(Clone, Copy)]
struct Strip {
    y: usize,
    x: usize,
    rows: usize,
    columns: usize,
}

/// The strips of a pass, kept from one to the next.
#[derive(Debug, Default)]
pub struct Strips {
    planes: Planes,
    spare: Planes,
    /// The pixels of a strip as they were, where they do not lie together in memory.
    loaded: Planes,
}

impl Strips {
    /// Does the steps of `program` to all pixels of `source`.
    pub fn run(&mut self, source: Source<'_>, program: &Program, sink: &mut Sink<'_>) {
        let source = source.unrolled();
        match (source, sink) {
            (Source::Pixels(view), Sink::Pixels(out)) if program.is_flat() => self.run_flat(&view, program, out),
            (source, sink) => self.run_planar(source, program, sink),
        }
    }

    fn run_planar(&mut self, source: Source<'_>, program: &Program, sink: &mut Sink<'_>) {
        let size = source.layout().size;
        let area = size.height * size.width;
        for strip in strips(source.layout(), STRIP) {
            self.load(source, strip);
            let (first, count) = (strip.y * size.width + strip.x, strip.rows * strip.columns);
            let length = count.next_multiple_of(LANES);
            let channels = program.run(&mut self.planes, &mut self.spare, source.channels(), length);
            write(&self.planes, channels, area, first, count, sink);
        }
    }

    fn load(&mut self, source: Source<'_>, strip: Strip) {
        let Strip { y, x, rows, columns } = strip;
        let planes = self.planes.parts_mut(rows * columns);
        match source {
            Source::Pixels(view) if view.channels() == 1 => {
                let [plane, ..] = planes;
                view.copy_pieces(y, x, columns, plane);
            }
            Source::Pixels(view) if rows == 1 && !view.layout().mirrored => {
                deinterleave(view.piece(y, x, columns), planes);
            }
            // Short rows would leave most of the work to what does not fill a vector.
            Source::Pixels(view) => deinterleave(load_flat(&view, strip, &mut self.spare), planes),
            Source::Planes(views) => {
                for (view, plane) in views.iter().zip(planes) {
                    view.copy_pieces(y, x, columns, plane);
                }
            }
        }
    }

    /// The pixels keep their form, as all channels are treated alike.
    fn run_flat(&mut self, view: &View<'_>, program: &Program, out: &mut [u8]) {
        if program.is_empty() {
            return view.copy_to(out);
        }
        let (width, channels) = (view.size().width, view.channels());
        if program.is_one_step() && !view.layout().mirrored && width * channels >= STRIP {
            // Nothing is kept on the way: a row may be as long as it likes.
            for (y, out) in out.chunks_exact_mut(width * channels).enumerate() {
                program.run_flat(view.row(y), out, &mut self.planes, &mut self.spare);
            }
            return;
        }
        for strip in strips(view.layout(), 3 * STRIP / channels) {
            let Strip { y, x, rows, columns } = strip;
            let start = (y * width + x) * channels;
            let source = load_flat(view, strip, &mut self.loaded);
            let out = &mut out[start..start + rows * columns * channels];
            program.run_flat(source, out, &mut self.planes, &mut self.spare);
        }
    }
}

/// The pixels of a strip as they are.
fn load_flat<'a>(view: &View<'_>, Strip { y, x, rows, columns }: Strip, loaded: &'a mut Planes) -> &'a [u8] {
    let loaded = &mut loaded.flat()[..rows * columns * view.channels()];
    view.copy_pieces(y, x, columns, loaded);
    loaded
}

impl Source<'_> {
    fn layout(&self) -> Layout {
        match self {
            Self::Pixels(view) => view.layout(),
            Self::Planes([view, ..]) => view.layout(),
        }
    }

    fn channels(&self) -> usize {
        match self {
            Self::Pixels(view) => view.channels(),
            Self::Planes(_) => 3,
        }
    }

    fn unrolled(self) -> Self {
        match self {
            Self::Pixels(view) => Self::Pixels(view.unrolled()),
            Self::Planes(views) => Self::Planes(views.map(View::unrolled)),
        }
    }
}

/// Several short rows, or a part of a long one, of at most `most` pixels.
fn strips(layout: Layout, most: usize) -> impl Iterator<Item = Strip> {
    let (height, width) = (layout.size.height, layout.size.width);
    let rows = (most / width).max(1);
    let columns = width.min(most);
    (0..height).step_by(rows).flat_map(move |y| {
        (0..width).step_by(columns).map(move |x| Strip {
            y,
            x,
            rows: rows.min(height - y),
            columns: columns.min(width - x),
        })
    })
}

/// Writes the first `count` pixels of `planes`, which are the pixels from `first` on of `area`.
fn write(planes: &Planes, channels: usize, area: usize, first: usize, count: usize, sink: &mut Sink<'_>) {
    let parts = planes.parts(count);
    match sink {
        Sink::Pixels(out) if channels == 1 => out[first..first + count].copy_from_slice(parts[0]),
        Sink::Pixels(out) => interleave(parts, &mut out[3 * first..3 * (first + count)]),
        Sink::Planes(out) => copy_planes(&parts[..channels], area, first, out),
        Sink::Floats(normalize, out) => {
            for (c, part) in parts.into_iter().enumerate().take(channels) {
                normalize.write_plane(c, part, &mut out[c * area + first..][..count]);
            }
        }
        Sink::Statistics(statistics, out) => {
            statistics.add(&parts[..channels]);
            if let Some(out) = out {
                copy_planes(&parts[..channels], area, first, out);
            }
        }
    }
}

fn copy_planes(parts: &[&[u8]], area: usize, first: usize, out: &mut [u8]) {
    for (c, part) in parts.iter().enumerate() {
        out[c * area + first..][..part.len()].copy_from_slice(part);
    }
}
