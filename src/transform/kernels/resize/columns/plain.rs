//! Scaling along the columns, a few bytes at a time: for every processor, and the reference of the others.

use crate::transform::kernels::resize::weights::Weights;
use crate::transform::kernels::vectorized::vectorized;

/// Bytes whose sums are kept in registers.
const LANES: usize = 16;

/// Writes all rows, and up to 15 bytes behind each; as many must lie behind the source.
pub fn scale(source: &[u8], length: usize, weights: &Weights, out: &mut [u8]) {
    for i in 0..weights.first.len() {
        let (rows, out) = (&source[weights.first[i] * length..], &mut out[i * length..]);
        vectorized!(scale_row(rows, length, weights.of(i), weights.precision, out));
    }
}

#[inline(always)]
fn scale_row(rows: &[u8], length: usize, taps: &[i16], precision: u32, out: &mut [u8]) {
    for start in (0..length).step_by(LANES) {
        let mut sums = [1 << precision >> 1; LANES];
        for (k, &weight) in taps.iter().enumerate() {
            let bytes = &rows[k * length + start..][..LANES];
            sums.iter_mut().zip(bytes).for_each(|(sum, &byte)| *sum += i32::from(weight) * i32::from(byte));
        }
        let out = &mut out[start..][..LANES];
        out.iter_mut().zip(sums).for_each(|(out, sum): (_, i32)| *out = (sum >> precision).clamp(0, 255) as u8);
    }
}
