//! Flips in place, and the turns that only move pixels.

use crate::image::Image;

/// Mirrors left and right.
pub fn horizontal(image: &mut Image) {
    let width = image.width();
    if image.channels() == 1 {
        image.data_mut().chunks_exact_mut(width).for_each(<[u8]>::reverse);
    } else {
        let (pixels, _) = image.data_mut().as_chunks_mut::<3>();
        pixels.chunks_exact_mut(width).for_each(<[[u8; 3]]>::reverse);
    }
}

/// Mirrors top and bottom.
pub fn vertical(image: &mut Image) {
    let row = image.width() * image.channels();
    let middle = image.height() / 2 * row;
    let (upper, lower) = image.data_mut().split_at_mut(middle);
    for (above, below) in upper.chunks_exact_mut(row).zip(lower.rchunks_exact_mut(row)) {
        above.swap_with_slice(below);
    }
}

/// Turns by 180°.
pub fn half_turn(image: &mut Image) {
    if image.channels() == 1 {
        image.data_mut().reverse();
    } else {
        image.data_mut().as_chunks_mut::<3>().0.reverse();
    }
}

/// Turns by 90°, counter-clockwise or clockwise; height and width change places.
pub fn quarter_turn(image: &Image, clockwise: bool) -> Image {
    if image.channels() == 1 { turn::<1>(image, clockwise) } else { turn::<3>(image, clockwise) }
}

fn turn<const C: usize>(image: &Image, clockwise: bool) -> Image {
    let (height, width) = (image.height(), image.width());
    let (source, _) = image.data().as_chunks::<C>();
    let mut data = vec![0; image.data().len()];
    let (pixels, _) = data.as_chunks_mut::<C>();
    for (i, row) in pixels.chunks_exact_mut(height).enumerate() {
        for (j, pixel) in row.iter_mut().enumerate() {
            *pixel = if clockwise { source[(height - 1 - j) * width + i] } else { source[j * width + width - 1 - i] };
        }
    }
    Image::new(width, height, C, data).expect("a turned image has as many bytes")
}
