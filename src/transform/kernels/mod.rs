//! The pixel loops: free functions without randomness of their own.
//!
//! Each reads a [`View`](view::View) and writes a whole image of interleaved pixels.

pub mod color;
pub mod filter;
pub mod flip;
pub mod pad;
pub mod resize;
pub mod rotate;
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
    warp: warp::Scratch,
    elastic: warp::elastic::Scratch,
    resize: resize::Scratch,
}

/// Writes what `op`, which was checked, makes of `source` into `out`.
pub fn apply(op: &Op, source: View<'_>, out: &mut Vec<u8>, scratch: &mut Scratch) -> Result<()> {
    let done = geometry(op, source, out, scratch);
    if done {
        return Ok(());
    }
    let image = |view: View<'_>| {
        let mut data = Vec::new();
        view.copy_into(&mut data);
        Image::new(view.size().height, view.size().width, view.channels(), data).expect("a view is not empty")
    };
    let mut image = image(source);
    match *op {
        Op::Brightness { factor } => color::brightness(&mut image, factor),
        Op::Contrast { factor } => color::contrast(&mut image, factor),
        Op::Saturation { factor } => color::saturation(&mut image, factor),
        Op::Hue { shift } => color::hue(&mut image, shift),
        Op::Custom(ref custom) => image = custom.apply(image)?,
        _ => todo!("{op:?}"),
    }
    *out = image.into_data();
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
