//! Scaling along the columns.

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod avx2;
mod plain;

use super::SLACK;
use super::weights::Weights;

/// Writes the rows of `length` bytes that lie in `source` one after the other, scaled by `weights`, into `out`.
pub fn scale(source: &mut Vec<u8>, length: usize, weights: &Weights, out: &mut Vec<u8>) {
    let bytes = weights.first.len() * length;
    let end = source.len();
    source.resize(end + SLACK, 0);
    out.resize(bytes + SLACK, 0);
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let done = avx2::scale(source, length, weights, out);
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    let done = false;
    if !done {
        plain::scale(source, length, weights, out);
    }
    out.truncate(bytes);
}

#[cfg(test)]
pub use plain::scale as scale_plainly;
