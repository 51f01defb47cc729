//! One figure beside that of real images, and what it says.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::bootstrap::{Figure, Interval};

/// A figure of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// [`frechet_distance`](super::frechet_distance): lower is better.
    Frechet,
    /// [`kernel_distance`](super::kernel_distance): lower is better.
    Kernel,
    /// [`NeighbourScores::precision`](super::NeighbourScores::precision).
    Precision,
    /// [`NeighbourScores::recall`](super::NeighbourScores::recall).
    Recall,
    /// [`NeighbourScores::density`](super::NeighbourScores::density).
    Density,
    /// [`NeighbourScores::coverage`](super::NeighbourScores::coverage).
    Coverage,
    /// The balanced accuracy, on held-out images, of a classifier trained on as many samples of each class as there are
    /// training images (S. Ravuri and O. Vinyals, "Classification Accuracy Score for Conditional Generative Models",
    /// 2019); its floor is that of a classifier trained on the training images. A source that copies has it, too.
    GanTrain,
    /// The balanced accuracy on samples of a classifier trained on the training images (K. Shmelkov et al., "How Good
    /// Is My GAN?", 2018); its floor is that on held-out images.
    GanTest,
    /// [`copy_z`](super::copy_z), the mean over the samples' classes: far below 0 if samples are copies, or more typical than real
    /// images; its verdict is that they are copies only where [`Metric::CopyShare`]'s is, too.
    CopyZ,
    /// [`copy_share`](super::copy_share), each sample beside the training images of its class: lower is better.
    CopyShare,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Frechet => "Fréchet distance",
            Self::Kernel => "kernel distance",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Density => "density",
            Self::Coverage => "coverage",
            Self::GanTrain => "GAN-train",
            Self::GanTest => "GAN-test",
            Self::CopyZ => "copying, Z",
            Self::CopyShare => "copies",
        })
    }
}

/// What a figure says about samples, from the interval of its difference to the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The interval of the difference holds 0: the figure does not tell samples from real images.
    LikeReal,
    /// Samples are more typical than real images are, nearer to training images, or easier: they may lack variety.
    Beyond,
    /// Worse than real images.
    Worse,
    /// Far worse: less than two thirds of their share, or more than three times their distance.
    FarWorse,
    /// More samples are copies than chance explains.
    SomeCopies,
    /// Many samples are copies.
    Copies,
}

impl Verdict {
    /// Whether it says that samples are copies.
    pub(super) fn is_of_copies(self) -> bool {
        matches!(self, Self::SomeCopies | Self::Copies)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::LikeReal => "like real images",
            Self::Beyond => "beyond real images",
            Self::Worse => "worse than real images",
            Self::FarWorse => "far worse than real images",
            Self::SomeCopies => "some are copies",
            Self::Copies => "many are copies",
        })
    }
}

/// A figure of the samples, beside the same figure of held-out real images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Which figure.
    pub metric: Metric,
    /// That of the samples.
    pub value: f64,
    /// Its interval, over the choice of images: real, held-out and synthetic.
    pub interval: Interval,
    /// That of held-out real images, as many of each class.
    pub floor: f64,
    /// The floor's interval.
    pub floor_interval: Interval,
    /// What the difference says.
    pub verdict: Verdict,
}

/// Below this Z, if its interval is below 0, some and many samples may be copies: the share of copies has to say so, too.
const SUSPECT_Z: f64 = -1.0;
const COPIED_Z: f64 = -3.0;
/// A share of copies above this, and twice the floor, is many.
const MANY_COPIES: f64 = 0.15;
/// Shares below this part of the floor, distances above so many times the floor, are far worse.
const FAR_SHARE: f64 = 2.0 / 3.0;
const FAR_DISTANCE: f64 = 3.0;

impl Measure {
    pub(super) fn new(metric: Metric, samples: &Figure, real: &Figure) -> Self {
        let mut measure = Self {
            metric,
            value: samples.value,
            interval: samples.interval(),
            floor: real.value,
            floor_interval: real.interval(),
            verdict: Verdict::LikeReal,
        };
        measure.verdict = measure.judge(samples.minus(real).interval());
        measure
    }

    fn judge(&self, difference: Interval) -> Verdict {
        let above = difference.low > 0.0;
        let below = difference.high < 0.0;
        match self.metric {
            Metric::Frechet | Metric::Kernel => {
                // The floor of a kernel distance is about 0, and may be below: what chance makes of it counts.
                let far = FAR_DISTANCE * self.floor.max(self.floor_interval.high);
                graded(above, self.value > far, below)
            }
            Metric::Precision
            | Metric::Recall
            | Metric::Density
            | Metric::Coverage
            | Metric::GanTrain
            | Metric::GanTest => graded(below, self.value < FAR_SHARE * self.floor, above),
            Metric::CopyZ if below && self.value < COPIED_Z => Verdict::Copies,
            Metric::CopyZ if below && self.value < SUSPECT_Z => Verdict::SomeCopies,
            Metric::CopyShare if above && self.value > MANY_COPIES.max(2.0 * self.floor) => Verdict::Copies,
            Metric::CopyShare if above => Verdict::SomeCopies,
            Metric::CopyZ | Metric::CopyShare => Verdict::LikeReal,
        }
    }
}

fn graded(worse: bool, far: bool, beyond: bool) -> Verdict {
    match (worse, far, beyond) {
        (true, true, _) => Verdict::FarWorse,
        (true, false, _) => Verdict::Worse,
        (_, _, true) => Verdict::Beyond,
        _ => Verdict::LikeReal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64) -> Figure {
        Figure { value, replicates: (0..41).map(|i| value + 0.001 * (f64::from(i) - 20.0)).collect() }
    }

    fn verdict(metric: Metric, value: f64, floor: f64) -> Verdict {
        // Independent draws: the one's are the other's backwards.
        let mut floor = figure(floor);
        floor.replicates.reverse();
        Measure::new(metric, &figure(value), &floor).verdict
    }

    #[test]
    fn differences_within_chance_say_nothing() {
        for metric in [Metric::Frechet, Metric::Kernel, Metric::Precision, Metric::GanTrain, Metric::CopyShare] {
            assert_eq!(verdict(metric, 0.51, 0.5), Verdict::LikeReal, "{metric}");
        }
    }

    #[test]
    fn verdicts_follow_the_side_that_is_better() {
        assert_eq!(verdict(Metric::Frechet, 0.7, 0.5), Verdict::Worse);
        assert_eq!(verdict(Metric::Frechet, 1.7, 0.5), Verdict::FarWorse);
        assert_eq!(verdict(Metric::Frechet, 0.4, 0.5), Verdict::Beyond);
        assert_eq!(verdict(Metric::Kernel, 0.05, -0.01), Verdict::FarWorse);
        assert_eq!(verdict(Metric::Coverage, 0.7, 0.8), Verdict::Worse);
        assert_eq!(verdict(Metric::Coverage, 0.5, 0.8), Verdict::FarWorse);
        assert_eq!(verdict(Metric::Precision, 0.9, 0.8), Verdict::Beyond);
        assert_eq!(verdict(Metric::CopyShare, 0.12, 0.05), Verdict::SomeCopies);
        assert_eq!(verdict(Metric::CopyShare, 0.4, 0.05), Verdict::Copies);
        assert_eq!(
            [1.0, -1.0, -2.0, -9.0].map(|z| verdict(Metric::CopyZ, z, 0.0)),
            [Verdict::LikeReal, Verdict::LikeReal, Verdict::SomeCopies, Verdict::Copies]
        );
    }
}
