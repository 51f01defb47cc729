//! One `.npy` array: a magic word, a version, a header and the values.

use std::io::{self, Read};

use super::header::{Header, Integer, SAVE_AGAIN};
use super::invalid;
use crate::error::{Error, Result};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Far more than a dtype and a shape take; NumPy itself stops at 10,000.
const MOST_HEADER_BYTES: usize = 1 << 16;

/// An array whose header has been read.
pub(super) struct Npy<'a> {
    header: Header,
    file: &'a mut dyn Read,
    /// The most bytes that the file can still give, by its size.
    most: u64,
}

impl<'a> Npy<'a> {
    pub(super) fn open(file: &'a mut dyn Read, most: u64) -> Result<Self> {
        let mut start = [0; 8];
        file.read_exact(&mut start).map_err(unreadable)?;
        let (magic, version) = start.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(invalid(format!(
                "not an array that NumPy saved: expected \"{}\", found \"{}\": {SAVE_AGAIN}",
                MAGIC.escape_ascii(),
                magic.escape_ascii()
            )));
        }
        let header = read_header(file, version)?;
        Ok(Self { header: Header::parse(&header)?, file, most })
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// The values of an array of bytes.
    pub(super) fn bytes(&mut self) -> Result<Vec<u8>> {
        self.values(1)
    }

    /// The values of an array of labels.
    pub(super) fn labels(&mut self) -> Result<Vec<u64>> {
        let integer = self.header.labels()?;
        let bytes = self.values(integer.bytes)?;
        if bytes.is_empty() {
            return Err(invalid(format!("expected at least one label, found none: {SAVE_AGAIN}")));
        }
        let label = |(index, bytes)| {
            integer.value(bytes).ok_or_else(|| {
                invalid("expected labels from 0, found one below: leave out images without a class").with_index(index)
            })
        };
        bytes.chunks_exact(integer.bytes).enumerate().map(label).collect()
    }

    /// The values, of `item` bytes each, read into one piece of memory. A header alone cannot take more of it than the
    /// file could fill.
    fn values(&mut self, item: usize) -> Result<Vec<u8>> {
        let expected = self.header.data_bytes(item)?;
        let wrong = |found: &str| {
            let shape = self.header.shape();
            invalid(format!(
                "expected {expected} bytes for the shape {shape} in the header, found {found}: {SAVE_AGAIN}"
            ))
        };
        if expected > self.most {
            return Err(wrong("a file too small for them"));
        }
        let mut data = Vec::new();
        data.try_reserve_exact(usize::try_from(expected).unwrap_or(usize::MAX)).map_err(|error| {
            invalid(format!("its {expected} bytes do not fit in memory: save fewer images, or take a larger machine"))
                .with_source(error)
        })?;
        self.file.take(expected).read_to_end(&mut data).map_err(unreadable)?;
        if (data.len() as u64) < expected {
            return Err(wrong(&data.len().to_string()));
        }
        match self.file.read(&mut [0]).map_err(unreadable)? {
            0 => Ok(data),
            _ => Err(wrong("more")),
        }
    }
}

/// The text after the magic word, whose length has 2 bytes in version 1 and 4 in versions 2 and 3.
fn read_header(file: &mut dyn Read, version: &[u8]) -> Result<String> {
    let mut length = [0; 4];
    let length_bytes = match version {
        [1, 0] => 2,
        [2 | 3, 0] => 4,
        _ => {
            return Err(invalid(format!(
                "expected version 1.0, 2.0 or 3.0 of the format, found {version:?}: {SAVE_AGAIN}"
            )));
        }
    };
    file.read_exact(&mut length[..length_bytes]).map_err(unreadable)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST_HEADER_BYTES {
        return Err(invalid(format!(
            "expected a header of at most {MOST_HEADER_BYTES} bytes, found {length}: {SAVE_AGAIN}"
        )));
    }
    let mut text = vec![0; length];
    file.read_exact(&mut text).map_err(unreadable)?;
    // Version 1 is in Latin-1; what is read of it is ASCII.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

impl Integer {
    /// The value of a label, unless it is below 0.
    fn value(self, bytes: &[u8]) -> Option<u64> {
        let most_significant = if self.big_endian { bytes.first() } else { bytes.last() };
        if self.signed && most_significant.is_some_and(|byte| byte & 0x80 != 0) {
            return None;
        }
        let join = |value, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
    }
}

fn unreadable(error: io::Error) -> Error {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the array is cut short",
        _ => "cannot read the array",
    };
    invalid(format!("{what} ({error}): {SAVE_AGAIN}")).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_every_integer_dtype() {
        let value = |signed, big_endian, bytes: &[u8]| Integer { signed, bytes: bytes.len(), big_endian }.value(bytes);
        assert_eq!(value(false, false, &[200]), Some(200));
        assert_eq!(value(true, false, &[200]), None);
        assert_eq!(value(true, false, &[1, 2]), Some(0x201));
        assert_eq!(value(true, true, &[1, 2]), Some(0x102));
        assert_eq!(value(true, true, &[0xff, 2]), None);
        assert_eq!(value(true, false, &[0xff, 0xff, 0xff, 0x7f]), Some(i32::MAX as u64));
        assert_eq!(value(false, false, &[0xff; 8]), Some(u64::MAX));
        assert_eq!(value(true, false, &[0xff; 8]), None);
    }
}
