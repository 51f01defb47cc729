//! The pixel loops: free functions without randomness of their own.
//!
//! Each reads a [`View`](view::View) and writes a whole image of interleaved pixels.

#[cfg(test)]
pub mod color;
pub mod filter;
pub mod flip;
pub mod pad;
pub mod point;
pub mod resize;
pub mod rotate;
pub mod view;
pub mod warp;

use view::View;
use warp::affine::{Affine, Parameters};
use warp::perspective::Perspective;
use warp::{Sampling, warp};

use super::op::Op;
use crate::error::Result;
use crate::image::Image;
use crate::rng::{Purpose, SampleKey};

/// Buffers that kernels keep from one image to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    filter: filter::Scratch,
    warp: warp::Scratch,
    elastic: warp::elastic::Scratch,
    resize: resize::Scratch,
}

/// Writes what `op`, which was checked, makes of `source` into `out`.
pub fn apply(op: &Op, source: View<'_>, out: &mut Vec<u8>, scratch: &mut Scratch) -> Result<()> {
    if geometry(op, source, out, scratch) {
        return Ok(());
    }
    let filter = &mut scratch.filter;
    match *op {
        Op::Sharpness { factor } => filter::sharpness::sharpness(source, factor, out, &mut filter.sharpness),
        Op::GaussianBlur { kernel_size, sigma } => {
            filter::blur::gaussian_blur(source, kernel_size, sigma, out, &mut filter.blur);
        }
        Op::GaussianNoise { mean, sigma, clip, seed } => {
            filter::noise::gaussian_noise(source, mean, sigma, clip, seed, out);
        }
        Op::Jpeg { quality } => filter::jpeg::jpeg(source, quality, out, &mut filter.jpeg),
        Op::Erase { top, left, size, patch } => filter::erase::erase(source, top, left, size, patch, out),
        Op::Blend { ref chains, mixing } => {
            filter::blend::blend(source, chains, mixing, out, &mut filter.blend)?;
        }
        Op::Custom(ref custom) => {
            let mut pixels = Vec::new();
            source.copy_into(&mut pixels);
            let image = Image::new(source.size().height, source.size().width, source.channels(), pixels)?;
            *out = custom.apply(image)?.into_data();
        }
        _ => unreachable!("{op:?} is a view or a function of one pixel"),
    }
    Ok(())
}

/// Does what moves or resamples pixels; false for every other operation.
fn geometry(op: &Op, source: View<'_>, out: &mut Vec<u8>, scratch: &mut Scratch) -> bool {
    let size = source.size();
    match *op {
        Op::Pad { left, top, right, bottom, padding, fill } => {
            pad::pad(source, pad::Margins { left, top, right, bottom }, padding, fill, out);
        }
        Op::Resize { size, interpolation, antialias } => {
            resize::resize(source, size, interpolation, antialias, out, &mut scratch.resize);
        }
        Op::Rotate { degrees, interpolation, expand, center, fill } => {
            let turn = rotate::Turn::new(size, degrees, expand, center);
            rotate::rotate(source, &turn, interpolation, fill, out, &mut scratch.warp);
        }
        Op::Affine { degrees, translate, scale, shear, interpolation, center, fill } => {
            let parameters = Parameters { degrees: f64::from(degrees), translate, scale, shear, center };
            let map = Affine::new(size, parameters, false);
            warp(source, &map, Sampling { size, interpolation, fill }, out, &mut scratch.warp);
        }
        Op::Perspective { start, end, interpolation, fill } => {
            let map = Perspective::new(size, start, end).expect("checked: one map moves the points");
            warp(source, &map, Sampling { size, interpolation, fill }, out, &mut scratch.warp);
        }
        Op::Elastic { alpha, sigma, seed, interpolation, fill } => {
            let mut rng = SampleKey { seed, epoch: 0, position: 0, purpose: Purpose::Noise }.rng();
            let map = scratch.elastic.draw(size, alpha, sigma, &mut rng);
            warp(source, &map, Sampling { size, interpolation, fill }, out, &mut scratch.warp);
        }
        _ => return false,
    }
    true
}
