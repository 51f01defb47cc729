//! The figures by which arms are judged.

use serde::{Deserialize, Serialize};

use super::statistics::{Estimate, Paired};
use crate::classifier::Confusion;

/// One value for each of the figures by which arms are judged; in shares from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures<T> {
    /// The mean of the classes' recalls, [`Confusion::balanced_accuracy`]: the figure on which the verdict rests.
    pub balanced_accuracy: T,
    /// The share of the held-out images that were recognised, [`Confusion::accuracy`].
    pub accuracy: T,
    /// The mean of the classes' F1 scores, [`Confusion::macro_f1`].
    pub macro_f1: T,
    /// The geometric mean of the classes' recalls, [`Confusion::g_mean`].
    pub g_mean: T,
}

impl Figures<Estimate> {
    /// Over the seeds, whose results are `confusions`; none of them may be empty.
    pub(super) fn of(confusions: &[&Confusion]) -> Self {
        let estimate = |figure: fn(&Confusion) -> Option<f64>| {
            let value = |confusion: &&Confusion| figure(confusion).expect("there are held-out images");
            Estimate::new(confusions.iter().map(value).collect())
        };
        Self {
            balanced_accuracy: estimate(Confusion::balanced_accuracy),
            accuracy: estimate(Confusion::accuracy),
            macro_f1: estimate(Confusion::macro_f1),
            g_mean: estimate(Confusion::g_mean),
        }
    }

    /// The paired differences `self` − `other`.
    pub(super) fn minus(&self, other: &Self) -> Figures<Paired> {
        Figures {
            balanced_accuracy: Paired::new(&self.balanced_accuracy, &other.balanced_accuracy),
            accuracy: Paired::new(&self.accuracy, &other.accuracy),
            macro_f1: Paired::new(&self.macro_f1, &other.macro_f1),
            g_mean: Paired::new(&self.g_mean, &other.g_mean),
        }
    }
}
