//! Pixels around a picture: torchvision's `pad`.

use super::view::View;
use crate::image::Size;
use crate::transform::op::{Fill, Padding};

/// The part of the padded picture that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub top: usize,
    pub left: usize,
    pub size: Size,
}

/// How a picture is padded: the columns and rows before it, and what they and those behind it show. Reflecting takes less than the side,
/// mirroring at most the side.
#[derive(Clone, Copy, Debug)]
pub struct Pad {
    pub left: usize,
    pub top: usize,
    pub padding: Padding,
    pub fill: Fill,
}

/// Writes a part of the padded picture into `out`.
pub fn pad(view: View<'_>, pad: Pad, window: Window, out: &mut Vec<u8>) {
    match (view.channels(), pad.fill) {
        (1, Fill::None) => padded(view, pad, window, [0], out),
        (_, Fill::None) => padded(view, pad, window, [0; 3], out),
        (1, Fill::All(value)) => padded(view, pad, window, [value], out),
        (_, Fill::All(value)) => padded(view, pad, window, [value; 3], out),
        (_, Fill::Rgb(color)) => padded(view, pad, window, color, out),
    }
}

fn padded<const C: usize>(view: View<'_>, pad: Pad, window: Window, fill: [u8; C], out: &mut Vec<u8>) {
    let Pad { left, top, padding, .. } = pad;
    let (size, Window { top: first, left: start, size: Size { height, width } }) = (view.size(), window);
    // Without `clear`, which would make `resize` fill the whole buffer.
    out.resize(height * width * C, 0);
    // The columns of a row that lie before the picture and in it.
    let before = left.saturating_sub(start).min(width);
    let inside = (left + size.width).saturating_sub(start).min(width) - before;
    for (y, out) in out.as_chunks_mut::<C>().0.chunks_exact_mut(width).enumerate() {
        let Some(y) = source(padding, first + y, top, size.height) else {
            out.fill(fill);
            continue;
        };
        let row = Row { pixels: view.row(y).as_chunks().0, mirrored: view.layout().mirrored };
        if inside > 0 {
            row.copy(start + before - left, &mut out[before..before + inside]);
        }
        for x in (0..before).chain(before + inside..width) {
            out[x] = source(padding, start + x, left, size.width).map_or(fill, |x| row.pixel(x));
        }
    }
}

/// A row of the picture.
struct Row<'a, const C: usize> {
    /// As they lie in memory.
    pixels: &'a [[u8; C]],
    mirrored: bool,
}

impl<const C: usize> Row<'_, C> {
    fn pixel(&self, x: usize) -> [u8; C] {
        self.pixels[if self.mirrored { self.pixels.len() - 1 - x } else { x }]
    }

    /// Fills `out` with the pixels from `x` on.
    fn copy(&self, x: usize, out: &mut [[u8; C]]) {
        if self.mirrored {
            let end = self.pixels.len() - x;
            let pixels = &self.pixels[end - out.len()..end];
            out.iter_mut().zip(pixels.iter().rev()).for_each(|(out, pixel)| *out = *pixel);
        } else {
            out.copy_from_slice(&self.pixels[x..][..out.len()]);
        }
    }
}

/// Which place of a side is seen at `place` of the padded side, if any.
fn source(padding: Padding, place: usize, before: usize, side: usize) -> Option<usize> {
    let last = side - 1;
    if (before..=before + last).contains(&place) {
        return Some(place - before);
    }
    let inside = |beyond: usize| if place < before { beyond } else { last - beyond };
    // From 1: how far outside the place is.
    let outside = if place < before { before - place } else { place - before - last };
    match padding {
        Padding::Constant => None,
        Padding::Edge => Some(inside(0)),
        Padding::Reflect => Some(inside(outside)),
        Padding::Symmetric => Some(inside(outside - 1)),
    }
}
