//! How the synthetic share changes from epoch to epoch.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How much of the [`Mixture`](crate::Mixture) an epoch has: it grows from nothing over the first epochs, and the last ones are of
/// real images alone. A function of the epoch's number, so any epoch can be planned, and resumed, by itself.
///
/// ```
/// use candle_augment::MixtureSchedule;
///
/// let schedule = MixtureSchedule { epochs: 10, ramp: 0.4, real_only: 0.2 };
/// let shares: Vec<f64> = (0..11).map(|epoch| schedule.share(epoch)).collect();
/// assert_eq!(shares, [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixtureSchedule {
    /// The number of epochs; at least 1. Epochs beyond them are as the last.
    pub epochs: u64,
    /// The part of the epochs, at the beginning, over which the mixture grows from nothing to its own shares, in [0, 1]. Default 0:
    /// it is whole from the first epoch on.
    #[serde(default)]
    pub ramp: f64,
    /// The part of the epochs, at the end, without synthetic samples, in [0, 1]; where both overlap it counts. Default 0.
    #[serde(default)]
    pub real_only: f64,
}

/// What products such as 0.2 · 15 may miss a whole number by.
const ROUNDING: f64 = 1e-9;

impl MixtureSchedule {
    /// What the mixture's shares are multiplied by in epoch `epoch`, counted from 0; in [0, 1].
    #[must_use]
    pub fn share(&self, epoch: u64) -> f64 {
        let epochs = self.epochs as f64;
        let epoch = epoch.min(self.epochs.saturating_sub(1)) as f64;
        if epoch >= (1.0 - self.real_only) * epochs - ROUNDING {
            return 0.0;
        }
        let ramp = self.ramp * epochs;
        if epoch >= ramp - ROUNDING { 1.0 } else { epoch / ramp }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.epochs == 0 {
            return Err(Error::config(
                "the schedule of the mixture has 0 epochs: give the number of epochs to train for",
            ));
        }
        for (part, what) in [(self.ramp, "ramp"), (self.real_only, "real_only")] {
            if !(0.0..=1.0).contains(&part) {
                return Err(Error::config(format!(
                    "the schedule's {what} is {part}: it is a part of the epochs, in [0, 1], such as 0.2"
                )));
            }
        }
        Ok(())
    }

    /// Whether every epoch has the whole mixture.
    pub(super) fn is_flat(&self) -> bool {
        self.ramp == 0.0 && self.real_only == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_whole_epochs_end_there() {
        for epochs in 1..200 {
            let schedule = MixtureSchedule { epochs: 5 * epochs, ramp: 0.2, real_only: 0.2 };
            assert_eq!(schedule.share(epochs), 1.0);
            assert!(schedule.share(epochs - 1) < 1.0);
            assert_eq!((schedule.share(4 * epochs - 1), schedule.share(4 * epochs)), (1.0, 0.0));
        }
    }

    #[test]
    fn ends_are_what_they_say() {
        let of = |ramp, real_only| MixtureSchedule { epochs: 4, ramp, real_only };
        let shares = |schedule: MixtureSchedule| [0, 1, 2, 3, 9].map(|epoch| schedule.share(epoch));
        assert_eq!(shares(of(0.0, 0.0)), [1.0; 5]);
        assert_eq!(shares(of(0.0, 1.0)), [0.0; 5]);
        assert_eq!(shares(of(1.0, 0.0)), [0.0, 0.25, 0.5, 0.75, 0.75]);
        assert_eq!(shares(of(1.0, 0.5)), [0.0, 0.25, 0.0, 0.0, 0.0]);
    }
}
