//! The samplers against a scalar twin: one pixel at a time, straight from the formulas of `grid_sample`.

use proptest::prelude::*;

use super::affine::{Affine, Parameters};
use super::perspective::Perspective;
use super::{Map, Sampling, Scratch, warp};
use crate::image::{Image, Size};
use crate::transform::kernels::view::View;
use crate::transform::op::{Fill, Interpolation};

struct Twin<'a> {
    image: &'a Image,
    fill: u8,
    blended: bool,
}

impl Twin<'_> {
    /// A channel's value and 1, or zeros outside.
    fn tap(&self, x: f32, y: f32, channel: usize) -> (f32, f32) {
        let inside = |place: f32, side: usize| place >= 0.0 && place < side as f32;
        if inside(x, self.image.width()) && inside(y, self.image.height()) {
            (f32::from(self.image.pixel(x as usize, y as usize)[channel]), 1.0)
        } else {
            (0.0, 0.0)
        }
    }

    fn nearest(&self, x: f32, y: f32, channel: usize) -> u8 {
        let (value, inside) = self.tap(x.round_ties_even(), y.round_ties_even(), channel);
        if inside == 1.0 { value as u8 } else { self.fill }
    }

    fn bilinear(&self, x: f32, y: f32, channel: usize) -> u8 {
        let (left, top) = (x.floor(), y.floor());
        let (east, south) = (x - left, y - top);
        let (west, north) = (1.0 - east, 1.0 - south);
        let weights = [west * north, east * north, west * south, east * south];
        let taps =
            [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)].map(|(dx, dy)| self.tap(left + dx, top + dy, channel));
        let sum = |part: fn(&(f32, f32)) -> f32| {
            let first = part(&taps[0]) * weights[0];
            (1..4).fold(first, |sum, i| part(&taps[i]).mul_add(weights[i], sum))
        };
        self.blend(sum(|tap| tap.0), sum(|tap| tap.1))
    }

    fn bicubic(&self, x: f32, y: f32, channel: usize) -> u8 {
        let weights = |part: f32| {
            let near = |x: f32| (1.25 * x - 2.25) * x * x + 1.0;
            let far = |x: f32| ((-0.75 * x + 3.75) * x - 6.0) * x + 3.0;
            [far(part + 1.0), near(part), near(1.0 - part), far(1.0 - part + 1.0)]
        };
        let (left, top) = (x.floor(), y.floor());
        let (along, down) = (weights(x - left), weights(y - top));
        let (mut value, mut mask) = (0.0f32, 0.0f32);
        for (j, down) in down.into_iter().enumerate() {
            let taps: [_; 4] = std::array::from_fn(|i| self.tap(left + i as f32 - 1.0, top + j as f32 - 1.0, channel));
            let row = |part: fn(&(f32, f32)) -> f32| {
                (1..4).fold(part(&taps[0]) * along[0], |sum, i| part(&taps[i]).mul_add(along[i], sum))
            };
            value = row(|tap| tap.0).mul_add(down, value);
            mask = row(|tap| tap.1).mul_add(down, mask);
        }
        self.blend(value, mask)
    }

    fn blend(&self, value: f32, mask: f32) -> u8 {
        let (fill, mask) = (f32::from(self.fill), if self.blended { mask } else { 1.0 });
        ((value - fill) * mask + fill).round_ties_even() as u8
    }
}

fn image(size: Size, channels: usize, seed: u32) -> Image {
    let byte = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 24) as u8;
    let data = (0..size.height * size.width * channels).map(byte).collect();
    Image::new(size.height, size.width, channels, data).expect("as many bytes")
}

fn check(image: &Image, map: &impl Map, interpolation: Interpolation, fill: Fill, size: Size) {
    let mut out = Vec::new();
    warp(View::of(image), map, Sampling { size, interpolation, fill }, &mut out, &mut Scratch::default());
    let value = if let Fill::All(value) = fill { value } else { 0 };
    let twin = Twin { image, fill: value, blended: fill != Fill::None };
    let (mut xs, mut ys) = (vec![0.0; size.width], vec![0.0; size.width]);
    for (y, row) in out.chunks_exact(size.width * image.channels()).enumerate() {
        map.row(y, 0, &mut xs, &mut ys);
        for (i, &byte) in row.iter().enumerate() {
            let (x, channel) = (i / image.channels(), i % image.channels());
            let expected = match interpolation {
                Interpolation::Nearest => twin.nearest(xs[x], ys[x], channel),
                Interpolation::Bilinear => twin.bilinear(xs[x], ys[x], channel),
                Interpolation::Bicubic => twin.bicubic(xs[x], ys[x], channel),
            };
            assert_eq!(byte, expected, "{interpolation:?} at row {y}, column {x}, channel {channel}");
        }
    }
}

const ALL: [Interpolation; 3] = [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic];

/// The multiples of the block and of the lanes, and one more or less, are among the sizes.
fn sizes() -> impl Strategy<Value = Size> {
    let side = prop_oneof![1usize..20, Just(63), Just(64), Just(65), 80usize..140];
    (side.clone(), side).prop_map(|(height, width)| Size::new(height, width))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn affine_maps_agree_with_the_scalar_twin(
        size in sizes(), channels in prop_oneof![Just(1usize), Just(3)], seed: u32,
        degrees in -400.0f64..400.0, scale in 0.02f32..9.0, shear in -85.0f64..85.0, shift in -40.0f32..40.0,
        fill in prop_oneof![Just(Fill::None), any::<u8>().prop_map(Fill::All)],
    ) {
        let parameters = Parameters { degrees, translate: [shift, -shift], scale, shear: [shear, shear / 3.0], center: None };
        let image = image(size, channels, seed);
        for interpolation in ALL {
            check(&image, &Affine::new(size, parameters, false), interpolation, fill, size);
        }
    }

    /// Some of these have a horizon inside the picture.
    #[test]
    fn perspective_maps_agree_with_the_scalar_twin(
        size in sizes(), channels in prop_oneof![Just(1usize), Just(3)], seed: u32,
        end in prop::array::uniform4(prop::array::uniform2(-20.0f32..150.0)), fill: u8,
    ) {
        let (w, h) = (size.width as f32, size.height as f32);
        let start = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]];
        let image = image(size, channels, seed);
        if let Some(map) = Perspective::new(size, start, end) {
            for interpolation in ALL {
                check(&image, &map, interpolation, Fill::All(fill), size);
            }
        }
    }
}

/// Positions that are no numbers, or farther out than any pixel.
struct Wild;

impl Map for Wild {
    fn row(&self, y: usize, left: usize, xs: &mut [f32], ys: &mut [f32]) {
        const WILD: [f32; 8] =
            [f32::INFINITY, f32::NEG_INFINITY, 3e9, -3e9, 16_777_216.0, -16_777_217.0, f32::MAX, -0.25];
        for (i, (x, place)) in xs.iter_mut().zip(ys).enumerate() {
            (*x, *place) = (WILD[(left + i + y) % 8], WILD[(left + i) / 8 % 8]);
        }
    }
}

#[test]
fn positions_far_outside_show_the_fill_and_infinite_ones_what_torch_makes_of_them() {
    let size = Size::new(9, 70);
    for interpolation in ALL {
        check(&image(Size::new(5, 6), 3, 1), &Wild, interpolation, Fill::All(200), size);
    }
}
