//! A component's samples spread to the width of the picture, as libjpeg does it: the subsampled ones blended with their
//! neighbours ("fancy upsampling").
//!
//! A pixel lies a quarter of a sample off its sample's middle, so it is ¾ of it and ¼ of the next one. Beyond the edge
//! the sample itself stands for the next one. The bias alternates between pixels, so that roundings cancel out.

use std::ops::Range;

use super::layout::{Channel, Spread};
use super::samples::Samples;

/// A row of the picture, for one component.
#[derive(Debug, Default)]
pub struct Wide {
    /// Each sample's blend of its row and the next one, with one more on either side.
    sums: Vec<u16>,
    pixels: Vec<u8>,
}

impl Wide {
    pub fn prepare(&mut self, channel: &Channel) {
        let samples = channel.columns.len();
        self.sums.resize(samples + 2, 0);
        self.pixels.resize(samples * channel.spread.factors().0, 0);
    }

    /// The pixels of row `y` in the columns `x`.
    #[inline(always)]
    pub fn row<'a>(&'a mut self, samples: &'a Samples, channel: &Channel, y: usize, x: &Range<usize>) -> &'a [u8] {
        let (across, down) = channel.spread.factors();
        let near = samples.row(channel, y / down);
        match channel.spread {
            Spread::Same => return near,
            Spread::Repeat(..) => repeat(near, across, &mut self.pixels),
            Spread::Down => blend_down(near, next_row(samples, channel, y), y, &mut self.pixels),
            Spread::Across => {
                let sums = &mut self.sums[1..=near.len()];
                sums.iter_mut().zip(near).for_each(|(sum, &near)| *sum = u16::from(near));
                blend_across::<2>(&mut self.sums, [1, 2], &mut self.pixels);
            }
            Spread::Both => {
                let next = next_row(samples, channel, y);
                let sums = self.sums[1..=near.len()].iter_mut().zip(near).zip(next);
                sums.for_each(|((sum, &near), &next)| *sum = 3 * u16::from(near) + u16::from(next));
                blend_across::<4>(&mut self.sums, [8, 7], &mut self.pixels);
            }
        }
        &self.pixels[x.start - across * channel.columns.start..][..x.len()]
    }
}

/// The row of samples that row `y` of the picture is blended with: above for the upper of two rows, below for the lower.
#[inline(always)]
fn next_row<'a>(samples: &'a Samples, channel: &Channel, y: usize) -> &'a [u8] {
    let next = if y.is_multiple_of(2) { (y / 2).saturating_sub(1) } else { (y / 2 + 1).min(channel.height - 1) };
    samples.row(channel, next)
}

#[inline(always)]
fn repeat(samples: &[u8], across: usize, pixels: &mut [u8]) {
    for (pixels, &sample) in pixels.chunks_exact_mut(across).zip(samples) {
        pixels.fill(sample);
    }
}

#[inline(always)]
fn blend_down(near: &[u8], next: &[u8], y: usize, pixels: &mut [u8]) {
    let bias = if y.is_multiple_of(2) { 1 } else { 2 };
    for ((pixel, &near), &next) in pixels.iter_mut().zip(near).zip(next) {
        *pixel = ((3 * u16::from(near) + u16::from(next) + bias) >> 2) as u8;
    }
}

/// Blends sums with their neighbours; the result has `SHIFT` bits behind the point.
#[inline(always)]
fn blend_across<const SHIFT: u32>(sums: &mut [u16], [left_bias, right_bias]: [u16; 2], pixels: &mut [u8]) {
    let last = sums.len() - 1;
    sums[0] = sums[1];
    sums[last] = sums[last - 1];
    let (pixels, _) = pixels.as_chunks_mut::<2>();
    for (((pixels, &left), &sum), &right) in pixels.iter_mut().zip(&sums[..last - 1]).zip(&sums[1..]).zip(&sums[2..]) {
        let sum = 3 * sum;
        *pixels = [((sum + left + left_bias) >> SHIFT) as u8, ((sum + right + right_bias) >> SHIFT) as u8];
    }
}
