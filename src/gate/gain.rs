//! How much better classes are recognised by one classifier than by another, and how sure that is.

use crate::mean::mean;
use crate::plan::Gain;
use crate::quality::Draws;

/// Times that the images are drawn again.
const REPLICATES: usize = 400;
/// What a standard normal variable is below with 90 %.
const QUANTILE: f64 = 1.281_551_565_544_600_4;

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

/// The gains in F1 of `candidate` over `reference`, whose answers to the images with these labels belong together: the mean over
/// all classes, whose number comes first, and that of each of those with the labels `eligible`.
///
/// The F1 of a class is that of images in which all classes are equally many, so that it tells what a class takes from the
/// others. The variance of a gain is that of drawing the images of each class again (B. Efron, 1979), and, added to it, that
/// between the repeats over their number; both contain what image and repeat do together, so that the sum is an upper
/// estimate. What is known of all classes together helps to tell of each: the gains of the classes are taken for draws from a
/// normal distribution, and each is drawn towards their mean as far as it is uncertain (empirical Bayes, as in C. Morris,
/// "Parametric Empirical Bayes Inference", 1983, without his terms for the uncertainty of τ²). With V the variance of the
/// measured gain d of a class, τ² that of the true gains, μ the mean of d weighted by 1 / (V + τ²), whose variance is U:
/// B = τ² / (τ² + V), and the expected gain is μ + B (d − μ), with the variance B V + (1 − B)² U. τ² is the estimate of
/// R. C. Paule and J. Mandel, "Consensus Values and Weighting Factors", 1982: neither do rare classes, whose V is large, hide what
/// the others differ by, nor do classes without any change, whose V is small, what these differ by from the rest.
pub(super) fn gains(
    labels: &[u32],
    (classes, eligible): (usize, &[usize]),
    reference: &Answers,
    candidate: &Answers,
    seed: u64,
) -> Gains {
    let draws = Draws::bootstrap(labels, REPLICATES, seed, 0);
    let of_repeat = |times: &[u32]| -> Vec<Vec<f64>> {
        let pairs = reference.iter().zip(candidate);
        pairs
            .map(|(reference, candidate)| {
                let scores = [reference, candidate].map(|answers| f1(labels, classes, answers, times));
                scores[1].iter().zip(&scores[0]).map(|(candidate, reference)| candidate - reference).collect()
            })
            .collect()
    };
    let repeats = of_repeat(&vec![1; labels.len()]);
    let replicates: Vec<Vec<f64>> = draws.iter().map(|times| columns(&of_repeat(times)).map(mean).collect()).collect();
    // Of something that each repeat, or each replicate, has a value of.
    let variance_of = |of: &dyn Fn(&[f64]) -> f64| {
        let over = |rows: &[Vec<f64>]| variance(&rows.iter().map(|row| of(row)).collect::<Vec<_>>());
        over(&replicates) + over(&repeats) / repeats.len() as f64
    };
    let mut present: Vec<usize> = labels.iter().map(|&label| label as usize).collect();
    present.sort_unstable();
    present.dedup();
    let measured: Vec<f64> = columns(&repeats).map(mean).collect();
    let mean_of = |row: &[f64]| mean(present.iter().map(|&class| row[class]));
    let (mean_gain, mean_variance) = (mean_of(&measured), variance_of(&mean_of));
    // The others get no samples, and so tell nothing of what these do.
    present.retain(|class| eligible.contains(class));
    let images = |class: usize| labels.iter().filter(|&&label| label as usize == class).count() as f64;
    // No gain is known to less than half an image.
    let own_variance = |&class: &usize| variance_of(&|row| row[class]).max((0.5 / images(class)).powi(2));
    let own_variances: Vec<f64> = present.iter().map(own_variance).collect();
    let own: Vec<f64> = present.iter().map(|&class| measured[class]).collect();
    let between = between(&own, &own_variances);
    let weights: Vec<f64> = own_variances.iter().map(|variance| 1.0 / (variance + between)).collect();
    let total: f64 = weights.iter().sum();
    let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
    let weighted = |row: &[f64]| present.iter().zip(&weights).map(|(&class, weight)| row[class] * weight).sum::<f64>();
    let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
    let (center, of_center) = (weighted(&measured), variance_of(&weighted) + between * squares);
    let mut by_class = vec![None; classes];
    for ((&class, measured), own_variance) in present.iter().zip(own).zip(own_variances) {
        let weight = between / (between + own_variance);
        let expected = center + weight * (measured - center);
        let uncertain = weight * own_variance + (1.0 - weight).powi(2) * of_center;
        by_class[class] = Some(Gain { measured, expected, bound: expected - QUANTILE * uncertain.sqrt() });
    }
    Gains { mean: mean_gain, bound: mean_gain - QUANTILE * mean_variance.sqrt(), classes: by_class }
}

/// The variance of what values with these variances were measured of: that with which the squares of their distances to the mean,
/// each over its own expectation, add up as they should.
fn between(values: &[f64], variances: &[f64]) -> f64 {
    let squares = |between: f64| {
        let weights = || variances.iter().map(|variance| 1.0 / (variance + between));
        let center =
            values.iter().zip(weights()).map(|(value, weight)| value * weight).sum::<f64>() / weights().sum::<f64>();
        values.iter().zip(weights()).map(|(value, weight)| weight * (value - center).powi(2)).sum::<f64>()
    };
    let expected = values.len().saturating_sub(1) as f64;
    // They fall as the variance grows; gains are from −1 to 1, so it is below 4.
    let (mut low, mut high) = (0.0, 4.0);
    if squares(low) <= expected {
        return 0.0;
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if squares(middle) > expected { low = middle } else { high = middle }
    }
    low
}

/// The columns of rows of one length.
fn columns(rows: &[Vec<f64>]) -> impl Iterator<Item = impl Iterator<Item = f64>> {
    (0..rows.first().map_or(0, Vec::len)).map(move |column| rows.iter().map(move |row| row[column]))
}

/// By class the F1 of images in which all classes are equally many, each image counted as often as `times` says; 0 of a
/// class without images.
fn f1(labels: &[u32], classes: usize, answers: &[u32], times: &[u32]) -> Vec<f64> {
    let mut images = vec![0.0; classes];
    labels.iter().zip(times).for_each(|(&label, &times)| images[label as usize] += f64::from(times));
    let (mut right, mut taken_for) = (vec![0.0; classes], vec![0.0; classes]);
    for ((&label, &answer), &times) in labels.iter().zip(answers).zip(times) {
        let share = if times > 0 { f64::from(times) / images[label as usize] } else { 0.0 };
        taken_for[answer as usize] += share;
        right[label as usize] += if label == answer { share } else { 0.0 };
    }
    right.iter().zip(taken_for).map(|(right, taken_for)| 2.0 * right / (1.0 + taken_for)).collect()
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
    use crate::rng::{Purpose, SampleKey};

    fn of_all(labels: &[u32], classes: usize, reference: &Answers, candidate: &Answers, seed: u64) -> Gains {
        let all: Vec<usize> = (0..classes).collect();
        gains(labels, (classes, &all), reference, candidate, seed)
    }

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
        assert!((scores[0] - 2.0 * 0.8 / (1.0 + 0.8 + 0.5)).abs() < 1e-12);
        assert!((scores[1] - 2.0 * 0.5 / (1.0 + 0.5 + 0.2)).abs() < 1e-12);
        assert_eq!(scores[2], 0.0);
    }

    #[test]
    fn what_all_classes_gain_counts_for_each() {
        let (labels, before) = answers(10, 60, |_, image| image < 9);
        let (_, after) = answers(10, 60, |_, image| image < 6);
        let gains = of_all(&labels, 10, &vec![before; 3], &vec![after; 3], 0);
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
        let found = of_all(&labels, 10, &vec![before; 3], &vec![after; 3], 0).classes;
        let bound = |class: usize| found[class].unwrap().bound;
        assert!(bound(4) > 0.03, "{found:?}");
        assert!(bound(7) < -0.05 && bound(0) <= 0.0, "{found:?}");
    }

    #[test]
    fn what_is_alike_gains_nothing_and_chance_is_no_gain() {
        let (labels, same) = answers(4, 30, |_, image| image < 5);
        let nothing = of_all(&labels, 4, &vec![same.clone(); 2], &vec![same.clone(); 2], 0);
        assert_eq!((nothing.mean, nothing.bound), (0.0, 0.0));
        // One image more of 120.
        let (_, other) = answers(4, 30, |class, image| image < 5 - u32::from(class == 0));
        let little = of_all(&labels, 4, &vec![same; 2], &vec![other; 2], 0);
        assert!(little.mean > 0.0 && little.bound < 0.0, "{little:?}");
        assert!(little.classes.iter().flatten().all(|gain| gain.bound < 0.0), "{little:?}");
    }

    #[test]
    fn a_class_without_images_has_no_gain() {
        let found = of_all(&[0, 0, 1, 1], 3, &vec![vec![0, 1, 1, 1]; 2], &vec![vec![0, 0, 1, 1]; 2], 0);
        assert!(found.classes[0].is_some() && found.classes[2].is_none());
    }
    #[test]
    fn repeats_that_differ_make_a_gain_less_sure() {
        let (labels, before) = answers(10, 60, |_, image| image < 9);
        let after = |wrong: u32| answers(10, 60, |_, image| image < wrong).1;
        let alike = of_all(&labels, 10, &vec![before.clone(); 2], &vec![after(6); 2], 0);
        let apart = of_all(&labels, 10, &vec![before; 2], &vec![after(3), after(9)], 0);
        assert!((alike.mean - apart.mean).abs() < 1e-12 && apart.bound < alike.bound - 0.02, "{alike:?}, {apart:?}");
    }

    /// Two classifiers that are equally good: the bound is above 0 in about one of ten cases, or fewer.
    #[test]
    fn nothing_passes_for_a_gain_more_often_than_promised() {
        let mut passed = [0, 0];
        for seed in 0..100 {
            let mut rng = SampleKey { seed, epoch: 0, position: 0, purpose: Purpose::Noise }.rng();
            let labels: Vec<u32> = (0..200).map(|image| image % 5).collect();
            let mut answers = || -> Answers {
                let hard: Vec<bool> = labels.iter().map(|_| rng.uniform(0.0, 1.0) < 0.3).collect();
                let mut answer = |(label, hard): (&u32, &bool)| {
                    let is_wrong = *hard && rng.uniform(0.0, 1.0) < 0.5;
                    if is_wrong { (label + 1 + rng.below(4) as u32) % 5 } else { *label }
                };
                (0..3).map(|_| labels.iter().zip(&hard).map(&mut answer).collect()).collect()
            };
            let (reference, candidate) = (answers(), answers());
            let found = of_all(&labels, 5, &reference, &candidate, seed);
            passed[0] += usize::from(found.bound > 0.0);
            passed[1] += usize::from(found.classes[3].is_some_and(|gain| gain.bound > 0.0));
        }
        assert!(passed[0] <= 15 && passed[1] <= 15 && passed[0] > 0, "{passed:?} of 100");
    }
}
