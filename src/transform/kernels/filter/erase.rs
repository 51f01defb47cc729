//! Erasing: a rectangle of one colour or of noise.

use rand::Rng;

use super::sized;
use crate::image::Size;
use crate::rng::{Purpose, SampleKey};
use crate::transform::kernels::view::View;
use crate::transform::op::{Fill, Patch};

/// Covers the rectangle of `size` whose first pixel is in row `top` and column `left`; it lies inside.
pub fn erase(source: View<'_>, top: usize, left: usize, size: Size, patch: Patch, out: &mut Vec<u8>) {
    let channels = source.channels();
    let columns = left * channels..(left + size.width) * channels;
    if source.layout().mirrored {
        source.copy_into(out);
    } else {
        copy_around(source, top..top + size.height, columns.clone(), out);
    }
    let rows = out.chunks_exact_mut(source.size().width * channels).skip(top).take(size.height);
    let rows = rows.map(|row| &mut row[columns.clone()]);
    match patch {
        Patch::Fill(Fill::None) => rows.for_each(|row| row.fill(0)),
        Patch::Fill(Fill::All(value)) => rows.for_each(|row| row.fill(value)),
        Patch::Fill(Fill::Rgb(color)) => fill_color(rows, color),
        Patch::Noise { seed } => {
            let mut rng = SampleKey { seed, epoch: 0, position: 0, purpose: Purpose::Noise }.rng();
            rows.for_each(|row| rng.fill_bytes(row));
        }
    }
}

/// Copies all but the rectangle of these rows and bytes.
fn copy_around(source: View<'_>, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>, out: &mut Vec<u8>) {
    let row = source.size().width * source.channels();
    for (y, out) in sized(out, source.size().height * row).chunks_exact_mut(row).enumerate() {
        let pixels = source.row(y);
        if rows.contains(&y) {
            out[..columns.start].copy_from_slice(&pixels[..columns.start]);
            out[columns.end..].copy_from_slice(&pixels[columns.end..]);
        } else {
            out.copy_from_slice(pixels);
        }
    }
}

fn fill_color<'a>(mut rows: impl Iterator<Item = &'a mut [u8]>, color: [u8; 3]) {
    let Some(first) = rows.next() else { return };
    first.as_chunks_mut::<3>().0.fill(color);
    rows.for_each(|row| row.copy_from_slice(first));
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_views;
    use super::*;

    #[test]
    fn only_the_rectangle_changes() {
        let mut out = Vec::new();
        with_views(|view, image| {
            let (channels, whole) = (image.channels(), image.size());
            let part = Size::new(whole.height.div_ceil(2), whole.width.div_ceil(3));
            let (top, left) = (whole.height - part.height, (whole.width - part.width) / 2);
            let fill = if channels == 1 { Fill::All(7) } else { Fill::Rgb([7, 8, 9]) };
            erase(view, top, left, part, Patch::Fill(fill), &mut out);
            for (i, (pixel, before)) in out.chunks(channels).zip(image.data().chunks(channels)).enumerate() {
                let (x, y) = (i % whole.width, i / whole.width);
                let inside = y >= top && (left..left + part.width).contains(&x);
                assert_eq!(pixel, if inside { &[7, 8, 9][..channels] } else { before }, "{x}, {y}");
            }
        });
    }

    #[test]
    fn noise_is_uniform_and_belongs_to_the_seed() {
        let image = crate::image::Image::filled(64, 64, &[0; 3]).expect("it is a size");
        let noise = |seed| {
            let mut out = Vec::new();
            erase(View::of(&image), 0, 0, image.size(), Patch::Noise { seed }, &mut out);
            out
        };
        assert_eq!(noise(1), noise(1));
        assert_ne!(noise(1), noise(2));
        let mut counts = [0_f64; 16];
        noise(1).iter().for_each(|byte| counts[usize::from(byte >> 4)] += 1.0);
        let expected = 64.0 * 64.0 * 3.0 / 16.0;
        let chi: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
        // Exceeded once in ten thousand.
        assert!(chi < 44.3, "{chi}");
    }
}
