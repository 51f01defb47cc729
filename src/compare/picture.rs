//! A comparison as a picture.

use super::arm::Arm;
use super::result::{ArmResult, Comparison};
use super::statistics::Estimate;
use crate::report::{Canvas, Dot, Dots, palette, render_dots};

const LEGEND: &str = "bars: 95 % intervals, small dots: seeds";

impl Comparison {
    /// Balanced accuracy of each arm, and below it the paired differences to the reference, with their 95 % intervals.
    #[must_use]
    pub fn picture(&self, title: &str) -> Canvas {
        let dot = |arm: &ArmResult, estimate: &Estimate, color| Dot {
            name: arm.arm.clone(),
            value: 100.0 * estimate.mean,
            half_width: estimate.half_width.map(|half| 100.0 * half),
            points: estimate.values.iter().map(|value| 100.0 * value).collect(),
            color,
        };
        let color = |arm: &ArmResult| if arm.arm == Arm::REFERENCE { palette::INK } else { palette::BLUE };
        let accuracies = Dots {
            title: title.to_owned(),
            label: format!("balanced accuracy, %; {LEGEND}"),
            line: None,
            dots: self.arms.iter().map(|arm| dot(arm, &arm.figures.balanced_accuracy, color(arm))).collect(),
        };
        let difference = |arm: &ArmResult| {
            let figures = arm.difference.as_ref()?;
            Some(dot(arm, &figures.balanced_accuracy.difference, palette::VERMILION))
        };
        let differences = Dots {
            title: format!("Difference to {}, seed by seed", Arm::REFERENCE),
            label: format!("points of balanced accuracy; {LEGEND}"),
            line: Some(0.0),
            dots: self.arms.iter().filter_map(difference).collect(),
        };
        render_dots(&[accuracies, differences])
    }
}
