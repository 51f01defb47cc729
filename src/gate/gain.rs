//! How much better classes are recognised by one classifier than by another, and how sure that is.

use crate::plan::Gain;
use crate::quality::Draws;
use crate::rng::{Purpose, SampleKey};

/// Times that images and repeats are drawn again.
const REPLICATES: usize = 400;
/// What a standard normal variable is below with 90 %.
const QUANTILE: f64 = 1.281_551_565_544_600_4;
/// What stands in the epoch of the keys of repeats drawn again.
const REPEATS: u64 = 1;

/// The answers of a classifier to images that it was not trained on: of each repeat one for each image.
pub(super) type Answers = Vec<Vec<u32>>;

/// How much better the classes are recognised.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gains {
    /// The mean over the classes, and what it is at least with 90 %.
    pub mean: f64,
    pub bound: f64,
    /// By class; none of one without images.
    pub classes: Vec<Option<Gain>>,
}

/// The gains in F1 of `candidate` over `reference`, whose answers to the images with these labels belong together.
///
/// The F1 of a class is that of images in which all classes are equally many, so that it tells what a class takes from the
/// others. How much chance there is in a difference is found by drawing the images of each class and the repeats again (an
/// upper estimate: A. Owen, "The pigeonhole bootstrap", 2007). What is known of all classes together helps to tell of each:
/// the gains of the classes are taken for draws from a normal distribution, and each is drawn towards their mean as far as
/// it is uncertain (C. Morris, "Parametric Empirical Bayes Inference", 1983). With V the variance of the measured gain d of
/// a class, μ the mean gain, whose variance is U, and τ² that of the true gains, B = τ² / (τ² + V): the expected gain is
/// μ + B (d − μ), with the variance B V + (1 − B)² U. τ² is the variance of the measured gains less the mean of V, and 0
/// at least.
pub(super) fn gains(labels: &[u32], classes: usize, reference: &Answers, candidate: &Answers, seed: u64) -> Gains {
    let all = vec![1; labels.len()];
    let every: Vec<usize> = (0..reference.len()).collect();
    let measured = differences(labels, classes, [reference, candidate], &every, &all);
    let images = Draws::bootstrap(labels, REPLICATES, seed, 0);
    let replicates: Vec<Vec<Option<f64>>> = (0u64..)
        .zip(images.iter())
        .map(|(replicate, times)| {
            let key = SampleKey { seed, epoch: REPEATS, position: replicate, purpose: Purpose::Resampling };
            let mut rng = key.rng();
            let drawn: Vec<usize> = every.iter().map(|_| rng.below(every.len())).collect();
            differences(labels, classes, [reference, candidate], &drawn, times)
        })
        .collect();
    let present: Vec<usize> = (0..classes).filter(|&class| measured[class].is_some()).collect();
    let of = |row: &[Option<f64>], class: usize| row[class].unwrap_or(0.0);
    let mean_of = |row: &[Option<f64>]| mean(present.iter().map(|&class| of(row, class)));
    let mean_gain = mean_of(&measured);
    let mean_variance = variance(&replicates.iter().map(|row| mean_of(row)).collect::<Vec<_>>());
    let own: Vec<f64> = present.iter().map(|&class| of(&measured, class)).collect();
    let own_variances: Vec<f64> = present
        .iter()
        .map(|&class| variance(&replicates.iter().map(|row| of(row, class)).collect::<Vec<_>>()))
        .collect();
    let between = (variance(&own) - mean(own_variances.iter().copied())).max(0.0);
    let mut by_class = vec![None; classes];
    for ((&class, measured), own_variance) in present.iter().zip(own).zip(own_variances) {
        let weight = if between > 0.0 { between / (between + own_variance) } else { 0.0 };
        let expected = mean_gain + weight * (measured - mean_gain);
        let of_mean = mean_variance + between / present.len() as f64;
        let uncertain = weight * own_variance + (1.0 - weight).powi(2) * of_mean;
        by_class[class] = Some(Gain { measured, expected, bound: expected - QUANTILE * uncertain.sqrt() });
    }
    Gains { mean: mean_gain, bound: mean_gain - QUANTILE * mean_variance.sqrt(), classes: by_class }
}

/// By class the difference in F1, the mean over the repeats `drawn`, each image counted as often as `times` says.
fn differences(
    labels: &[u32],
    classes: usize,
    answers: [&Answers; 2],
    drawn: &[usize],
    times: &[u32],
) -> Vec<Option<f64>> {
    let [reference, candidate] = answers.map(|answers| {
        let scores: Vec<Vec<Option<f64>>> =
            drawn.iter().map(|&repeat| f1(labels, classes, &answers[repeat], times)).collect();
        let of_class = |class: usize| {
            let scores: Option<Vec<f64>> = scores.iter().map(|scores| scores[class]).collect();
            scores.map(mean)
        };
        (0..classes).map(of_class).collect::<Vec<_>>()
    });
    reference.into_iter().zip(candidate).map(|(reference, candidate)| Some(candidate? - reference?)).collect()
}

/// By class the F1 of images in which all classes are equally many; none of a class without images.
fn f1(labels: &[u32], classes: usize, answers: &[u32], times: &[u32]) -> Vec<Option<f64>> {
    let mut counts = vec![0.0; classes * classes];
    for ((&label, &answer), &times) in labels.iter().zip(answers).zip(times) {
        counts[label as usize * classes + answer as usize] += f64::from(times);
    }
    let mut taken_for = vec![0.0; classes];
    for row in counts.chunks_mut(classes) {
        let sum: f64 = row.iter().sum();
        for (share, taken_for) in row.iter_mut().zip(&mut taken_for) {
            *share /= if sum > 0.0 { sum } else { 1.0 };
            *taken_for += *share;
        }
    }
    let of_class = |(class, row): (usize, &[f64])| {
        let is_there = row.iter().sum::<f64>() > 0.0;
        is_there.then(|| 2.0 * row[class] / (1.0 + taken_for[class]))
    };
    counts.chunks(classes).enumerate().map(of_class).collect()
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// The sample's variance; 0 of a single value.
fn variance(values: &[f64]) -> f64 {
    let mean = mean(values.iter().copied());
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    if values.len() > 1 { squares / (values.len() - 1) as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` images of each of `classes` classes, and answers to them that are wrong where `wrong` says, by class and
    /// number of the image; wrong ones name the next class.
    fn answers(classes: u32, count: u32, wrong: impl Fn(u32, u32) -> bool) -> (Vec<u32>, Vec<u32>) {
        let images = (0..classes).flat_map(|class| (0..count).map(move |image| (class, image)));
        images.map(|(class, image)| (class, if wrong(class, image) { (class + 1) % classes } else { class })).unzip()
    }

    #[test]
    fn f1_does_not_depend_on_how_many_images_a_class_has() {
        // Class 0: 8 of 10 right; class 1: 2 of 4 right, the others taken for class 0.
        let labels: Vec<u32> = [[0; 10].as_slice(), &[1; 4]].concat();
        let answers: Vec<u32> = [[0; 8].as_slice(), &[1; 2], &[1; 2], &[0; 2]].concat();
        let scores = f1(&labels, 3, &answers, &[1; 14]);
        assert!((scores[0].unwrap() - 2.0 * 0.8 / (1.0 + 0.8 + 0.5)).abs() < 1e-12);
        assert!((scores[1].unwrap() - 2.0 * 0.5 / (1.0 + 0.5 + 0.2)).abs() < 1e-12);
        assert_eq!(scores[2], None);
    }

    #[test]
    fn what_all_classes_gain_counts_for_each() {
        let (labels, before) = answers(10, 60, |_, image| image < 9);
        let (_, after) = answers(10, 60, |_, image| image < 6);
        let gains = gains(&labels, 10, &vec![before; 3], &vec![after; 3], 0);
        assert!((gains.mean - 0.05).abs() < 1e-12 && gains.bound > 0.03 && gains.bound < 0.05, "{gains:?}");
        for gain in gains.classes.iter().flatten() {
            assert!((gain.expected - 0.05).abs() < 1e-12 && gain.bound > 0.03, "{gain:?}");
        }
    }

    #[test]
    fn one_class_that_gains_is_told_from_one_that_loses() {
        let (labels, before) = answers(10, 100, |_, image| image < 20);
        // The wrong answers of class 4 are right now, those of class 7 are twice as many.
        let (_, after) =
            answers(10, 100, |class, image| image < [20, 0, 40][usize::from(class == 4) + 2 * usize::from(class == 7)]);
        let found = gains(&labels, 10, &vec![before; 3], &vec![after; 3], 0).classes;
        let bound = |class: usize| found[class].unwrap().bound;
        assert!(bound(4) > 0.03, "{found:?}");
        assert!(bound(7) < -0.05 && bound(0) <= 0.0, "{found:?}");
    }

    #[test]
    fn what_is_alike_gains_nothing_and_chance_is_no_gain() {
        let (labels, same) = answers(4, 30, |_, image| image < 5);
        let nothing = gains(&labels, 4, &vec![same.clone(); 2], &vec![same.clone(); 2], 0);
        assert_eq!((nothing.mean, nothing.bound), (0.0, 0.0));
        // One image more of 120.
        let (_, other) = answers(4, 30, |class, image| image < 5 - u32::from(class == 0));
        let little = gains(&labels, 4, &vec![same; 2], &vec![other; 2], 0);
        assert!(little.mean > 0.0 && little.bound < 0.0, "{little:?}");
        assert!(little.classes.iter().flatten().all(|gain| gain.bound < 0.0), "{little:?}");
    }

    #[test]
    fn a_class_without_images_has_no_gain() {
        let found = gains(&[0, 0, 1, 1], 3, &vec![vec![0, 1, 1, 1]; 2], &vec![vec![0, 0, 1, 1]; 2], 0);
        assert!(found.classes[0].is_some() && found.classes[2].is_none());
    }
}
