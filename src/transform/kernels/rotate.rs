//! Rotation: the turns that only move pixels, and the affine maps of all others.

use super::view::{Layout, View};
use super::warp::affine::{Affine, Parameters};
use super::warp::{self, Sampling};
use crate::image::Size;
use crate::transform::op::{Fill, Interpolation};

/// What a rotation comes down to.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// Nothing moves.
    Nothing,
    /// 180°.
    Half,
    /// 90° by moving pixels.
    Quarter { clockwise: bool },
    /// Any other angle.
    Sampled(Affine),
}

impl Turn {
    /// The rotation of an image of `size` by `degrees`, counter-clockwise, around `center`.
    pub fn new(size: Size, degrees: f32, expand: bool, center: Option<[f32; 2]>) -> Self {
        let degrees = f64::from(degrees).rem_euclid(360.0);
        let movable = center.is_none();
        let swappable = movable && (expand || size.width == size.height);
        if movable && degrees == 0.0 {
            Self::Nothing
        } else if movable && degrees == 180.0 {
            Self::Half
        } else if swappable && (degrees == 90.0 || degrees == 270.0) {
            Self::Quarter { clockwise: degrees == 270.0 }
        } else {
            let parameters = Parameters { degrees: -degrees, translate: [0.0; 2], scale: 1.0, shear: [0.0; 2], center };
            Self::Sampled(Affine::new(size, parameters, expand))
        }
    }

    /// The size of the result for an image of `size`.
    pub fn output_size(&self, size: Size) -> Size {
        match self {
            Self::Nothing | Self::Half => size,
            Self::Quarter { .. } => Size::new(size.width, size.height),
            Self::Sampled(map) => map.size,
        }
    }
}

/// Writes the turned picture into `out`. An RGB `fill` needs an RGB image.
pub fn rotate(
    view: View<'_>,
    turn: &Turn,
    interpolation: Interpolation,
    fill: Fill,
    out: &mut Vec<u8>,
    scratch: &mut warp::Scratch,
) {
    match turn {
        Turn::Nothing => view.copy_into(out),
        Turn::Half => half_turned(view).copy_into(out),
        Turn::Quarter { clockwise } => quarter_turn(view, *clockwise, out),
        Turn::Sampled(map) => warp::warp(view, map, Sampling { size: map.size, interpolation, fill }, out, scratch),
    }
}

fn half_turned(view: View<'_>) -> View<'_> {
    let layout: Layout = view.layout();
    View::new(view.bytes(), layout.flipped_horizontally().flipped_vertically())
}

/// Turns by 90°, counter-clockwise or clockwise; height and width change places.
fn quarter_turn(view: View<'_>, clockwise: bool, out: &mut Vec<u8>) {
    let length = view.size().height * view.size().width * view.channels();
    out.resize(length, 0);
    if view.channels() == 1 { turn::<1>(view, clockwise, out) } else { turn::<3>(view, clockwise, out) }
}

fn turn<const C: usize>(view: View<'_>, clockwise: bool, out: &mut [u8]) {
    /// Rows and columns that are moved together, so that both sides stay in the cache.
    const TILE: usize = 16;
    let Size { height, width } = view.size();
    let (pixels, _) = out.as_chunks_mut::<C>();
    let mirrored = view.layout().mirrored;
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            for y in top..height.min(top + TILE) {
                let (row, _) = view.row(y).as_chunks::<C>();
                let column = if clockwise { height - 1 - y } else { y };
                for x in left..width.min(left + TILE) {
                    let pixel = row[if mirrored { width - 1 - x } else { x }];
                    pixels[if clockwise { x } else { width - 1 - x } * height + column] = pixel;
                }
            }
        }
    }
}
