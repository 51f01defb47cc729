//! One IDX file: a magic number of type and dimension count, the dimensions in big-endian 32 bits, then the values.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::dataset::invalid;
use crate::error::{Error, Result};
use crate::file::open_file;

const UNSIGNED_BYTES: u8 = 8;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What to do about a file that is no whole IDX file.
pub(super) const REFETCH: &str = "fetch the file again, or name another";

/// An array of unsigned bytes with 1 to 4 dimensions.
pub(in crate::dataset) struct IdxArray {
    dims: Vec<usize>,
    data: Vec<u8>,
}

impl IdxArray {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = open_file(path, "IDX file")?;
        Self::read(BufReader::new(file)).map_err(|error| error.with_path(path))
    }

    /// Reads an array, plain or gzip.
    pub(in crate::dataset) fn read(mut file: impl BufRead) -> Result<Self> {
        if file.fill_buf().map_err(unreadable)?.starts_with(&GZIP) {
            Self::read_plain(MultiGzDecoder::new(file))
        } else {
            Self::read_plain(file)
        }
    }

    fn read_plain(mut file: impl Read) -> Result<Self> {
        let mut magic = [0; 4];
        file.read_exact(&mut magic).map_err(unreadable)?;
        let [0, 0, UNSIGNED_BYTES, count @ 1..=4] = magic else {
            return Err(invalid(format!(
                "not an IDX file of unsigned bytes: expected the magic number 00 00 08 and 1 to 4 dimensions, \
                 found {}: {REFETCH}",
                magic.map(|byte| format!("{byte:02x}")).join(" ")
            )));
        };
        let mut dims = Vec::new();
        for _ in 0..count {
            let mut dim = [0; 4];
            file.read_exact(&mut dim).map_err(unreadable)?;
            dims.push(u32::from_be_bytes(dim) as usize);
        }
        let data = read_values(file, &dims)?;
        Ok(Self { dims, data })
    }

    pub(super) fn dims(&self) -> &[usize] {
        &self.dims
    }

    pub(super) fn into_data(self) -> Vec<u8> {
        self.data
    }
}

/// Memory grows with what is read, not with what the header says.
fn read_values(file: impl Read, dims: &[usize]) -> Result<Vec<u8>> {
    let expected = dims.iter().try_fold(1_u64, |product, &dim| product.checked_mul(dim as u64));
    let Some(expected) = expected.filter(|&bytes| bytes < u64::MAX) else {
        return Err(invalid(format!("the header is damaged: it gives the dimensions {dims:?}: {REFETCH}")));
    };
    let mut data = Vec::new();
    file.take(expected + 1).read_to_end(&mut data).map_err(unreadable)?;
    let found = data.len() as u64;
    if found != expected {
        let found = if found > expected { "more".to_owned() } else { found.to_string() };
        return Err(invalid(format!(
            "expected {expected} bytes for the dimensions {dims:?} in the header, found {found}: {REFETCH}"
        )));
    }
    data.shrink_to_fit();
    Ok(data)
}

fn unreadable(error: io::Error) -> Error {
    let what = if error.kind() == io::ErrorKind::UnexpectedEof {
        "the IDX file is cut short"
    } else {
        "cannot read the IDX file"
    };
    invalid(format!("{what} ({error}): {REFETCH}")).with_source(error)
}
