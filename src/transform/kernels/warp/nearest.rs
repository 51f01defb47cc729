//! The nearest source pixel, halves to the even one.

use super::source::Source;
use super::{BLOCK, Sampler, round, store};

/// See above.
pub struct Nearest;

impl Sampler for Nearest {
    #[inline(always)]
    fn block<const C: usize>(source: &Source<'_, C>, xs: &[f32], ys: &[f32], out: &mut [u8]) {
        let (mut offsets, mut outside) = ([0; BLOCK], [0; BLOCK]);
        let (offsets, outside) = (&mut offsets[..xs.len()], &mut outside[..xs.len()]);
        for (((offset, outside), x), y) in offsets.iter_mut().zip(&mut *outside).zip(xs).zip(ys) {
            let (x, y) = (round(*x), round(*y));
            *outside = i32::from(!source.holds(x, y));
            *offset = source.offset(x, y);
        }
        if outside.iter().sum::<i32>() == 0 {
            for (i, &offset) in offsets.iter().enumerate() {
                store::<C>(out, i, source.pixel(offset));
            }
            return;
        }
        let fill = source.fill.iter().rev().fold(0, |pixel, &byte| pixel << 8 | u32::from(byte));
        for (i, (&offset, &outside)) in offsets.iter().zip(&*outside).enumerate() {
            store::<C>(out, i, if outside == 0 { source.pixel(offset) } else { fill });
        }
    }
}
