//! The nearest source pixel, halves to the even one.

use super::source::Source;
use super::{Floats, LANES, round, store};

/// Writes the pixels at some positions into `out`.
#[inline(always)]
pub fn lanes<const C: usize>(source: &Source<'_, C>, xs: &Floats, ys: &Floats, out: &mut [u8]) {
    let (mut offsets, mut inside) = ([0; LANES], [0; LANES]);
    for i in 0..LANES {
        let (x, y) = (round(xs[i]), round(ys[i]));
        inside[i] = i32::from(source.holds(x, y));
        offsets[i] = source.offset(x, y);
    }
    match inside.iter().sum::<i32>() as usize {
        LANES => (0..LANES).for_each(|i| store::<C>(out, i, source.pixel(offsets[i]))),
        0 => (0..LANES).for_each(|i| store::<C>(out, i, fill(source))),
        _ => (0..LANES).for_each(|i| {
            store::<C>(out, i, if inside[i] == 1 { source.pixel(offsets[i]) } else { fill(source) });
        }),
    }
}

#[inline(always)]
fn fill<const C: usize>(source: &Source<'_, C>) -> u32 {
    source.fill.iter().rev().fold(0, |pixel, &byte| pixel << 8 | u32::from(byte))
}
