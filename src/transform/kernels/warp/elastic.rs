//! Elastic maps: every pixel is moved by a random field that was smoothed (P. Simard and others, "Best practices for convolutional neural
//! networks applied to visual document analysis", 2003), as torchvision's `ElasticTransform` and `elastic` do it.

use rand::RngExt;

use super::{Map, to_pixels};
use crate::image::Size;
use crate::rng::SampleRng;
use crate::transform::kernels::vectorized::vectorized;

/// Each pixel's own place, plus a displacement.
#[derive(Clone, Copy, Debug)]
pub struct Elastic<'a> {
    pub size: Size,
    /// Along x and along y, rows first; a side is 2 long.
    pub displacement: [&'a [f32]; 2],
}

/// Buffers that are kept from one field to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    fields: [Vec<f32>; 2],
    between: Vec<f32>,
    padded: Vec<f32>,
    kernel: Vec<f32>,
}

impl Scratch {
    /// Draws a displacement for an image of `size`: uniform numbers from [−1, 1), smoothed, times `alpha` pixels. First x, then y.
    pub fn draw(&mut self, size: Size, alpha: [f32; 2], sigma: [f32; 2], rng: &mut SampleRng) -> Elastic<'_> {
        let Self { fields, between, padded, kernel } = self;
        let sides = [size.width, size.height];
        for (axis, field) in fields.iter_mut().enumerate() {
            field.clear();
            field.extend((0..size.height * size.width).map(|_| rng.random::<f32>() * 2.0 - 1.0));
            if sigma[axis] > 0.0 {
                let reach = kernel_size(sigma[axis]) / 2;
                gaussian(reach, sigma[0], kernel);
                along_rows(field, size.width, kernel, padded, between);
                gaussian(reach, sigma[1], kernel);
                along_columns(between, size, kernel, field);
            }
            field.iter_mut().for_each(|way| *way = *way * alpha[axis] / sides[axis] as f32);
        }
        let [x, y] = &*fields;
        Elastic { size, displacement: [x, y] }
    }
}

/// The side of the square kernel that smooths one field: 8 σ, made odd; σ is that of the field's own axis, as in torchvision.
pub fn kernel_size(sigma: f32) -> usize {
    let side = (8.0 * f64::from(sigma) + 1.0) as usize;
    side | 1
}

/// The weights from −reach to reach.
fn gaussian(reach: usize, sigma: f32, kernel: &mut Vec<f32>) {
    let weight = |i: usize| {
        let x = (i as f64 - reach as f64) / f64::from(sigma);
        (-0.5 * x * x).exp()
    };
    let total: f64 = (0..=2 * reach).map(weight).sum();
    kernel.clear();
    kernel.extend((0..=2 * reach).map(|i| (weight(i) / total) as f32));
}

/// The image is reflected at its edges; the kernel must reach less far than its side.
fn along_rows(field: &[f32], width: usize, kernel: &[f32], padded: &mut Vec<f32>, out: &mut Vec<f32>) {
    let reach = kernel.len() / 2;
    out.clear();
    out.resize(field.len(), 0.0);
    for (row, out) in field.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        padded.clear();
        padded.extend(row[1..=reach].iter().rev());
        padded.extend(row);
        padded.extend(row[width - 1 - reach..width - 1].iter().rev());
        vectorized!(kernel.iter().enumerate().for_each(|(i, &weight)| add(out, &padded[i..], weight)));
    }
}

fn along_columns(field: &[f32], Size { height, width }: Size, kernel: &[f32], out: &mut [f32]) {
    let reach = kernel.len() / 2;
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        out.fill(0.0);
        vectorized!({
            for (i, &weight) in kernel.iter().enumerate() {
                let row = reflected(y + i, reach, height);
                add(out, &field[row * width..], weight);
            }
        });
    }
}

/// The place in a side that is seen at `place − reach`.
fn reflected(place: usize, reach: usize, side: usize) -> usize {
    let inside = place.abs_diff(reach);
    if inside < side { inside } else { 2 * (side - 1) - inside }
}

#[inline(always)]
fn add(sums: &mut [f32], values: &[f32], weight: f32) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * weight);
}

impl Map for Elastic<'_> {
    #[inline(always)]
    fn row(&self, y: usize, left: usize, xs: &mut [f32], ys: &mut [f32]) {
        let Size { height, width } = self.size;
        let [dx, dy] = self.displacement.map(|field| &field[y * width + left..(y + 1) * width]);
        let (columns, row) = (Line::new(width), Line::new(height).at(y));
        for (j, ((x, y), (dx, dy))) in xs.iter_mut().zip(ys).zip(dx.iter().zip(dy)).enumerate() {
            *x = to_pixels(columns.at(left + j) + dx + 1.0, width);
            *y = to_pixels(row + dy + 1.0, height);
        }
    }
}

/// The middles of the pixels of a side that is 2 long, as torch's `linspace` gives them: counted from the nearer end.
#[derive(Clone, Copy)]
struct Line {
    side: usize,
    end: f32,
    step: f32,
}

impl Line {
    #[inline(always)]
    fn new(side: usize) -> Self {
        let end = ((side as f64 - 1.0) / side as f64) as f32;
        Self { side, end, step: (end + end) / (side as f32 - 1.0).max(1.0) }
    }

    #[inline(always)]
    fn at(self, i: usize) -> f32 {
        let Self { side, end, step } = self;
        if i < side / 2 { step * i as i32 as f32 - end } else { end - step * (side as i32 - 1 - i as i32) as f32 }
    }
}
