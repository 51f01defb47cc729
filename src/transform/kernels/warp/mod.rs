//! Sampling along a map of coordinates, as torch's `grid_sample` does it with zero padding and `align_corners = false`, and torchvision's blending
//! with a fill colour: `mask · (value − fill) + fill`, where the mask is an image of ones that is sampled alike.
//!
//! A [`Map`] finds the source positions of a part of a row; a sampler makes pixels of them. The arithmetic is torch's, in its order and precision, with
//! its fused multiply-adds, and is the same on every processor (slow on those that have no such instruction). torch's own results depend a
//! little on the processor: on how its matrix products and `linspace` are compiled.

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
use source::{BORDER, PAIR_BYTES, Source};

use super::rounding::nearest_byte;
use super::vectorized::vectorized;
use super::view::{Layout, View};
use crate::image::Size;
use crate::transform::op::{Fill, Interpolation};

/// Pixels are computed in multiples of this, one AVX-512 register of 32-bit numbers.
const LANES: usize = 16;

/// The most pixels of a row that are computed together. Their number is no constant, since the compiler would unroll loops of constant length and then
/// find no vectors in them.
const BLOCK: usize = 64;

/// Rows of a block's width that are computed together: the result in tiles, so that neighbouring source pixels are still in the fastest cache
/// when the next row of the tile needs them.
const TILE: usize = 16;

/// From the places of a result to places in the source.
pub trait Map {
    /// Writes the source positions of pixels of row `y` from column `left`: 0 is the middle of the first pixel, whatever is outside is not
    /// clamped. The slices may reach beyond the row, where anything may be written.
    fn row(&self, y: usize, left: usize, xs: &mut [f32], ys: &mut [f32]);
}

/// From places in the source to pixels.
trait Sampler {
    /// Fills `out` with the pixels at some positions, at most [`BLOCK`]; of the last ones there may be more than `out` needs.
    fn block<const C: usize>(&mut self, source: Source<'_, C>, xs: &[f32], ys: &[f32], out: &mut [u8]);
}

/// Buffers that are kept from one warp to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// A copy of a view: of a small one with a border, of one whose bytes lie too far apart for 32-bit offsets.
    copy: Vec<u8>,
    positions: Positions,
    bilinear: Box<Bilinear>,
}

/// Source positions of a tile, or of rows in a run.
#[derive(Debug)]
struct Positions {
    xs: Vec<f32>,
    ys: Vec<f32>,
}

impl Default for Positions {
    fn default() -> Self {
        // The last row of a run is written to the end of its last register.
        let zeros = || vec![0.0; TILE * BLOCK + LANES];
        Self { xs: zeros(), ys: zeros() }
    }
}

/// Up to this many bytes a picture is sampled from a copy with a border of zeros: so much of it is near its edge that copying it takes less than
/// telling what is inside.
const SMALL: usize = 1 << 14;

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
    match (view.channels(), sampling.fill) {
        (1, Fill::None) => picture(view, [0], map, sampling, out, scratch),
        (_, Fill::None) => picture(view, [0; 3], map, sampling, out, scratch),
        (1, Fill::All(value)) => picture(view, [value], map, sampling, out, scratch),
        (_, Fill::All(value)) => picture(view, [value; 3], map, sampling, out, scratch),
        (_, Fill::Rgb(color)) => picture(view, color, map, sampling, out, scratch),
    }
}

fn picture<const C: usize>(
    view: View<'_>,
    fill: [u8; C],
    map: &impl Map,
    sampling: Sampling,
    out: &mut Vec<u8>,
    Scratch { copy, positions, bilinear }: &mut Scratch,
) {
    let Sampling { size, interpolation, .. } = sampling;
    let bordered = interpolation == Interpolation::Bilinear && view.size().height * view.size().width * C <= SMALL;
    let view = if bordered {
        view.copy_bordered(BORDER, PAIR_BYTES, copy)
    } else if view.bytes().len() <= i32::MAX as usize {
        view
    } else {
        view.copy_into(copy);
        View::new(copy, Layout::whole(view.size(), view.channels()))
    };
    let source = &Source::new(view, fill, sampling.fill != Fill::None, bordered);
    out.resize(size.height * size.width * C, 0);
    match interpolation {
        Interpolation::Nearest => tiles(source, map, &mut Nearest::default(), size, out, positions),
        Interpolation::Bilinear => tiles(source, map, &mut **bilinear, size, out, positions),
        Interpolation::Bicubic => tiles(source, map, &mut Bicubic::default(), size, out, positions),
    }
}

fn tiles<const C: usize>(
    source: &Source<'_, C>,
    map: &impl Map,
    sampler: &mut impl Sampler,
    size: Size,
    out: &mut [u8],
    Positions { xs, ys }: &mut Positions,
) {
    if size.width <= BLOCK {
        let rows = TILE * BLOCK / size.width;
        for (n, out) in out.chunks_mut(rows * size.width * C).enumerate() {
            vectorized!(run(source, map, n * rows, size.width, xs, ys, out, sampler));
        }
        return;
    }
    let (xs, ys) = (xs.as_chunks_mut::<BLOCK>().0, ys.as_chunks_mut::<BLOCK>().0);
    for top in (0..size.height).step_by(TILE) {
        for left in (0..size.width).step_by(BLOCK) {
            let rows = TILE.min(size.height - top);
            let width = BLOCK.min(size.width - left);
            let lanes = width.next_multiple_of(LANES);
            let (xs, ys) = (&mut xs[..rows], &mut ys[..rows]);
            vectorized!(positions(map, top, left, lanes, xs, ys));
            let out = &mut out[(top * size.width + left) * C..];
            vectorized!(pixels(source, xs, ys, lanes, width, size.width * C, out, sampler));
        }
    }
}

/// Makes whole rows of at most [`BLOCK`] pixels, from row `top` on, as if they were one: blocks that end with each row would be half empty.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a structure would name them once more")]
fn run<const C: usize>(
    source: &Source<'_, C>,
    map: &impl Map,
    top: usize,
    width: usize,
    xs: &mut [f32],
    ys: &mut [f32],
    out: &mut [u8],
    sampler: &mut impl Sampler,
) {
    let lanes = width.next_multiple_of(LANES);
    for y in 0..out.len() / (width * C) {
        // Beyond its end the next row overwrites it.
        let first = y * width;
        map.row(top + y, 0, &mut xs[first..first + lanes], &mut ys[first..first + lanes]);
    }
    for (n, out) in out.chunks_mut(BLOCK * C).enumerate() {
        let (first, lanes) = (n * BLOCK, (out.len() / C).next_multiple_of(LANES));
        sampler.block(*source, &xs[first..first + lanes], &ys[first..first + lanes], out);
    }
}

/// Finds the source positions of a tile.
#[inline(always)]
fn positions(map: &impl Map, top: usize, left: usize, lanes: usize, xs: &mut [[f32; BLOCK]], ys: &mut [[f32; BLOCK]]) {
    for (y, (xs, ys)) in xs.iter_mut().zip(ys).enumerate() {
        map.row(top + y, left, &mut xs[..lanes], &mut ys[..lanes]);
    }
}

/// Makes the pixels of a tile of this `width` in a result whose rows are `pitch` bytes apart; `out` begins with the tile's first one.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a structure would name them once more")]
fn pixels<const C: usize>(
    source: &Source<'_, C>,
    xs: &[[f32; BLOCK]],
    ys: &[[f32; BLOCK]],
    lanes: usize,
    width: usize,
    pitch: usize,
    out: &mut [u8],
    sampler: &mut impl Sampler,
) {
    for (y, (xs, ys)) in xs.iter().zip(ys).enumerate() {
        sampler.block(*source, &xs[..lanes], &ys[..lanes], &mut out[y * pitch..][..width * C]);
    }
}

/// Fills `out` with pixels, each in the lowest bits of a number. Where there are three channels, most are written with a byte behind them, which the
/// next overwrites.
#[inline(always)]
fn store<const C: usize>(out: &mut [u8], pixel: impl Fn(usize) -> u32) {
    let whole = out.len() / (LANES * C);
    for group in 0..whole {
        let (out, first) = (&mut out[group * LANES * C..][..LANES * C], group * LANES);
        for lane in 0..LANES {
            let bytes = pixel(first + lane).to_le_bytes();
            if C == 1 || lane == LANES - 1 {
                out[lane * C..][..C].copy_from_slice(&bytes[..C]);
            } else {
                out[lane * C..][..4].copy_from_slice(&bytes);
            }
        }
    }
    let rest = out[whole * LANES * C..].as_chunks_mut::<C>().0;
    for (lane, out) in rest.iter_mut().enumerate() {
        out.copy_from_slice(&pixel(whole * LANES + lane).to_le_bytes()[..C]);
    }
}

/// From [0, 2] to pixels along a side. torch fuses the product and the sum.
#[inline(always)]
fn to_pixels(position: f32, side: usize) -> f32 {
    position.mul_add(side as f32 * 0.5, -0.5)
}

/// `mask · (value − fill) + fill`.
#[inline(always)]
fn blended(value: f32, mask: f32, fill: u8) -> f32 {
    let fill = f32::from(fill);
    (value - fill) * mask + fill
}

/// The blended value as a byte; it must not leave [0, 255]. What is no number becomes 0, as in torch.
#[inline(always)]
fn blend(value: f32, mask: f32, fill: u8) -> u32 {
    nearest_byte(blended(value, mask, fill))
}

#[cfg(test)]
mod tests;
