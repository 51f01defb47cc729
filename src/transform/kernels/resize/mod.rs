//! Scaling as torch's native 8-bit kernels do it: in integers, along the rows first, then along the columns, rounded to 8 bits in between.
//!
//! torchvision takes these kernels for bilinear where the processor has AVX2 or NEON, and always for bicubic. Elsewhere it computes in floats and
//! rounds once, which may differ by 1 of 255.

mod columns;
mod nearest;
mod rows;
mod weights;

use weights::Weights;

use super::view::View;
use crate::image::Size;
use crate::transform::op::Interpolation;

/// Bytes behind the last pixel of a result, for stores that write more than they have to.
const SLACK: usize = 64;

/// Buffers that are kept from one resize to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    horizontal: Weights,
    vertical: Weights,
    rows: rows::Scratch,
    /// The picture after the rows were scaled.
    between: Vec<u8>,
    columns: Vec<usize>,
}

/// Writes `view` scaled to `size`, which must not be empty, into `out`.
pub fn resize(
    view: View<'_>,
    size: Size,
    interpolation: Interpolation,
    antialias: bool,
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) {
    if view.size() == size {
        return view.copy_into(out);
    }
    if interpolation == Interpolation::Nearest {
        return nearest::resize(view, size, out, &mut scratch.columns);
    }
    let Scratch { horizontal, vertical, rows, between, .. } = scratch;
    let Size { height, width } = view.size();
    if height == size.height {
        horizontal.fill(width, size.width, interpolation, antialias);
        return rows::scale(view, horizontal, rows, out);
    }
    vertical.fill(height, size.height, interpolation, antialias);
    if width == size.width {
        view.copy_into(between);
    } else {
        horizontal.fill(width, size.width, interpolation, antialias);
        let (first, end) = vertical.range();
        let needed = view.layout().cropped(first, 0, Size::new(end - first, width));
        vertical.shift(first);
        rows::scale(View::new(view.bytes(), needed), horizontal, rows, between);
    }
    columns::scale(between, size.width * view.channels(), vertical, out);
}

#[cfg(test)]
mod tests;
