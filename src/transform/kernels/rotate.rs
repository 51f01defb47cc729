//! Rotation as torchvision's `affine_grid` and torch's `grid_sample` compute it, with zero padding and `align_corners = false`.
//!
//! Every product, sum and rounding is done in torch's order and precision, so that both find the same source pixel. Only the mean of four
//! pixels, which torch sums by fused multiply-adds, is rounded at every step; that moves one result in 100,000 by 1.

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
    pub fn new(size: Size, degrees: f32, expand: bool, center: Option<[f32; 2]>) -> Self {
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
    fn new(size: Size, degrees: f64, expand: bool, center: Option<[f32; 2]>) -> Self {
        let half = [size.width as f64 * 0.5, size.height as f64 * 0.5];
        let [cx, cy] = center.map_or([0.0; 2], |[x, y]| [f64::from(x) - half[0], f64::from(y) - half[1]]);
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
                (1, Fill::None) => sample::<1>(&image, grid, interpolation, None),
                (_, Fill::None) => sample::<3>(&image, grid, interpolation, None),
                (1, Fill::All(value)) => sample(&image, grid, interpolation, Some([value])),
                (_, Fill::All(value)) => sample(&image, grid, interpolation, Some([value; 3])),
                (_, Fill::Rgb(color)) => sample(&image, grid, interpolation, Some(color)),
            };
            Image::new(grid.size.height, grid.size.width, image.channels(), data)
                .expect("the result has the grid's size and the source's channels")
        }
    }
}

fn sample<const C: usize>(image: &Image, grid: &Grid, interpolation: Interpolation, fill: Option<[u8; C]>) -> Vec<u8> {
    let source = Source { pixels: image.data().as_chunks().0, width: image.width(), height: image.height(), fill };
    match interpolation {
        Interpolation::Nearest => source.map(grid, Source::nearest),
        Interpolation::Bilinear => source.map(grid, Source::bilinear),
        Interpolation::Bicubic => todo!(),
    }
}

struct Source<'a, const C: usize> {
    pixels: &'a [[u8; C]],
    width: usize,
    height: usize,
    fill: Option<[u8; C]>,
}

impl<const C: usize> Source<'_, C> {
    /// Calls `pixel` with the source position of each result pixel. Whole coordinates are the middles of pixels; positions far outside are
    /// moved to just outside.
    fn map(&self, grid: &Grid, pixel: impl Fn(&Self, f32, f32) -> [u8; C]) -> Vec<u8> {
        let Grid { matrix: [[xa, xb, xc], [ya, yb, yc]], size } = *grid;
        let middle = |side: usize| (side as f32 - 1.0) * 0.5;
        let (mut xs, mut ys) = (vec![0.0; size.width], vec![0.0; size.width]);
        let mut data = vec![0; size.height * size.width * C];
        for (i, row) in data.chunks_exact_mut(size.width * C).enumerate() {
            let v = i as f32 - middle(size.height);
            for (j, (x, y)) in xs.iter_mut().zip(&mut ys).enumerate() {
                let u = j as u32 as f32 - middle(size.width);
                *x = to_pixels(u * xa + v * xb + xc + 1.0, self.width);
                *y = to_pixels(u * ya + v * yb + yc + 1.0, self.height);
            }
            for ((out, &x), &y) in row.as_chunks_mut().0.iter_mut().zip(&xs).zip(&ys) {
                *out = pixel(self, x, y);
            }
        }
        data
    }

    fn nearest(&self, x: f32, y: f32) -> [u8; C] {
        self.get(round(x), round(y)).or(self.fill).unwrap_or([0; C])
    }

    /// `mask · (value − fill) + fill`, where value and mask are the means of the four pixels around and of ones, both 0 outside. Without a
    /// fill it is the value.
    fn bilinear(&self, x: f32, y: f32) -> [u8; C] {
        let (left, top) = (floor(x), floor(y));
        let (east, south) = (x - left as f32, y - top as f32);
        let (west, north) = (1.0 - east, 1.0 - south);
        let weights = [west * north, east * north, west * south, east * south];
        if left >= 0 && top >= 0 && (left as usize) < self.width - 1 && (top as usize) < self.height - 1 {
            let first = top as usize * self.width + left as usize;
            let (upper, lower) = (&self.pixels[first..first + 2], &self.pixels[first + self.width..][..2]);
            return self.blend([upper[0], upper[1], lower[0], lower[1]], weights, weights);
        }
        let taps = [(left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)].map(|(x, y)| self.get(x, y));
        let mask = std::array::from_fn(|tap| if taps[tap].is_some() { weights[tap] } else { 0.0 });
        self.blend(taps.map(|tap| tap.unwrap_or([0; C])), weights, mask)
    }

    fn blend(&self, [a, b, c, d]: [[u8; C]; 4], weights: [f32; 4], mask: [f32; 4]) -> [u8; C] {
        let mean =
            |values: [f32; 4], [p, q, r, s]: [f32; 4]| values[0] * p + values[1] * q + values[2] * r + values[3] * s;
        let mask = mean([1.0; 4], mask);
        std::array::from_fn(|i| {
            let value = mean([a[i], b[i], c[i], d[i]].map(f32::from), weights);
            let fill = self.fill.map(|fill| f32::from(fill[i]));
            round(fill.map_or(value, |fill| (value - fill) * mask + fill)) as u8
        })
    }

    fn get(&self, x: i32, y: i32) -> Option<[u8; C]> {
        let (x, y) = (x as u32 as usize, y as u32 as usize);
        (x < self.width && y < self.height).then(|| self.pixels[y * self.width + x])
    }
}

/// From [0, 2] to pixels along a side. torch fuses the product and the sum; in f64 the two are exact, and rounded once.
#[inline]
fn to_pixels(position: f32, side: usize) -> f32 {
    let pixels = (f64::from(position) * (side as f64 * 0.5) - 0.5) as f32;
    let outside = side as f32 + 1.0;
    let not_below = if pixels > -2.0 { pixels } else { -2.0 };
    if not_below < outside { not_below } else { outside }
}

/// To the nearest whole number, halves to the even one, for |x| < 2²²: the sum has no bits left for a fraction, and its lowest bits are the
/// number. (`round_ties_even` is a function call without SSE 4.1.)
fn round(x: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT).to_bits() as i32 - SHIFT.to_bits() as i32
}

/// The largest whole number that is not above x, for |x| < 2²².
fn floor(x: f32) -> i32 {
    let near = round(x);
    near - i32::from(near as f32 > x)
}
