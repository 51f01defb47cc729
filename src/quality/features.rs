//! Feature vectors of labelled images, and what makes them.

use candle_core::{DType, Tensor};

use crate::classifier::Classifier;
use crate::error::{Error, ErrorKind, Result};
use crate::loader::Batch;

/// Feature vectors of images and the images' labels: a matrix of `(len, dimensions)`, f64.
///
/// ```
/// use candle_augment::quality::Features;
///
/// let features = Features::new(vec![0.0, 1.0, 2.0, 3.0], 2, vec![0, 4])?;
/// assert_eq!((features.len(), features.dimensions()), (2, 2));
/// assert_eq!(features.row(1), [2.0, 3.0]);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    values: Vec<f64>,
    dimensions: usize,
    labels: Vec<u32>,
}

impl Features {
    /// Features row by row, `dimensions` values for each of `labels`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the lengths disagree, `dimensions` is 0, or a value is not finite.
    pub fn new(values: Vec<f64>, dimensions: usize, labels: Vec<u32>) -> Result<Self> {
        if dimensions == 0 || values.len() != dimensions * labels.len() {
            return Err(Error::config(format!(
                "expected {} × {dimensions} features, of one dimension at least, got {} values",
                labels.len(),
                values.len()
            )));
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(Error::config(format!(
                "a feature is {}, where only finite numbers have distances: check the extractor",
                values[at]
            ))
            .with_index(at / dimensions)),
            None => Ok(Self { values, dimensions, labels }),
        }
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of features of an image.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The label of each image.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// All values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The features of image `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Features::len`].
    #[must_use]
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.dimensions..(index + 1) * self.dimensions]
    }

    /// The images at `indices`, in that order.
    ///
    /// # Panics
    ///
    /// If an index is not below [`Features::len`].
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            values: indices.iter().flat_map(|&index| self.row(index)).copied().collect(),
            dimensions: self.dimensions,
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
        }
    }

    /// The indices of the images of class `label`.
    #[must_use]
    pub fn of_class(&self, label: u32) -> Vec<usize> {
        (0..self.len()).filter(|&index| self.labels[index] == label).collect()
    }

    /// Checks that distances to `other` mean something.
    pub(super) fn check_same_space(&self, other: &Self) -> Result<()> {
        if self.dimensions != other.dimensions {
            return Err(Error::config(format!(
                "features of {} and of {} dimensions: compare those of one extractor",
                self.dimensions, other.dimensions
            )));
        }
        Ok(())
    }
}

/// Turns images into feature vectors, in which distances tell how much alike they look.
///
/// A vector depends on its own image alone.
pub trait FeatureExtractor: Send + Sync {
    /// For images `(N, C, H, W)` of f32 in [−1, 1] their features, `(N, dimensions)`, of any floating point type.
    ///
    /// # Errors
    ///
    /// If the images do not fit.
    fn features(&self, images: &Tensor) -> Result<Tensor>;
}

/// What the classifier's last layer decides by.
impl FeatureExtractor for Classifier {
    fn features(&self, images: &Tensor) -> Result<Tensor> {
        Ok(Classifier::features(self, images)?.0)
    }
}

/// The features of the images of `batches`, in order.
pub(super) fn extract(
    extractor: &dyn FeatureExtractor,
    batches: impl IntoIterator<Item = Result<Batch>>,
) -> Result<Features> {
    let (mut values, mut labels, mut dimensions) = (Vec::new(), Vec::new(), 1);
    for batch in batches {
        let batch = batch?;
        let features = extractor.features(&batch.images)?;
        let &[count, width] = features.dims() else { return Err(misshapen(&features, batch.len())) };
        if count != batch.len() || (!values.is_empty() && width != dimensions) {
            return Err(misshapen(&features, batch.len()));
        }
        dimensions = width;
        values.append(&mut features.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?);
        labels.append(&mut batch.labels.to_vec1()?);
    }
    Features::new(values, dimensions, labels)
}

fn misshapen(features: &Tensor, images: usize) -> Error {
    Error::new(
        ErrorKind::Tensor,
        format!(
            "the extractor gave features of shape {:?} for {images} images: expected ({images}, dimensions), as many \
             dimensions for every batch",
            features.dims()
        ),
    )
}
