//! Scaling along the rows, one pixel after the other: for every processor, and the reference of the others.

use super::{Scratch, in_order};
use crate::transform::kernels::resize::weights::Weights;
use crate::transform::kernels::vectorized::vectorized;
use crate::transform::kernels::view::View;

/// Writes all rows; the offsets must have been filled.
pub fn scale(view: View<'_>, weights: &Weights, scratch: &mut Scratch, out: &mut [u8]) {
    scratch.weights.clear();
    scratch.weights.resize(weights.weights.len(), 0);
    for i in 0..weights.first.len() {
        let taps = &mut scratch.weights[i * weights.stride..][..weights.stride];
        in_order(view, weights, i, |j, weight| taps[j] = weight);
    }
    let row = weights.first.len() * view.channels();
    for (y, out) in out.chunks_exact_mut(row).take(view.size().height).enumerate() {
        vectorized!({
            if view.channels() == 1 {
                scale_row::<1>(view.row(y), weights, scratch, out);
            } else {
                scale_row::<3>(view.row(y), weights, scratch, out);
            }
        });
    }
}

#[inline(always)]
fn scale_row<const C: usize>(row: &[u8], weights: &Weights, scratch: &Scratch, out: &mut [u8]) {
    let taps = scratch.weights.chunks_exact(weights.stride).zip(&weights.length).zip(&scratch.offsets);
    for (out, ((taps, &length), &offset)) in out.as_chunks_mut::<C>().0.iter_mut().zip(taps) {
        let mut sums = [1 << weights.precision >> 1; C];
        for (&weight, pixel) in taps[..length].iter().zip(row[offset..].as_chunks::<C>().0) {
            sums.iter_mut().zip(pixel).for_each(|(sum, &byte)| *sum += i32::from(weight) * i32::from(byte));
        }
        *out = sums.map(|sum: i32| (sum >> weights.precision).clamp(0, 255) as u8);
    }
}
