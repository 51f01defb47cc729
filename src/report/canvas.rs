//! A picture to draw on: an RGB image that `embedded-graphics` sets text on.

use std::convert::Infallible;
use std::io::Cursor;
use std::path::Path;

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use image::{DynamicImage, ImageFormat, RgbImage, imageops};

use super::palette;
use super::text::{self, Font};
use crate::error::{Error, ErrorKind, Result};
use crate::file::write_file;
use crate::image::Image;

/// Red, green, blue.
pub type Color = [u8; 3];

pub(super) fn rgb([r, g, b]: Color) -> Rgb888 {
    Rgb888::new(r, g, b)
}

/// A picture of fixed size. What is drawn outside it is cut off.
#[derive(Clone, Debug)]
pub struct Canvas(RgbImage);

impl Canvas {
    /// A white picture of `width` by `height` pixels.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self(RgbImage::from_pixel(width, height, image::Rgb(palette::PAPER)))
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.0.width()
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.0.height()
    }

    /// The colour at (x, y).
    ///
    /// # Panics
    ///
    /// If (x, y) lies outside.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> Color {
        self.0.get_pixel(x, y).0
    }

    /// Sets `text` with its upper left corner at (x, y). Latin, Cyrillic and Greek have glyphs; other characters become a box.
    pub fn text(&mut self, text: &str, x: i32, y: i32, font: Font, color: Color) {
        text::draw(self, text, x, y, font, color);
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, x: i32, y: i32, width: u32, height: u32, color: Color) {
        for row in clip(y, height, self.height()) {
            for column in clip(x, width, self.width()) {
                self.0.put_pixel(column, row, image::Rgb(color));
            }
        }
    }

    /// Draws a frame of `thickness` pixels just inside a rectangle.
    pub fn frame(&mut self, x: i32, y: i32, width: u32, height: u32, thickness: u32, color: Color) {
        let inner = (height.saturating_sub(2 * thickness), thickness as i32);
        self.fill(x, y, width, thickness, color);
        self.fill(x, y + height as i32 - inner.1, width, thickness, color);
        self.fill(x, y + inner.1, thickness, inner.0, color);
        self.fill(x + width as i32 - inner.1, y + inner.1, thickness, inner.0, color);
    }

    /// Draws `image` into the rectangle with its upper left corner at (x, y), scaled to `width` by `height`: up by repeating
    /// pixels, down by averaging.
    pub fn image(&mut self, image: &Image, x: i32, y: i32, width: u32, height: u32) {
        let pixels = DynamicImage::from(image.clone()).into_rgb8();
        let scaled = if width >= pixels.width() && height >= pixels.height() {
            imageops::resize(&pixels, width, height, imageops::FilterType::Nearest)
        } else {
            imageops::thumbnail(&pixels, width, height)
        };
        imageops::replace(&mut self.0, &scaled, x.into(), y.into());
    }

    /// Blends `color` into the pixel at (x, y); `opacity` in [0, 1].
    pub(super) fn blend(&mut self, x: u32, y: u32, color: Color, opacity: f32) {
        let pixel = &mut self.0.get_pixel_mut(x, y).0;
        for (value, ink) in pixel.iter_mut().zip(color) {
            let old = f32::from(*value);
            *value = (old + (f32::from(ink) - old) * opacity).round() as u8;
        }
    }

    /// Puts `other` below, flush left.
    #[must_use]
    pub fn above(self, other: &Self) -> Self {
        let mut both = Self::new(self.width().max(other.width()), self.height() + other.height());
        imageops::replace(&mut both.0, &self.0, 0, 0);
        imageops::replace(&mut both.0, &other.0, 0, self.height().into());
        both
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if it cannot be encoded.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let mut bytes = Cursor::new(Vec::new());
        self.0.write_to(&mut bytes, ImageFormat::Png).map_err(|source| {
            Error::new(ErrorKind::Io, format!("cannot encode the picture as PNG: {source}")).with_source(source)
        })?;
        Ok(bytes.into_inner())
    }

    /// Writes the picture as PNG, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the file cannot be written.
    pub fn save_png(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = self.to_png().map_err(|error| error.with_path(path))?;
        write_file(path, &bytes)
    }
}

/// The part of `start .. start + length` that lies in `0 .. end`.
fn clip(start: i32, length: u32, end: u32) -> std::ops::Range<u32> {
    let (start, end) =
        (i64::from(start).clamp(0, end.into()), (i64::from(start) + i64::from(length)).clamp(0, end.into()));
    start as u32..end as u32
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width(), self.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, color) in pixels {
            self.fill(x, y, 1, 1, [color.r(), color.g(), color.b()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_outside_is_cut_off() {
        let mut canvas = Canvas::new(4, 4);
        canvas.fill(-2, 3, 4, 9, palette::BLUE);
        canvas.text("Wide text", -3, -3, Font::Title, palette::INK);
        canvas.image(&Image::filled(9, 9, &[7]).unwrap(), 2, -5, 9, 9);
        assert_eq!(canvas.pixel(0, 3), palette::BLUE);
        assert_eq!(canvas.pixel(3, 2), [7; 3]);
    }

    #[test]
    fn a_frame_leaves_the_inside_alone() {
        let mut canvas = Canvas::new(6, 6);
        canvas.frame(0, 0, 6, 6, 2, palette::GREEN);
        let framed = (0..36).filter(|i| canvas.pixel(i % 6, i / 6) == palette::GREEN).count();
        assert_eq!(framed, 36 - 4);
    }
}
