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
mod rounding;
pub mod vectorized;
pub mod view;
pub mod warp;

use view::View;

use super::op::Op;
use crate::error::Result;
use crate::image::Image;
use crate::rng::{Purpose, SampleKey};
use warp::affine::{Affine, Parameters};
use warp::perspective::Perspective;
use warp::{Sampling, warp};

/// Buffers that kernels keep from one image to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    filter: filter::Scratch,
    warp: warp::Scratch,
    elastic: warp::elastic::Scratch,
    resize: resize::Scratch,
}

/// Writes the part of what `op`, a [`Op::Pad`] that was checked, makes of `source`.
pub fn pad_part(op: &Op, window: pad::Window, source: View<'_>, out: &mut Vec<u8>) {
    let Op::Pad { left, top, padding, fill, .. } = *op else { unreachable!("only Op::Pad is given") };
    pad::pad(source, pad::Pad { left, top, padding, fill }, window, out);
}

/// Writes what `op`, which was checked, makes of `source` into `out`. Flips, crops and functions of one pixel are the executor's own.
pub fn apply(op: &Op, source: View<'_>, out: &mut Vec<u8>, scratch: &mut Scratch) -> Result<()> {
    let size = source.size();
    let Scratch { filter, resize, elastic, warp: warped } = scratch;
    match *op {
        Op::Pad { .. } => pad_part(op, pad::Window { top: 0, left: 0, size: op.output_size(size) }, source, out),
        Op::Resize { size, interpolation, antialias } => {
            resize::resize(source, size, interpolation, antialias, out, resize);
        }
        Op::Rotate { degrees, interpolation, expand, center, fill } => {
            let turn = rotate::Turn::new(size, degrees, expand, center);
            rotate::rotate(source, &turn, interpolation, fill, out, warped);
        }
        Op::Affine { degrees, translate, scale, shear, interpolation, center, fill } => {
            let parameters = Parameters { degrees: f64::from(degrees), translate, scale, shear, center };
            let map = Affine::new(size, parameters, false);
            warp(source, &map, Sampling { size, interpolation, fill }, out, warped);
        }
        Op::Perspective { start, end, interpolation, fill } => {
            let map = Perspective::new(size, start, end).expect("checked: one map moves the points");
            warp(source, &map, Sampling { size, interpolation, fill }, out, warped);
        }
        Op::Elastic { alpha, sigma, seed, interpolation, fill } => {
            let mut rng = SampleKey { seed, epoch: 0, position: 0, purpose: Purpose::Noise }.rng();
            let map = elastic.draw(size, alpha, sigma, &mut rng);
            warp(source, &map, Sampling { size, interpolation, fill }, out, warped);
        }
        Op::Sharpness { factor } => filter::sharpness::sharpness(source, factor, out, &mut filter.sharpness),
        Op::GaussianBlur { kernel_size, sigma } => {
            filter::blur::gaussian_blur(source, kernel_size, sigma, out, &mut filter.blur);
        }
        Op::GaussianNoise { mean, sigma, clip, seed } => {
            filter::noise::gaussian_noise(source, mean, sigma, clip, seed, out);
        }
        Op::Jpeg { quality } => filter::jpeg::jpeg(source, quality, out, &mut filter.jpeg),
        Op::Erase { top, left, size, patch } => filter::erase::erase(source, top, left, size, patch, out),
        Op::Blend { ref chains, mixing } => filter::blend::blend(source, chains, mixing, out, &mut filter.blend)?,
        Op::Custom(ref custom) => {
            source.copy_into(out);
            let image = Image::new(size.height, size.width, source.channels(), std::mem::take(out))?;
            *out = custom.apply(image)?.into_data();
        }
        Op::HFlip
        | Op::VFlip
        | Op::Crop { .. }
        | Op::Brightness { .. }
        | Op::Contrast { .. }
        | Op::Saturation { .. }
        | Op::Hue { .. }
        | Op::Gamma { .. }
        | Op::Grayscale { .. }
        | Op::PermuteChannels { .. }
        | Op::Invert
        | Op::Posterize { .. }
        | Op::Solarize { .. }
        | Op::Autocontrast
        | Op::Equalize => unreachable!("the executor applies {op:?} itself"),
    }
    Ok(())
}
