//! Affine maps: torchvision's `_get_inverse_affine_matrix` and `_affine_grid`, in their order and precision.

use super::{Map, to_pixels};
use crate::image::Size;

/// From the result's pixels, counted from the middle, to source coordinates in [−1, 1].
#[derive(Clone, Copy, Debug)]
pub struct Affine {
    /// For x and for y: the factor of the column, the factor of the row, the offset.
    matrix: [[f32; 3]; 2],
    source: Size,
    /// The size of the result.
    pub size: Size,
}

/// What an affine operation asks for, in the source's pixels.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    /// Clockwise.
    pub degrees: f64,
    pub translate: [f32; 2],
    pub scale: f32,
    /// In degrees.
    pub shear: [f64; 2],
    pub center: Option<[f32; 2]>,
}

impl Affine {
    /// The map that undoes an operation on an image of `source`; with `expand` the result holds the whole turned image.
    pub fn new(source: Size, parameters: Parameters, expand: bool) -> Self {
        let half = [source.width, source.height].map(|side| side as f32 * 0.5);
        let matrix = inverse(parameters, half.map(f64::from)).map(|row| row.map(|number| number as f32));
        let size = if expand { expanded(&matrix, half) } else { source };
        let scaled = [0, 1].map(|axis| matrix[axis].map(|number| number / half[axis]));
        Self { matrix: scaled, source, size }
    }
}

/// From pixels of the result to pixels of the source, both counted from the middle.
fn inverse(parameters: Parameters, half: [f64; 2]) -> [[f64; 3]; 2] {
    let Parameters { degrees, translate, scale, shear, center } = parameters;
    let [cx, cy] = center.map_or([0.0; 2], |[x, y]| [f64::from(x) - half[0], f64::from(y) - half[1]]);
    let angle = degrees.to_radians();
    let [sx, sy] = shear.map(f64::to_radians);
    let a = (angle - sy).cos() / sy.cos();
    let b = -(a * sx.tan() + angle.sin());
    let c = (angle - sy).sin() / sy.cos();
    let d = angle.cos() - c * sx.tan();
    let [a, b, c, d] = [d, -b, -c, a].map(|number| number / f64::from(scale));
    let [x, y] = [cx + f64::from(translate[0]), cy + f64::from(translate[1])];
    [[a, b, cx - a * x - b * y], [c, d, cy - c * x - d * y]]
}

/// The size that holds the whole turned image. Positions are cut to 1e-4 first, lest 1e-15 more than a whole number cost a pixel.
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

impl Map for Affine {
    #[inline(always)]
    fn row(&self, y: usize, left: usize, xs: &mut [f32], ys: &mut [f32]) {
        let Self { matrix: [[xa, xb, xc], [ya, yb, yc]], source, size } = *self;
        let middle = |side: usize| (side as f32 - 1.0) * 0.5;
        let v = y as f32 - middle(size.height);
        for (j, (x, y)) in xs.iter_mut().zip(ys).enumerate() {
            let u = (left + j) as i32 as f32 - middle(size.width);
            *x = to_pixels(u * xa + v * xb + xc + 1.0, source.width);
            *y = to_pixels(u * ya + v * yb + yc + 1.0, source.height);
        }
    }
}
