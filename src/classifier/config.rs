//! How the reference classifier is built and trained.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::image::Size;

/// The configuration of a [`Classifier`](crate::Classifier).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifierConfig {
    /// The images' height and width; each at least 8.
    pub size: Size,
    /// The images' channels: 1 or 3.
    pub channels: usize,
    /// The number of classes, at least 2.
    pub classes: usize,
    /// Channels of the first convolution; the later ones have up to four times as many. 16 by default.
    pub width: usize,
    /// Optimiser steps, over which the learning rate rises and falls. 400 by default.
    pub steps: usize,
    /// The highest learning rate, which is reached after the first tenth of the steps and falls to 0 along half a cosine. 0.004 by
    /// default.
    pub learning_rate: f64,
    /// Gives the initial weights. 0 by default.
    pub seed: u64,
}

impl ClassifierConfig {
    /// The defaults for images of `size` with `channels` channels in `classes` classes.
    #[must_use]
    pub fn new(size: Size, channels: usize, classes: usize) -> Self {
        Self { size, channels, classes, width: 16, steps: 400, learning_rate: 4e-3, seed: 0 }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let Self { size, channels, classes, .. } = self;
        let wrong = if size.height < 8 || size.width < 8 {
            format!("images of {}×{} are too small: a classifier needs at least 8×8", size.height, size.width)
        } else if !matches!(channels, 1 | 3) {
            format!("{channels} channels: a classifier takes 1 (gray) or 3 (RGB)")
        } else if *classes < 2 {
            format!("{classes} classes: a classifier needs at least 2 to tell apart")
        } else if self.width == 0 || self.steps == 0 {
            format!("width {} and {} steps: both must be at least 1", self.width, self.steps)
        } else if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            format!("a learning rate of {}: it must be above 0, such as 0.004", self.learning_rate)
        } else {
            return Ok(());
        };
        Err(Error::config(wrong))
    }

    /// The learning rate of step `step`, from 0: linear warm-up over the first tenth, then half a cosine to 0 (Loshchilov and Hutter,
    /// "SGDR: stochastic gradient descent with warm restarts", 2017).
    pub(super) fn learning_rate_at(&self, step: usize) -> f64 {
        let warm_up = self.steps.div_ceil(10);
        if step < warm_up {
            return self.learning_rate * (step + 1) as f64 / warm_up as f64;
        }
        let part = (step - warm_up) as f64 / (self.steps - warm_up).max(1) as f64;
        self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_and_falls() {
        let config =
            ClassifierConfig { steps: 100, learning_rate: 1.0, ..ClassifierConfig::new(Size::square(8), 1, 2) };
        let rates: Vec<f64> = (0..100).map(|step| config.learning_rate_at(step)).collect();
        assert!((rates[0] - 0.1).abs() < 1e-12 && rates[9] == 1.0 && rates[10] == 1.0);
        assert!((rates[55] - 0.5).abs() < 1e-12, "{}", rates[55]);
        assert!(rates[10..].is_sorted_by(|a, b| a > b) && rates[99] > 0.0 && rates[99] < 0.001);
    }

    #[test]
    fn one_step_is_a_schedule() {
        let config = ClassifierConfig { steps: 1, ..ClassifierConfig::new(Size::square(8), 1, 2) };
        assert_eq!(config.learning_rate_at(0), config.learning_rate);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let good = ClassifierConfig::new(Size::new(8, 12), 3, 2);
        assert!(good.check().is_ok());
        for bad in [
            ClassifierConfig { size: Size::new(7, 12), ..good.clone() },
            ClassifierConfig { channels: 2, ..good.clone() },
            ClassifierConfig { classes: 1, ..good.clone() },
            ClassifierConfig { width: 0, ..good.clone() },
            ClassifierConfig { steps: 0, ..good.clone() },
            ClassifierConfig { learning_rate: f64::NAN, ..good.clone() },
        ] {
            assert_eq!(bad.check().unwrap_err().kind(), crate::ErrorKind::Config, "{bad:?}");
        }
    }
}
