//! The comparison pairs its arms, keeps held-out images out of training, and says what it found.

use std::sync::{Arc, Mutex};

use candle_augment::compare::{
    Arm, CompareConfig, CompareData, Comparison, Progress, Verdict, compare, long_tail, rare_half,
};
use candle_augment::{
    Balance, ClassMixture, Dataset, DatasetExt, Error, ErrorKind, Image, InMemory, Mixture, Pipeline, RandomRotation,
    Result, Size, SyntheticRequest, SyntheticSource, Transform, digits,
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

fn config() -> CompareConfig {
    CompareConfig { seeds: 2, steps: 25, batch_size: 32, workers: 0, ..CompareConfig::new(Size::square(8)) }
}

fn few_digits() -> Result<CompareData> {
    let data = CompareData::split(Arc::new(digits()?), 0.3, 0)?;
    CompareData::new(Arc::new(rare_half(Arc::clone(data.train()), 5, 0)?), Arc::clone(data.held_out()))
}

fn run(config: &CompareConfig, data: &CompareData, transform: Arc<dyn Transform>) -> Result<Comparison> {
    compare(config, data, transform, |_, train| TrainingImages::of(train), |_| Ok(()))
}

#[test]
fn the_arms_are_measured_over_the_seeds() -> Result<()> {
    let data = few_digits()?;
    let config = CompareConfig { mixture: Mixture::All(ClassMixture::FillTo(60)), ..config() };
    let comparison = run(&config, &data, classic()?)?;

    assert_eq!(comparison.seeds, [0, 1]);
    assert_eq!((comparison.train_images, comparison.held_out_images), (data.train().len(), data.held_out().len()));
    for (result, arm) in comparison.arms.iter().zip(Arm::ALL) {
        assert_eq!(result.arm, arm);
        assert_eq!(result.balanced_accuracy.values.len(), 2);
        assert!(result.balanced_accuracy.mean > 0.3, "{arm} learns: {comparison}");
        let classic = &comparison.arms[1].balanced_accuracy;
        assert_eq!(result.difference, result.balanced_accuracy.minus(classic));
        let recalls =
            comparison.classes.iter().map(|class| class.recall.as_ref().expect("held-out images")[arm as usize].mean);
        assert!((recalls.sum::<f64>() / 10.0 - result.balanced_accuracy.mean).abs() < 1e-12);
    }
    for (label, class) in comparison.classes.iter().enumerate() {
        assert_eq!(class.train_images, data.train().class_counts()[label]);
        assert_eq!(class.held_out_images, data.held_out().class_counts()[label]);
        let filled = 60_usize.saturating_sub(class.train_images) as f64;
        assert_eq!(class.synthetic_share, filled / (filled + class.train_images as f64), "{class:?}");
    }
    Ok(())
}

#[test]
fn arms_with_the_same_data_do_the_same_to_the_bit() -> Result<()> {
    let config = CompareConfig { mixture: Mixture::All(ClassMixture::None), ..config() };
    let comparison = run(&config, &few_digits()?, nothing())?;
    for result in &comparison.arms {
        assert_eq!(result.balanced_accuracy, comparison.arms[1].balanced_accuracy);
        assert_eq!((result.difference.mean, result.difference.half_width), (0.0, Some(0.0)));
    }
    assert_eq!(comparison.verdict, Verdict::NoDifferenceShown);
    Ok(())
}

#[test]
fn a_comparison_is_repeatable_for_any_number_of_workers() -> Result<()> {
    let data = few_digits()?;
    let short = CompareConfig { seeds: 1, steps: 8, ..config() };
    let reference = run(&short, &data, classic()?)?;
    assert_eq!(run(&CompareConfig { workers: 2, ..short }, &data, classic()?)?, reference);
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

    let mut sources = 0;
    let source = |_, given: &Arc<dyn Dataset>| {
        // All reading is over: the training images first, then the held-out ones, each once.
        if sources == 0 {
            assert_eq!(taken(&loads), [train_indices.as_slice(), &held_out_indices].concat());
        }
        sources += 1;
        assert_eq!(given.len(), train_indices.len());
        for (place, &index) in train_indices.iter().enumerate() {
            assert_eq!((given.load(place)?, given.label(place)), (set.load(index)?, set.label(index)));
        }
        TrainingImages::of(given)
    };
    // From here on the arms draw on what the source was given, and the set itself is never asked again.
    let progress = |event| match event {
        Progress::Step { .. } => {
            assert_eq!(taken(&loads), [0; 0]);
            Ok(())
        }
        _ => Ok(()),
    };
    let short = CompareConfig { steps: 5, ..config() };
    compare(&short, &data, classic()?, source, progress)?;
    assert_eq!(sources, 2);
    Ok(())
}

#[test]
fn other_held_out_images_do_not_change_the_training() -> Result<()> {
    let data = few_digits()?;
    let other = CompareData::new(Arc::clone(data.train()), Arc::new(Arc::clone(data.held_out()).per_class(3, 0)?))?;
    let losses = |data: &CompareData| -> Result<Vec<f64>> {
        let mut losses = Vec::new();
        let progress = |event| {
            if let Progress::Step { loss, .. } = event {
                losses.push(loss);
            }
            Ok(())
        };
        let short = CompareConfig { seeds: 1, steps: 5, ..config() };
        compare(&short, data, classic()?, |_, train| TrainingImages::of(train), progress)?;
        Ok(losses)
    };
    let reference = losses(&data)?;
    assert_eq!(reference.len(), 15);
    assert_eq!(losses(&other)?, reference);
    Ok(())
}

#[test]
fn progress_counts_all_steps_and_may_stop() -> Result<()> {
    let data = few_digits()?;
    let short = CompareConfig { steps: 2, ..config() };
    let mut steps = Vec::new();
    let source = |_, train: &Arc<dyn Dataset>| TrainingImages::of(train);
    compare(&short, &data, nothing(), source, |event| {
        if let Progress::Step { seed, arm, done, total, .. } = event {
            steps.push((seed, arm, done, total));
        }
        Ok(())
    })?;
    let expected = [0, 1].into_iter().flat_map(|seed| Arm::ALL.map(|arm| [(seed, arm); 2])).flatten();
    assert_eq!(steps, expected.zip(1..).map(|((seed, arm), done)| (seed, arm, done, 12)).collect::<Vec<_>>());

    let stopped = compare(&short, &data, nothing(), source, |event| match event {
        Progress::Step { done: 3, .. } => Err(Error::new(ErrorKind::Interrupted, "stopped")),
        _ => Ok(()),
    });
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);
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
    let comparison = run(&CompareConfig { size: Size::new(9, 12), ..config() }, &data, nothing())?;
    assert_eq!(comparison.batch_size, 12, "no more than the training images");
    assert_eq!(comparison.arms[0].accuracy.mean, 1.0, "{comparison}");
    Ok(())
}

#[test]
fn the_result_is_a_table_and_json() -> Result<()> {
    let short = CompareConfig { steps: 3, balance: Balance::Natural, ..config() };
    let comparison = run(&short, &few_digits()?, classic()?)?;
    let json = serde_json::to_string(&comparison).expect("plain data");
    let read: Comparison = serde_json::from_str(&json).expect("what was written");
    let table = comparison.to_string();
    // Floats may come back one rounding apart, which no table shows.
    assert_eq!(read.to_string(), table);
    assert_eq!((read.verdict, &read.seeds), (comparison.verdict, &comparison.seeds));
    for part in [
        "The intervals cover",
        "balanced accuracy",
        "difference to classic",
        "classic + synthetic",
        "2 seeds",
        "Recall by class",
    ] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    assert!(table.trim_end().ends_with(&comparison.conclusion()));

    let one = run(&CompareConfig { seeds: 1, ..short }, &few_digits()?, classic()?)?;
    assert_eq!((one.verdict, one.arms[0].accuracy.half_width), (Verdict::OneSeed, None));
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
    let comparison = run(&CompareConfig { seeds: 1, steps: 2, ..config() }, &data, nothing())?;
    assert_eq!(comparison.classes[4].recall, None);
    assert!(comparison.classes[5].recall.is_some());
    assert!(comparison.to_string().contains('–') && !comparison.to_string().contains("NaN"));
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
    let untouched = |config: CompareConfig| {
        let unused_source = |_, _: &Arc<dyn Dataset>| panic!("no source is asked for");
        compare(&config, &data, nothing(), unused_source, |_| panic!("no work is done")).unwrap_err()
    };
    for bad in [
        CompareConfig { seeds: 0, ..config() },
        CompareConfig { steps: 0, ..config() },
        CompareConfig { batch_size: 0, ..config() },
        CompareConfig { size: Size::square(7), ..config() },
        CompareConfig { mixture: Mixture::All(ClassMixture::Share(1.5)), ..config() },
    ] {
        assert_eq!(untouched(bad.clone()).kind(), ErrorKind::Config, "{bad:?}");
    }
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
    let error = compare(
        &config(),
        &few_digits()?,
        nothing(),
        |_, _| Err(Error::new(ErrorKind::Synthetic, "no generator")),
        |_| Ok(()),
    );
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Synthetic);
    Ok(())
}
