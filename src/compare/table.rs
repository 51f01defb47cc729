//! A comparison as a table of text.

use std::fmt;

use super::result::{Arm, Comparison, Verdict};
use super::statistics::Estimate;
use crate::columns::write_columns;

/// What the intervals do not tell.
const SCOPE: &str = "The intervals cover the chance in training on this split with this source of samples, \
                     not another split or another GAN.";

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, batch_size, train_images, held_out_images, .. } = self;
        let count = |number, unit| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
        let (steps, seeds) = (count(*steps, "step"), count(self.seeds.len(), "seed"));
        writeln!(f, "{train_images} training images, {held_out_images} held out; {steps} of {batch_size}; {seeds}.")?;
        writeln!(f, "In percent, mean ± half of the 95 % interval over the seeds:\n")?;
        write_columns(f, &self.arm_rows(), &[])?;
        writeln!(f, "\nRecall by class:\n")?;
        write_columns(f, &self.class_rows(), &[])?;
        if self.verdict != Verdict::OneSeed {
            writeln!(f, "\n{SCOPE}")?;
        }
        writeln!(f, "\n{}", self.conclusion())
    }
}

impl Comparison {
    fn arm_rows(&self) -> Vec<Vec<String>> {
        let header = ["trained on", "balanced accuracy", "accuracy", "difference to classic"];
        let rows = self.arms.iter().map(|arm| {
            let difference = if arm.arm == Arm::Classic { String::new() } else { format!("{:+}", arm.difference) };
            vec![arm.arm.to_string(), arm.balanced_accuracy.to_string(), arm.accuracy.to_string(), difference]
        });
        std::iter::once(header.map(str::to_owned).to_vec()).chain(rows).collect()
    }

    fn class_rows(&self) -> Vec<Vec<String>> {
        let counts = ["class", "real", "synthetic", "held out"].map(str::to_owned);
        let header = counts.into_iter().chain(Arm::ALL.map(|arm| arm.to_string())).collect();
        let rows = self.classes.iter().map(|class| {
            let share = format!("{:.0} %", 100.0 * class.synthetic_share);
            let counts = [class.train_images.to_string(), share, class.held_out_images.to_string()];
            let recall = match &class.recall {
                Some(recall) => recall.each_ref().map(Estimate::to_string),
                None => Arm::ALL.map(|_| "–".to_owned()),
            };
            std::iter::once(class.name.clone()).chain(counts).chain(recall).collect()
        });
        std::iter::once(header).chain(rows).collect()
    }

    /// The verdict in plain words, with the difference that it rests on.
    #[must_use]
    pub fn conclusion(&self) -> String {
        let [.., synthetic] = &self.arms;
        let difference = &synthetic.difference;
        let points = 100.0 * difference.mean;
        let interval = difference.half_width.map_or_else(String::new, |half| {
            let half = 100.0 * half;
            format!("95 % interval {:+.1} to {:+.1}", points - half, points + half)
        });
        match self.verdict {
            Verdict::Helps => format!(
                "Synthetic samples help: balanced accuracy is {points:+.1} points above classic transforms ({interval})."
            ),
            Verdict::Hurts => format!(
                "Synthetic samples hurt: balanced accuracy is {points:+.1} points against classic transforms ({interval})."
            ),
            Verdict::NoDifferenceShown => format!(
                "No difference shown: {points:+.1} points of balanced accuracy against classic transforms, but the interval holds 0 ({interval})."
            ),
            Verdict::OneSeed => format!(
                "One seed shows nothing for sure: {points:+.1} points of balanced accuracy against classic transforms, without an interval. Compare over 3 seeds or more."
            ),
        }
    }
}
