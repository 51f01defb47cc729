//! The nearest pixel: `⌊i · scale⌋` with the scale in f32, as torch computes it.

use crate::image::Size;
use crate::transform::kernels::view::View;

/// Writes `view` scaled to `size` into `out`.
pub fn resize(view: View<'_>, size: Size, out: &mut Vec<u8>, columns: &mut Vec<usize>) {
    let Size { height, width } = view.size();
    let mirrored = view.layout().mirrored;
    columns.clear();
    columns.extend(
        (0..size.width).map(|i| nearest(i, width, size.width)).map(|x| if mirrored { width - 1 - x } else { x }),
    );
    out.resize(size.height * size.width * view.channels(), 0);
    if view.channels() == 1 {
        rows::<1>(view, size.height, columns, out, height);
    } else {
        rows::<3>(view, size.height, columns, out, height);
    }
}

fn rows<const C: usize>(view: View<'_>, to: usize, columns: &[usize], out: &mut [u8], from: usize) {
    let (pixels, _) = out.as_chunks_mut::<C>();
    for (i, out) in pixels.chunks_exact_mut(columns.len()).enumerate() {
        let (row, _) = view.row(nearest(i, from, to)).as_chunks::<C>();
        out.iter_mut().zip(columns).for_each(|(pixel, &x)| *pixel = row[x]);
    }
}

fn nearest(i: usize, from: usize, to: usize) -> usize {
    let scale = from as f32 / to as f32;
    ((i as f32 * scale) as usize).min(from - 1)
}
