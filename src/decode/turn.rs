//! EXIF's orientations: how the stored rows and columns become the shown ones.

use ::image::metadata::Orientation;

use super::Region;
use crate::image::Size;

/// Where a shown pixel is stored: rows and columns change places if `swaps`, and then count from the other end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    swaps: bool,
    rows_from_end: bool,
    columns_from_end: bool,
}

impl From<Orientation> for Turn {
    fn from(orientation: Orientation) -> Self {
        let (swaps, rows_from_end, columns_from_end) = match orientation {
            Orientation::NoTransforms => (false, false, false),
            Orientation::FlipHorizontal => (false, false, true),
            Orientation::Rotate180 => (false, true, true),
            Orientation::FlipVertical => (false, true, false),
            Orientation::Rotate90FlipH => (true, false, false),
            Orientation::Rotate90 => (true, true, false),
            Orientation::Rotate270FlipH => (true, true, true),
            Orientation::Rotate270 => (true, false, true),
        };
        Self { swaps, rows_from_end, columns_from_end }
    }
}

impl Turn {
    /// The size that an image of the stored `size` is shown in.
    pub fn shown(self, size: Size) -> Size {
        if self.swaps { Size::new(size.width, size.height) } else { size }
    }

    /// Where `region` of the shown image lies in the stored one, of size `stored`.
    pub fn stored(self, region: Region, stored: Size) -> Region {
        let Region { mut top, mut left, mut height, mut width } = region;
        if self.swaps {
            (top, left, height, width) = (left, top, width, height);
        }
        if self.rows_from_end {
            top = stored.height - top - height;
        }
        if self.columns_from_end {
            left = stored.width - left - width;
        }
        Region { top, left, height, width }
    }

    /// Writes the stored `pixels`, of size `stored` with `C` channels, to `out` as they are shown.
    pub fn apply<const C: usize>(self, pixels: &[u8], stored: Size, out: &mut Vec<u8>) {
        let (pixels, _) = pixels.as_chunks::<C>();
        let shown = self.shown(stored);
        out.resize(pixels.len() * C, 0);
        for (y, row) in out.as_chunks_mut::<C>().0.chunks_exact_mut(shown.width).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = pixels[self.place(y, x, stored)];
            }
        }
    }

    /// The index of the stored pixel that is shown in row `y` and column `x`.
    fn place(self, y: usize, x: usize, stored: Size) -> usize {
        let (row, column) = if self.swaps { (x, y) } else { (y, x) };
        let row = if self.rows_from_end { stored.height - 1 - row } else { row };
        let column = if self.columns_from_end { stored.width - 1 - column } else { column };
        row * stored.width + column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_stored_where_its_pixels_are() {
        let stored = Size::new(5, 7);
        for orientation in (1..=8).filter_map(Orientation::from_exif) {
            let turn = Turn::from(orientation);
            let region = Region { top: 1, left: 2, height: 3, width: 2 };
            let Region { top, left, height, width } = turn.stored(region, stored);
            for (y, x) in (0..region.height).flat_map(|y| (0..region.width).map(move |x| (y, x))) {
                let whole = turn.place(region.top + y, region.left + x, stored);
                let part = turn.place(y, x, Size::new(height, width));
                assert_eq!(whole, (top + part / width) * stored.width + left + part % width, "{orientation:?}");
            }
        }
    }
}
