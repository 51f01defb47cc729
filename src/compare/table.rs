//! A comparison as a table of text.

use std::fmt;

use super::arm::Arm;
use super::result::{ArmResult, Comparison, Verdict};
use super::statistics::{Estimate, Paired};
use crate::columns::write_columns;

/// What the intervals do not tell.
const SCOPE: &str = "The intervals cover the chance in training on this split with these sources of samples, \
                     not another split or another GAN.";
/// Where there is more than one of them.
const MANY: &str = " Of many such intervals about one in twenty misses 0 by chance.";

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, batch_size, train_images, held_out_images, .. } = self;
        let count = |number, unit| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
        let (steps, seeds) = (count(*steps, "step"), count(self.seeds.len(), "seed"));
        writeln!(f, "{train_images} training images, {held_out_images} held out; {steps} of {batch_size}; {seeds}.")?;
        if !self.left_out.is_empty() {
            writeln!(f, "{}", self.words_on_left_out())?;
        }
        writeln!(f, "In percent, mean ± half of the 95 % interval over the seeds:\n")?;
        write_columns(f, &self.arm_rows(), &[])?;
        writeln!(f)?;
        write_columns(f, &self.other_rows(), &[])?;
        writeln!(f, "\nRecall by class:\n")?;
        write_columns(f, &self.class_rows(), &[])?;
        if self.seeds.len() > 1 {
            let differences = self.arms.len() - 1;
            writeln!(f, "\n{SCOPE}{}", if differences > 1 { MANY } else { "" })?;
        }
        writeln!(f, "\n{}", self.conclusion())
    }
}

impl Comparison {
    fn words_on_left_out(&self) -> String {
        let seeds: Vec<String> = self.left_out.iter().map(u64::to_string).collect();
        let (noun, verb) = if seeds.len() == 1 { ("seed", "was") } else { ("seeds", "were") };
        format!("Left out: {noun} {}, which {verb} not measured with all arms.", seeds.join(", "))
    }

    fn arm_rows(&self) -> Vec<Vec<String>> {
        let header = ["trained on", "balanced accuracy", "difference to classic", "effect size", "learning rate"];
        let rows = self.arms.iter().map(|arm| {
            let paired = arm.difference.as_ref().map(|figures| &figures.balanced_accuracy);
            let effect = |paired: &Paired| paired.effect_size.map_or_else(|| "–".to_owned(), |d| format!("{d:+.2}"));
            vec![
                arm.arm.clone(),
                arm.figures.balanced_accuracy.to_string(),
                paired.map_or_else(String::new, |paired| format!("{:+}", paired.difference)),
                paired.map_or_else(String::new, effect),
                arm.learning_rate.to_string(),
            ]
        });
        with_header(&header, rows)
    }

    fn other_rows(&self) -> Vec<Vec<String>> {
        let rows = self.arms.iter().map(|arm| {
            let figures = &arm.figures;
            let others = [&figures.accuracy, &figures.macro_f1, &figures.g_mean].map(Estimate::to_string);
            std::iter::once(arm.arm.clone()).chain(others).collect()
        });
        with_header(&["trained on", "accuracy", "macro F1", "G-mean"], rows)
    }

    fn class_rows(&self) -> Vec<Vec<String>> {
        let names = self.arms.iter().map(|arm| arm.arm.as_str());
        let header: Vec<&str> = ["class", "real", "synthetic", "held out"].into_iter().chain(names).collect();
        let rows = self.classes.iter().map(|class| {
            let counts =
                [class.train_images.to_string(), shares(&class.synthetic_share), class.held_out_images.to_string()];
            let recall: Vec<String> = match &class.recall {
                Some(recall) => recall.iter().map(Estimate::to_string).collect(),
                None => vec!["–".to_owned(); self.arms.len()],
            };
            std::iter::once(class.name.clone()).chain(counts).chain(recall).collect()
        });
        with_header(&header, rows)
    }

    /// The verdicts in plain words, a line for each arm but the reference, with the difference that it rests on.
    #[must_use]
    pub fn conclusion(&self) -> String {
        let mut lines: Vec<String> = self.arms.iter().filter_map(ArmResult::conclusion).collect();
        if self.seeds.len() == 1 {
            lines.push("One seed shows nothing for sure: compare over 3 seeds or more.".to_owned());
        }
        lines.join("\n")
    }
}

impl ArmResult {
    fn conclusion(&self) -> Option<String> {
        let (figures, arm) = (self.difference.as_ref()?, &self.arm);
        let difference = &figures.balanced_accuracy.difference;
        let points = 100.0 * difference.mean;
        let interval = difference.half_width.map_or_else(String::new, |half| {
            let half = 100.0 * half;
            format!("95 % interval {:+.1} to {:+.1}", points - half, points + half)
        });
        let reference = Arm::REFERENCE;
        Some(match self.verdict? {
            Verdict::Better => {
                format!("{arm}: better than {reference} by {points:.1} points of balanced accuracy ({interval}).")
            }
            Verdict::Worse => {
                format!("{arm}: worse than {reference} by {:.1} points of balanced accuracy ({interval}).", -points)
            }
            Verdict::NoDifferenceShown => format!(
                "{arm}: no difference to {reference} shown, {points:+.1} points of balanced accuracy ({interval})."
            ),
            Verdict::OneSeed => {
                format!("{arm}: {points:+.1} points of balanced accuracy against {reference}, without an interval.")
            }
        })
    }
}

/// The synthetic shares of a class in the arms that have any: `30 %`, or from the least to the most.
fn shares(shares: &[f64]) -> String {
    let some = shares.iter().copied().filter(|share| *share > 0.0);
    let least = some.clone().reduce(f64::min).unwrap_or(0.0);
    let most = some.reduce(f64::max).unwrap_or(0.0);
    let [least, most] = [least, most].map(|share| format!("{:.0}", 100.0 * share));
    if least == most { format!("{most} %") } else { format!("{least}–{most} %") }
}

fn with_header(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    std::iter::once(header.iter().map(|&text| text.to_owned()).collect()).chain(rows).collect()
}
