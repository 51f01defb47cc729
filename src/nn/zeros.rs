//! Buffers for results.

use rayon::prelude::*;

/// Below this a buffer is cleared sooner by one thread.
const SHARED: usize = 64 * 1024;

/// `length` zeros. All threads of the pool clear a large buffer together, which a lone one would hold up.
pub(super) fn zeros(length: usize) -> Vec<f32> {
    const LINE: usize = 16;
    if length < SHARED {
        return vec![0.0; length];
    }
    let lines: Vec<[f32; LINE]> =
        rayon::iter::repeat_n([0.0; LINE], length.div_ceil(LINE)).with_min_len(1024).collect();
    let mut floats = lines.into_flattened();
    floats.truncate(length);
    floats
}
