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

use super::op::Op;
use crate::error::Result;
use crate::image::Image;

/// Buffers that kernels keep from one image to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    filter: filter::Scratch,
}

/// Writes what `op`, which was checked, makes of `source` into `out`.
pub fn apply(op: &Op, source: View<'_>, out: &mut Vec<u8>, scratch: &mut Scratch) -> Result<()> {
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
        _ => return apply_copied(op, source, out),
    }
    Ok(())
}

fn apply_copied(op: &Op, source: View<'_>, out: &mut Vec<u8>) -> Result<()> {
    let image = |view: View<'_>| {
        let mut data = Vec::new();
        view.copy_into(&mut data);
        Image::new(view.size().height, view.size().width, view.channels(), data).expect("a view is not empty")
    };
    let mut image = image(source);
    match *op {
        Op::Rotate { degrees, interpolation, expand, center, fill } => {
            let turn = rotate::Turn::new(image.size(), degrees, expand, center);
            image = rotate::rotate(image, &turn, interpolation, fill);
        }
        Op::Resize { size, interpolation, .. } => image = resize::resize(image, size, interpolation),
        Op::Custom(ref custom) => image = custom.apply(image)?,
        _ => todo!("{op:?}"),
    }
    *out = image.into_data();
    Ok(())
}
