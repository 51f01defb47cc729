//! A picture as kernels read it: part of a buffer, perhaps mirrored.

use super::flip;
use crate::image::{ImageRef, Size};
use crate::transform::SampleInfo;

/// Pixels `(H, W, C)` that lie in a buffer as whole rows or as a part of them, read from either side: crops and flips change the view and
/// move nothing.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: &'a [u8],
    layout: Layout,
}

/// Where the pixels of a view lie in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub size: Size,
    /// 1 or 3.
    pub channels: usize,
    /// The byte at which the crop begins, before any mirroring.
    start: usize,
    /// Bytes from a row of the buffer to the next.
    pitch: usize,
    /// Whether the first column is the last in the buffer.
    pub mirrored: bool,
    /// Whether the first row is the last in the buffer.
    pub upside_down: bool,
}

impl Layout {
    /// All of a buffer that holds nothing else.
    pub fn whole(size: Size, channels: usize) -> Self {
        Self { size, channels, start: 0, pitch: size.width * channels, mirrored: false, upside_down: false }
    }

    /// All of a buffer but a border on every side, so many pixels wide.
    fn within_border(size: Size, channels: usize, border: usize) -> Self {
        let pitch = (size.width + 2 * border) * channels;
        Self { start: border * (pitch + channels), pitch, ..Self::whole(size, channels) }
    }

    /// Mirrored left and right.
    pub fn flipped_horizontally(self) -> Self {
        Self { mirrored: !self.mirrored, ..self }
    }

    /// Mirrored top and bottom.
    pub fn flipped_vertically(self) -> Self {
        Self { upside_down: !self.upside_down, ..self }
    }

    /// The part of `size` whose first pixel is the one in row `top` and column `left`; it must lie inside.
    pub fn cropped(self, top: usize, left: usize, size: Size) -> Self {
        let from = |flipped: bool, first: usize, length: usize, side: usize| {
            if flipped { side - first - length } else { first }
        };
        let row = from(self.upside_down, top, size.height, self.size.height);
        let column = from(self.mirrored, left, size.width, self.size.width);
        Self { size, start: self.start + row * self.pitch + column * self.channels, ..self }
    }

    fn unrolled(self) -> Self {
        let Self { size, channels, pitch, mirrored, upside_down, .. } = self;
        if pitch != size.width * channels || mirrored != upside_down {
            return self;
        }
        let pixels = size.height * size.width;
        Self { size: Size::new(1, pixels), pitch: pixels * channels, upside_down: false, ..self }
    }

    /// What a transform may know of it.
    pub fn info(&self) -> SampleInfo<'static> {
        SampleInfo { size: self.size, channels: self.channels, class: None }
    }
}

impl<'a> View<'a> {
    /// The pixels that `layout` names in `data`.
    pub fn new(data: &'a [u8], layout: Layout) -> Self {
        Self { data, layout }
    }

    /// The whole image.
    pub fn of(image: impl Into<ImageRef<'a>>) -> Self {
        let image = image.into();
        Self::new(image.data(), Layout::whole(image.size(), image.channels()))
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The same pixels in one row, if that is how they lie in memory.
    pub fn unrolled(self) -> Self {
        Self { layout: self.layout.unrolled(), ..self }
    }

    pub fn size(&self) -> Size {
        self.layout.size
    }

    pub fn channels(&self) -> usize {
        self.layout.channels
    }

    /// Row `y` as it lies in memory: its last pixel comes first if the view is mirrored.
    pub fn row(&self, y: usize) -> &'a [u8] {
        let Layout { size, channels, start, pitch, upside_down, .. } = self.layout;
        let row = if upside_down { size.height - 1 - y } else { y };
        &self.data[start + row * pitch..][..size.width * channels]
    }

    /// The bytes of the buffer, to be read with [`View::origin`], [`View::step`] and [`View::stride`].
    pub fn bytes(&self) -> &'a [u8] {
        self.data
    }

    /// The byte at which the first pixel of the first row begins.
    pub fn origin(&self) -> usize {
        let Layout { size, channels, start, pitch, mirrored, upside_down } = self.layout;
        let rows = if upside_down { (size.height - 1) * pitch } else { 0 };
        let columns = if mirrored { (size.width - 1) * channels } else { 0 };
        start + rows + columns
    }

    /// The bytes from a pixel to the one right of it; negative if the view is mirrored.
    pub fn step(&self) -> isize {
        let step = self.layout.channels as isize;
        if self.layout.mirrored { -step } else { step }
    }

    /// The bytes from a pixel to the one below; negative if the view is upside down.
    pub fn stride(&self) -> isize {
        let pitch = self.layout.pitch as isize;
        if self.layout.upside_down { -pitch } else { pitch }
    }

    /// The bytes of `count` pixels of row `y` from column `x` on, as they lie in memory.
    pub fn piece(&self, y: usize, x: usize, count: usize) -> &'a [u8] {
        let first = if self.layout.mirrored { self.size().width - x - count } else { x };
        &self.row(y)[first * self.channels()..][..count * self.channels()]
    }

    /// Writes `columns` pixels of each row from `y` on, from column `x` on, into `out`: as many rows as fill it.
    pub fn copy_pieces(&self, y: usize, x: usize, columns: usize, out: &mut [u8]) {
        let pieces = (y..).map(|y| self.piece(y, x, columns));
        self.copy(out.chunks_exact_mut(columns * self.channels()).zip(pieces));
    }

    /// Writes the pixels into `out`, which they fill, rows first, channels interleaved.
    pub fn copy_to(&self, out: &mut [u8]) {
        let view = self.unrolled();
        let rows = (0..).map(|y| view.row(y));
        view.copy(out.chunks_exact_mut(view.size().width * view.channels()).zip(rows));
    }

    /// Copies rows of bytes, or parts of rows, as they lie in memory.
    fn copy<'o>(&self, rows: impl Iterator<Item = (&'o mut [u8], &'a [u8])>) {
        match (self.layout.mirrored, self.channels()) {
            (false, _) => rows.for_each(|(out, bytes)| out.copy_from_slice(bytes)),
            (true, 1) => flip::reverse(rows),
            (true, _) => flip::reverse_rgb(rows),
        }
    }

    /// Copies the pixels into `out`, with a border of zeros on every side, so many pixels wide, and `beyond` zeros behind the last one.
    pub fn copy_bordered<'o>(&self, border: usize, beyond: usize, out: &'o mut Vec<u8>) -> View<'o> {
        // As they lie in memory, since reading them in reverse costs a warp nothing.
        let layout =
            Layout { mirrored: self.layout.mirrored, ..Layout::within_border(self.size(), self.channels(), border) };
        out.clear();
        out.resize((self.size().height + 2 * border) * layout.pitch + beyond, 0);
        let rows = out[layout.start..].chunks_mut(layout.pitch).take(self.size().height);
        for (y, out) in rows.enumerate() {
            let row = self.row(y);
            out[..row.len()].copy_from_slice(row);
        }
        View::new(out, layout)
    }

    /// Writes the pixels into `out`, rows first, channels interleaved, and nothing else.
    pub fn copy_into(&self, out: &mut Vec<u8>) {
        // Without `clear`, which would make `resize` fill the whole buffer.
        out.resize(self.size().height * self.size().width * self.channels(), 0);
        self.copy_to(out);
    }
}
