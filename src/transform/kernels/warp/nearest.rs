//! The nearest source pixel, halves to the even one.

use super::source::Source;
use super::{BLOCK, Sampler, store};
use crate::transform::kernels::rounding::nearest;

/// Where the pixel at each position begins, [`OUTSIDE`] where there is none.
pub struct Nearest {
    offsets: [i32; BLOCK],
}

const OUTSIDE: i32 = -1;

impl Default for Nearest {
    fn default() -> Self {
        Self { offsets: [0; BLOCK] }
    }
}

impl Sampler for Nearest {
    #[inline(always)]
    fn block<const C: usize>(&mut self, source: Source<'_, C>, xs: &[f32], ys: &[f32], out: &mut [u8]) {
        let offsets = &mut self.offsets[..xs.len()];
        let mut outside = 0;
        for ((offset, x), y) in offsets.iter_mut().zip(xs).zip(ys) {
            let (x, y) = (nearest(*x), nearest(*y));
            let inside = source.holds(x, y);
            outside += i32::from(!inside);
            *offset = if inside { source.offset(x, y) } else { OUTSIDE };
        }
        match outside as usize {
            0 => store::<C>(out, |i| source.pixel(offsets[i])),
            count if count == xs.len() => out.as_chunks_mut().0.fill(source.fill),
            _ => {
                let fill = source.fill.iter().rev().fold(0, |pixel, &byte| pixel << 8 | u32::from(byte));
                store::<C>(out, |i| if offsets[i] == OUTSIDE { fill } else { source.pixel(offsets[i]) });
            }
        }
    }
}
