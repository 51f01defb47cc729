//! Rows of samples to rows of the picture.

use super::color::{interleave, rgb_to_gray, ycbcr_to_rgb};
use super::header::Coding;
use super::layout::Layout;
use super::samples::Samples;
use super::spread::Wide;
use crate::image::Color;

/// Writes the picture's rows as soon as the samples for them are there.
#[derive(Debug, Default)]
pub struct Picture {
    wide: [Wide; 3],
    /// A row's red, green and blue.
    rgb: [Vec<u8>; 3],
    paint: Paint,
    /// The next row.
    next: usize,
}

/// What becomes of a row's samples.
#[derive(Clone, Copy, Debug, Default)]
enum Paint {
    #[default]
    Gray,
    GrayToRgb,
    YCbCr,
    YCbCrToGray,
    Rgb,
    RgbToGray,
}

impl Paint {
    fn new(coding: Coding, color: Color) -> Self {
        match (coding, color) {
            (Coding::Gray, Color::Gray | Color::AsStored) => Self::Gray,
            (Coding::Gray, Color::Rgb) => Self::GrayToRgb,
            (Coding::YCbCr, Color::Gray) => Self::YCbCrToGray,
            (Coding::YCbCr, _) => Self::YCbCr,
            (Coding::Rgb, Color::Gray) => Self::RgbToGray,
            (Coding::Rgb, _) => Self::Rgb,
        }
    }
}

impl Picture {
    pub fn prepare(&mut self, layout: &Layout, coding: Coding, color: Color, out: &mut Vec<u8>) {
        self.paint = Paint::new(coding, color);
        self.next = layout.pixels.0.start;
        for (wide, channel) in self.wide.iter_mut().zip(&layout.channels) {
            wide.prepare(channel);
        }
        let size = layout.size();
        self.rgb.iter_mut().for_each(|plane| plane.resize(size.width, 0));
        out.resize(size.height * size.width * self.channels(), 0);
    }

    pub fn channels(&self) -> usize {
        match self.paint {
            Paint::Gray | Paint::YCbCrToGray | Paint::RgbToGray => 1,
            Paint::GrayToRgb | Paint::YCbCr | Paint::Rgb => 3,
        }
    }

    /// Writes the rows to `out`, which holds the whole picture, for which `mcu_rows` rows of MCUs are enough.
    #[inline(always)]
    pub fn put_rows(&mut self, layout: &Layout, samples: &[Samples; 3], mcu_rows: usize, out: &mut [u8]) {
        let (rows, columns) = &layout.pixels;
        let length = columns.len() * self.channels();
        let is_there =
            |y: usize| layout.channels.iter().all(|channel| channel.last_row(y) < mcu_rows * channel.mcu_rows());
        while self.next < rows.end && is_there(self.next) {
            let start = (self.next - rows.start) * length;
            self.put_row(layout, samples, &mut out[start..start + length]);
            self.next += 1;
        }
    }

    #[inline(always)]
    fn put_row(&mut self, layout: &Layout, samples: &[Samples; 3], out: &mut [u8]) {
        let (y, columns) = (self.next, &layout.pixels.1);
        let [first, second, third] = &mut self.wide;
        let rows = match &layout.channels[..] {
            [one, two, three] => [
                first.row(&samples[0], one, y, columns),
                second.row(&samples[1], two, y, columns),
                third.row(&samples[2], three, y, columns),
            ],
            channels => [first.row(&samples[0], &channels[0], y, columns), &[], &[]],
        };
        let rows = if matches!(self.paint, Paint::YCbCr | Paint::YCbCrToGray) {
            let [red, green, blue] = &mut self.rgb;
            ycbcr_to_rgb(rows, [red, green, blue]);
            [&red[..], green, blue]
        } else {
            rows
        };
        match self.paint {
            Paint::Gray => out.copy_from_slice(rows[0]),
            Paint::GrayToRgb => interleave([rows[0]; 3], out),
            Paint::YCbCr | Paint::Rgb => interleave(rows, out),
            Paint::YCbCrToGray | Paint::RgbToGray => rgb_to_gray(rows, out),
        }
    }
}
