//! The nearest source pixel, halves to the even one.

use super::source::Source;
use super::{BLOCK, Sampler, store};
use crate::transform::kernels::rounding::nearest;

/// See above.
pub struct Nearest {
    offsets: [i32; BLOCK],
    /// 1 for each position outside, else 0.
    outside: [i32; BLOCK],
}

impl Default for Nearest {
    fn default() -> Self {
        Self { offsets: [0; BLOCK], outside: [0; BLOCK] }
    }
}

impl Sampler for Nearest {
    #[inline(always)]
    fn block<const C: usize>(&mut self, source: Source<'_, C>, xs: &[f32], ys: &[f32], out: &mut [u8]) {
        let (offsets, outside) = (&mut self.offsets[..xs.len()], &mut self.outside[..xs.len()]);
        for (((offset, outside), x), y) in offsets.iter_mut().zip(&mut *outside).zip(xs).zip(ys) {
            let (x, y) = (nearest(*x), nearest(*y));
            *outside = i32::from(!source.holds(x, y));
            *offset = source.offset(x, y);
        }
        match outside.iter().sum::<i32>() as usize {
            0 => store::<C>(out, |i| source.pixel(offsets[i])),
            count if count == xs.len() => out.as_chunks_mut().0.fill(source.fill),
            _ => {
                let fill = source.fill.iter().rev().fold(0, |pixel, &byte| pixel << 8 | u32::from(byte));
                store::<C>(out, |i| if outside[i] == 0 { source.pixel(offsets[i]) } else { fill });
            }
        }
    }
}
