//! Scaling: nearest as torch's `interpolate`, bilinear antialiased by the SIMD convolution of `fast_image_resize`.

use fast_image_resize as fir;
use fir::images::{Image as Target, ImageRef};

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
        (Interpolation::Bilinear, _) => bilinear(image, size),
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

/// First along the rows, then along the columns, rounded to 8 bits in between, as torch does. (`fast_image_resize` left to itself
/// begins with the columns, which changes a sixth of the values by 1.)
fn bilinear(image: Image, size: Size) -> Image {
    let rows = Size::new(image.height(), size.width);
    let image = if rows == image.size() { image } else { convolve(&image, rows) };
    if size == image.size() { image } else { convolve(&image, size) }
}

fn convolve(image: &Image, size: Size) -> Image {
    let pixel = if image.channels() == 1 { fir::PixelType::U8 } else { fir::PixelType::U8x3 };
    let source = ImageRef::new(image.width() as u32, image.height() as u32, image.data(), pixel)
        .expect("an image holds exactly height × width × channels bytes");
    let mut target = Target::new(size.width as u32, size.height as u32, pixel);
    let options = fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::Bilinear));
    fir::Resizer::new().resize(&source, &mut target, &options).expect("source and target have the same type of pixel");
    Image::new(size.height, size.width, image.channels(), target.into_vec()).expect("the target has the size asked for")
}
