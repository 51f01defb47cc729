//! The comparison pairs its arms, keeps held-out images out of training, and says what it found.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use candle_augment::compare::{
    Arm, CompareConfig, CompareData, Comparison, Progress, Record, Referee, Synthetic, Task, Training, Verdict,
    compare, long_tail, measure_arm, rare_half,
};
use candle_augment::{
    Balance, ClassMixture, Dataset, DatasetExt, Error, ErrorKind, Image, InMemory, Pipeline, RandomRotation, Result,
    Size, SyntheticRequest, SyntheticSource, Transform, digits,
};

/// Gives training images of the class that is asked for: as good as a perfect generator that knows nothing new.
struct TrainingImages {
    by_class: Vec<Vec<Image>>,
    classes: Vec<String>,
}

impl TrainingImages {
    fn of(set: &Arc<dyn Dataset>) -> Result<Arc<dyn SyntheticSource>> {
        let mut by_class = vec![Vec::new(); set.classes().len()];
        for index in 0..set.len() {
            by_class[set.label(index) as usize].push(set.load(index)?);
        }
        Ok(Arc::new(Self { by_class, classes: set.classes().to_vec() }))
    }
}

impl SyntheticSource for TrainingImages {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        let answer = |request: &SyntheticRequest| {
            let images = &self.by_class[request.label as usize];
            images[request.key.rng().below(images.len())].clone()
        };
        Ok(requests.iter().map(answer).collect())
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

fn classic() -> Result<Arc<dyn Transform>> {
    Ok(Arc::new(RandomRotation::new(10.0)?))
}

fn nothing() -> Arc<dyn Transform> {
    Arc::new(Pipeline::new())
}

fn training() -> Training {
    Training { steps: 25, batch_size: 32, workers: 0, ..Training::new(Size::square(8)) }
}

/// Two seeds at one learning rate.
fn config() -> CompareConfig {
    CompareConfig { training: training(), seeds: 2, learning_rates: vec![0.004] }
}

fn steps(steps: usize) -> CompareConfig {
    CompareConfig { training: Training { steps, ..training() }, ..config() }
}

fn few_digits() -> Result<CompareData> {
    let data = CompareData::split(Arc::new(digits()?), 0.3, 0)?;
    CompareData::new(Arc::new(rare_half(Arc::clone(data.train()), 5, 0)?), Arc::clone(data.held_out()))
}

fn samples(mixture: ClassMixture) -> Synthetic {
    Synthetic::made_from(TrainingImages::of, mixture)
}

/// Balanced, classic, and classic with synthetic samples.
fn three(transform: Arc<dyn Transform>, mixture: ClassMixture) -> [Arm; 3] {
    let classic = Arm::classic(transform);
    [Arm::oversampling(), classic.clone(), classic.with_synthetic("synthetic", samples(mixture))]
}

fn run(config: CompareConfig, data: &CompareData, arms: &[Arm]) -> Result<Comparison> {
    compare(config, data, arms, |_| Ok(()))
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[test]
fn the_arms_are_measured_over_the_seeds() -> Result<()> {
    let data = few_digits()?;
    let arms = three(classic()?, ClassMixture::FillTo(60));
    let comparison = run(config(), &data, &arms)?;

    assert_eq!((&comparison.seeds[..], &comparison.left_out[..]), (&[0, 1][..], &[][..]));
    assert_eq!((comparison.train_images, comparison.held_out_images), (data.train().len(), data.held_out().len()));
    let classic = comparison.arm(Arm::REFERENCE).expect("the reference is there").figures.clone();
    for (place, (result, arm)) in comparison.arms.iter().zip(&arms).enumerate() {
        assert_eq!((result.arm.as_str(), result.learning_rate), (arm.name(), 0.004));
        let figures = &result.figures;
        assert!(figures.balanced_accuracy.mean > 0.3, "{} learns: {comparison}", result.arm);
        let recalls = comparison.classes.iter().map(|class| &class.recall.as_ref().expect("held-out images")[place]);
        let recalls: Vec<&Vec<f64>> = recalls.map(|recall| &recall.values).collect();
        for seed in 0..2 {
            let of_seed: Vec<f64> = recalls.iter().map(|recall| recall[seed]).collect();
            assert!(close(of_seed.iter().sum::<f64>() / 10.0, figures.balanced_accuracy.values[seed]));
            assert!(close(of_seed.iter().product::<f64>().powf(0.1), figures.g_mean.values[seed]));
        }
        let Some(difference) = &result.difference else {
            assert_eq!((result.arm.as_str(), result.verdict), (Arm::REFERENCE, None));
            continue;
        };
        assert_eq!(
            difference.balanced_accuracy.difference,
            figures.balanced_accuracy.minus(&classic.balanced_accuracy)
        );
        assert_eq!(difference.macro_f1.difference, figures.macro_f1.minus(&classic.macro_f1));
        assert_eq!(result.verdict, Some(Verdict::of(&difference.balanced_accuracy.difference)));
    }
    for (label, class) in comparison.classes.iter().enumerate() {
        assert_eq!(class.train_images, data.train().class_counts()[label]);
        assert_eq!(class.held_out_images, data.held_out().class_counts()[label]);
        let filled = 60_usize.saturating_sub(class.train_images) as f64;
        assert_eq!(class.synthetic_share, [0.0, 0.0, filled / (filled + class.train_images as f64)], "{class:?}");
    }
    Ok(())
}

#[test]
fn arms_with_the_same_data_do_the_same_to_the_bit() -> Result<()> {
    let comparison = run(config(), &few_digits()?, &three(nothing(), ClassMixture::None))?;
    for result in &comparison.arms {
        assert_eq!(result.figures, comparison.arms[1].figures);
    }
    let difference = &comparison.arms[2].difference.as_ref().expect("it is not the reference").balanced_accuracy;
    assert_eq!((difference.difference.mean, difference.difference.half_width), (0.0, Some(0.0)));
    assert_eq!((difference.effect_size, comparison.arms[2].verdict), (None, Some(Verdict::NoDifferenceShown)));
    Ok(())
}

#[test]
fn a_comparison_is_repeatable_for_any_number_of_workers() -> Result<()> {
    let data = few_digits()?;
    let arms = three(classic()?, ClassMixture::Share(0.3));
    let short = CompareConfig { seeds: 1, ..steps(8) };
    let reference = run(short.clone(), &data, &arms)?;
    let parallel = CompareConfig { training: Training { workers: 2, ..short.training.clone() }, ..short };
    assert_eq!(run(parallel, &data, &arms)?, reference);
    Ok(())
}

/// The losses of one arm's training on the digits with rare classes.
fn losses(arm: &Arm, steps: usize) -> Result<Vec<f64>> {
    let data = few_digits()?;
    let mut losses = Vec::new();
    measure_arm(&Training { steps, ..training() }, arm, data.train(), data.held_out(), |loss| {
        losses.push(loss);
        Ok(())
    })?;
    Ok(losses)
}

#[test]
fn weights_of_classes_and_samples_change_the_loss_and_nothing_else() -> Result<()> {
    // Every weight is 1 where the classes are balanced, or the synthetic samples weigh as much as the real ones.
    let even = CompareData::split(Arc::new(digits()?.per_class(30, 0)?), 0.3, 0)?;
    let confusion = |arm: &Arm| measure_arm(&training(), arm, even.train(), even.held_out(), |_| Ok(()));
    let (plain, weighted) = (confusion(&Arm::none())?, confusion(&Arm::class_weights())?);
    assert!((plain.balanced_accuracy().unwrap() - weighted.balanced_accuracy().unwrap()).abs() < 0.05);
    let (plain, weighted) = (losses(&Arm::none(), 1)?, losses(&Arm::class_weights(), 1)?);
    assert_ne!(plain, weighted, "rare classes weigh more");

    let arm = |weight| {
        let mut synthetic = samples(ClassMixture::Share(0.5));
        synthetic.weight = weight;
        Arm::oversampling().with_synthetic("synthetic", synthetic)
    };
    assert_eq!(losses(&arm(1.0), 3)?, losses(&arm(1.0), 3)?);
    assert_ne!(losses(&arm(1.0), 1)?, losses(&arm(0.5), 1)?);
    for weight in [0.0, -1.0, f32::NAN] {
        assert_eq!(losses(&arm(weight), 1).unwrap_err().kind(), ErrorKind::Config, "{weight}");
    }
    Ok(())
}

/// Counts the samples that are asked for, by the epoch.
struct Counter(Vec<AtomicUsize>, Arc<dyn SyntheticSource>);

impl Counter {
    fn of(set: &Arc<dyn Dataset>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self((0..10).map(|_| AtomicUsize::new(0)).collect(), TrainingImages::of(set)?)))
    }

    fn counts(&self) -> Vec<usize> {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

impl SyntheticSource for Counter {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        requests.iter().for_each(|request| {
            self.0[request.key.epoch as usize].fetch_add(1, Ordering::Relaxed);
        });
        self.1.generate(requests)
    }

    fn classes(&self) -> &[String] {
        self.1.classes()
    }
}

#[test]
fn shares_follow_their_schedule_over_the_epochs_of_the_training() -> Result<()> {
    let data = CompareData::split(Arc::new(digits()?.per_class(20, 0)?), 0.2, 0)?;
    let source = Counter::of(data.train())?;
    let mut synthetic = Synthetic::new(Arc::clone(&source) as _, ClassMixture::Share(0.5));
    (synthetic.ramp, synthetic.real_only) = (0.4, 0.2);
    let arm = Arm::oversampling().with_synthetic("synthetic", synthetic);
    // 160 real and as many synthetic images: 10 epochs of 10 steps.
    measure_arm(&Training { steps: 100, ..training() }, &arm, data.train(), data.held_out(), |_| Ok(()))?;
    let counts = source.counts();
    let expected = [0, 40, 80, 120, 160, 160, 160, 160, 0, 0];
    // Each class's part of an epoch is rounded down or up.
    assert!(
        counts.iter().zip(expected).all(|(count, expected)| count.abs_diff(expected) <= expected / 20),
        "{counts:?}"
    );
    Ok(())
}

#[test]
fn shares_follow_their_schedule_in_a_training_shorter_than_an_epoch() -> Result<()> {
    let data = CompareData::split(Arc::new(digits()?), 0.2, 0)?;
    let source = Counter::of(data.train())?;
    let mut synthetic = Synthetic::new(Arc::clone(&source) as _, ClassMixture::Share(0.5));
    (synthetic.ramp, synthetic.real_only) = (0.5, 0.3);
    let arm = Arm::oversampling().with_synthetic("synthetic", synthetic);
    // 20 steps of 40 images, two in each of ten stages; an epoch has over 70.
    let training = Training { steps: 20, batch_size: 40, ..training() };
    measure_arm(&training, &arm, data.train(), data.held_out(), |_| Ok(()))?;
    let (counts, expected) = (source.counts(), [0, 8, 16, 24, 32, 40, 40, 0, 0, 0]);
    // The shares of classes in so few batches are whole samples.
    assert!(counts.iter().zip(expected).all(|(count, expected)| count.abs_diff(expected) <= 2), "{counts:?}");
    assert!(counts[7..].iter().all(|count| *count == 0), "{counts:?}");
    Ok(())
}

#[test]
fn learning_rates_are_chosen_with_equal_effort_and_without_the_held_out_images() -> Result<()> {
    let data = few_digits()?;
    let config = CompareConfig { seeds: 1, learning_rates: vec![1e-6, 0.004], ..steps(20) };
    let arms = three(nothing(), ClassMixture::Share(0.3));
    let mut tasks = Vec::new();
    let mut referee = Referee::new(config.clone(), &data, &arms, |_| Ok(()))?;
    referee.run(|event| {
        if let Progress::Step { task, total, .. } = event {
            assert_eq!(total, 9 * 20);
            tasks.push(format!("{task:?}"));
        }
        Ok(())
    })?;
    tasks.dedup();
    let expected = |arm: &Arm| {
        let trial = |learning_rate| format!("{:?}", Task::Trial { arm: arm.name(), learning_rate });
        [trial(1e-6), trial(0.004)]
    };
    let runs = arms.iter().map(|arm| format!("{:?}", Task::Run { arm: arm.name(), seed: 0 }));
    assert_eq!(tasks, arms.iter().flat_map(expected).chain(runs).collect::<Vec<_>>());
    assert!(referee.result()?.arms.iter().all(|arm| arm.learning_rate == 0.004), "a rate of 1e-6 learns nothing");

    // Other held-out images: the same trials.
    let other = CompareData::new(Arc::clone(data.train()), Arc::new(Arc::clone(data.held_out()).per_class(3, 0)?))?;
    let mut again = Referee::new(config, &other, &arms, |_| Ok(()))?;
    again.run(|_| Ok(()))?;
    assert_eq!(again.record().trials, referee.record().trials);
    Ok(())
}

#[test]
fn of_equal_learning_rates_the_first_is_taken() -> Result<()> {
    let config = CompareConfig { seeds: 1, learning_rates: vec![2e-9, 1e-9], ..steps(1) };
    let comparison = run(config, &few_digits()?, &[Arm::classic(nothing())])?;
    assert_eq!(comparison.arms[0].learning_rate, 2e-9);
    Ok(())
}

/// A record made by stopping at the result number `results`.
fn stopped_after(referee: &mut Referee, results: usize) -> Record {
    let mut left = results;
    let error = referee.run(|event| {
        if let Progress::Measured(_) = event {
            left -= 1;
        }
        // In the middle of the next run, whose steps are lost.
        if left == 0 { Err(Error::new(ErrorKind::Interrupted, "stopped")) } else { Ok(()) }
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Interrupted);
    referee.record().clone()
}

#[test]
fn what_goes_on_ends_as_what_was_never_stopped() -> Result<()> {
    let data = few_digits()?;
    let arms = three(classic()?, ClassMixture::Share(0.3));
    let config = CompareConfig { seeds: 2, learning_rates: vec![0.004, 0.012], ..steps(6) };
    let referee = || Referee::new(config.clone(), &data, &arms, |_| Ok(()));
    let mut whole = referee()?;
    whole.run(|_| Ok(()))?;
    for results in [1, 5, 6, 8, 10] {
        let mut first = referee()?;
        let record = stopped_after(&mut first, results);
        assert_eq!(record.trials.len() + record.runs.len(), results);
        match results {
            10 => assert_eq!((first.result()?.seeds, first.result()?.left_out), (vec![0], vec![1])),
            _ => assert!(first.result().unwrap_err().message().contains("no seed")),
        }
        let json = serde_json::to_string(&record).expect("plain data");
        let mut second = referee()?;
        second.go_on_from(serde_json::from_str(&json).expect("what was written"))?;
        let mut steps = Vec::new();
        second.run(|event| {
            if let Progress::Step { done, .. } = event {
                steps.push(done);
            }
            Ok(())
        })?;
        assert_eq!(steps, (6 * results + 1..=6 * 12).collect::<Vec<_>>(), "none is made again");
        assert_eq!((second.record(), second.result()?), (whole.record(), whole.result()?));
    }
    Ok(())
}

#[test]
fn seeds_and_arms_may_be_added_but_nothing_else_may_change() -> Result<()> {
    let data = few_digits()?;
    let arms = three(classic()?, ClassMixture::Share(0.3));
    let mut first = Referee::new(CompareConfig { seeds: 1, ..steps(3) }, &data, &arms[..2], |_| Ok(()))?;
    first.run(|_| Ok(()))?;
    let more = CompareConfig { seeds: 2, ..steps(3) };
    let mut second = Referee::new(more.clone(), &data, &arms, |_| Ok(()))?;
    second.go_on_from(first.record().clone())?;
    second.run(|_| Ok(()))?;
    assert_eq!(second.result()?, run(more.clone(), &data, &arms)?);

    let other = CompareData::new(Arc::clone(data.train()), Arc::new(Arc::clone(data.held_out()).per_class(30, 0)?))?;
    let batch_size = CompareConfig { training: Training { batch_size: 31, ..more.training.clone() }, ..more.clone() };
    let rates = CompareConfig { learning_rates: vec![0.003], ..more.clone() };
    for (config, data) in [(steps(4), &data), (batch_size, &data), (rates, &data), (more, &other)] {
        let mut referee = Referee::new(config, data, &arms, |_| Ok(()))?;
        let error = referee.go_on_from(first.record().clone()).expect_err("something else");
        assert!(error.kind() == ErrorKind::Config && error.message().contains("as they were"), "{error}");
    }
    Ok(())
}

/// Tells which images of a set are loaded, and when.
struct Recorder {
    set: InMemory,
    loads: Arc<Mutex<Vec<usize>>>,
}

impl Dataset for Recorder {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.set.label(index)
    }

    fn load(&self, index: usize) -> Result<Image> {
        self.loads.lock().expect("no panic while recording").push(index);
        self.set.load(index)
    }

    fn classes(&self) -> &[String] {
        self.set.classes()
    }
}

#[test]
fn training_never_sees_held_out_images() -> Result<()> {
    let loads = Arc::new(Mutex::new(Vec::new()));
    let taken = |loads: &Mutex<Vec<usize>>| std::mem::take(&mut *loads.lock().expect("no panic while recording"));
    let set = digits()?;
    let whole: Arc<dyn Dataset> = Arc::new(Recorder { set: set.clone(), loads: Arc::clone(&loads) });
    let (train, held_out) = Arc::clone(&whole).split(0.5, 3)?;
    let train_indices = train.indices().to_vec();
    let held_out_indices = held_out.indices().to_vec();
    let data = CompareData::new(Arc::new(train), Arc::new(held_out))?;

    let sources = Arc::new(AtomicUsize::new(0));
    let (made, wanted) = (Arc::clone(&sources), train_indices.clone());
    let source = move |given: &Arc<dyn Dataset>| {
        made.fetch_add(1, Ordering::Relaxed);
        assert_eq!(given.len(), wanted.len());
        for (place, &index) in wanted.iter().enumerate() {
            assert_eq!((given.load(place)?, given.label(place)), (set.load(index)?, set.label(index)));
        }
        TrainingImages::of(given)
    };
    let classic = Arm::classic(classic()?);
    let synthetic = Synthetic::made_from(source, ClassMixture::Share(0.3));
    let arms = [Arm::none(), classic.clone(), classic.with_synthetic("synthetic", synthetic)];
    let mut referee = Referee::new(steps(5), &data, &arms, |_| Ok(()))?;
    // All reading is over: the training images first, then the held-out ones, each once.
    assert_eq!(taken(&loads), [train_indices.as_slice(), &held_out_indices].concat());
    // From here on the arms draw on what the source was given, and the set itself is never asked again.
    let progress = |event: Progress<'_>| match event {
        Progress::Step { .. } => {
            assert_eq!(taken(&loads), [0; 0]);
            Ok(())
        }
        _ => Ok(()),
    };
    referee.run(progress)?;
    assert_eq!(sources.load(Ordering::Relaxed), 1, "it is made once");
    Ok(())
}

#[test]
fn other_held_out_images_do_not_change_the_training() -> Result<()> {
    let data = few_digits()?;
    let other = CompareData::new(Arc::clone(data.train()), Arc::new(Arc::clone(data.held_out()).per_class(3, 0)?))?;
    let losses = |data: &CompareData| -> Result<Vec<f64>> {
        let mut losses = Vec::new();
        let progress = |event: Progress<'_>| {
            if let Progress::Step { loss, .. } = event {
                losses.push(loss);
            }
            Ok(())
        };
        let arms = three(classic()?, ClassMixture::Share(0.3));
        compare(CompareConfig { seeds: 1, ..steps(5) }, data, &arms, progress)?;
        Ok(losses)
    };
    let reference = losses(&data)?;
    assert_eq!(reference.len(), 15);
    assert_eq!(losses(&other)?, reference);
    Ok(())
}

#[test]
fn images_of_any_size_are_brought_to_one() -> Result<()> {
    let image = |n: u32| Image::filled(10 + n as usize, 14, &[[40, 200][n as usize % 2]]);
    let set = InMemory::from_images(
        (0..20).map(image).collect::<Result<_>>()?,
        (0..20).map(|n| n % 2).collect(),
        ["dark", "light"],
    )?;
    let data = CompareData::split(Arc::new(set), 0.4, 0)?;
    let sized = CompareConfig { training: Training { size: Size::new(9, 12), ..training() }, ..config() };
    let smote = Arm::oversampling().with_synthetic("smote", Synthetic::smote(ClassMixture::Share(0.3)));
    let comparison = run(sized, &data, &[Arm::classic(nothing()), smote])?;
    assert_eq!(comparison.batch_size, 12, "no more than the training images");
    assert!(comparison.arms.iter().all(|arm| arm.figures.accuracy.mean == 1.0), "{comparison}");
    Ok(())
}

#[test]
fn the_result_is_a_table_json_csv_and_a_picture() -> Result<()> {
    let arms = three(classic()?, ClassMixture::Share(0.3));
    let comparison = run(steps(3), &few_digits()?, &arms)?;
    let json = serde_json::to_string(&comparison).expect("plain data");
    let read: Comparison = serde_json::from_str(&json).expect("what was written");
    assert_eq!(read, comparison);
    let table = comparison.to_string();
    for part in [
        "The intervals cover",
        "one in twenty",
        "balanced accuracy",
        "difference to classic",
        "effect size",
        "macro F1",
        "G-mean",
        "oversampling",
        "30 %",
        "2 seeds",
        "Recall by class",
    ] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    assert!(table.trim_end().ends_with(&comparison.conclusion()));

    let csv = comparison.to_csv();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((rows.len(), rows[0].len()), (1 + 2 * 3, 7 + 10));
    assert_eq!(
        (rows[0][3], rows[0][16], &rows[6][..3]),
        ("balanced_accuracy", "recall 9", &["1", "synthetic", "0.004"][..])
    );
    let expected = &comparison.arms[2].figures.balanced_accuracy.values[1];
    assert_eq!(rows[6][3].parse::<f64>().ok().as_ref(), Some(expected));
    assert!(comparison.picture("digits").height() > 200);

    let one = run(CompareConfig { seeds: 1, ..steps(3) }, &few_digits()?, &arms)?;
    assert_eq!((one.arms[0].verdict, one.arms[0].figures.accuracy.half_width), (Some(Verdict::OneSeed), None));
    let (table, json) = (one.to_string(), serde_json::to_string(&one).expect("plain data"));
    assert!(table.contains("± –") && table.contains("One seed") && !table.contains("The intervals cover"), "{table}");
    assert!(!table.contains("NaN") && json.contains("\"half_width\":null"), "{table}\n{json}");
    Ok(())
}

#[test]
fn a_class_without_held_out_images_has_no_recall() -> Result<()> {
    let set = digits()?;
    let seen = (0..set.len()).filter(|&index| set.label(index) != 4).collect::<Vec<_>>();
    let data = CompareData::new(Arc::new(set.clone().per_class(5, 0)?), Arc::new(set.subset(seen)?))?;
    let comparison = run(CompareConfig { seeds: 1, ..steps(2) }, &data, &[Arm::classic(nothing())])?;
    assert_eq!(comparison.classes[4].recall, None);
    assert!(comparison.classes[5].recall.is_some());
    assert!(comparison.to_string().contains('–') && !comparison.to_string().contains("NaN"));
    assert!(!comparison.to_csv().contains("NaN"));
    Ok(())
}

#[test]
fn data_is_made_unbalanced() -> Result<()> {
    let even = digits()?.per_class(100, 0)?;
    let tail = long_tail(even.clone(), 10.0, 0)?;
    assert_eq!(tail.class_counts(), [100, 77, 60, 46, 36, 28, 22, 17, 13, 10]);
    assert_eq!(long_tail(even.clone(), 10.0, 0)?.indices(), tail.indices());
    assert_ne!(long_tail(even.clone(), 10.0, 1)?.indices(), tail.indices());
    assert_eq!(rare_half(even.clone(), 7, 0)?.class_counts(), [100, 7, 100, 7, 100, 7, 100, 7, 100, 7]);
    for ratio in [0.5, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(long_tail(even.clone(), ratio, 0).unwrap_err().kind(), ErrorKind::Config, "{ratio}");
    }
    assert_eq!(rare_half(even, 0, 0).unwrap_err().kind(), ErrorKind::Config);
    Ok(())
}

#[test]
fn wrong_configurations_are_refused_before_any_work() -> Result<()> {
    let data = few_digits()?;
    let message = |config: CompareConfig, arms: &[Arm]| {
        let error = compare(config, &data, arms, |_| panic!("no work is done")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        error.to_string()
    };
    let classic = Arm::classic(nothing());
    let with = |training: Training| CompareConfig { training, ..config() };
    for bad in [
        CompareConfig { seeds: 0, ..config() },
        with(Training { steps: 0, ..training() }),
        with(Training { batch_size: 0, ..training() }),
        with(Training { size: Size::square(7), ..training() }),
        CompareConfig { learning_rates: vec![], ..config() },
        CompareConfig { learning_rates: vec![0.004, -1.0], ..config() },
    ] {
        message(bad, std::slice::from_ref(&classic));
    }
    let shared = |share| classic.clone().with_synthetic("synthetic", samples(ClassMixture::Share(share)));
    assert!(message(config(), &[classic.clone(), shared(1.5)]).contains("share"));
    assert!(
        message(config(), &[classic.clone(), shared(0.1), shared(0.2)]).contains("two arms are called \"synthetic\"")
    );
    assert!(message(config(), &[Arm::none()]).contains("no arm is called \"classic\""));
    let mut weights = Arm::none().named("weights");
    weights.balance = Balance::Weights(vec![1.0]);
    assert!(message(config(), &[classic.clone(), weights]).contains("weight"));
    Ok(())
}

#[test]
fn wrong_data_is_refused() -> Result<()> {
    let whole: Arc<dyn Dataset> = Arc::new(digits()?);
    for validation in [0.0, 1.0, -0.1, f64::NAN] {
        let error = CompareData::split(Arc::clone(&whole), validation, 0).err().expect("an error");
        assert_eq!(error.kind(), ErrorKind::Config, "{validation}");
    }
    let image = || Image::filled(8, 8, &[0]);
    let one: Arc<dyn Dataset> = Arc::new(InMemory::from_images(vec![image()?, image()?], vec![0, 0], ["only"])?);
    let two: Arc<dyn Dataset> = Arc::new(InMemory::from_images(vec![image()?, image()?], vec![0, 1], ["a", "b"])?);
    let none: Arc<dyn Dataset> = Arc::new(Arc::clone(&two).subset([])?);
    for (train, held_out, part) in [
        (&one, &one, "at least 2"),
        (&two, &whole, "same classes"),
        (&two, &none, "no images"),
        (&none, &two, "no images"),
    ] {
        let error = CompareData::new(Arc::clone(train), Arc::clone(held_out)).err().expect("an error");
        assert_eq!(error.kind(), ErrorKind::Dataset);
        assert!(error.to_string().contains(part), "{error}");
    }
    Ok(())
}

#[test]
fn what_a_source_says_reaches_the_caller() -> Result<()> {
    let broken = |_: &Arc<dyn Dataset>| Err(Error::new(ErrorKind::Synthetic, "no generator"));
    let broken = Synthetic::made_from(broken, ClassMixture::Share(0.3));
    let arms = [Arm::classic(nothing()), Arm::none().with_synthetic("broken", broken)];
    assert_eq!(run(steps(1), &few_digits()?, &arms).unwrap_err().kind(), ErrorKind::Synthetic);
    Ok(())
}
