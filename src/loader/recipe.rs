//! Everything that makes samples from slots, and errors that say where.

use std::fmt;
use std::sync::Arc;

use super::cache::Cache;
use super::failure::ErrorPolicy;
use super::guard::guarded;
use super::output::{Output, Shape};
use super::workbench::Workbenches;
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::plan::{Origin, Planner, Slot};
use crate::rng::Purpose;
use crate::synthetic::{SyntheticRequest, SyntheticSource};
use crate::transform::{BatchTransform, Transform};

/// Everything that makes samples from slots.
pub(super) struct Recipe {
    pub dataset: Arc<dyn Dataset>,
    pub planner: Planner,
    pub transform: Option<Box<dyn Transform>>,
    pub batch_transform: Option<Box<dyn BatchTransform>>,
    pub synthetic: Option<Arc<dyn SyntheticSource>>,
    pub output: Output,
    pub policy: ErrorPolicy,
    pub cache: Option<Cache>,
    /// Whether JPEG files may be decoded at a smaller scale.
    pub scaled: bool,
    pub workbenches: Workbenches,
}

impl Recipe {
    /// The synthetic images for `slots`, not yet transformed.
    pub(super) fn generated(&self, slots: &[(Slot, u64)]) -> Result<Vec<Image>> {
        let request = |(slot, serial): &(Slot, u64)| SyntheticRequest {
            label: slot.label,
            serial: *serial,
            key: slot.key.with_purpose(Purpose::Synthetic),
        };
        let requests: Vec<SyntheticRequest> = slots.iter().map(request).collect();
        let generated = guarded("the synthetic source", || {
            let source = self.synthetic.as_ref().ok_or_else(|| Error::config("the loader has no synthetic source"))?;
            let images = source.generate(&requests)?;
            if images.len() != requests.len() {
                return Err(Error::new(
                    ErrorKind::Synthetic,
                    format!("expected {} images from the synthetic source, got {}", requests.len(), images.len()),
                ));
            }
            Ok(images)
        });
        generated.map_err(|error| {
            error.with_key(requests[0].key).with_op(format_args!("generate {} samples", requests.len()))
        })
    }

    /// The other images of the slot's class, in an order of the slot's own.
    pub(super) fn substitutes(&self, slot: &Slot) -> impl Iterator<Item = usize> + use<> {
        let mut images = self.planner.images_of(slot.label).to_vec();
        images.retain(|&image| slot.origin != Origin::Real(image as usize));
        slot.key.with_purpose(Purpose::Replacement).rng().shuffle(&mut images);
        images.into_iter().map(|image| image as usize)
    }

    /// The name of the slot's class.
    pub(super) fn class(&self, slot: &Slot) -> &str {
        &self.dataset.classes()[slot.label as usize]
    }

    /// Adds the sample's key, and for a real one its file and index.
    pub(super) fn locate(&self, error: Error, slot: &Slot) -> Error {
        let error = error.with_key(slot.key);
        let Origin::Real(index) = slot.origin else { return error };
        let error = error.with_index(index);
        match self.dataset.path(index) {
            Some(path) => error.with_path(path),
            None => error,
        }
    }

    /// The error of a sample that has not the shape of the first one in its batch.
    pub(super) fn mismatch(&self, first: &Slot, expected: Shape, other: &Slot, found: Shape) -> Error {
        let (kind, remedy) = match other.origin {
            _ if expected.channels == found.channels => (ErrorKind::Dataset, "add Resize::exact to the transforms"),
            Origin::Real(_) => (ErrorKind::Dataset, "give all images one colour, as ImageFolder::with_color does"),
            Origin::Synthetic(_) => {
                (ErrorKind::Synthetic, "use a synthetic source that makes images of the data set's colour")
            }
        };
        Error::new(
            kind,
            format!(
                "the samples of a batch must have one shape (channels, height, width): {} has {found}, \
                 but {} has {expected}: {remedy}",
                self.describe(other),
                self.describe(first),
            ),
        )
    }

    fn describe(&self, slot: &Slot) -> String {
        match slot.origin {
            Origin::Real(index) => match self.dataset.path(index) {
                Some(path) => path.display().to_string(),
                None => format!("image {index}"),
            },
            Origin::Synthetic(serial) => format!("synthetic sample {serial} of class {:?}", self.class(slot)),
        }
    }
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe").field("output", &self.output).field("policy", &self.policy).finish_non_exhaustive()
    }
}
