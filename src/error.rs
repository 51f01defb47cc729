//! The crate's one error type: opaque, with a kind to match on and the place where it happened.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::rng::SampleKey;

/// The result of every fallible function of the crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// What went wrong, by whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or folder could not be read or written.
    Io,
    /// An image file is damaged, or is not an image.
    Decode,
    /// An image is larger than the limits allow.
    Limits,
    /// A data set is not laid out as it must be: no classes, no images, counts that disagree.
    Dataset,
    /// An argument or a configuration is out of range or contradicts another.
    Config,
    /// A transform failed on an image.
    Transform,
    /// A synthetic source failed.
    Synthetic,
    /// A checkpoint is damaged or does not fit.
    Checkpoint,
    /// Code that the loader calls panicked.
    Panic,
    /// A tensor operation of candle failed.
    Tensor,
    /// The user stopped the work.
    Interrupted,
}

/// An error with its kind, and, where known, the file, the index in the data set, the operation and the sample's key.
///
/// ```
/// use candle_augment::{DataLoader, ErrorKind, InMemory, Image};
///
/// let images = InMemory::from_images(vec![Image::filled(8, 8, &[0])?], vec![0], ["zero"])?;
/// let error = DataLoader::builder(images).batch_size(0).build().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    path: Option<PathBuf>,
    index: Option<usize>,
    op: Option<String>,
    key: Option<SampleKey>,
    source: Option<Source>,
}

impl Error {
    /// An error of `kind`. The message says what was expected, what was found, and what to do.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            path: None,
            index: None,
            op: None,
            key: None,
            source: None,
        }))
    }

    /// An error of kind [`ErrorKind::Config`].
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// An error of kind [`ErrorKind::Io`] on `path`.
    #[must_use]
    pub fn io(action: &str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {action}: {source}")).with_path(path).with_source(source)
    }

    /// Adds the file or folder, unless one is already there.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.path.get_or_insert_with(|| path.into());
        self
    }

    /// Adds the index in the data set, unless one is already there.
    #[must_use]
    pub fn with_index(mut self, index: usize) -> Self {
        self.0.index.get_or_insert(index);
        self
    }

    /// Adds the operation, unless one is already there.
    #[must_use]
    pub fn with_op(mut self, op: impl fmt::Debug) -> Self {
        self.0.op.get_or_insert_with(|| format!("{op:?}"));
        self
    }

    /// Adds the sample's key, unless one is already there.
    #[must_use]
    pub fn with_key(mut self, key: SampleKey) -> Self {
        self.0.key.get_or_insert(key);
        self
    }

    /// The same error, of the same place, with another message.
    #[must_use]
    pub(crate) fn with_message(&self, message: String) -> Self {
        Self(Box::new(Inner { message, ..(*self.0).clone() }))
    }

    /// Adds the error that caused this one. Its text belongs into the message.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The file or folder concerned.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The index in the data set.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        self.0.index
    }

    /// The operation, as its `Debug` form prints it.
    #[must_use]
    pub fn op(&self) -> Option<&str> {
        self.0.op.as_deref()
    }

    /// The key of the sample, which the text ends with. The program's `replay` makes that sample again; so does
    /// [`DataLoader::sample`](crate::DataLoader::sample), of [`EpochPlan::slot_at`](crate::EpochPlan::slot_at) its position.
    #[must_use]
    pub fn key(&self) -> Option<SampleKey> {
        self.0.key
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.0.path {
            write!(f, "{}: ", path.display())?;
        }
        f.write_str(&self.0.message)?;
        let mut place = Vec::new();
        if let Some(index) = self.0.index {
            place.push(format!("image {index}"));
        }
        if let Some(op) = &self.0.op {
            place.push(format!("op {op}"));
        }
        if let Some(key) = &self.0.key {
            place.push(format!("key {key}"));
        }
        if !place.is_empty() {
            write!(f, " ({})", place.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<candle_core::Error> for Error {
    fn from(source: candle_core::Error) -> Self {
        Self::new(ErrorKind::Tensor, source.to_string()).with_source(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_named_stays() {
        let error = Error::config("bad").with_path("a.png").with_path("b.png").with_index(3);
        assert_eq!(error.to_string(), "a.png: bad (image 3)");
    }
}
