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
