//! Perspective maps: torchvision's `_get_perspective_coeffs` and `_perspective_grid`.

use super::{Map, to_pixels};
use crate::image::Size;

/// Unknowns of a perspective map.
const UNKNOWNS: usize = 8;

/// From the result's pixels to source coordinates: two fractions with a common denominator.
#[derive(Clone, Copy, Debug)]
pub struct Perspective {
    /// The numerators of x and of y, and the denominator: the factor of the column, the factor of the row, the offset.
    rows: [[f32; 3]; 3],
    size: Size,
}

impl Perspective {
    /// The map for an image of `size` that shows the points `start` of the source at `end`; none if no single one does.
    pub fn new(size: Size, start: [[f32; 2]; 4], end: [[f32; 2]; 4]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h] = coefficients(start, end)?.map(|number| number as f32);
        let half = [size.width, size.height].map(|side| side as f32 * 0.5);
        let rows = [[a, b, c].map(|number| number / half[0]), [d, e, f].map(|number| number / half[1]), [g, h, 1.0]];
        Some(Self { rows, size })
    }
}

/// The coefficients a to h of `x = (a u + b v + c) / (g u + h v + 1)` and `y = (d u + e v + f) / (g u + h v + 1)`, which lead from each point (u, v) of
/// `end` to (x, y) of `start`.
pub fn coefficients(start: [[f32; 2]; 4], end: [[f32; 2]; 4]) -> Option<[f64; UNKNOWNS]> {
    let mut equations = [[0.0; UNKNOWNS + 1]; UNKNOWNS];
    for ((pair, from), to) in equations.as_chunks_mut::<2>().0.iter_mut().zip(start).zip(end) {
        let ([x, y], [u, v]) = (from.map(f64::from), to.map(f64::from));
        pair[0] = [u, v, 1.0, 0.0, 0.0, 0.0, -x * u, -x * v, x];
        pair[1] = [0.0, 0.0, 0.0, u, v, 1.0, -y * u, -y * v, y];
    }
    solve(equations)
}

/// Gaussian elimination with the largest pivot of each column, after each column was scaled to 1.
fn solve(mut equations: [[f64; UNKNOWNS + 1]; UNKNOWNS]) -> Option<[f64; UNKNOWNS]> {
    /// A pivot that is this small beside the largest number of its column is a rounding error.
    const SINGULAR: f64 = 1e-12;
    let scales: [f64; UNKNOWNS] =
        std::array::from_fn(|column| equations.iter().map(|row| row[column].abs()).fold(0.0, f64::max));
    for column in 0..UNKNOWNS {
        let size = |row: &usize| equations[*row][column].abs();
        let pivot = (column..UNKNOWNS).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        if size(&pivot) <= SINGULAR * scales[column] {
            return None;
        }
        equations.swap(column, pivot);
        let pivot = equations[column];
        for row in equations.iter_mut().skip(column + 1) {
            let factor = row[column] / pivot[column];
            row.iter_mut().zip(&pivot).for_each(|(number, pivot)| *number -= factor * pivot);
        }
    }
    let mut solution = [0.0; UNKNOWNS];
    for row in (0..UNKNOWNS).rev() {
        let known: f64 = (row + 1..UNKNOWNS).map(|column| equations[row][column] * solution[column]).sum();
        solution[row] = (equations[row][UNKNOWNS] - known) / equations[row][row];
    }
    solution.iter().all(|number| (*number as f32).is_finite()).then_some(solution)
}

impl Map for Perspective {
    #[inline(always)]
    fn row(&self, y: usize, left: usize, xs: &mut [f32], ys: &mut [f32]) {
        let Self { rows: [[xa, xb, xc], [ya, yb, yc], [wa, wb, wc]], size } = *self;
        let v = y as f32 + 0.5;
        for (j, (x, y)) in xs.iter_mut().zip(ys).enumerate() {
            let u = (left + j) as i32 as f32 + 0.5;
            let w = u * wa + v * wb + wc;
            *x = to_pixels((u * xa + v * xb + xc) / w - 1.0 + 1.0, size.width);
            *y = to_pixels((u * ya + v * yb + yc) / w - 1.0 + 1.0, size.height);
        }
    }
}
