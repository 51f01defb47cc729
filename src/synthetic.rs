//! The seam through which synthetic samples enter a batch.

use std::sync::Arc;

use crate::error::Result;
use crate::image::Image;
use crate::rng::SampleKey;

/// One synthetic sample that a batch asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SyntheticRequest {
    /// The class, an index into [`SyntheticSource::classes`].
    pub label: u32,
    /// The number of this sample within its class, from 0 in every epoch.
    pub serial: u64,
    /// The key whose generator gives the sample its noise.
    pub key: SampleKey,
}

/// Makes synthetic images, a batch at a time.
///
/// Each answer depends on its own request alone, to the bit: not on the other requests of the call, nor on the thread.
pub trait SyntheticSource: Send + Sync {
    /// One image for each request, in order.
    ///
    /// # Errors
    ///
    /// If the source cannot make them.
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>>;

    /// The names of the classes that the source knows, in the order of their labels.
    fn classes(&self) -> &[String];
}

impl<S: SyntheticSource + ?Sized> SyntheticSource for Arc<S> {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        (**self).generate(requests)
    }

    fn classes(&self) -> &[String] {
        (**self).classes()
    }
}
