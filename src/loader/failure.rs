//! What happens to a sample that cannot be made, and how many of them an epoch bears.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::plan::Slot;

/// What the loader does about a sample that cannot be made: a damaged file, a transform that fails or panics, a synthetic
/// source that does.
///
/// Every case is listed in [`Epoch::failures`](crate::Epoch::failures), and the budget holds for one epoch of one rank.
///
/// In a [`Stream`](crate::Stream) it concerns the items, too, that the iterator fails to give: they are left out.
///
/// ```
/// use candle_augment::{DataLoader, ErrorBudget, ErrorPolicy, digits};
///
/// // A hundredth of an epoch's samples may fail.
/// let policy = ErrorPolicy::ReplaceFromSameClass(ErrorBudget::Rate(0.01));
/// let loader = DataLoader::builder(digits()?).error_policy(policy).build()?;
/// let mut epoch = loader.epoch(0);
/// for batch in epoch.by_ref() {
///     assert!(!batch?.is_empty());
/// }
/// assert!(epoch.failures().is_empty(), "nothing is wrong with the digits");
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorPolicy {
    /// The epoch ends with the error. The default.
    #[default]
    Fail,
    /// The batch goes without the sample, and is left out if it has no other.
    Skip(ErrorBudget),
    /// Another real image of the class takes the place, so that batches keep their size and the balance of the classes.
    /// Which one is drawn from the sample's key: the same for any number of workers. The epoch ends with the error if the
    /// class has no image left; in a stream, none in its [reservoir](crate::LoaderBuilder::reservoir).
    ReplaceFromSameClass(ErrorBudget),
}

/// How many samples of an epoch may fail before the epoch does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBudget {
    /// So many.
    Count(usize),
    /// So large a part of the epoch's samples, in [0, 1]; not for a stream, whose samples nobody has counted.
    Rate(f64),
}

impl ErrorPolicy {
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Skip(ErrorBudget::Rate(rate)) | Self::ReplaceFromSameClass(ErrorBudget::Rate(rate))
                if !(0.0..=1.0).contains(&rate) =>
            {
                Err(Error::config(format!(
                    "expected a rate of failures from 0 to 1, got {rate}: give the part of the samples that may fail"
                )))
            }
            _ => Ok(()),
        }
    }

    /// The most failures that do not end a stream; None if the first does.
    pub(super) fn most_of_stream(self) -> Result<Option<usize>> {
        match self {
            Self::Fail => Ok(None),
            Self::Skip(ErrorBudget::Count(count)) | Self::ReplaceFromSameClass(ErrorBudget::Count(count)) => {
                Ok(Some(count))
            }
            Self::Skip(ErrorBudget::Rate(_)) | Self::ReplaceFromSameClass(ErrorBudget::Rate(_)) => Err(Error::config(
                "a rate of failures is one of all samples, whose number is not known of a stream: give \
                 ErrorBudget::Count",
            )),
        }
    }

    /// The most failures of an epoch of `samples` that do not end it.
    pub(super) fn most(self, samples: usize) -> usize {
        match self {
            Self::Fail => 0,
            Self::Skip(budget) | Self::ReplaceFromSameClass(budget) => match budget {
                ErrorBudget::Count(count) => count,
                ErrorBudget::Rate(rate) => at_most(rate, samples),
            },
        }
    }
}

/// The largest number whose part of `samples` is not above `rate`; the product alone may fall short of it by its rounding.
fn at_most(rate: f64, samples: usize) -> usize {
    let below = (rate * samples as f64) as usize;
    if (below + 1) as f64 / samples as f64 <= rate { below + 1 } else { below }
}

/// A sample that could not be made.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its place, with the image that failed. None for an item that a stream's iterator failed to give.
    pub slot: Option<Slot>,
    /// The name of its class, where there is a place.
    pub class: Option<String>,
    /// Why; it names the file, the index, the operation and the key.
    pub error: Error,
}

impl Failure {
    pub(super) fn of(slot: &Slot, class: &str, error: &Error) -> Self {
        Self { slot: Some(*slot), class: Some(class.to_owned()), error: error.clone() }
    }

    /// An item that an iterator failed to give.
    pub(super) fn of_item(error: Error) -> Self {
        Self { slot: None, class: None, error }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.class {
            Some(class) => write!(f, "class {class:?}: {}", self.error),
            None => self.error.fmt(f),
        }
    }
}

/// The error that ends an epoch when no image of a class can be made, `last` being the last one tried.
pub(super) fn exhausted(class: &str, last: &Error) -> Error {
    let text = format!(
        "no image of class {class:?} can take the place of one that failed: mend or remove its files; the last one: {}",
        last.message()
    );
    last.with_message(text)
}

/// The error that ends an epoch of too many failures, and lists the first of them.
pub(super) fn too_many(failures: &[Failure], most: usize) -> Error {
    const LISTED: usize = 10;
    let mut text = format!(
        "{} samples could not be made, more than the {most} that the error policy allows: mend or remove these files, or raise \
         its budget",
        failures.len()
    );
    for failure in failures.iter().take(LISTED) {
        text += &format!("\n  {failure}");
    }
    if failures.len() > LISTED {
        text += &format!("\n  and {} more", failures.len() - LISTED);
    }
    let kind = failures.last().map_or(crate::ErrorKind::Dataset, |failure| failure.error.kind());
    Error::new(kind, text)
}
