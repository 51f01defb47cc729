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
    let (scales_rows, scales_columns) = (width != size.width, height != size.height);
    let (mut rows_needed, mut columns_needed) = (0..height, 0..width);
    if scales_rows {
        horizontal.fill(width, size.width, interpolation, antialias);
        columns_needed = horizontal.range.clone();
    }
    if scales_columns {
        vertical.fill(height, size.height, interpolation, antialias);
        rows_needed = vertical.range.clone();
    }
    let part = Size::new(rows_needed.len(), columns_needed.len());
    let needed = View::new(view.bytes(), view.layout().cropped(rows_needed.start, columns_needed.start, part));
    if !scales_columns {
        return rows::scale(needed, horizontal, rows, out);
    }
    if scales_rows {
        rows::scale(needed, horizontal, rows, between);
    } else {
        needed.copy_into(between);
    }
    columns::scale(between, size.width * view.channels(), vertical, out);
}

#[cfg(test)]
mod tests;
