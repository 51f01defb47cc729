//! Kernels that look at a neighbourhood, add noise, compress, cover or blend.

pub mod blend;
pub mod blur;
pub mod erase;
pub mod jpeg;
pub mod noise;
pub mod sharpness;

use super::flip;

/// Buffers that these kernels keep from one image to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    pub sharpness: sharpness::Scratch,
    pub blur: blur::Scratch,
    pub jpeg: jpeg::Scratch,
    pub blend: blend::Scratch,
}

/// Writes a row of pixels in reverse. Kernels that do the same to the left as to the right make the rows of a mirrored view as they lie in
/// memory, and then call this.
fn mirror(row: &[u8], channels: usize, out: &mut [u8]) {
    let rows = std::iter::once((out, row));
    match channels {
        1 => flip::reverse(rows),
        _ => flip::reverse_rgb(rows),
    }
}

/// Makes `buffer` as long as `length`; what it holds is left over from before and to be overwritten.
fn sized<T: Clone + Default>(buffer: &mut Vec<T>, length: usize) -> &mut [T] {
    buffer.resize(length, T::default());
    buffer
}

#[cfg(test)]
mod tests {
    use crate::image::{Image, Size};
    use crate::transform::kernels::view::{Layout, View};

    /// Calls `check` with pictures of many sizes, gray and RGB, of noise and extremes, each seen in several ways; and with what is seen there as
    /// an image of its own.
    pub fn with_views(mut check: impl FnMut(View<'_>, &Image)) {
        for (height, width) in [(1, 1), (1, 7), (7, 1), (2, 3), (3, 3), (5, 4), (17, 31), (24, 97)] {
            for channels in [1, 3] {
                let noise = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 24) as u8;
                let length = height * width * channels;
                for data in
                    [(0..length).map(noise).collect(), vec![255; length], (0..length).map(|i| i as u8).collect()]
                {
                    let image = Image::new(height, width, channels, data).expect("the bytes fit");
                    let whole = Layout::whole(image.size(), channels);
                    let part = whole.cropped(height / 3, width / 4, Size::new(height - height / 3, width - width / 4));
                    for layout in
                        [whole, whole.flipped_horizontally(), part.flipped_vertically(), part.flipped_horizontally()]
                    {
                        let view = View::new(image.data(), layout);
                        let mut data = Vec::new();
                        view.copy_into(&mut data);
                        let Size { height, width } = view.size();
                        check(view, &Image::new(height, width, channels, data).expect("a view has as many bytes"));
                    }
                }
            }
        }
    }
}
