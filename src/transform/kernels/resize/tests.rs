//! The vector kernels against the plain ones, and the weights.

use proptest::prelude::*;

use super::weights::Weights;
use super::{SLACK, columns, rows};
use crate::image::Size;
use crate::transform::kernels::view::{Layout, View};
use crate::transform::op::Interpolation;

fn bytes(length: usize, seed: u32) -> Vec<u8> {
    // Runs of 0 and 255 make bicubic sums leave the bytes' range.
    let byte = |i: usize| match (i as u32 / 7).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 24 {
        noise @ 0..100 => noise as u8,
        100..180 => 0,
        _ => 255,
    };
    (0..length).map(byte).collect()
}

fn weights(from: usize, to: usize, cubic: bool, antialias: bool) -> Weights {
    let mut weights = Weights::default();
    let interpolation = if cubic { Interpolation::Bicubic } else { Interpolation::Bilinear };
    weights.fill(from, to, interpolation, antialias);
    weights
}

fn sides() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![
        (1usize..40, 1usize..40),
        (1usize..300, 1usize..20),
        (1usize..20, 1usize..300),
        (100usize..130, 1usize..4)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_are_scaled_alike_by_all_kernels(
        (from, to) in sides(), height in 1usize..4, channels in prop_oneof![Just(1usize), Just(3)],
        cubic: bool, antialias: bool, mirrored: bool, upside_down: bool, seed: u32,
    ) {
        let data = bytes(height * from * channels, seed);
        let mut layout = Layout::whole(Size::new(height, from), channels);
        if mirrored {
            layout = layout.flipped_horizontally();
        }
        if upside_down {
            layout = layout.flipped_vertically();
        }
        let weights = weights(from, to, cubic, antialias);
        let view = View::new(&data, layout.cropped(0, weights.range.start, Size::new(height, weights.range.len())));
        let (mut out, mut plain) = (Vec::new(), Vec::new());
        rows::scale(view, &weights, &mut rows::Scratch::default(), &mut out);
        rows::scale_plainly(view, &weights, &mut rows::Scratch::default(), &mut plain);
        prop_assert_eq!(out, plain);
    }

    #[test]
    fn columns_are_scaled_alike_by_all_kernels(
        (from, to) in sides(), length in 1usize..100, cubic: bool, antialias: bool, seed: u32,
    ) {
        let weights = weights(from, to, cubic, antialias);
        let mut data = bytes(weights.range.len() * length, seed);
        let mut out = Vec::new();
        columns::scale(&mut data, length, &weights, &mut out);
        let mut plain = vec![0; to * length + SLACK];
        columns::scale_plainly(&data, length, &weights, &mut plain);
        prop_assert_eq!(&out[..], &plain[..to * length]);
    }

    #[test]
    fn weights_lie_inside_and_add_up_to_one(
        (from, to) in prop_oneof![sides(), (1usize..4000, 1usize..3)], cubic: bool, antialias: bool,
    ) {
        let weights = weights(from, to, cubic, antialias);
        for i in 0..to {
            let taps = weights.of(i);
            prop_assert!(!taps.is_empty() && weights.range.start + weights.first[i] + taps.len() <= from);
            let sum: i64 = taps.iter().map(|&weight| i64::from(weight)).sum();
            // Each weight is rounded.
            prop_assert!((sum - (1 << weights.precision)).unsigned_abs() as usize <= taps.len());
        }
    }
}
