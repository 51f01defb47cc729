//! Synthetic samples of each class from a source of its own.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::plan::Choice;
use crate::synthetic::{SyntheticRequest, SyntheticSource};

/// Takes the samples of each class from a source of its own.
///
/// ```
/// use std::sync::Arc;
///
/// use candle_augment::{SmoteSource, SourceByClass, SyntheticSource, digits};
///
/// let smote: Arc<dyn SyntheticSource> = Arc::new(SmoteSource::new(&digits()?)?);
/// let classes = smote.classes().to_vec();
/// let source = SourceByClass::new(classes, |class| (class == "3").then(|| Arc::clone(&smote)))?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone)]
pub struct SourceByClass {
    classes: Vec<String>,
    sources: Vec<Option<Arc<dyn SyntheticSource>>>,
}

impl SourceByClass {
    /// `source` gives that of each of `classes`, or none for a class of which no sample is asked for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a source has other classes.
    pub fn new(classes: Vec<String>, source: impl FnMut(&str) -> Option<Arc<dyn SyntheticSource>>) -> Result<Self> {
        let sources: Vec<_> = classes.iter().map(String::as_str).map(source).collect();
        if let Some(other) = sources.iter().flatten().find(|source| source.classes() != classes) {
            return Err(Error::config(format!(
                "a source makes samples of the classes {:?}, but those wanted are {classes:?}: take a source that was made from \
                 the same data",
                other.classes()
            )));
        }
        Ok(Self { classes, sources })
    }
}

impl Choice {
    /// The source of each of `classes` that the choice names, out of `sources` with their names.
    ///
    /// # Errors
    ///
    /// As [`SourceByClass::new`], and [`ErrorKind::Config`] for a class with a share of a source that is not among them.
    pub fn source_by_class(
        &self,
        classes: &[String],
        sources: &[(&str, Arc<dyn SyntheticSource>)],
    ) -> Result<SourceByClass> {
        let find = |name: &str| sources.iter().find(|(own, _)| *own == name).map(|(_, source)| Arc::clone(source));
        if let Some(missing) = self.used_sources().into_iter().find(|name| find(name).is_none()) {
            return Err(Error::config(format!("the choice has shares of a source {missing:?}, which was not given")));
        }
        SourceByClass::new(classes.to_vec(), |class| find(self.classes.get(class)?.source.as_deref()?))
    }
}

impl SyntheticSource for SourceByClass {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        let mut images = vec![None; requests.len()];
        let mut left: Vec<usize> = (0..requests.len()).collect();
        while let Some(&first) = left.first() {
            let label = requests[first].label;
            let Some(source) = self.sources.get(label as usize).and_then(Option::as_ref) else {
                let class =
                    self.classes.get(label as usize).map_or_else(|| label.to_string(), |name| format!("{name:?}"));
                let message = format!("class {class} was asked for, of which there is no source: give it a share of 0");
                return Err(Error::new(ErrorKind::Synthetic, message).with_key(requests[first].key));
            };
            let has_same = |index: &usize| {
                let other = self.sources.get(requests[*index].label as usize).and_then(Option::as_ref);
                other.is_some_and(|other| Arc::ptr_eq(other, source))
            };
            let (own, others): (Vec<usize>, Vec<usize>) = left.into_iter().partition(has_same);
            let own_requests: Vec<SyntheticRequest> = own.iter().map(|&index| requests[index]).collect();
            let made = source.generate(&own_requests)?;
            if made.len() != own.len() {
                return Err(Error::new(
                    ErrorKind::Synthetic,
                    format!("a source made {} images for {} requests", made.len(), own.len()),
                )
                .with_key(requests[first].key));
            }
            own.into_iter().zip(made).for_each(|(index, image)| images[index] = Some(image));
            left = others;
        }
        Ok(images.into_iter().map(|image| image.expect("every request has been answered")).collect())
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

impl fmt::Debug for SourceByClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_source = self.sources.iter().map(Option::is_some);
        f.debug_map().entries(self.classes.iter().zip(has_source)).finish()
    }
}
