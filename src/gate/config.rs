//! How a choice of shares is measured.

use std::time::Duration;

use crate::compare::{Arm, Training};
use crate::error::{Error, Result};
use crate::image::Size;

/// How [`choose`](super::choose()) measures.
#[derive(Clone, Debug)]
pub struct GateConfig {
    /// How each classifier is trained. The seed also cuts the folds.
    pub training: Training,
    /// Parts of the training images, each of which is measured by classifiers, and samples, of the others; 2 to 10. 3 by
    /// default.
    pub folds: usize,
    /// How often all folds are measured, each time with other seeds of the classifiers, on the same folds and with the
    /// same sources; 2 to 1000. What is chosen is measured as often once more. 3 by default.
    pub repeats: usize,
    /// The shares that are tried for each source, in (0, 1]. 0.25 and 0.5 by default.
    pub shares: Vec<f64>,
    /// No source and no classifier is begun after so long, but for a short training at the start that tells the pace; the repeats
    /// that are whole by then count, if they are two. Where two do not fit, and two to confirm a choice, fewer shares are tried,
    /// the first ones, and of the last of these fewer candidates; where that is too much still, nothing is measured, and the
    /// choice says how long it would take. A choice that cannot be confirmed in time is given up. None by default.
    pub time: Option<Duration>,
}

impl GateConfig {
    /// The defaults for images of `size`.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self { training: Training::new(size), folds: 3, repeats: 3, shares: vec![0.25, 0.5], time: None }
    }

    /// Checks what can be checked without images.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for the first value that is out of range.
    pub fn validate(&self) -> Result<()> {
        let wrong = if !(2..=10).contains(&self.folds) {
            format!("expected 2 to 10 folds, such as 3, got {}", self.folds)
        } else if !(2..=1000).contains(&self.repeats) {
            format!("expected 2 to 1000 repeats, which tell how much chance does, got {}", self.repeats)
        } else if let Some(share) = self.shares.iter().find(|share| !(**share > 0.0 && **share <= 1.0)) {
            format!("a synthetic share of {share}: expected above 0 and at most 1, such as 0.3; 0 is always tried")
        } else if self.shares.is_empty() {
            "no synthetic share to try: give one above 0, such as 0.3".to_owned()
        } else {
            return self.training.check();
        };
        Err(Error::config(wrong))
    }

    /// Refuses arms that cannot be measured as candidates.
    pub(super) fn check_candidates(candidates: &[Arm]) -> Result<()> {
        if candidates.is_empty() {
            return Err(Error::config("no candidate to measure: give an arm with synthetic samples"));
        }
        for (index, arm) in candidates.iter().enumerate() {
            arm.check()?;
            let name = arm.name();
            if arm.synthetic.is_none() {
                return Err(Error::config(format!("candidate {name:?} has no synthetic samples: give it a source")));
            }
            if candidates[..index].iter().any(|other| other.name() == name) {
                return Err(Error::config(format!("two candidates are called {name:?}: give each a name of its own")));
            }
        }
        Ok(())
    }
}
