//! Scaling as torch's native 8-bit kernels do it.

use super::super::op::Interpolation;
use crate::image::{Image, Size};

/// Scales `image` to `size`, which must not be empty.
pub fn resize(image: Image, size: Size, interpolation: Interpolation) -> Image {
    if image.size() == size {
        return image;
    }
    match (interpolation, image.channels()) {
        (Interpolation::Nearest, 1) => nearest::<1>(&image, size),
        (Interpolation::Nearest, _) => nearest::<3>(&image, size),
        (Interpolation::Bilinear, 1) => bilinear::<1>(image, size),
        (Interpolation::Bilinear, _) => bilinear::<3>(image, size),
        (Interpolation::Bicubic, _) => todo!(),
    }
}

fn nearest<const C: usize>(image: &Image, size: Size) -> Image {
    let (pixels, _) = image.data().as_chunks::<C>();
    let columns = nearest_indices(image.width(), size.width);
    let mut data = Vec::with_capacity(size.height * size.width * C);
    for y in nearest_indices(image.height(), size.height) {
        let row = &pixels[y * image.width()..(y + 1) * image.width()];
        columns.iter().for_each(|&x| data.extend_from_slice(&row[x]));
    }
    Image::new(size.height, size.width, C, data).expect("one pixel for each row and column")
}

/// ⌊i · scale⌋ with the scale in f32, as torch computes it.
fn nearest_indices(from: usize, to: usize) -> Vec<usize> {
    let scale = from as f32 / to as f32;
    (0..to).map(|i| ((i as f32 * scale) as usize).min(from - 1)).collect()
}

/// First along the rows, then along the columns, rounded to 8 bits in between, as torch does.
fn bilinear<const C: usize>(image: Image, size: Size) -> Image {
    let (height, width) = (image.height(), image.width());
    let image = if width == size.width { image } else { along_rows::<C>(&image, size.width) };
    if height == size.height { image } else { along_columns::<C>(&image, size.height) }
}

/// The source pixels of each result pixel along one side, and their weights in units of 2^−precision.
struct Weights {
    precision: u32,
    taps: Vec<(usize, Vec<i32>)>,
}

fn triangle(from: usize, to: usize) -> Weights {
    let scale = from as f64 / to as f64;
    let widened = scale.max(1.0);
    let taps: Vec<(usize, Vec<f64>)> = (0..to)
        .map(|i| {
            let center = scale * (i as f64 + 0.5);
            let first = ((center - widened + 0.5) as i64).max(0);
            let end = ((center + widened + 0.5) as i64).min(from as i64);
            let weight = |j: i64| (1.0 - ((j as f64 - center + 0.5) / widened).abs()).max(0.0);
            let weights: Vec<f64> = (first..end).map(weight).collect();
            let total: f64 = weights.iter().sum();
            (first as usize, weights.into_iter().map(|weight| weight / total).collect())
        })
        .collect();
    let greatest = taps.iter().flat_map(|(_, weights)| weights).fold(0.0f64, |a, &b| a.max(b));
    let precision = (0..22).find(|&p| (0.5 + greatest * f64::from(1 << (p + 1))) as i32 >= 1 << 15).unwrap_or(22);
    let whole = |weight: f64| (weight * f64::from(1 << precision) + 0.5 * weight.signum()) as i32;
    let taps = taps.into_iter().map(|(first, weights)| (first, weights.into_iter().map(whole).collect())).collect();
    Weights { precision, taps }
}

fn along_rows<const C: usize>(image: &Image, width: usize) -> Image {
    let Weights { precision, taps } = triangle(image.width(), width);
    let mut data = Vec::with_capacity(image.height() * width * C);
    for row in image.data().chunks_exact(image.width() * C) {
        let (pixels, _) = row.as_chunks::<C>();
        for (first, weights) in &taps {
            let sum = |c: usize| weights.iter().zip(&pixels[*first..]).map(|(w, pixel)| w * i32::from(pixel[c])).sum();
            data.extend((0..C).map(|c| rounded(sum(c), precision)));
        }
    }
    Image::new(image.height(), width, C, data).expect("one pixel for each place")
}

fn along_columns<const C: usize>(image: &Image, height: usize) -> Image {
    let Weights { precision, taps } = triangle(image.height(), height);
    let row = image.width() * C;
    let mut data = Vec::with_capacity(height * row);
    for (first, weights) in &taps {
        let source = &image.data()[first * row..];
        let sum = |i: usize| weights.iter().enumerate().map(|(j, w)| w * i32::from(source[j * row + i])).sum();
        data.extend((0..row).map(|i| rounded(sum(i), precision)));
    }
    Image::new(height, image.width(), C, data).expect("one pixel for each place")
}

fn rounded(sum: i32, precision: u32) -> u8 {
    ((sum + (1 << precision >> 1)) >> precision).clamp(0, 255) as u8
}
