//! What JPEG compression does to the pixels, computed without a file.
//!
//! Only rounding loses anything: that of the colours, of the shrunken colour planes, and of the frequencies to multiples of the quality's
//! steps. The coding of the frequencies to bits loses nothing and is left out. The steps are those of libjpeg-turbo, which torchvision uses,
//! in its default settings: baseline, colour at half the size along both axes, the accurate integer transforms, smooth enlarging.
//! (ITU-T T.81, and the annexes of JFIF.)

mod color;
mod cosine;
mod planes;
mod steps;

use super::sized;
use crate::transform::kernels::vectorized::vectorized;
use crate::transform::kernels::view::{Layout, View};
use planes::Plane;
use steps::Steps;

/// Buffers kept from one image to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The source in the order of its rows and columns, where that is not how it lies in memory.
    source: Vec<u8>,
    luma: Plane,
    chroma: [Plane; 2],
    /// Rows of colour at full size: two rows each of blue and red.
    rows: [Vec<u8>; 4],
}

/// Compresses with `quality` from 1 to 100, and decompresses.
pub fn jpeg(source: View<'_>, quality: u8, out: &mut Vec<u8>, scratch: &mut Scratch) {
    let Scratch { source: copy, luma, chroma, rows } = scratch;
    let source = if source.layout().mirrored {
        source.copy_into(copy);
        View::new(copy, Layout::whole(source.size(), source.channels()))
    } else {
        source
    };
    let (size, channels) = (source.size(), source.channels());
    let out = sized(out, size.height * size.width * channels);
    luma.resize(size.height, size.width);
    vectorized!({
        if channels == 1 {
            gray(source, quality, luma, out);
        } else {
            rgb(source, quality, luma, chroma, rows, out);
        }
    });
}

#[inline(always)]
fn gray(source: View<'_>, quality: u8, luma: &mut Plane, out: &mut [u8]) {
    for y in 0..source.size().height {
        let (row, rest) = luma.row_mut(y).split_at_mut(source.size().width);
        row.copy_from_slice(source.row(y));
        rest.fill(row[row.len() - 1]);
    }
    luma.compress(&Steps::luma(quality));
    for (y, out) in out.chunks_exact_mut(source.size().width).enumerate() {
        out.copy_from_slice(luma.row(y));
    }
}

#[inline(always)]
fn rgb(
    source: View<'_>,
    quality: u8,
    luma: &mut Plane,
    chroma: &mut [Plane; 2],
    rows: &mut [Vec<u8>; 4],
    out: &mut [u8],
) {
    let size = source.size();
    for plane in chroma.iter_mut() {
        plane.resize(size.height.div_ceil(2), size.width.div_ceil(2));
    }
    let doubled = 2 * chroma[0].pitch();
    let [upper_blue, upper_red, lower_blue, lower_red] = rows.each_mut().map(|row| sized(row, doubled));
    for y in (0..size.height).step_by(2) {
        color::split(source.row(y), luma.row_mut(y), upper_blue, upper_red);
        if y + 1 < size.height {
            color::split(source.row(y + 1), luma.row_mut(y + 1), lower_blue, lower_red);
        } else {
            lower_blue.copy_from_slice(upper_blue);
            lower_red.copy_from_slice(upper_red);
        }
        planes::shrink(upper_blue, lower_blue, chroma[0].row_mut(y / 2));
        planes::shrink(upper_red, lower_red, chroma[1].row_mut(y / 2));
    }
    luma.compress(&Steps::luma(quality));
    for plane in chroma.iter_mut() {
        plane.compress(&Steps::chroma(quality));
    }
    for (y, out) in out.chunks_exact_mut(3 * size.width).enumerate() {
        planes::enlarge(&chroma[0], y, upper_blue);
        planes::enlarge(&chroma[1], y, upper_red);
        color::join(luma.row(y), upper_blue, upper_red, out);
    }
}
