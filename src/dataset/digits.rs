//! The data set compiled into the crate.

use super::idx::{Idx, IdxArray};
use super::{Dataset, InMemory};
use crate::error::Result;

const IMAGES: &[u8] = include_bytes!("../../fixtures/digits-images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../fixtures/digits-labels-idx1-ubyte.gz");

/// The test part of the UCI "Optical Recognition of Handwritten Digits" data set, as scikit-learn ships it: 1,797 gray
/// images of 8×8 pixels in 10 classes, "0" to "9", of 174 to 183 images each, in scikit-learn's order.
///
/// E. Alpaydin and C. Kaynak, 1998, <https://doi.org/10.24432/C50P49>, CC BY 4.0. The values 0 to 16 are scaled to 0 to
/// 255.
///
/// # Errors
///
/// None that a user can cause: the files are part of the crate.
pub fn digits() -> Result<InMemory> {
    let set = Idx::from_arrays(IdxArray::read(IMAGES)?, IdxArray::read(LABELS)?)?;
    let images = (0..set.len()).map(|index| set.load(index)).collect::<Result<_>>()?;
    let labels = (0..set.len()).map(|index| set.label(index)).collect();
    InMemory::from_images(images, labels, set.classes())
}
