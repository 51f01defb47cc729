//! Measures candidates by cross-validation, and chooses.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::clock::{Clock, FEWEST_REPEATS};
use super::config::GateConfig;
use super::gain::{Answers, Gains, gains};
use crate::classifier::Classifier;
use crate::compare::{Arm, Training, planner, train_arm};
use crate::dataset::{Dataset, DatasetExt, folds, rest};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Choice, ClassChoice, ClassMixture, Gain, MeasuredShare, Mixture, WholeGain};
use crate::synthetic::SyntheticSource;
use crate::transform::Normalize;

/// Classes with fewer images get no synthetic samples: what helps them cannot be told.
const FEWEST: usize = 10;

/// Steps of a classifier that time is taken of.
const PACE_STEPS: usize = 20;
/// How much longer a classifier takes that synthetic samples are made for.
const SLOWER: f64 = 1.25;

/// What is being done. An error that the callback returns stops it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A short training tells how long a classifier takes, if the time is bounded.
    Pace {
        /// Steps so far.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// A candidate's source is about to be made from the images of all folds but one.
    Source {
        /// The candidate's name.
        name: &'a str,
        /// The fold that is left out, from 0.
        fold: usize,
    },
    /// A classifier made one optimiser step.
    Step {
        /// The candidate's name, or that of the reference.
        name: &'a str,
        /// Steps so far, over all classifiers.
        done: usize,
        /// Of how many, if the time suffices and a choice is made that is measured once more.
        total: usize,
        /// The step's loss.
        loss: f64,
    },
}

/// Chooses how much of each class of `train` is synthetic, and of which of `candidates`, by paired repeated
/// cross-validation against `reference`.
///
/// The images have the size of the training already. Candidates are arms with synthetic samples, made from the images that
/// they are given ([`Synthetic::made_from`](crate::compare::Synthetic::made_from)): a source that exists already may have seen
/// the images that it is measured on. They differ in their sources alone. Their mixtures do not matter, each is tried with all
/// shares of the configuration, alike in all classes that may get samples. Of a class, the first candidate is taken that has a
/// share whose gain is above 0 with 90 %, with the share for which this bound is highest. Classes with under ten images get
/// nothing, and are not measured. Where some of the others have under half as many images as the largest, these alone may get
/// samples.
///
/// How a gain and its bound are found: the F1 of each class, of classifiers trained on the other folds, less that of
/// classifiers with the same seeds trained on the reference; each class's drawn towards the mean of all as far as it is
/// uncertain. The bound covers the chance in images and in the training of classifiers, not that in the cut into folds and in
/// the training of the sources. Taking the best of several shares and sources makes it likelier than one in ten that something
/// without a gain passes, and classes that end up with different shares were measured with the same one: so the choice as a whole is
/// measured once more, by other classifiers on the same folds, and kept only if it gains something on average over the classes.
///
/// ```
/// use std::sync::Arc;
///
/// use candle_augment::compare::{Arm, Synthetic, Training};
/// use candle_augment::gate::{GateConfig, choose};
/// use candle_augment::{ClassMixture, DataLoader, Dataset, DatasetExt, Mixture, RandomRotation, Size, SmoteSource, digits};
///
/// let train: Arc<dyn Dataset> = Arc::new(digits()?.per_class(20, 0)?);
/// let classic = Arm::classic(Arc::new(RandomRotation::new(10.0)?));
/// let smote = classic.clone().with_synthetic("smote", Synthetic::smote(ClassMixture::None));
/// // Far too few steps and repeats, but enough to see how it goes.
/// let config = GateConfig { repeats: 2, shares: vec![0.3], ..GateConfig::new(Size::square(8)) };
/// let config = GateConfig { training: Training { steps: 5, ..config.training }, ..config };
/// let choice = choose(&config, &train, &classic, &[smote], |_| Ok(()))?;
/// println!("{choice}");
/// let source = SmoteSource::new(&train)?;
/// let loader = DataLoader::builder(train).synthetic(source).mixture(Mixture::Auto(choice)).build()?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`] for a configuration out of range, and candidates without samples or of one name;
/// [`ErrorKind::Dataset`] if there is only one class; and the errors of the data, the transforms, the sources and
/// `progress`.
pub fn choose(
    config: &GateConfig,
    train: &Arc<dyn Dataset>,
    reference: &Arm,
    candidates: &[Arm],
    mut progress: impl FnMut(Progress<'_>) -> Result<()>,
) -> Result<Choice> {
    config.validate()?;
    GateConfig::check_candidates(candidates)?;
    let counts = train.class_counts();
    if counts.iter().filter(|count| **count > 0).count() < 2 {
        let message = "a choice of shares needs images of at least 2 classes to tell apart: give more classes";
        return Err(Error::new(ErrorKind::Dataset, message));
    }
    for arm in candidates.iter().chain([reference]) {
        planner(&**train, config.training.plan(arm, &**train)?)?;
    }
    let measured: Vec<usize> =
        (0..train.len()).filter(|&index| counts[train.label(index) as usize] >= FEWEST).collect();
    let eligible = eligible(&counts);
    let choice = |results: Measured<'_>| choice(&counts, &eligible, train.classes(), candidates, results);
    if measured.is_empty() {
        return Ok(choice(Ok(&[])));
    }
    let mut measurement =
        Measurement::new(config, train, (measured, eligible.clone()), reference, candidates, &mut progress)?;
    let sources = match measurement.sources(&mut progress)? {
        Ok(sources) => sources,
        Err(too_short) => return Ok(choice(Err(&too_short))),
    };
    match measurement.run(&sources, &mut progress)? {
        Ok(results) => measurement.confirm(choice(Ok(&results)), &sources, &mut progress),
        Err(too_short) => Ok(choice(Err(&too_short))),
    }
}

/// Something for which the time may be too short, or words that say so.
type InTime<T> = Result<T, String>;

/// What was measured: candidates with shares and their gains; or why nothing was.
type Measured<'a> = Result<&'a [(usize, f64, Gains)], &'a str>;

/// A callback for progress.
type OnProgress<'a> = &'a mut dyn FnMut(Progress<'_>) -> Result<()>;

/// One part of the images.
struct Fold {
    /// What it is measured by.
    train: Arc<dyn Dataset>,
    validation: Arc<dyn Dataset>,
    /// The places of its images among all that are measured.
    places: Vec<usize>,
}

struct Measurement<'a> {
    config: &'a GateConfig,
    reference: &'a Arm,
    candidates: &'a [Arm],
    classes: Vec<String>,
    /// The labels of the classes that may get samples.
    eligible: Vec<usize>,
    labels: Vec<u32>,
    folds: Vec<Fold>,
    clock: Clock,
    /// Steps of classifiers so far, and of how many.
    done: usize,
    total: usize,
}

impl<'a> Measurement<'a> {
    /// On the images `measured` of `train`, for the classes `eligible`; the other images are trained on, in every fold.
    fn new(
        config: &'a GateConfig,
        train: &Arc<dyn Dataset>,
        (measured, eligible): (Vec<usize>, Vec<usize>),
        reference: &'a Arm,
        candidates: &'a [Arm],
        progress: OnProgress<'_>,
    ) -> Result<Self> {
        let labels: Vec<u32> = measured.iter().map(|&index| train.label(index)).collect();
        let classes = train.classes().to_vec();
        let part = Arc::clone(train).subset(measured.clone())?;
        let fold = |places: Vec<usize>| {
            let validation: Vec<usize> = places.iter().map(|&place| measured[place]).collect();
            Ok(Fold {
                train: Arc::new(Arc::clone(train).subset(rest(&**train, &validation))?),
                validation: Arc::new(Arc::clone(train).subset(validation)?),
                places,
            })
        };
        let folds: Vec<Fold> =
            folds(&part, config.folds, config.training.seed).into_iter().map(fold).collect::<Result<_>>()?;
        let of_one = || seconds_of_one(&config.training, reference, &folds[0], progress);
        let clock = Clock::start(config.time, folds.len(), of_one)?;
        Ok(Self { config, reference, candidates, classes, eligible, labels, folds, clock, done: 0, total: 0 })
    }

    /// What each candidate, with its sources by fold, gains with each share, if the time suffices for two repeats.
    fn run(&mut self, sources: &[Vec<Arm>], progress: OnProgress<'_>) -> Result<InTime<Vec<(usize, f64, Gains)>>> {
        let of_share = |&share: &f64| (0..self.candidates.len()).map(move |candidate| (candidate, share));
        let mut variants: Vec<(usize, f64)> = self.config.shares.iter().flat_map(of_share).collect();
        let (most, repeats) = self.clock.affordable(variants.len(), self.config.repeats);
        variants.truncate(most);
        let arms_of = |sources: &Vec<Arm>| {
            let variants = variants.iter().map(|&(candidate, share)| self.with_share(&sources[candidate], share));
            std::iter::once(self.reference.clone()).chain(variants).collect()
        };
        let arms: Vec<Vec<Arm>> = sources.iter().map(arms_of).collect();
        // With those that confirm a choice.
        self.total = self.config.repeats * self.folds.len() * (arms[0].len() + 2) * self.config.training.steps;
        let answers = self.answers(0..repeats, &arms, progress)?;
        if answers[0].len() < FEWEST_REPEATS {
            return Ok(Err("the time was over before two repeats: give more time".to_owned()));
        }
        let of_variant = |((candidate, share), own): (_, _)| (candidate, share, self.gains(&answers[0], own));
        Ok(Ok(variants.into_iter().zip(&answers[1..]).map(of_variant).collect()))
    }

    /// The choice, if as a whole, measured once more by other classifiers, it gains something; else one of nothing.
    ///
    /// What was chosen looked best among others, which luck may have done; and its shares differ from class to class, while each was
    /// measured with the same in all.
    fn confirm(&mut self, mut choice: Choice, sources: &[Vec<Arm>], progress: OnProgress<'_>) -> Result<Choice> {
        if choice.used_sources().is_empty() {
            return Ok(choice);
        }
        let arms_of =
            |(fold, sources): (&Fold, &Vec<Arm>)| Ok(vec![self.reference.clone(), self.whole(&choice, fold, sources)?]);
        let arms: Vec<Vec<Arm>> = self.folds.iter().zip(sources).map(arms_of).collect::<Result<_>>()?;
        let repeats = self.config.repeats;
        let answers = self.answers(repeats..2 * repeats, &arms, progress)?;
        if answers[0].len() < FEWEST_REPEATS {
            choice.refuse_all("not measured as a whole, the time was over first: give more time");
            // To whoever goes on with more time nothing was measured.
            choice.measured.clear();
            return Ok(choice);
        }
        let Gains { mean, bound, .. } = self.gains(&answers[0], &answers[1]);
        choice.whole = Some(WholeGain { gain: mean, bound });
        if mean <= 0.0 {
            let points = 100.0 * mean;
            choice.refuse_all(&format!("no gain of the choice as a whole, measured once more: F1 {points:+.1} points"));
        }
        Ok(choice)
    }

    /// The arm of a choice, whose sources are those of one fold.
    fn whole(&self, choice: &Choice, fold: &Fold, sources: &[Arm]) -> Result<Arm> {
        let mut named: Vec<(&str, Arc<dyn SyntheticSource>)> = Vec::new();
        let mut whole = None;
        for arm in sources.iter().filter(|arm| choice.used_sources().contains(&arm.name())) {
            if let Some(synthetic) = &arm.synthetic {
                named.push((arm.name(), synthetic.source(&fold.train)?));
                whole.get_or_insert((arm, synthetic));
            }
        }
        let (arm, synthetic) = whole.ok_or_else(|| Error::config("a choice names none of its candidates"))?;
        let source = Arc::new(choice.source_by_class(&self.classes, &named)?);
        Ok(arm.clone().with_synthetic("the choice", synthetic.clone().with_source(source, choice.clone())))
    }

    fn gains(&self, reference: &Answers, candidate: &Answers) -> Gains {
        let classes = (self.classes.len(), &self.eligible[..]);
        gains(&self.labels, classes, reference, candidate, self.config.training.seed)
    }

    /// By fold the candidates with their sources made, if the time suffices for them and the fewest classifiers.
    fn sources(&self, progress: OnProgress<'_>) -> Result<InTime<Vec<Vec<Arm>>>> {
        let (started, count) = (Instant::now(), self.folds.len());
        let mut sources = Vec::with_capacity(count);
        for (number, fold) in self.folds.iter().enumerate() {
            if let Some(too_short) = self.clock.shortfall(rest_of(started.elapsed(), number, count)) {
                return Ok(Err(too_short));
            }
            let mut of_fold = Vec::with_capacity(self.candidates.len());
            for arm in self.candidates {
                if self.clock.is_over() {
                    return Ok(Err("the time was over before all sources were made: give more time".to_owned()));
                }
                progress(Progress::Source { name: arm.name(), fold: number })?;
                of_fold.push(arm.on(&fold.train)?);
            }
            sources.push(of_fold);
        }
        Ok(self.clock.shortfall(Duration::ZERO).map_or(Ok(sources), Err))
    }

    /// The answers of each arm, of which there are as many for each fold, to all images, in as many repeats as the time suffices for.
    fn answers(&mut self, repeats: Range<usize>, arms: &[Vec<Arm>], progress: OnProgress<'_>) -> Result<Vec<Answers>> {
        let mut answers = vec![Answers::new(); arms[0].len()];
        for repeat in repeats {
            let Some(repeat) = self.repeat(repeat, arms, progress)? else { break };
            answers.iter_mut().zip(repeat).for_each(|(answers, repeat)| answers.push(repeat));
        }
        Ok(answers)
    }

    /// The answers of each arm by classifiers of one seed for each fold; none if the time is over.
    fn repeat(&mut self, repeat: usize, arms: &[Vec<Arm>], progress: OnProgress<'_>) -> Result<Option<Answers>> {
        let mut answers = vec![vec![0; self.labels.len()]; arms[0].len()];
        for (number, (fold, arms)) in self.folds.iter().zip(arms).enumerate() {
            let seed = self.config.training.seed.wrapping_add((repeat * self.folds.len() + number) as u64);
            let training = Training { seed, ..self.config.training.clone() };
            for (arm, answers) in arms.iter().zip(&mut answers) {
                if self.clock.is_over() {
                    return Ok(None);
                }
                let (done, total) = (&mut self.done, self.total);
                let classifier = train_arm(&training, arm, &fold.train, |loss| {
                    *done += 1;
                    progress(Progress::Step { name: arm.name(), done: *done, total, loss })
                })?;
                let found = answer(&training, &classifier, fold)?;
                fold.places.iter().zip(found).for_each(|(&place, found)| answers[place] = found);
            }
        }
        Ok(Some(answers))
    }

    /// The arm with this share of all classes that may get any.
    fn with_share(&self, arm: &Arm, share: f64) -> Arm {
        let mut arm = arm.clone();
        if let Some(synthetic) = &mut arm.synthetic {
            let names: Vec<String> = self.eligible.iter().map(|&label| self.classes[label].clone()).collect();
            synthetic.mixture = Mixture::All(ClassMixture::Share(share)).only(&names);
        }
        arm
    }
}

/// What a classifier takes the images of a fold for that it was not trained on.
fn answer(training: &Training, classifier: &Classifier, fold: &Fold) -> Result<Vec<u32>> {
    let images = training.in_order(&fold.validation).normalize(Normalize::signed()).build()?;
    classifier.predict(images.epoch(0))
}

/// How many seconds a classifier takes, by a short training.
fn seconds_of_one(training: &Training, reference: &Arm, fold: &Fold, progress: OnProgress<'_>) -> Result<f64> {
    let short = Training { steps: PACE_STEPS.min(training.steps), ..training.clone() };
    let started = Instant::now();
    let mut times = Vec::with_capacity(short.steps);
    let classifier = train_arm(&short, reference, &fold.train, |_| {
        times.push(started.elapsed());
        progress(Progress::Pace { done: times.len(), total: short.steps })
    })?;
    answer(&short, &classifier, fold)?;
    Ok(SLOWER * extrapolated(started.elapsed(), &times, training.steps))
}

/// How many seconds so many steps take where some, done at these times, took `whole` with all that comes before and after. The
/// first of them waits for a loader that starts, as few of the others do.
fn extrapolated(whole: Duration, times: &[Duration], steps: usize) -> f64 {
    let others = times.last().zip(times.first()).map_or(0.0, |(last, first)| (*last - *first).as_secs_f64());
    let of_step = others / times.len().saturating_sub(1).max(1) as f64;
    whole.as_secs_f64() + of_step * (steps - times.len()) as f64
}

/// How long what is left of `count` alike things takes, of which `done` took so long; nothing if none is done.
fn rest_of(elapsed: Duration, done: usize, count: usize) -> Duration {
    if done == 0 { Duration::ZERO } else { elapsed.mul_f64((count - done) as f64 / done as f64) }
}

/// The labels of the classes that may get samples: of those with enough images to tell what helps them the ones that lack
/// images, with under half as many as the largest class has; all, where none does. Samples in the others would do them no
/// good, and hide what those in the rare ones do.
fn eligible(counts: &[usize]) -> Vec<usize> {
    let measured = || counts.iter().copied().enumerate().filter(|(_, count)| *count >= FEWEST);
    let largest = measured().map(|(_, count)| count).max().unwrap_or(0);
    let lacking: Vec<usize> = measured().filter(|(_, count)| 2 * count < largest).map(|(label, _)| label).collect();
    if lacking.is_empty() { measured().map(|(label, _)| label).collect() } else { lacking }
}

/// The choice that follows from what was measured.
fn choice(
    counts: &[usize],
    eligible: &[usize],
    classes: &[String],
    candidates: &[Arm],
    results: Measured<'_>,
) -> Choice {
    let measured = results.unwrap_or_default().iter().map(|(candidate, share, gains)| {
        let of_class = classes.iter().zip(&gains.classes);
        MeasuredShare {
            source: candidates[*candidate].name().to_owned(),
            share: *share,
            gain: gains.mean,
            bound: gains.bound,
            classes: of_class.filter_map(|(name, gain)| Some((name.clone(), (*gain)?))).collect::<BTreeMap<_, _>>(),
        }
    });
    let of_class = |(label, name): (usize, &String)| {
        let found = class_choice(label, (counts[label], eligible.contains(&label)), candidates, results);
        (name.clone(), found)
    };
    Choice {
        sources: BTreeMap::new(),
        classes: classes.iter().enumerate().map(of_class).collect(),
        measured: measured.collect(),
        whole: None,
    }
}

fn class_choice(
    label: usize,
    (count, is_eligible): (usize, bool),
    candidates: &[Arm],
    results: Measured<'_>,
) -> ClassChoice {
    let nothing = |reason: String| ClassChoice { source: None, share: 0.0, reason };
    if count < FEWEST {
        return nothing(format!("{count} images: under {FEWEST}, too few to tell what helps"));
    }
    if !is_eligible {
        return nothing(format!("{count} images: at least half as many as the largest class, while others lack some"));
    }
    let results = match results {
        Ok(results) => results,
        Err(too_little) => return nothing(format!("not measured: {too_little}")),
    };
    let bounds = |candidate: usize| {
        let of_candidate = results.iter().filter(move |(of, ..)| *of == candidate);
        let gain = of_candidate.filter_map(move |(_, share, gains)| Some((candidate, *share, gains.classes[label]?)));
        gain.max_by(|(.., a), (.., b)| a.bound.total_cmp(&b.bound))
    };
    let best: Vec<(usize, f64, Gain)> = (0..candidates.len()).filter_map(bounds).collect();
    let words = |(candidate, share, gain): &(usize, f64, Gain)| {
        let (name, Gain { expected, bound, .. }) = (candidates[*candidate].name(), gain);
        format!("{name} at {share}: F1 {:+.1} points, at least {:+.1} with 90 %", 100.0 * expected, 100.0 * bound)
    };
    match best.iter().find(|(.., gain)| gain.bound > 0.0) {
        Some(found) => {
            let (candidate, share, _) = *found;
            ClassChoice { source: Some(candidates[candidate].name().to_owned()), share, reason: words(found) }
        }
        None => nothing(format!("no gain shown: {}", best.iter().map(words).collect::<Vec<_>>().join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_that_lack_images_come_first() {
        assert_eq!(eligible(&[4000, 2000, 1999, 40, 9]), [2, 3]);
        assert_eq!(eligible(&[50, 50, 26]), [0, 1, 2]);
        assert_eq!(eligible(&[120, 8, 120, 8]), [0, 2]);
        assert!(eligible(&[9, 0]).is_empty());
    }

    #[test]
    fn times_are_extrapolated_from_steps_without_the_first() {
        let ms = Duration::from_millis;
        // A start of 100 ms, steps of 10, 50 for the rest.
        let times: Vec<Duration> = (0..20).map(|step| ms(100 + 10 * step)).collect();
        assert!((extrapolated(ms(340), &times, 420) - 4.34).abs() < 1e-9);
        assert!((extrapolated(ms(150), &times[..1], 1) - 0.15).abs() < 1e-9);
        assert_eq!(
            [(0, 3), (1, 3), (3, 3)].map(|(done, count)| rest_of(ms(900), done, count)),
            [ms(0), ms(1800), ms(0)]
        );
    }
}
