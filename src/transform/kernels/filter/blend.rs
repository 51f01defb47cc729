//! A blend of an image with changed versions of itself.

use super::sized;
use crate::error::Result;
use crate::image::Image;
use crate::transform::executor::Executor;
use crate::transform::kernels::rounding::truncated;
use crate::transform::kernels::vectorized::vectorized;
use crate::transform::kernels::view::View;
use crate::transform::op::Op;

/// What runs the chains, and buffers kept from one image to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Made when it is first needed: it holds a scratch of this kind itself.
    executor: Option<Box<Executor>>,
    source: Vec<u8>,
    chain: Vec<u8>,
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
    let Scratch { executor, source: copy, chain, sums } = scratch;
    let (size, channels) = (source.size(), source.channels());
    source.copy_into(copy);
    let image = Image::new(size.height, size.width, channels, std::mem::take(copy))?;
    let sums = sized(sums, image.data().len());
    sums.fill(0.0);
    add(sums, image.data(), mixing);
    let executor = executor.get_or_insert_default();
    for (weight, ops) in chains {
        let changed = executor.image_in(ops, &image, std::mem::take(chain))?;
        add(sums, changed.data(), weight * (1.0 - mixing));
        *chain = changed.into_data();
    }
    let out = sized(out, sums.len());
    vectorized!({
        out.iter_mut()
            .zip(&*sums)
            .for_each(|(byte, sum)| *byte = truncated(if *sum < 255.0 { *sum } else { 255.0 }) as u8)
    });
    *copy = image.into_data();
    Ok(())
}

fn add(sums: &mut [f32], bytes: &[u8], weight: f32) {
    vectorized!(sums.iter_mut().zip(bytes).for_each(|(sum, &byte)| *sum += weight * f32::from(byte)));
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_views;
    use super::*;
    use crate::transform::op::apply_ops;

    #[test]
    fn it_is_the_formula() {
        let chains = vec![(0.2, vec![Op::HFlip]), (0.5, vec![Op::Invert, Op::VFlip]), (0.3, Vec::new())];
        let (mut out, mut scratch) = (Vec::new(), Scratch::default());
        with_views(|view, image| {
            for mixing in [0.0, 0.37, 1.0] {
                blend(view, &chains, mixing, &mut out, &mut scratch).expect("the chains keep the shape");
                let mut sums: Vec<f32> = image.data().iter().map(|byte| mixing * f32::from(*byte)).collect();
                for (weight, ops) in &chains {
                    let changed = apply_ops(ops, image.clone()).expect("the ops fit every image");
                    for (sum, byte) in sums.iter_mut().zip(changed.data()) {
                        *sum += weight * (1.0 - mixing) * f32::from(*byte);
                    }
                }
                assert_eq!(out, sums.iter().map(|sum| *sum as u8).collect::<Vec<_>>(), "{:?}", view.layout());
            }
        });
    }
}
