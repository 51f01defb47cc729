//! Buffers for results.

use rayon::prelude::*;

/// Below this a buffer is cleared sooner by one thread.
const SHARED: usize = 64 * 1024;

/// Floats that [`filled`] makes at once: few enough for the fastest cache.
pub(super) const LINE: usize = 512;

/// `length` floats, which `fill` sets, some at a time, told where they start. It writes each once, where zeros would be written
/// to be written over.
pub(super) fn filled(length: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    let line = |index: usize| {
        let (start, mut line) = (index * LINE, [0.0; LINE]);
        fill(start, &mut line[..LINE.min(length - start)]);
        line
    };
    let lines: Vec<[f32; LINE]> = (0..length.div_ceil(LINE)).into_par_iter().with_min_len(32).map(line).collect();
    let mut floats = lines.into_flattened();
    floats.truncate(length);
    floats
}

/// `length` zeros. All threads of the pool clear a large buffer together, which a lone one would hold up.
pub(super) fn zeros(length: usize) -> Vec<f32> {
    const WIDTH: usize = 16;
    if length < SHARED {
        return vec![0.0; length];
    }
    let lines: Vec<[f32; WIDTH]> =
        rayon::iter::repeat_n([0.0; WIDTH], length.div_ceil(WIDTH)).with_min_len(1024).collect();
    let mut floats = lines.into_flattened();
    floats.truncate(length);
    floats
}
