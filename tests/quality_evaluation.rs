//! What an evaluation says about samples that are good, bad in a known way, or copied.

use std::sync::Arc;

use candle_augment::quality::{
    ClassQuality, Evaluation, FeatureExtractor, Measure, Metric, QualityConfig, QualityData, Verdict, View, evaluate,
    evaluate_in, samples_wanted, synthesize,
};
use candle_augment::{
    Dataset, DatasetExt, ErrorKind, Image, InMemory, Purpose, Result, SampleKey, Size, SyntheticSource, digits,
};
use candle_core::{DType, Tensor};

mod common;

use common::loader::Noise;

/// The pixels themselves.
struct Pixels;

impl FeatureExtractor for Pixels {
    fn features(&self, images: &Tensor) -> Result<Tensor> {
        Ok(images.flatten_from(1)?)
    }
}

/// Training images, held-out images and other real images: of each class 24, 16 and 24.
fn real() -> (Arc<dyn Dataset>, Arc<dyn Dataset>, Arc<dyn Dataset>) {
    let (train, rest) = digits().unwrap().per_class(64, 0).unwrap().split(0.375, 0).unwrap();
    let (held_out, others) = rest.split(0.4, 0).unwrap();
    (Arc::new(train), Arc::new(held_out), Arc::new(others))
}

fn config() -> QualityConfig {
    QualityConfig { steps: 1, resamples: 30, subsets: 10, workers: 0, ..QualityConfig::default() }
}

/// In the space of pixels, with `samples` made of the training images.
fn evaluated(samples: impl Fn(&Arc<dyn Dataset>) -> Arc<dyn Dataset>) -> Evaluation {
    let (train, held_out, _) = real();
    let synthetic = samples(&train);
    let views = [View::whole(Arc::new(Pixels), &*train)];
    evaluate_in(&views, &config(), &QualityData { train, held_out, synthetic }, |_| Ok(())).unwrap()
}

fn verdict(evaluation: &Evaluation, metric: Metric) -> Verdict {
    evaluation.measure(metric).expect("every metric is measured").verdict
}

/// The set with every image changed.
fn changed(set: &Arc<dyn Dataset>, change: impl Fn(usize, Image) -> Image) -> Arc<dyn Dataset> {
    let images = (0..set.len()).map(|index| change(index, set.load(index).unwrap())).collect();
    let labels = (0..set.len()).map(|index| set.label(index)).collect();
    Arc::new(InMemory::from_images(images, labels, set.classes().to_vec()).unwrap())
}

/// A little noise, as a generator that has learnt its images by heart has it.
fn blurred(index: usize, image: Image) -> Image {
    let mut rng = SampleKey { seed: 0, epoch: 0, position: index as u64, purpose: Purpose::Noise }.rng();
    let data = image.data().iter().map(|value| value.saturating_add(rng.below(9) as u8)).collect();
    Image::new(image.height(), image.width(), image.channels(), data).unwrap()
}

#[test]
fn real_images_are_like_real_images() {
    let found = evaluated(|_| real().2);
    for measure in &found.measures {
        // Of one step a classifier knows nothing.
        if !matches!(measure.metric, Metric::GanTrain | Metric::GanTest) {
            assert_eq!(measure.verdict, Verdict::LikeReal, "{measure:?}");
            assert!(measure.interval.low <= measure.value && measure.value <= measure.interval.high, "{measure:?}");
        }
    }
    assert_eq!((found.train_images, found.held_out_images, found.dimensions), (240, 160, 64));
    assert!(found.to_string().contains("like real images"));
}

#[test]
fn copies_are_found_out_in_every_class() {
    let found = evaluated(|train| changed(train, blurred));
    assert_eq!(verdict(&found, Metric::CopyZ), Verdict::Copies);
    assert_eq!(verdict(&found, Metric::CopyShare), Verdict::Copies);
    assert!(found.measure(Metric::CopyShare).unwrap().value > 0.9);
    // Only copying gives them away.
    assert_eq!(verdict(&found, Metric::Recall), Verdict::LikeReal);
    for class in &found.classes {
        assert!(class.measure(Metric::CopyZ).unwrap().value < -3.0, "{class:?}");
    }
    assert!(found.nearest.iter().all(|near| near.sample == near.image), "a copy is nearest to its original");
    assert!(found.to_string().contains("copies of training images"), "{found}");
}

#[test]
fn samples_that_are_only_more_typical_are_not_called_copies() {
    let mut found = evaluated(|_| real().2);
    assert!(found.to_string().contains("They are no nearer to the training images"), "{found}");
    let judge = |found: &mut Evaluation, metric, verdict| {
        found.measures.iter_mut().find(|measure| measure.metric == metric).unwrap().verdict = verdict;
        found.to_string()
    };
    let words = judge(&mut found, Metric::CopyZ, Verdict::Beyond);
    assert!(words.contains("nearer to the training images than other real images are, but no more"), "{words}");
    let words = judge(&mut found, Metric::CopyShare, Verdict::SomeCopies);
    assert!(words.contains("Some samples are near copies of training images."), "{words}");
}

#[test]
fn copies_in_one_class_are_told_by_its_name() {
    let found = evaluated(|train| {
        let threes: Vec<usize> = (0..train.len()).filter(|&index| train.label(index) == 3).collect();
        let others = real().2;
        changed(&others, |index, image| match others.label(index) {
            3 => blurred(index, train.load(threes[index % threes.len()]).unwrap()),
            _ => image,
        })
    });
    let is_copied = |class: &&ClassQuality| class.measure(Metric::CopyShare).unwrap().verdict == Verdict::Copies;
    let copied: Vec<&str> = found.classes.iter().filter(is_copied).map(|class| class.name.as_str()).collect();
    assert_eq!(copied, ["3"]);
}

fn first_of(set: &dyn Dataset, label: u32) -> usize {
    (0..set.len()).find(|&index| set.label(index) == label).unwrap()
}

#[test]
fn one_image_over_and_over_reaches_little() {
    let found = evaluated(|train| {
        let first: Vec<Image> = (0..10).map(|label| train.load(first_of(&**train, label)).unwrap()).collect();
        changed(train, |index, _| blurred(index, first[train.label(index) as usize].clone()))
    });
    assert_eq!(verdict(&found, Metric::Coverage), Verdict::FarWorse);
    assert_eq!(verdict(&found, Metric::Recall), Verdict::FarWorse);
    assert_eq!(verdict(&found, Metric::Kernel), Verdict::FarWorse);
}

#[test]
fn noise_is_far_from_real() {
    let (train, held_out, _) = real();
    let source = Noise { classes: train.classes().to_vec(), size: Size::square(8), channels: 1 };
    let wanted = samples_wanted(&*train, &*held_out);
    assert_eq!(wanted, [24; 10]);
    let samples = synthesize(&source, &wanted, 3, |_| Ok(())).unwrap();
    assert_eq!(samples.class_counts(), wanted);
    let found = evaluated(|_| Arc::new(samples.clone()));
    for metric in [Metric::Frechet, Metric::Kernel, Metric::Precision, Metric::Density, Metric::Coverage] {
        assert_eq!(verdict(&found, metric), Verdict::FarWorse, "{metric}");
    }
    assert_eq!(verdict(&found, Metric::CopyZ), Verdict::LikeReal);
    assert!(!found.to_string().contains("no nearer to the training images"), "it would sound like praise: {found}");
}

/// Of classes of 50 images, in the spaces of three folds.
#[test]
fn one_real_image_in_twenty_counts_as_a_copy() {
    let (train, rest) = digits().unwrap().per_class(150, 1).unwrap().split(1.0 / 3.0, 1).unwrap();
    let (held_out, synthetic) = rest.split(0.5, 1).unwrap();
    let data = QualityData { train: Arc::new(train), held_out: Arc::new(held_out), synthetic: Arc::new(synthetic) };
    let config = QualityConfig { folds: 3, steps: 1, resamples: 20, ..config() };
    let found = evaluate(&config, &data, |_| Ok(())).unwrap();
    let copies = found.measure(Metric::CopyShare).unwrap();
    assert!(copies.verdict == Verdict::LikeReal && (0.02..0.1).contains(&copies.floor), "{copies:?}");
}

#[test]
fn samples_do_not_depend_on_how_many_are_asked_for() {
    let source = Noise { classes: common::loader::names(2), size: Size::square(8), channels: 1 };
    let few = synthesize(&source, &[2, 1], 5, |_| Ok(())).unwrap();
    let more = synthesize(&source, &[3, 400], 5, |_| Ok(())).unwrap();
    assert_eq!(few.load(1).unwrap(), more.load(1).unwrap());
    assert_eq!(few.load(2).unwrap(), more.load(3).unwrap());
    for bad in [&[1][..], &[0, 0]] {
        assert_eq!(synthesize(&source, bad, 5, |_| Ok(())).unwrap_err().kind(), ErrorKind::Config);
    }
    assert_eq!(source.classes().len(), 2);
}

/// With classifiers: the same for any number of workers, to the last bit, and through JSON.
#[test]
fn an_evaluation_is_repeatable() {
    let (train, held_out, synthetic) = real();
    let data = QualityData {
        train: Arc::new(train.per_class(12, 0).unwrap()),
        held_out: Arc::new(held_out.per_class(4, 0).unwrap()),
        synthetic,
    };
    let run = |workers| {
        let config = QualityConfig { steps: 4, workers, ..config() };
        let mut steps = 0;
        let found = evaluate(&config, &data, |progress| {
            steps += usize::from(matches!(progress, candle_augment::quality::QualityProgress::Step { .. }));
            Ok(())
        });
        assert_eq!(steps, 4 * 4);
        found.unwrap()
    };
    let found = run(0);
    assert_eq!(found, run(3));
    assert_eq!(found.views, 2);
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), found);
}

#[test]
fn classes_with_few_images_have_what_can_be_measured() {
    let (train, held_out, synthetic) = real();
    let counts = |few: [usize; 3]| -> Vec<usize> { few.into_iter().chain([12; 7]).collect() };
    let data = QualityData {
        train: Arc::new(train.per_class_counts(&counts([1, 2, 4]), 0).unwrap()),
        held_out: Arc::new(held_out.per_class_counts(&counts([1, 2, 2]), 0).unwrap()),
        synthetic,
    };
    let found = evaluate(&QualityConfig { steps: 2, ..config() }, &data, |_| Ok(())).unwrap();
    let has = |class: usize, metric| found.classes[class].measure(metric).is_some();
    assert_eq!([0, 1, 2, 3].map(|class| has(class, Metric::Kernel)), [false, false, true, true]);
    assert!((0..10).all(|class| has(class, Metric::CopyZ) && has(class, Metric::GanTest)));
    let figures = found.measures.iter().chain(found.classes.iter().flat_map(|class| &class.measures));
    for Measure { value, interval, .. } in figures {
        assert!(
            value.is_finite() && interval.low.is_finite() && interval.low <= interval.high,
            "{value}, {interval:?}"
        );
    }
    assert!(found.to_string().contains("too few images"));
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    let (train, held_out, synthetic) = real();
    let check = |data: QualityData, config: QualityConfig, kind, words: &str| {
        let error = evaluate(&config, &data, |_| Ok(())).unwrap_err();
        assert!(error.kind() == kind && error.message().contains(words), "{error}");
    };
    let data = QualityData { train, held_out, synthetic };
    let one = |set: &Arc<dyn Dataset>| -> Arc<dyn Dataset> { Arc::new(Arc::clone(set).filter_classes(["1"]).unwrap()) };
    let of_one =
        QualityData { train: one(&data.train), held_out: one(&data.held_out), synthetic: one(&data.synthetic) };
    check(of_one, config(), ErrorKind::Dataset, "one class");
    let other = QualityData { held_out: one(&data.held_out), ..data.clone() };
    check(other, config(), ErrorKind::Dataset, "the same classes");
    let none = QualityData { synthetic: Arc::new(Arc::clone(&data.train).subset([]).unwrap()), ..data.clone() };
    check(none, config(), ErrorKind::Dataset, "no images");
    let few = QualityData { held_out: Arc::new(Arc::clone(&data.held_out).subset([0, 9]).unwrap()), ..data.clone() };
    check(few, config(), ErrorKind::Dataset, "need 6 at least");
    for bad in [
        QualityConfig { folds: 1, ..config() },
        QualityConfig { neighbours: 0, ..config() },
        QualityConfig { resamples: 1, ..config() },
        QualityConfig { subsets: 1, ..config() },
        QualityConfig { steps: 0, ..config() },
    ] {
        check(data.clone(), bad, ErrorKind::Config, "");
    }
    let none = evaluate_in(&[], &config(), &data, |_| Ok(())).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Config);
}

/// Gives one feature too many for the images, or one that is no number.
struct Broken {
    is_long: bool,
}

impl FeatureExtractor for Broken {
    fn features(&self, images: &Tensor) -> Result<Tensor> {
        let count = images.dim(0)? + usize::from(self.is_long);
        Ok(Tensor::full(f32::NAN, (count, 3), images.device())?.to_dtype(DType::F64)?)
    }
}

#[test]
fn extractors_that_fail_are_told_apart() {
    let (train, held_out, synthetic) = real();
    let data = QualityData { train, held_out, synthetic };
    for (is_long, kind, words) in [(true, ErrorKind::Tensor, "shape"), (false, ErrorKind::Config, "NaN")] {
        let views = [View::whole(Arc::new(Broken { is_long }), &*data.train)];
        let error = evaluate_in(&views, &config(), &data, |_| Ok(())).unwrap_err();
        assert!(error.kind() == kind && error.message().contains(words), "{error}");
    }
}
