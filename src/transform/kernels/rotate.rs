//! Rotation as torchvision's `affine_grid` and torch's `grid_sample` compute it, with zero padding and `align_corners = false`.
//!
//! Every product, sum and rounding is done in f32 in torch's order, so that both find the same source pixel.

use super::super::op::{Fill, Interpolation};
use super::flip;
use crate::image::{Image, Size};

/// What a rotation comes down to.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// Nothing moves.
    Nothing,
    /// 180°.
    Half,
    /// 90° by moving pixels; the size that results.
    Quarter { clockwise: bool, size: Size },
    /// Any other angle.
    Sampled(Grid),
}

/// The map from result pixels to source coordinates in [−1, 1].
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// For x and for y: the factor of the column, the factor of the row, the offset.
    matrix: [[f32; 3]; 2],
    size: Size,
}

impl Turn {
    /// The rotation of an image of `size` by `degrees`, counter-clockwise, around `center`.
    pub fn new(size: Size, degrees: f32, expand: bool, center: Option<[f64; 2]>) -> Self {
        let degrees = f64::from(degrees).rem_euclid(360.0);
        let swapped = Size::new(size.width, size.height);
        let movable = center.is_none();
        let swappable = movable && (expand || size == swapped);
        if movable && degrees == 0.0 {
            Self::Nothing
        } else if movable && degrees == 180.0 {
            Self::Half
        } else if swappable && (degrees == 90.0 || degrees == 270.0) {
            Self::Quarter { clockwise: degrees == 270.0, size: swapped }
        } else {
            Self::Sampled(Grid::new(size, degrees, expand, center))
        }
    }

    /// The size of the result for an image of `size`.
    pub fn output_size(&self, size: Size) -> Size {
        match self {
            Self::Nothing | Self::Half => size,
            Self::Quarter { size, .. } => *size,
            Self::Sampled(grid) => grid.size,
        }
    }
}

impl Grid {
    fn new(size: Size, degrees: f64, expand: bool, center: Option<[f64; 2]>) -> Self {
        let half = [size.width as f64 * 0.5, size.height as f64 * 0.5];
        let [cx, cy] = center.map_or([0.0; 2], |[x, y]| [x - half[0], y - half[1]]);
        let (sin, cos) = (-degrees).to_radians().sin_cos();
        let x_offset = cx - cos * cx - sin * cy;
        let y_offset = cy + sin * cx - cos * cy;
        let matrix = [[cos, sin, x_offset], [-sin, cos, y_offset]].map(|row| row.map(|number| number as f32));
        let size = if expand { expanded(&matrix, half.map(|side| side as f32)) } else { size };
        let scaled = [0, 1].map(|axis| matrix[axis].map(|number| number / half[axis] as f32));
        Self { matrix: scaled, size }
    }
}

/// The size that holds the whole rotated image. Positions are cut to 1e-4 first, lest 1e-15 more than a whole number cost a pixel.
fn expanded(matrix: &[[f32; 3]; 2], half: [f32; 2]) -> Size {
    let [w, h] = half;
    let side = |axis: usize| {
        let [a, b, c] = matrix[axis];
        let corners = [(-w, -h), (-w, h), (w, h), (w, -h)].map(|(x, y)| x * a + y * b + c);
        let cut = |position: f32| ((position + half[axis]) * 1e4).trunc() * 1e-4;
        let low = corners.into_iter().fold(f32::INFINITY, f32::min);
        let high = corners.into_iter().fold(f32::NEG_INFINITY, f32::max);
        (cut(high).ceil() - cut(low).floor()) as usize
    };
    Size::new(side(1), side(0))
}

/// Applies a rotation. An RGB `fill` needs an RGB image.
pub fn rotate(mut image: Image, turn: &Turn, interpolation: Interpolation, fill: Fill) -> Image {
    match turn {
        Turn::Nothing => image,
        Turn::Half => {
            flip::half_turn(&mut image);
            image
        }
        Turn::Quarter { clockwise, .. } => flip::quarter_turn(&image, *clockwise),
        Turn::Sampled(grid) => {
            let data = match (image.channels(), fill) {
                (1, Fill::All(value)) => sample(&image, grid, interpolation, [value]),
                (_, Fill::All(value)) => sample(&image, grid, interpolation, [value; 3]),
                (_, Fill::Rgb(color)) => sample(&image, grid, interpolation, color),
            };
            Image::new(grid.size.height, grid.size.width, image.channels(), data)
                .expect("the result has the grid's size and the source's channels")
        }
    }
}

fn sample<const C: usize>(image: &Image, grid: &Grid, interpolation: Interpolation, fill: [u8; C]) -> Vec<u8> {
    let source = Source { pixels: image.data().as_chunks().0, width: image.width(), height: image.height(), fill };
    match interpolation {
        Interpolation::Nearest => map_grid(image.size(), grid, |x, y| source.nearest(x, y)),
        Interpolation::Bilinear => map_grid(image.size(), grid, |x, y| source.bilinear(x, y)),
    }
}

/// Calls `pixel` with the source coordinates of each result pixel, row by row. Whole coordinates are the middles of pixels.
fn map_grid<const C: usize>(source: Size, grid: &Grid, pixel: impl Fn(f32, f32) -> [u8; C]) -> Vec<u8> {
    let Grid { matrix: [[xa, xb, xc], [ya, yb, yc]], size } = *grid;
    let middle = |side: usize| (side as f32 - 1.0) * 0.5;
    let scale = [source.width as f32 * 0.5, source.height as f32 * 0.5];
    let mut data = vec![0; size.height * size.width * C];
    for (i, row) in data.chunks_exact_mut(size.width * C).enumerate() {
        let v = i as f32 - middle(size.height);
        let (xv, yv) = (v * xb, v * yb);
        for (j, out) in row.as_chunks_mut::<C>().0.iter_mut().enumerate() {
            let u = j as f32 - middle(size.width);
            let x = (u * xa + xv + xc + 1.0) * scale[0] - 0.5;
            let y = (u * ya + yv + yc + 1.0) * scale[1] - 0.5;
            *out = pixel(x, y);
        }
    }
    data
}

struct Source<'a, const C: usize> {
    pixels: &'a [[u8; C]],
    width: usize,
    height: usize,
    fill: [u8; C],
}

impl<const C: usize> Source<'_, C> {
    fn nearest(&self, x: f32, y: f32) -> [u8; C] {
        self.get(round(x) as i32, round(y) as i32).unwrap_or(self.fill)
    }

    /// `mask · (value − fill) + fill`, where value and mask are the means of the four pixels around and of ones, both 0 outside.
    fn bilinear(&self, x: f32, y: f32) -> [u8; C] {
        let (left, top) = (floor(x), floor(y));
        let (right, bottom) = (left.saturating_add(1), top.saturating_add(1));
        let (east, south) = (x - left as f32, y - top as f32);
        let (west, north) = (1.0 - east, 1.0 - south);
        let taps = [
            (self.get(left, top), west * north),
            (self.get(right, top), east * north),
            (self.get(left, bottom), west * south),
            (self.get(right, bottom), east * south),
        ];
        let mut value = [0.0; C];
        let mut mask = 0.0;
        for (pixel, weight) in taps {
            let Some(pixel) = pixel else { continue };
            mask += weight;
            for (sum, byte) in value.iter_mut().zip(pixel) {
                *sum += f32::from(byte) * weight;
            }
        }
        std::array::from_fn(|c| {
            let fill = f32::from(self.fill[c]);
            round((value[c] - fill) * mask + fill) as u8
        })
    }

    fn get(&self, x: i32, y: i32) -> Option<[u8; C]> {
        let (x, y) = (x as u32 as usize, y as u32 as usize);
        (x < self.width && y < self.height).then(|| self.pixels[y * self.width + x])
    }
}

/// To the nearest whole number, halves to the even one: for |x| < 2²² the sum has no bits left for a fraction. (`round_ties_even` is a
/// function call without SSE 4.1.) Beyond, the result is off by little, and far outside of every image.
fn round(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}

fn floor(x: f32) -> i32 {
    let whole = x as i32;
    whole.saturating_sub(i32::from(x < whole as f32))
}
