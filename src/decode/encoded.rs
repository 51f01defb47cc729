//! An image file's bytes, their header read: first its size is known, then as much is decoded as is asked for.

use std::io::Cursor;

use ::image::metadata::Orientation;
use ::image::{DynamicImage, ImageDecoder, ImageFormat};

use super::jpeg::{Frame, JpegDecoder, is_complete};
use super::turn::Turn;
use super::{
    Limits, REPLACE, Region, Scale, damaged, decoder, decoder_size, from_image, known_format, memory_for, name,
};
use crate::error::{Error, Result};
use crate::image::{Color, Image, Size};

/// What to decode of an image: by default all of it, in full size, as RGB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The part of the image as it is shown (so with its EXIF orientation applied) and at `scale`; `None` for all.
    pub region: Option<Region>,
    /// How much smaller. Any but [`Scale::Full`] needs an image that [can be scaled](EncodedImage::can_scale).
    pub scale: Scale,
    /// The channels.
    pub color: Color,
}

/// What decoding needs again and again: buffers and tables. With one kept for each thread, plain JPEG files are decoded
/// without taking memory.
#[derive(Debug, Default)]
pub struct Decoder {
    jpeg: JpegDecoder,
    /// The pixels as stored, if they are shown another way.
    stored: Vec<u8>,
}

impl Decoder {
    /// A decoder with empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// An image file's bytes whose header is read and within the limits; nothing else is decoded yet.
///
/// ```
/// use candle_augment::{Decoder, EncodedImage, Image, Limits, Region, Size, View};
/// use image::{DynamicImage, ImageFormat};
///
/// let mut file = std::io::Cursor::new(Vec::new());
/// DynamicImage::from(Image::filled(300, 400, &[200, 0, 0])?).write_to(&mut file, ImageFormat::Jpeg)?;
///
/// let encoded = EncodedImage::new(file.get_ref(), &Limits::default())?;
/// assert_eq!(encoded.size(), Size::new(300, 400));
/// let region = Some(Region { top: 10, left: 20, height: 50, width: 70 });
/// let part = encoded.decode(&mut Decoder::new(), View { region, ..View::default() })?;
/// assert_eq!(part.size(), Size::new(50, 70));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EncodedImage<'a> {
    content: Content<'a>,
    stored: Size,
    orientation: Orientation,
}

enum Content<'a> {
    PlainJpeg(Box<Frame<'a>>),
    Other(ImageFormat, Box<dyn ImageDecoder + 'a>),
}

impl<'a> EncodedImage<'a> {
    /// Reads the header of an image file's bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if they have no valid header of a known kind, or are a JPEG file
    /// without an end; [`ErrorKind::Limits`](crate::ErrorKind::Limits) if the image is larger than `limits`.
    pub fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let format = known_format(bytes)?;
        if format == ImageFormat::Jpeg {
            if !is_complete(bytes) {
                return Err(damaged(&format!("the JPEG data is cut short, its end marker is missing: {REPLACE}")));
            }
            if let Some(frame) = Frame::read(bytes) {
                limits.check(frame.size)?;
                return Ok(Self::plain_jpeg(frame));
            }
        }
        let mut decoder = decoder(Cursor::new(bytes), format, limits.max_pixels)?;
        let stored = decoder_size(&decoder);
        limits.check(stored)?;
        decoder.set_limits(memory_for(stored.height * stored.width)).map_err(|error| from_image(error, format))?;
        let orientation = decoder.orientation().map_err(|error| from_image(error, format))?;
        Ok(Self { content: Content::Other(format, Box::new(decoder)), stored, orientation })
    }

    fn plain_jpeg(frame: Frame<'a>) -> Self {
        let orientation = frame.exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
        Self { stored: frame.size, orientation, content: Content::PlainJpeg(Box::new(frame)) }
    }

    /// The size of the image as it is shown, with its EXIF orientation applied, in full.
    #[must_use]
    pub fn size(&self) -> Size {
        Turn::from(self.orientation).shown(self.stored)
    }

    /// The channels that `color` gives it, 1 or 3.
    #[must_use]
    pub fn channels(&self, color: Color) -> usize {
        let stored = match &self.content {
            Content::PlainJpeg(frame) => frame.components().len(),
            Content::Other(_, decoder) => {
                if decoder.color_type().has_color() {
                    3
                } else {
                    1
                }
            }
        };
        match color {
            Color::Rgb => 3,
            Color::Gray => 1,
            Color::AsStored => stored,
        }
    }

    /// Whether the image can be decoded at any [`Scale`], and a region without the rest: if it is a JPEG file of the
    /// plain kind, that is sequential (not progressive), Huffman coded, of 8 bits, gray or with three components in one
    /// scan. Others are decoded in full, and cut.
    #[must_use]
    pub fn can_scale(&self) -> bool {
        matches!(self.content, Content::PlainJpeg(_))
    }

    /// Decodes what `view` asks for. A region's pixels are those that it has within the whole image.
    ///
    /// Of a plain JPEG file, damage below the region goes unseen.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if the data is damaged or cut short;
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the region is empty or reaches beyond the image, or the image
    /// cannot be scaled.
    pub fn decode(self, decoder: &mut Decoder, view: View) -> Result<Image> {
        let mut pixels = Vec::new();
        let (size, channels) = self.decode_into(decoder, view, &mut pixels)?;
        Image::new(size.height, size.width, channels, pixels)
    }

    /// As [`EncodedImage::decode`], with the pixels, `(H, W, C)`, written to `pixels`, whose length becomes theirs. Gives
    /// the size and the number of channels.
    ///
    /// # Errors
    ///
    /// As [`EncodedImage::decode`]; `pixels` then holds anything.
    pub fn decode_into(self, decoder: &mut Decoder, view: View, pixels: &mut Vec<u8>) -> Result<(Size, usize)> {
        let shown = view.scale.of(self.size());
        let region = view.region.unwrap_or(Region::all(shown));
        region.check(shown)?;
        let channels = match self.content {
            Content::PlainJpeg(frame) => {
                let turn = Turn::from(self.orientation);
                let stored = turn.stored(region, view.scale.of(self.stored));
                decoder.decode_jpeg(&frame, turn, (stored, view.scale, view.color), pixels)?
            }
            Content::Other(format, _) if view.scale != Scale::Full => return Err(unscalable(format)),
            Content::Other(format, decoder) => {
                let mut image = DynamicImage::from_decoder(decoder).map_err(|error| from_image(error, format))?;
                image.apply_orientation(self.orientation);
                let image = Image::try_from(image)?.into_color(view.color);
                cut(image, region, pixels)
            }
        };
        Ok((region.size(), channels))
    }
}

impl Decoder {
    fn decode_jpeg(
        &mut self,
        frame: &Frame,
        turn: Turn,
        (region, scale, color): (Region, Scale, Color),
        pixels: &mut Vec<u8>,
    ) -> Result<usize> {
        if turn == Turn::default() {
            return self.jpeg.decode(frame, region, scale, color, pixels);
        }
        let channels = self.jpeg.decode(frame, region, scale, color, &mut self.stored)?;
        match channels {
            1 => turn.apply::<1>(&self.stored, region.size(), pixels),
            _ => turn.apply::<3>(&self.stored, region.size(), pixels),
        }
        Ok(channels)
    }
}

/// Moves the pixels of `region` to `pixels`. Gives the number of channels.
fn cut(image: Image, region: Region, pixels: &mut Vec<u8>) -> usize {
    let (size, channels) = (image.size(), image.channels());
    if region.size() == size {
        *pixels = image.into_data();
        return channels;
    }
    pixels.clear();
    for row in image.data().chunks_exact(size.width * channels).skip(region.top).take(region.height) {
        pixels.extend_from_slice(&row[region.left * channels..][..region.width * channels]);
    }
    channels
}

fn unscalable(format: ImageFormat) -> Error {
    Error::config(format!(
        "this {} image cannot be decoded at another scale: expected a sequential JPEG file; decode it in full and resize",
        name(format)
    ))
}
