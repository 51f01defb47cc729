//! An image as a data set has it: as pixels, or as the bytes of a file that are still to be decoded.

use crate::decode::{Decoder, EncodedImage, Limits, View};
use crate::error::Result;
use crate::image::{Color, Image, ImageRef};

/// An image as a data set has it; see [`Dataset::stored`](crate::Dataset::stored).
#[derive(Debug)]
pub enum Stored<'a> {
    /// Pixels that were made for the call.
    Image(Image),
    /// Pixels that lie in the set.
    Pixels(ImageRef<'a>),
    /// The bytes of an image file.
    File(ImageFile),
}

impl Stored<'_> {
    /// All of the image.
    ///
    /// # Errors
    ///
    /// As [`ImageFile::decode`].
    pub fn into_image(self, decoder: &mut Decoder) -> Result<Image> {
        match self {
            Self::Image(image) => Ok(image),
            Self::Pixels(pixels) => Ok(pixels.to_image()),
            Self::File(file) => file.decode(decoder),
        }
    }
}

/// The bytes of an image file, and how they are to be decoded.
#[derive(Debug)]
pub struct ImageFile {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The channels that the image is brought to.
    pub color: Color,
    /// How large the image may be.
    pub limits: Limits,
}

impl ImageFile {
    /// A file that is brought to RGB, within the default limits.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, color: Color::default(), limits: Limits::default() }
    }

    /// Reads the header.
    ///
    /// # Errors
    ///
    /// As [`EncodedImage::new`].
    pub fn header(&self) -> Result<EncodedImage<'_>> {
        EncodedImage::new(&self.bytes, &self.limits)
    }

    /// Decodes all of the image.
    ///
    /// # Errors
    ///
    /// As [`EncodedImage::new`] and [`EncodedImage::decode`].
    pub fn decode(&self, decoder: &mut Decoder) -> Result<Image> {
        self.header()?.decode(decoder, View { color: self.color, ..View::default() })
    }
}
