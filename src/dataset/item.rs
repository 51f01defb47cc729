//! What the iterators give that become data sets or streams.

use std::error::Error as StdError;

use super::{ImageFile, Label, Stored, invalid};
use crate::error::{Error, Result};
use crate::image::Image;

type Boxed = Box<dyn StdError + Send + Sync>;

/// An image as an iterator may give it: everything that converts into [`Image`] (one itself, an `image::DynamicImage`, a
/// candle tensor `(C, H, W)` of u8 or of f32 in [0, 1]); or an [`ImageFile`], the bytes of a file, which the loader's
/// workers decode.
pub trait IntoStored {
    /// The image as a data set has it.
    ///
    /// # Errors
    ///
    /// If it does not convert.
    fn into_stored(self) -> Result<Stored<'static>>;
}

impl<I> IntoStored for I
where
    I: TryInto<Image>,
    I::Error: Into<Boxed>,
{
    fn into_stored(self) -> Result<Stored<'static>> {
        self.try_into().map(Stored::Image).map_err(|error| own("the image does not convert", error.into()))
    }
}

impl IntoStored for ImageFile {
    fn into_stored(self) -> Result<Stored<'static>> {
        Ok(Stored::File(self))
    }
}

/// The image and the label of an item.
pub(crate) fn image_and_label<I: IntoStored, L: Into<Label>, E: Into<Boxed>>(
    item: Result<(I, L), E>,
) -> Result<(Stored<'static>, Label)> {
    let (image, label) = item.map_err(|error| own("the iterator failed", error.into()))?;
    Ok((image.into_stored()?, label.into()))
}

/// The error as it is if it is this crate's, otherwise as the source of one.
fn own(what: &str, error: Boxed) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(other) => invalid(format!("{what}: {other}")).with_source(other),
    }
}
