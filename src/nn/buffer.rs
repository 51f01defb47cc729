//! Buffers for results.

use rayon::prelude::*;

/// The floats of a run that [`filled`] sets: few enough for the fastest cache.
pub(super) const LINE: usize = 512;
/// Floats that are not worth a task of the pool.
const TASK: usize = 16 * 1024;

/// `length` floats, set by `fill`, which gets the place of a run of them among all, and the run. They are written to memory once,
/// where zeros would be written to be written over.
pub(super) fn filled(length: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    let line = |index: usize| {
        let (start, mut line) = (index * LINE, [0.0; LINE]);
        fill(start, &mut line[..LINE.min(length - start)]);
        line
    };
    let lines: Vec<[f32; LINE]> =
        (0..length.div_ceil(LINE)).into_par_iter().with_min_len(TASK / LINE).map(line).collect();
    let mut floats = lines.into_flattened();
    floats.truncate(length);
    floats
}

/// Below this a buffer is cleared sooner by one thread.
const SHARED: usize = 64 * 1024;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float_is_set_in_its_place() {
        for length in [0, 1, LINE - 1, LINE, LINE + 1, 300 * LINE + 7] {
            let floats = filled(length, |start, line| {
                line.iter_mut().enumerate().for_each(|(index, value)| *value = (start + index) as f32);
            });
            assert!(floats.into_iter().eq((0..length).map(|index| index as f32)), "{length}");
        }
    }
}
