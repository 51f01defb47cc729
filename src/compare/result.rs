//! What a comparison found.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::arm::Arm;
use super::config::CompareConfig;
use super::figures::Figures;
use super::measure::planner;
use super::record::{Record, Run};
use super::referee::chosen_rate;
use super::statistics::{Estimate, Paired};
use crate::classifier::Confusion;
use crate::dataset::Dataset;
use crate::error::Result;

/// The result of a [`Referee`](super::Referee): serialisable; its `Display` form is a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The seeds, one run of all arms each.
    pub seeds: Vec<u64>,
    /// Seeds that were asked for but not measured with all arms, and so left out.
    pub left_out: Vec<u64>,
    /// Optimiser steps of each run.
    pub steps: usize,
    /// Images in a step.
    pub batch_size: usize,
    /// The learning rates that were tried for each arm; a single one was given.
    pub learning_rates: Vec<f64>,
    /// Images that the arms were trained on.
    pub train_images: usize,
    /// Images that they were measured on, and that nothing saw before.
    pub held_out_images: usize,
    /// The arms, in the order in which they were given.
    pub arms: Vec<ArmResult>,
    /// The classes, in the order of their labels.
    pub classes: Vec<ClassResult>,
}

/// How one arm did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmResult {
    /// Its name.
    pub arm: String,
    /// Its learning rate.
    pub learning_rate: f64,
    /// How well the held-out images were recognised.
    #[serde(flatten)]
    pub figures: Figures<Estimate>,
    /// The same minus those of [`Arm::REFERENCE`], paired seed by seed; none for that arm itself.
    pub difference: Option<Figures<Paired>>,
    /// What the difference in balanced accuracy says; none for the reference itself.
    pub verdict: Option<Verdict>,
}

/// How one class did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassResult {
    /// Its name.
    pub name: String,
    /// Its real images in the training set.
    pub train_images: usize,
    /// Its images in the held-out set.
    pub held_out_images: usize,
    /// The share of its samples that is synthetic, in [0, 1], for each arm in their order.
    pub synthetic_share: Vec<f64>,
    /// The share of the held-out images that was recognised, for each arm in their order; none where there were none.
    pub recall: Option<Vec<Estimate>>,
}

impl Comparison {
    /// Of the runs of `record` with `seeds`, all of which it has for all arms.
    pub(super) fn new(
        config: &CompareConfig,
        [train, held_out]: [&Arc<dyn Dataset>; 2],
        arms: &[Arm],
        record: &Record,
        seeds: Vec<u64>,
        left_out: Vec<u64>,
    ) -> Result<Self> {
        let confusions = |arm: &Arm| -> Vec<&Confusion> {
            let runs = seeds.iter().filter_map(|seed| record.run(arm.name(), *seed));
            runs.map(|Run { confusion, .. }| confusion).collect()
        };
        let confusions: Vec<Vec<&Confusion>> = arms.iter().map(confusions).collect();
        let shares = |arm: &Arm| -> Result<Vec<f64>> {
            Ok(planner(train, config.training.plan(arm, train)?)?.synthetic_shares().collect())
        };
        let shares = arms.iter().map(shares).collect::<Result<Vec<_>>>()?;
        let (train_images, held_out_images) = (train.class_counts(), held_out.class_counts());
        let class = |(class, name): (usize, &String)| ClassResult {
            name: name.clone(),
            train_images: train_images[class],
            held_out_images: held_out_images[class],
            synthetic_share: shares.iter().map(|shares| shares[class]).collect(),
            recall: (held_out_images[class] > 0)
                .then(|| confusions.iter().map(|confusions| recall(confusions, class as u32)).collect()),
        };
        Ok(Self {
            left_out,
            steps: config.training.steps,
            batch_size: config.training.batch_size.min(train.len()),
            learning_rates: config.learning_rates.clone(),
            train_images: train.len(),
            held_out_images: held_out.len(),
            arms: arm_results(config, arms, record, &confusions),
            classes: train.classes().iter().enumerate().map(class).collect(),
            seeds,
        })
    }

    /// The result of the arm of this name.
    #[must_use]
    pub fn arm(&self, name: &str) -> Option<&ArmResult> {
        self.arms.iter().find(|arm| arm.arm == name)
    }
}

/// The results of arms that were measured as `confusions` says, seed by seed.
fn arm_results(
    config: &CompareConfig,
    arms: &[Arm],
    record: &Record,
    confusions: &[Vec<&Confusion>],
) -> Vec<ArmResult> {
    let figures: Vec<Figures<Estimate>> = confusions.iter().map(|confusions| Figures::of(confusions)).collect();
    let reference = arms.iter().position(|arm| arm.name() == Arm::REFERENCE).expect("the arms were checked");
    let result = |(i, arm): (usize, &Arm)| {
        let difference = (i != reference).then(|| figures[i].minus(&figures[reference]));
        ArmResult {
            arm: arm.name().to_owned(),
            learning_rate: chosen_rate(config, record, arm.name()),
            figures: figures[i].clone(),
            verdict: difference.as_ref().map(|figures| Verdict::of(&figures.balanced_accuracy.difference)),
            difference,
        }
    };
    arms.iter().enumerate().map(result).collect()
}

fn recall(confusions: &[&Confusion], class: u32) -> Estimate {
    let recalls = confusions.iter().map(|confusion| confusion.recall(class).expect("the class has held-out images"));
    Estimate::new(recalls.collect())
}

/// What a comparison says about an arm, by the 95 % interval of its paired difference to the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies above 0.
    Better,
    /// The interval holds 0.
    NoDifferenceShown,
    /// The interval lies below 0.
    Worse,
    /// One seed has no interval.
    OneSeed,
}

impl Verdict {
    /// The verdict on a paired difference.
    #[must_use]
    pub fn of(difference: &Estimate) -> Self {
        match difference.half_width {
            None => Self::OneSeed,
            Some(half) if difference.mean > half => Self::Better,
            Some(half) if difference.mean < -half => Self::Worse,
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
        assert_eq!(verdict(&[0.05, 0.06, 0.055]), Verdict::Better);
        assert_eq!(verdict(&[-0.05, -0.06, -0.055]), Verdict::Worse);
        assert_eq!(verdict(&[0.05, -0.06, 0.01]), Verdict::NoDifferenceShown);
        assert_eq!(verdict(&[0.0, 0.0]), Verdict::NoDifferenceShown);
        assert_eq!(verdict(&[0.05]), Verdict::OneSeed);
    }
}
