//! An evaluation as text.

use std::fmt;

use super::evaluation::{ClassQuality, Evaluation};
use super::measure::{Measure, Metric, Verdict};
use crate::columns::write_columns;

/// What the figures of one class are given for, and the headings.
const OF_CLASS: [(Metric, &str); 5] = [
    (Metric::Kernel, "kernel"),
    (Metric::Coverage, "coverage"),
    (Metric::GanTest, "GAN-test"),
    (Metric::CopyZ, "Z"),
    (Metric::CopyShare, "copies"),
];

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { train_images, held_out_images, views, dimensions, neighbours, .. } = self;
        writeln!(
            f,
            "{held_out_images} samples beside {held_out_images} held-out and {train_images} training images; \
             {dimensions} features, {views} spaces, neighbour {neighbours}."
        )?;
        writeln!(f, "Floor: the same figure of the held-out images. In brackets: 95 % intervals.\n")?;
        let heading = ["", "samples", "", "floor", "", "verdict"].map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(heading).chain(self.measures.iter().map(row)).collect();
        write_columns(f, &rows, &[5])?;
        let subsets = self.kernel_subsets;
        writeln!(
            f,
            "\nKernel distance over {} subsets of {}: {:.4} ± {:.4} (one standard deviation).",
            subsets.count, subsets.size, subsets.mean, subsets.deviation
        )?;
        writeln!(f, "\nBy class, with the floor in brackets:\n")?;
        write_columns(f, &self.class_rows(), &[3 + OF_CLASS.len()])?;
        writeln!(f, "\n{}", self.conclusion())
    }
}

impl Evaluation {
    fn class_rows(&self) -> Vec<Vec<String>> {
        let heading = ["class", "training", "held out"].into_iter().chain(OF_CLASS.map(|(_, name)| name));
        let heading = heading.chain(["verdict"]).map(str::to_owned).collect();
        let rows = self.classes.iter().map(|class| {
            let counts = [class.name.clone(), class.train_images.to_string(), class.held_out_images.to_string()];
            let figure = |(metric, _): (Metric, &str)| class.measure(metric).map_or("–".to_owned(), short);
            counts.into_iter().chain(OF_CLASS.map(figure)).chain([class.verdict_in_words()]).collect()
        });
        std::iter::once(heading).chain(rows).collect()
    }

    /// What the figures come to, in a sentence or two.
    fn conclusion(&self) -> String {
        let copied: Vec<&str> =
            self.classes.iter().filter(|class| class.is_copied()).map(|class| class.name.as_str()).collect();
        let verdict = |metric| self.measure(metric).map_or(Verdict::LikeReal, |measure| measure.verdict);
        let is_bad = |metric| matches!(verdict(metric), Verdict::Worse | Verdict::FarWorse);
        let mut sentences = Vec::new();
        sentences.push(
            match (is_bad(Metric::Precision), is_bad(Metric::Recall) || is_bad(Metric::Coverage)) {
                (false, false) => "The samples look and vary like real images, as far as these features tell.",
                (false, true) => "The samples look real, but do not reach all that real images do: they lack variety.",
                (true, false) => "The samples vary as real images do, but many do not look real.",
                (true, true) => "Many samples do not look real, and they do not reach all that real images do.",
            }
            .to_owned(),
        );
        sentences.push(
            match verdict(Metric::GanTrain) {
                Verdict::Worse | Verdict::FarWorse => "Alone they teach a classifier less than the training images do.",
                _ => "A classifier learns as much from them as from the training images.",
            }
            .to_owned(),
        );
        sentences.extend(match (verdict(Metric::CopyShare), copied.is_empty(), verdict(Metric::CopyZ)) {
            (Verdict::Copies, ..) => Some("Many samples are copies of training images: they add nothing.".to_owned()),
            (_, false, _) => {
                Some(format!("Samples of some classes are near copies of training images: {}.", copied.join(", ")))
            }
            (Verdict::SomeCopies, ..) => Some("Some samples are near copies of training images.".to_owned()),
            // What does not look real is far from everything: that it is no copy is no praise.
            _ if is_bad(Metric::Precision) => None,
            (.., Verdict::Beyond) => Some(
                "They are nearer to the training images than other real images are, but no more of them are as near as copies."
                    .to_owned(),
            ),
            _ => Some("They are no nearer to the training images than other real images are.".to_owned()),
        });
        sentences.join(" ")
    }
}

impl ClassQuality {
    fn is_copied(&self) -> bool {
        self.measures.iter().any(|measure| measure.verdict.is_of_copies())
    }

    /// The worst that is said of it.
    fn verdict_in_words(&self) -> String {
        let order = [Verdict::Copies, Verdict::SomeCopies, Verdict::FarWorse, Verdict::Worse];
        let worst = order.into_iter().find(|verdict| self.measures.iter().any(|measure| measure.verdict == *verdict));
        match worst {
            Some(verdict) => verdict.to_string(),
            None if self.measure(Metric::Kernel).is_none() => "too few images".to_owned(),
            None => Verdict::LikeReal.to_string(),
        }
    }
}

fn row(measure: &Measure) -> Vec<String> {
    let Measure { metric, value, interval, floor, floor_interval, verdict } = measure;
    let [value, low, high, floor, floor_low, floor_high] =
        [*value, interval.low, interval.high, *floor, floor_interval.low, floor_interval.high]
            .map(|value| number(*metric, value));
    let floor_interval = if *metric == Metric::CopyZ { String::new() } else { format!("[{floor_low}, {floor_high}]") };
    vec![metric.to_string(), value, format!("[{low}, {high}]"), floor, floor_interval, verdict.to_string()]
}

/// The value, and the floor where it is not always the same.
fn short(measure: &Measure) -> String {
    let value = number(measure.metric, measure.value);
    if measure.metric == Metric::CopyZ { value } else { format!("{value} [{}]", number(measure.metric, measure.floor)) }
}

/// With the decimals that matter.
fn number(metric: Metric, value: f64) -> String {
    let text = match metric {
        Metric::Frechet => format!("{value:.3}"),
        Metric::Kernel => format!("{value:.4}"),
        Metric::Density | Metric::CopyZ => format!("{value:.2}"),
        _ => format!("{:.1} %", 100.0 * value),
    };
    // Of what rounds to nothing the sign says nothing.
    if text.starts_with('-') && text.chars().all(|c| !c.is_ascii_digit() || c == '0') {
        text[1..].to_owned()
    } else {
        text
    }
}
