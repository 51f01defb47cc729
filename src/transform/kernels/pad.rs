//! Pixels around a picture: torchvision's `pad`.

use super::view::View;
use crate::transform::op::{Fill, Padding};

/// How many columns and rows are added.
#[derive(Clone, Copy, Debug)]
pub struct Margins {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

/// Writes the padded picture into `out`. Reflecting takes less than the side, mirroring at most the side.
pub fn pad(view: View<'_>, margins: Margins, padding: Padding, fill: Fill, out: &mut Vec<u8>) {
    match (view.channels(), fill) {
        (1, Fill::None) => padded(view, margins, padding, [0], out),
        (_, Fill::None) => padded(view, margins, padding, [0; 3], out),
        (1, Fill::All(value)) => padded(view, margins, padding, [value], out),
        (_, Fill::All(value)) => padded(view, margins, padding, [value; 3], out),
        (_, Fill::Rgb(color)) => padded(view, margins, padding, color, out),
    }
}

/// The picture's own rows are made first; the others are copies of them.
fn padded<const C: usize>(view: View<'_>, margins: Margins, padding: Padding, fill: [u8; C], out: &mut Vec<u8>) {
    let Margins { left, top, right, bottom } = margins;
    let size = view.size();
    let width = left + size.width + right;
    out.clear();
    out.resize((top + size.height + bottom) * width * C, 0);
    let (pixels, _) = out.as_chunks_mut::<C>();
    for (y, row) in pixels[top * width..].chunks_exact_mut(width).take(size.height).enumerate() {
        let (before, rest) = row.split_at_mut(left);
        let (middle, after) = rest.split_at_mut(size.width);
        copy_row(view, y, middle);
        for (x, pixel) in before.iter_mut().enumerate() {
            *pixel = source(padding, x, left, size.width).map_or(fill, |x| middle[x]);
        }
        for (x, pixel) in after.iter_mut().enumerate() {
            *pixel = source(padding, left + size.width + x, left, size.width).map_or(fill, |x| middle[x]);
        }
    }
    for y in (0..top).chain(top + size.height..top + size.height + bottom) {
        match source(padding, y, top, size.height) {
            Some(row) => pixels.copy_within((top + row) * width..(top + row + 1) * width, y * width),
            None => pixels[y * width..(y + 1) * width].fill(fill),
        }
    }
}

fn copy_row<const C: usize>(view: View<'_>, y: usize, out: &mut [[u8; C]]) {
    let (row, _) = view.row(y).as_chunks();
    if view.layout().mirrored {
        out.iter_mut().zip(row.iter().rev()).for_each(|(out, pixel)| *out = *pixel);
    } else {
        out.copy_from_slice(row);
    }
}

/// Which place of a side is seen at `place` of the padded side, if any.
fn source(padding: Padding, place: usize, before: usize, side: usize) -> Option<usize> {
    let last = side - 1;
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
