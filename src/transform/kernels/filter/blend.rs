//! A blend of an image with changed versions of itself.

use super::{sized, truncated, vectorized};
use crate::error::Result;
use crate::image::Image;
use crate::transform::executor::Executor;
use crate::transform::kernels::view::View;
use crate::transform::op::Op;

/// What runs the chains, and buffers kept from one image to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Made when it is first needed: it holds a scratch of this kind itself.
    executor: Option<Box<Executor>>,
    source: Vec<u8>,
    sums: Vec<f32>,
}

/// `⌊mixing · x + Σ (1 − mixing) · weight · chain(x)⌋`, summed in this order in f32 as torchvision's `AugMix` does.
pub fn blend(
    source: View<'_>,
    chains: &[(f32, Vec<Op>)],
    mixing: f32,
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<()> {
    let Scratch { executor, source: copy, sums } = scratch;
    let (size, channels) = (source.size(), source.channels());
    source.copy_into(copy);
    let image = Image::new(size.height, size.width, channels, std::mem::take(copy))?;
    let sums = sized(sums, image.data().len());
    sums.fill(0.0);
    add(sums, image.data(), mixing);
    let executor = executor.get_or_insert_default();
    for (weight, ops) in chains {
        add(sums, executor.image(ops, &image)?.data(), weight * (1.0 - mixing));
    }
    let out = sized(out, sums.len());
    vectorized(
        #[inline(always)]
        || {
            out.iter_mut()
                .zip(&*sums)
                .for_each(|(byte, sum)| *byte = truncated(if *sum < 255.0 { *sum } else { 255.0 }) as u8)
        },
    );
    *copy = image.into_data();
    Ok(())
}

fn add(sums: &mut [f32], bytes: &[u8], weight: f32) {
    vectorized(
        #[inline(always)]
        || sums.iter_mut().zip(bytes).for_each(|(sum, &byte)| *sum += weight * f32::from(byte)),
    );
}
