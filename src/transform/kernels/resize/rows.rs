//! Scaling along the rows.

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod avx2;
mod plain;

use super::weights::Weights;
use crate::transform::kernels::view::View;

/// Buffers that are kept from one picture to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// For each result pixel, where its first source pixel begins in a row that is read as it lies in memory.
    offsets: Vec<usize>,
    /// The weights as the kernel in use wants them.
    weights: Vec<i16>,
    /// The offsets in 32 bits.
    starts: Vec<u32>,
    /// A copy of the last row, with zeros behind.
    last: Vec<u8>,
}

/// Writes `view` with its rows scaled by `weights` into `out`.
pub fn scale(view: View<'_>, weights: &Weights, scratch: &mut Scratch, out: &mut Vec<u8>) {
    prepare(view, weights, scratch, out);
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let done = avx2::scale(view, weights, scratch, out);
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    let done = false;
    if !done {
        plain::scale(view, weights, scratch, out);
    }
}

/// [`scale`] by the plain kernel, wherever it runs.
#[cfg(test)]
pub fn scale_plainly(view: View<'_>, weights: &Weights, scratch: &mut Scratch, out: &mut Vec<u8>) {
    prepare(view, weights, scratch, out);
    plain::scale(view, weights, scratch, out);
}

/// Makes room for the result, and finds where each result pixel is read.
fn prepare(view: View<'_>, weights: &Weights, scratch: &mut Scratch, out: &mut Vec<u8>) {
    out.resize(view.size().height * weights.first.len() * view.channels(), 0);
    offsets(view, weights, &mut scratch.offsets);
}

/// In a mirrored row the last source pixel of each result pixel comes first.
fn offsets(view: View<'_>, weights: &Weights, offsets: &mut Vec<usize>) {
    let (width, channels) = (view.size().width, view.channels());
    offsets.clear();
    offsets.extend(weights.first.iter().zip(&weights.length).map(|(&first, &length)| {
        let first = if view.layout().mirrored { width - first - length } else { first };
        first * channels
    }));
}

/// The weights of result pixel `i`, in the order in which its source pixels lie in memory.
#[inline(always)]
fn in_order(view: View<'_>, weights: &Weights, i: usize, mut write: impl FnMut(usize, i16)) {
    let taps = weights.of(i);
    for (j, &weight) in taps.iter().enumerate() {
        write(if view.layout().mirrored { taps.len() - 1 - j } else { j }, weight);
    }
}

/// Where the first byte of row `y` lies in the view's buffer.
#[inline(always)]
fn row_start(view: View<'_>, y: usize) -> usize {
    let first = view.origin() as isize + y as isize * view.stride();
    let columns = if view.layout().mirrored { (view.size().width - 1) * view.channels() } else { 0 };
    first as usize - columns
}
