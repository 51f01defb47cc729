//! The header of an `.npy` array: a Python dictionary of its dtype, its order in memory and its shape
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use super::{Shape, invalid};
use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::image::Size;

/// What to do about an array that is not whole.
pub(super) const SAVE_AGAIN: &str = "save the array again, or fetch the file again";

/// What an array in C order is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// NumPy's name for the dtype, such as `|u1` or `<i8`.
    pub(super) dtype: String,
    pub(super) dims: Vec<usize>,
}

/// How one label lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Integer {
    pub(super) signed: bool,
    pub(super) bytes: usize,
    pub(super) big_endian: bool,
}

impl Header {
    /// Reads the text of a header.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut parser = Parser(text.trim_start());
        let found = parser.dictionary().ok_or_else(|| {
            let start: String = text.chars().take(80).collect();
            invalid(format!("the header is not one that NumPy writes: found {start:?}: {SAVE_AGAIN}"))
        })?;
        if found.fortran_order {
            return Err(invalid(
                "expected an array in C order, found Fortran order: save numpy.ascontiguousarray(array)",
            ));
        }
        Ok(Self { dtype: found.dtype, dims: found.dims })
    }

    /// The number of images, and what they are.
    pub(super) fn images(&self) -> Result<(usize, Shape)> {
        if self.dtype != "|u1" {
            return Err(self.wrong_dtype("pixels of dtype uint8 ('|u1')", PIXEL_REMEDY));
        }
        let (count, shape) = self.image_shape()?;
        if count == 0 || shape.size.height == 0 || shape.size.width == 0 {
            return Err(invalid(format!(
                "expected at least one image of at least 1×1 pixels, found shape {}: {SAVE_AGAIN}",
                self.shape()
            )));
        }
        Limits::default().check(shape.size)?;
        Ok((count, shape))
    }

    fn image_shape(&self) -> Result<(usize, Shape)> {
        let is_channels = |length: usize| matches!(length, 1 | 3);
        let (count, height, width, channels, planar) = match *self.dims {
            [count, height, width] => (count, height, width, 1, false),
            [_, second, _, last] if is_channels(second) && is_channels(last) => {
                return Err(invalid(format!(
                    "expected images of shape (N, H, W, C) or (N, C, H, W), found {}, which may be either: save images \
                     of more than 3 rows and columns",
                    self.shape()
                )));
            }
            [count, height, width, channels] if is_channels(channels) => (count, height, width, channels, false),
            [count, channels, height, width] if is_channels(channels) => (count, height, width, channels, true),
            _ => {
                return Err(invalid(format!(
                    "expected images of shape (N, H, W), (N, H, W, C) or (N, C, H, W) with C = 1 or 3, found {}: \
                     reshape them so; is this the array of images?",
                    self.shape()
                )));
            }
        };
        Ok((count, Shape { size: Size::new(height, width), channels, planar }))
    }

    /// How the labels are stored, one for each image.
    pub(super) fn labels(&self) -> Result<Integer> {
        let integer = self.integer()?;
        match *self.dims {
            [_] | [_, 1] => Ok(integer),
            [_, labels] => Err(invalid(format!(
                "expected one label an image, of shape (N) or (N, 1), found {}: {labels} labels an image are not \
                 supported; save labels.argmax(1) if they are one-hot",
                self.shape()
            ))),
            _ => Err(invalid(format!(
                "expected labels of shape (N) or (N, 1), found {}: is this the array of labels?",
                self.shape()
            ))),
        }
    }

    fn integer(&self) -> Result<Integer> {
        let wrong = || self.wrong_dtype("labels of an integer dtype", LABEL_REMEDY);
        let (order, rest) = self.dtype.split_at_checked(1).ok_or_else(wrong)?;
        let (kind, bytes) = rest.split_at_checked(1).ok_or_else(wrong)?;
        let bytes = match (order, bytes) {
            ("|", "1") => 1,
            ("<" | ">", "2") => 2,
            ("<" | ">", "4") => 4,
            ("<" | ">", "8") => 8,
            _ => return Err(wrong()),
        };
        match kind {
            "u" | "i" => Ok(Integer { signed: kind == "i", bytes, big_endian: order == ">" }),
            _ => Err(wrong()),
        }
    }

    /// The bytes that follow the header.
    pub(super) fn data_bytes(&self, item: usize) -> Result<u64> {
        let product = self.dims.iter().try_fold(item as u64, |product, &dim| product.checked_mul(dim as u64));
        product
            .filter(|&bytes| bytes < u64::MAX)
            .ok_or_else(|| invalid(format!("the header is damaged: it gives the shape {}: {SAVE_AGAIN}", self.shape())))
    }

    /// The shape as Python writes it.
    pub(super) fn shape(&self) -> String {
        let dims: Vec<_> = self.dims.iter().map(usize::to_string).collect();
        format!("({}{})", dims.join(", "), if dims.len() == 1 { "," } else { "" })
    }

    fn wrong_dtype(&self, expected: &str, remedy: &str) -> Error {
        let (found, remedy) = match self.dtype.as_bytes() {
            b"|O" => ("pickled Python objects, which are never loaded".to_owned(), "save a plain array"),
            b"[" => ("a structured dtype".to_owned(), "save the field alone"),
            _ => (format!("'{}'", self.dtype.escape_debug()), remedy),
        };
        invalid(format!("expected {expected}, found {found}: {remedy}"))
    }
}

const PIXEL_REMEDY: &str =
    "save images.astype('uint8') if the values are 0 to 255, (255 * images).round().astype('uint8') if they are 0 to 1";
const LABEL_REMEDY: &str = "save labels.astype('int64'), with a number from 0 for each class";

/// The text that is still to be read.
struct Parser<'a>(&'a str);

struct Dictionary {
    dtype: String,
    fortran_order: bool,
    dims: Vec<usize>,
}

/// Nothing is returned for text that is not as expected.
impl<'a> Parser<'a> {
    fn dictionary(&mut self) -> Option<Dictionary> {
        let (mut dtype, mut fortran_order, mut dims) = (None, None, None);
        self.token("{")?;
        while self.token("}").is_none() {
            match self.quoted()? {
                "descr" => {
                    self.token(":")?;
                    // Of a structured dtype nothing more is asked than that it is one.
                    if self.0.starts_with('[') {
                        return Some(Dictionary { dtype: "[".to_owned(), fortran_order: false, dims: Vec::new() });
                    }
                    dtype = Some(self.quoted()?.to_owned());
                }
                "fortran_order" => {
                    self.token(":")?;
                    fortran_order = Some(self.boolean()?);
                }
                "shape" => {
                    self.token(":")?;
                    dims = Some(self.tuple()?);
                }
                _ => return None,
            }
            if self.token(",").is_none() && !self.0.starts_with('}') {
                return None;
            }
        }
        if !self.0.is_empty() {
            return None;
        }
        Some(Dictionary { dtype: dtype?, fortran_order: fortran_order?, dims: dims? })
    }

    fn token(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(token)?.trim_start();
        Some(())
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let quote = self.0.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (text, rest) = self.0[1..].split_once(quote)?;
        self.0 = rest.trim_start();
        Some(text)
    }

    fn boolean(&mut self) -> Option<bool> {
        self.token("True").map(|()| true).or_else(|| self.token("False").map(|()| false))
    }

    fn tuple(&mut self) -> Option<Vec<usize>> {
        let mut values = Vec::new();
        self.token("(")?;
        while self.token(")").is_none() {
            let digits = self.0.find(|c: char| !c.is_ascii_digit())?;
            values.push(self.0[..digits].parse().ok()?);
            self.0 = &self.0[digits..];
            // Python 2 wrote a long integer so.
            self.0 = self.0.strip_prefix('L').unwrap_or(self.0).trim_start();
            if self.token(",").is_none() && !self.0.starts_with(')') {
                return None;
            }
        }
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header> {
        Header::parse(text)
    }

    #[test]
    fn headers_are_read_as_python_reads_them() -> Result<()> {
        let numpy = "{'descr': '|u1', 'fortran_order': False, 'shape': (10, 28, 28), }          \n";
        let header = Header { dtype: "|u1".to_owned(), dims: vec![10, 28, 28] };
        assert_eq!(parse(numpy)?, header);
        assert_eq!(parse(r#" {"shape":(10L,28L ,28L),"fortran_order" : False,"descr":"|u1"}"#)?, header);
        assert_eq!(parse("{'descr': '<i8', 'fortran_order': False, 'shape': ()}")?.shape(), "()");
        Ok(())
    }

    #[test]
    fn anything_else_is_refused() {
        let cases = [
            "",
            "{}",
            "{'descr': '|u1', 'fortran_order': False}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), 'more': 1}",
            "{'descr': '|u1' 'fortran_order': False, 'shape': (1, 2)}",
            "{'descr': '|u1', 'fortran_order': 0, 'shape': (1, 2)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1 2)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 2)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 2)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2)} {",
            "{'descr",
            "{é",
        ];
        for text in cases {
            assert!(parse(text).unwrap_err().message().contains("not one that NumPy writes"), "{text}");
        }
    }

    #[test]
    fn the_axes_are_told_by_their_lengths() {
        let axes = |dims: &[usize]| {
            let header = Header { dtype: "|u1".to_owned(), dims: dims.to_vec() };
            header
                .images()
                .ok()
                .map(|(count, shape)| (count, shape.size.height, shape.size.width, shape.channels, shape.planar))
        };
        assert_eq!(axes(&[5, 28, 30]), Some((5, 28, 30, 1, false)));
        assert_eq!(axes(&[5, 3, 3]), Some((5, 3, 3, 1, false)));
        assert_eq!(axes(&[5, 28, 30, 3]), Some((5, 28, 30, 3, false)));
        assert_eq!(axes(&[5, 28, 30, 1]), Some((5, 28, 30, 1, false)));
        assert_eq!(axes(&[5, 3, 28, 30]), Some((5, 28, 30, 3, true)));
        assert_eq!(axes(&[5, 1, 28, 3]), None);
        for refused in [&[5, 784][..], &[5, 28, 28, 28], &[5, 28, 28, 4], &[0, 28, 28], &[5, 0, 28], &[5, 40_000, 1]] {
            assert_eq!(axes(refused), None, "{refused:?}");
        }
    }
}
