//! Sampling along a map of coordinates, as torch's `grid_sample` does it with zero padding and `align_corners = false`, and torchvision's blending
//! with a fill colour: `mask · (value − fill) + fill`, where the mask is an image of ones that is sampled alike. Without a fill it is the value,
//! which is what a mask of ones gives.
//!
//! A [`Map`] finds the source positions of a row of the result; a sampler makes pixels of them, some lanes at a time. The arithmetic is
//! torch's, in its order and precision, except that the mean of the source pixels, which torch sums by fused multiply-adds, is rounded at
//! every step: that moves one result in 100,000 by 1, and is the same on every processor.

pub mod affine;
mod bicubic;
mod bilinear;
pub mod elastic;
mod nearest;
pub mod perspective;
mod source;

use bicubic::Bicubic;
use bilinear::Bilinear;
use nearest::Nearest;
use pulp::{Arch, NullaryFnOnce};
use source::Source;

use super::view::View;
use crate::image::Size;
use crate::transform::op::{Fill, Interpolation};

/// Rows are computed in multiples of this, one AVX-512 register of 32-bit numbers.
const LANES: usize = 16;

/// The most pixels that are computed together. What is known of them stays in the fastest cache; their number is no constant, since the compiler
/// would unroll loops of constant length and then find no vectors in them.
const BLOCK: usize = 64;

/// Bytes behind the last pixel of a result, for stores that write more than they have to.
const SLACK: usize = LANES * 3 + 4;

/// From the places of a result to places in the source.
pub trait Map {
    /// Writes the source positions of row `y`: 0 is the middle of the first pixel, whatever is outside is not clamped. Both slices have the
    /// length of a row, rounded up to whole lanes; what is written behind the row must not be read.
    fn row(&self, y: usize, xs: &mut [f32], ys: &mut [f32]);
}

/// From places in the source to pixels.
trait Sampler {
    /// Writes the pixels at some positions, at most [`BLOCK`], into `out`, and up to 4 bytes behind them.
    fn block<const C: usize>(&mut self, source: &Source<'_, C>, xs: &[f32], ys: &[f32], out: &mut [u8]);
}

/// Buffers that are kept from one warp to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    xs: Vec<f32>,
    ys: Vec<f32>,
    /// A copy of a view whose bytes lie too far apart for 32-bit offsets.
    near: Vec<u8>,
}

/// How the result is made of the source.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    /// The size of the result.
    pub size: Size,
    pub interpolation: Interpolation,
    /// An RGB fill needs an RGB image.
    pub fill: Fill,
}

/// Writes the pixels of `view` that `map` finds into `out`.
pub fn warp(view: View<'_>, map: &impl Map, sampling: Sampling, out: &mut Vec<u8>, scratch: &mut Scratch) {
    let Scratch { xs, ys, near } = scratch;
    let view = if view.bytes().len() <= i32::MAX as usize {
        view
    } else {
        view.copy_into(near);
        View::new(near, super::view::Layout::whole(view.size(), view.channels()))
    };
    let lanes = sampling.size.width.next_multiple_of(LANES);
    xs.resize(lanes, 0.0);
    ys.resize(lanes, 0.0);
    match (view.channels(), sampling.fill) {
        (1, Fill::None) => rows(Source::new(view, [0]).unblended(), map, sampling, out, [xs, ys]),
        (_, Fill::None) => rows(Source::new(view, [0; 3]).unblended(), map, sampling, out, [xs, ys]),
        (1, Fill::All(value)) => rows(Source::new(view, [value]), map, sampling, out, [xs, ys]),
        (_, Fill::All(value)) => rows(Source::new(view, [value; 3]), map, sampling, out, [xs, ys]),
        (_, Fill::Rgb(color)) => rows(Source::new(view, color), map, sampling, out, [xs, ys]),
    }
}

/// Rows run from top to bottom, since each may overwrite the start of the next.
fn rows<const C: usize>(
    source: Source<'_, C>,
    map: &impl Map,
    sampling: Sampling,
    out: &mut Vec<u8>,
    [xs, ys]: [&mut [f32]; 2],
) {
    let Sampling { size, interpolation, .. } = sampling;
    let length = size.height * size.width * C;
    out.resize(length + SLACK, 0);
    match interpolation {
        Interpolation::Nearest => sampled(&source, map, &mut Nearest::default(), size, out, [xs, ys]),
        Interpolation::Bilinear => sampled(&source, map, &mut Bilinear::default(), size, out, [xs, ys]),
        Interpolation::Bicubic => sampled(&source, map, &mut Bicubic::default(), size, out, [xs, ys]),
    }
    out.truncate(length);
}

fn sampled<const C: usize>(
    source: &Source<'_, C>,
    map: &impl Map,
    sampler: &mut impl Sampler,
    size: Size,
    out: &mut [u8],
    [xs, ys]: [&mut [f32]; 2],
) {
    let arch = Arch::new();
    for y in 0..size.height {
        arch.dispatch(Positions { map, y, xs, ys });
        arch.dispatch(Row { source, xs, ys, row: &mut out[y * size.width * C..], sampler });
    }
}

/// Finds the source positions of one row. This and [`Row`] are no closures, since only functions that are always inlined are sure to be
/// compiled for the processor in use.
struct Positions<'a, M> {
    map: &'a M,
    y: usize,
    xs: &'a mut [f32],
    ys: &'a mut [f32],
}

impl<M: Map> NullaryFnOnce for Positions<'_, M> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.map.row(self.y, self.xs, self.ys);
    }
}

/// Makes the pixels of one row: whole lanes, and up to 4 bytes behind them.
struct Row<'a, const C: usize, S> {
    source: &'a Source<'a, C>,
    xs: &'a [f32],
    ys: &'a [f32],
    row: &'a mut [u8],
    sampler: &'a mut S,
}

impl<const C: usize, S: Sampler> NullaryFnOnce for Row<'_, C, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (i, (xs, ys)) in self.xs.chunks(BLOCK).zip(self.ys.chunks(BLOCK)).enumerate() {
            self.sampler.block(self.source, xs, ys, &mut self.row[i * BLOCK * C..][..xs.len() * C + 4]);
        }
    }
}

/// Writes one pixel and, after it, up to 3 bytes that the next pixel overwrites.
#[inline(always)]
fn store<const C: usize>(out: &mut [u8], lane: usize, pixel: u32) {
    if C == 1 {
        out[lane] = pixel as u8;
    } else {
        out[lane * C..][..4].copy_from_slice(&pixel.to_le_bytes());
    }
}

/// From [0, 2] to pixels along a side. torch fuses the product and the sum.
#[inline(always)]
fn to_pixels(position: f32, side: usize) -> f32 {
    position.mul_add(side as f32 * 0.5, -0.5)
}

/// The sum of this number and one with |x| < 2²² has no bits left for a fraction, and its lowest bits are the whole number.
const SHIFT: f32 = 12_582_912.0;

/// To the nearest whole number, halves to the even one, for |x| < 2²². The bits of a sum grow with the sum; so what is farther out, infinite or no
/// number becomes negative or at least 2²², and stays outside of every image.
#[inline(always)]
fn round(x: f32) -> i32 {
    ((x + SHIFT).to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32)
}

/// `mask · (value − fill) + fill`.
#[inline(always)]
fn blended(value: f32, mask: f32, fill: u8) -> f32 {
    let fill = f32::from(fill);
    (value - fill) * mask + fill
}

/// The blended value as a byte; it must not leave [0, 255].
#[inline(always)]
fn blend(value: f32, mask: f32, fill: u8) -> u32 {
    to_byte(blended(value, mask, fill))
}

/// Rounds, halves to the even number. What is no number becomes 0, as in torch.
#[inline(always)]
fn to_byte(value: f32) -> u32 {
    (value + SHIFT).to_bits() & 0xff
}
