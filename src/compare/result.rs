//! What a comparison found.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::statistics::Estimate;

/// What a classifier is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The real images as they are.
    Real,
    /// The real images under the classic transforms.
    Classic,
    /// The real images and synthetic samples, both under the classic transforms.
    Synthetic,
}

impl Arm {
    /// All arms, in the order in which they are trained and reported.
    pub const ALL: [Self; 3] = [Self::Real, Self::Classic, Self::Synthetic];
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Real => "real only",
            Self::Classic => "classic transforms",
            Self::Synthetic => "classic + synthetic",
        })
    }
}

/// The result of [`compare()`](super::compare()): serialisable; its `Display` form is a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The seeds, one run of all arms each.
    pub seeds: Vec<u64>,
    /// Optimiser steps of each run.
    pub steps: usize,
    /// Images in a step.
    pub batch_size: usize,
    /// Images that the arms were trained on.
    pub train_images: usize,
    /// Images that they were measured on, and that nothing saw before.
    pub held_out_images: usize,
    /// The arms, in the order of [`Arm::ALL`].
    pub arms: [ArmResult; 3],
    /// The classes, in the order of their labels.
    pub classes: Vec<ClassResult>,
    /// What the paired difference of the third arm says.
    pub verdict: Verdict,
}

/// How one arm did, in shares from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmResult {
    /// Which arm.
    pub arm: Arm,
    /// The mean of the classes' recalls.
    pub balanced_accuracy: Estimate,
    /// The share of the held-out images that were recognised.
    pub accuracy: Estimate,
    /// Balanced accuracy minus that of [`Arm::Classic`], paired seed by seed; for that arm itself, 0.
    pub difference: Estimate,
}

/// How one class did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassResult {
    /// Its name.
    pub name: String,
    /// Its real images in the training set.
    pub train_images: usize,
    /// The share of its samples that is synthetic in the third arm, in [0, 1].
    pub synthetic_share: f64,
    /// Its images in the held-out set.
    pub held_out_images: usize,
    /// The share of them that was recognised, for each arm in the order of [`Arm::ALL`]; none where there were none.
    pub recall: Option<[Estimate; 3]>,
}

/// What a comparison says about synthetic samples, by the 95 % interval of their paired difference to the classic transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies above 0.
    Helps,
    /// The interval holds 0.
    NoDifferenceShown,
    /// The interval lies below 0.
    Hurts,
    /// One seed has no interval.
    OneSeed,
}

impl Verdict {
    /// The verdict on a paired difference.
    #[must_use]
    pub fn of(difference: &Estimate) -> Self {
        match difference.half_width {
            None => Self::OneSeed,
            Some(half) if difference.mean > half => Self::Helps,
            Some(half) if difference.mean < -half => Self::Hurts,
            Some(_) => Self::NoDifferenceShown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_follows_the_interval() {
        let verdict = |values: &[f64]| Verdict::of(&Estimate::new(values.to_vec()));
        assert_eq!(verdict(&[0.05, 0.06, 0.055]), Verdict::Helps);
        assert_eq!(verdict(&[-0.05, -0.06, -0.055]), Verdict::Hurts);
        assert_eq!(verdict(&[0.05, -0.06, 0.01]), Verdict::NoDifferenceShown);
        assert_eq!(verdict(&[0.0, 0.0]), Verdict::NoDifferenceShown);
        assert_eq!(verdict(&[0.05]), Verdict::OneSeed);
    }
}
