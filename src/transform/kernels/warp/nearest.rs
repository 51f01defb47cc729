//! The nearest source pixel, halves to the even one.

use super::source::Source;
use super::{Floats, LANES, Sampler, round, store};

/// See above.
pub struct Nearest;

impl Sampler for Nearest {
    #[inline(always)]
    fn lanes<const C: usize>(source: &Source<'_, C>, xs: &Floats, ys: &Floats, out: &mut [u8]) {
        let (mut offsets, mut inside) = ([0; LANES], [0; LANES]);
        for i in 0..LANES {
            let (x, y) = (round(xs[i]), round(ys[i]));
            inside[i] = i32::from(source.holds(x, y));
            offsets[i] = source.offset(x, y);
        }
        let count: i32 = inside.iter().sum();
        if count as usize == LANES {
            for i in 0..LANES {
                store::<C>(out, i, source.pixel(offsets[i]));
            }
            return;
        }
        let fill = source.fill.iter().rev().fold(0, |pixel, &byte| pixel << 8 | u32::from(byte));
        for i in 0..LANES {
            store::<C>(out, i, if inside[i] == 1 { source.pixel(offsets[i]) } else { fill });
        }
    }
}
