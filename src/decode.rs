//! Bytes to [`Image`]: PNG, JPEG, WebP, BMP, GIF (first frame) and TIFF, told apart by their content, never by a file's
//! name.
//!
//! Sizes are checked against [`Limits`] from the header, before any memory for pixels is taken. The orientation that
//! EXIF gives is applied, as photo viewers do (Pillow and torchvision leave it alone). 16 bits become 8, palettes and
//! CMYK become RGB, alpha is dropped.
//!
//! JPEG files of the plain kind (sequential, 8 bits, gray or three components, as nearly all are) have the pixels of
//! libjpeg-turbo's defaults, so Pillow's and torchvision's, to the bit, and are decoded only as far as [`View`] asks.
//! Other JPEG files (progressive, CMYK …) are decoded whole, by the `image` crate; there, pixels may differ from
//! libjpeg's by a few steps, more at the edges of colours where chroma is subsampled.

mod encoded;
mod jpeg;
mod region;
mod turn;

pub use encoded::{Decoder, EncodedImage, View};
pub use region::{Region, Scale};

use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use ::image::{ImageDecoder, ImageError, ImageFormat, ImageReader};

use crate::error::{Error, ErrorKind, Result};
use crate::file::open_file;
use crate::image::{Color, Image, Size};
use turn::Turn;

/// What to do about a file that is no whole image.
const REPLACE: &str = "replace or remove the file";

/// How large an image may be, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most rows, and the most columns; default 32,768.
    pub max_side: usize,
    /// The most pixels; default 178,956,970, where Pillow refuses an image as a decompression bomb (0.5 GB as RGB).
    pub max_pixels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_side: 32_768, max_pixels: 178_956_970 }
    }
}

impl Limits {
    /// Refuses `size` where it is over the limits, or a side is 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Limits`] over the limits, [`ErrorKind::Decode`] for a side of 0.
    pub fn check(&self, size: Size) -> Result<()> {
        let Size { height, width } = size;
        if height == 0 || width == 0 {
            return Err(damaged(&format!("the header says {width}×{height} pixels: {REPLACE}")));
        }
        let area = height.saturating_mul(width);
        if height.max(width) <= self.max_side && area <= self.max_pixels {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Limits,
            format!(
                "the header says {width}×{height} pixels, more than the limits allow ({} a side, {} in all): \
                 raise the limits if the image is really that large, else {REPLACE}",
                self.max_side, self.max_pixels
            ),
        ))
    }
}

/// What an image's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The size of the image as it is shown, with its EXIF orientation applied.
    pub size: Size,
    /// 1 (gray) or 3 (anything else), before any conversion.
    pub channels: usize,
}

/// Decodes an image file's bytes.
///
/// ```
/// use candle_augment::{Color, ErrorKind, Limits, decode_image};
///
/// let error = decode_image(b"not an image", Color::Rgb, &Limits::default()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Decode);
/// ```
///
/// # Errors
///
/// [`ErrorKind::Decode`] if the bytes are damaged, cut short, or no image of a known kind; [`ErrorKind::Limits`] if the
/// header says that the image is larger than `limits`.
pub fn decode_image(bytes: &[u8], color: Color, limits: &Limits) -> Result<Image> {
    EncodedImage::new(bytes, limits)?.decode(&mut Decoder::new(), View { color, ..View::default() })
}

/// Reads an image file's size and colour from its header, without decoding it. The size is not held against any limit.
///
/// # Errors
///
/// [`ErrorKind::Io`] if the file cannot be read or is none but a pipe or a device; [`ErrorKind::Decode`] if it has no
/// valid header of a known kind.
pub fn read_header(path: impl AsRef<Path>) -> Result<Header> {
    let path = path.as_ref();
    header(BufReader::new(open_file(path, "image")?), path).map_err(|error| error.with_path(path))
}

/// Reads the bytes of an image file, in the memory of `bytes`, whose contents do not matter.
pub(crate) fn read_file(path: &Path, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    bytes.clear();
    open_file(path, "image")?.read_to_end(&mut bytes).map_err(|error| Error::io("read the image", path, error))?;
    Ok(bytes)
}

fn header(mut file: impl BufRead + Seek, path: &Path) -> Result<Header> {
    let io = |error| Error::io("read the image's header", path, error);
    let mut start = Vec::new();
    file.by_ref().take(16).read_to_end(&mut start).map_err(io)?;
    let format = known_format(&start)?;
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    if format != ImageFormat::Jpeg {
        return header_of(file, format);
    }
    // The JPEG decoder reads all that it is given. Headers end well before this, save where a large profile or preview
    // leads.
    const JPEG_START: u64 = 1 << 16;
    let mut bytes = Vec::new();
    file.by_ref().take(JPEG_START).read_to_end(&mut bytes).map_err(io)?;
    header_of(Cursor::new(&bytes), format).or_else(|_| {
        file.read_to_end(&mut bytes).map_err(io)?;
        header_of(Cursor::new(&bytes), format)
    })
}

fn header_of(bytes: impl BufRead + Seek, format: ImageFormat) -> Result<Header> {
    let mut decoder = decoder(bytes, format, Limits::default().max_pixels)?;
    let size =
        Turn::from(decoder.orientation().map_err(|error| from_image(error, format))?).shown(decoder_size(&decoder));
    Ok(Header { size, channels: if decoder.color_type().has_color() { 3 } else { 1 } })
}

/// A decoder that has read the header, within the memory that `pixels` may take.
fn decoder<'a>(bytes: impl BufRead + Seek + 'a, format: ImageFormat, pixels: usize) -> Result<impl ImageDecoder + 'a> {
    let mut reader = ImageReader::with_format(bytes, format);
    reader.limits(memory_for(pixels));
    reader.into_decoder().map_err(|error| from_image(error, format))
}

/// What a decoder may take for an image of so many pixels: a GIF's frame or a TIFF's strip, say, can claim to be larger
/// than the image. Sides are left to [`Limits::check`], whose message names the size.
fn memory_for(pixels: usize) -> ::image::Limits {
    /// Four 32-bit floats, the largest pixel that a decoder gives.
    const PIXEL_BYTES: u64 = 16;
    /// For profiles, palettes and tables.
    const SLACK: u64 = 64 << 20;
    let mut limits = ::image::Limits::no_limits();
    limits.max_alloc = Some((pixels as u64).saturating_mul(PIXEL_BYTES).saturating_add(SLACK));
    limits
}

fn decoder_size(decoder: &impl ImageDecoder) -> Size {
    let (width, height) = decoder.dimensions();
    Size::new(height as usize, width as usize)
}

/// The format by the first bytes, if this crate reads it.
fn known_format(start: &[u8]) -> Result<ImageFormat> {
    const EXPECTED: &str = "expected PNG, JPEG, WebP, BMP, GIF or TIFF";
    if start.is_empty() {
        return Err(damaged(&format!("the file is empty (0 bytes): {REPLACE}")));
    }
    match ::image::guess_format(start) {
        Ok(format) if format.reading_enabled() => Ok(format),
        Ok(format) => Err(damaged(&format!("{} images are not supported: {EXPECTED}; convert the file", name(format)))),
        Err(_) => Err(damaged(&format!(
            "not an image of a known kind: {EXPECTED}, found a file that begins with \"{}\": {REPLACE}",
            start[..start.len().min(8)].escape_ascii()
        ))),
    }
}

fn damaged(message: &str) -> Error {
    Error::new(ErrorKind::Decode, message)
}

fn from_image(source: ImageError, format: ImageFormat) -> Error {
    let format = name(format);
    let (kind, message) = match &source {
        ImageError::Limits(_) => (
            ErrorKind::Limits,
            format!("the {format} image is larger than the limits allow ({source}): {REPLACE}, or raise the limits"),
        ),
        ImageError::Unsupported(_) => (
            ErrorKind::Decode,
            format!("the {format} image is of an unsupported kind or size ({source}): convert it, or {REPLACE}"),
        ),
        // Decoders report damage as I/O errors as well, but only the system's have a code.
        ImageError::IoError(error) if is_of_system(error) => {
            (ErrorKind::Io, format!("cannot read the {format} image: {error}"))
        }
        _ => (ErrorKind::Decode, format!("the {format} image is damaged or cut short ({source}): {REPLACE}")),
    };
    Error::new(kind, message).with_source(source)
}

fn is_of_system(error: &io::Error) -> bool {
    error.raw_os_error().is_some()
}

/// The format as people write it.
fn name(format: ImageFormat) -> String {
    match format {
        ImageFormat::Jpeg => "JPEG".to_owned(),
        ImageFormat::WebP => "WebP".to_owned(),
        other => other.extensions_str().first().copied().unwrap_or("unknown").to_uppercase(),
    }
}
