//! How one sample is made: loaded or generated, then transformed; and errors that say where.

use std::sync::{Arc, Mutex, PoisonError};

use super::collate::Output;
use super::guard::guarded;
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::plan::{Origin, Slot};
use crate::rng::Purpose;
use crate::synthetic::{SyntheticRequest, SyntheticSource};
use crate::transform::{BatchTransform, Executor, Op, SampleInfo, Transform};

/// Everything that makes samples from slots.
pub(super) struct Recipe {
    pub dataset: Arc<dyn Dataset>,
    pub transform: Option<Box<dyn Transform>>,
    pub batch_transform: Option<Box<dyn BatchTransform>>,
    pub synthetic: Option<Arc<dyn SyntheticSource>>,
    pub output: Output,
    pub executors: Executors,
}

/// One sample, and what was done to it.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub image: Image,
    pub ops: Vec<Op>,
}

/// Executors that wait for a sample: never more than there are threads.
#[derive(Debug, Default)]
pub(super) struct Executors(Mutex<Vec<Executor>>);

impl Executors {
    /// Gives `run` an executor, which is kept for later.
    fn with<T>(&self, run: impl FnOnce(&mut Executor) -> T) -> T {
        let waiting = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut executor = waiting().pop().unwrap_or_default();
        let result = run(&mut executor);
        waiting().push(executor);
        result
    }
}

impl Recipe {
    /// The image of the data set, transformed.
    pub(super) fn real(&self, slot: &Slot, index: usize) -> Result<Sample> {
        let image = guarded("the data set", || self.dataset.load(index)).map_err(|error| {
            // An error without an op is one of loading.
            self.locate(error, slot).with_op(format_args!("load"))
        })?;
        self.transformed(slot, image)
    }

    /// The image after the operations that the transform draws for it.
    pub(super) fn transformed(&self, slot: &Slot, image: Image) -> Result<Sample> {
        let Some(transform) = &self.transform else { return Ok(Sample { image, ops: Vec::new() }) };
        let mut ops = Vec::new();
        guarded("the transform", || {
            let info = SampleInfo::of(&image).with_class(&self.dataset.classes()[slot.label as usize]);
            transform.draw(info, &mut slot.key.rng(), &mut ops);
            Ok(())
        })
        .map_err(|error| self.locate(error.with_op(format_args!("draw")), slot))?;
        if ops.is_empty() {
            return Ok(Sample { image, ops });
        }
        let image = self.executors.with(|executor| apply(executor, &ops, &image));
        image.map(|image| Sample { image, ops }).map_err(|error| self.locate(error, slot))
    }

    /// The synthetic images for `slots`, not yet transformed.
    pub(super) fn generated(&self, slots: &[(Slot, u64)]) -> Result<Vec<Image>> {
        let request = |(slot, serial): &(Slot, u64)| SyntheticRequest {
            label: slot.label,
            serial: *serial,
            key: slot.key.with_purpose(Purpose::Synthetic),
        };
        let requests: Vec<SyntheticRequest> = slots.iter().map(request).collect();
        guarded("the synthetic source", || {
            let source = self.synthetic.as_ref().ok_or_else(|| Error::config("the loader has no synthetic source"))?;
            let images = source.generate(&requests)?;
            if images.len() != requests.len() {
                return Err(Error::new(
                    ErrorKind::Synthetic,
                    format!("expected {} images from the synthetic source, got {}", requests.len(), images.len()),
                ));
            }
            Ok(images)
        })
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
}

/// The image after `ops`. After a panic the executor begins anew: what it had under way is lost.
fn apply(executor: &mut Executor, ops: &[Op], image: &Image) -> Result<Image> {
    guarded("the operation", || executor.image(ops, image)).map_err(|error| {
        let stopped = std::mem::take(executor).stopped_at();
        match stopped.map(|place| (place, &ops[place])) {
            Some((place, op)) => error.with_op(format_args!("{op:?}, number {} of {}", place + 1, ops.len())),
            None => error,
        }
    })
}
