//! Synthetic samples are used where they are shown to help, and nowhere else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use candle_augment::compare::{Arm, Synthetic, Training};
use candle_augment::gan::{Autoencoder, GanConfig, GeneratorSource, InterpolationSource, Trainer};
use candle_augment::gate::{self, COPY_BUDGET, Choice, ClassChoice, GateConfig, Progress, choose, refuse};
use candle_augment::quality::{Filter, QualityConfig, cross_fit};
use candle_augment::{
    Balance, ClassMixture, DataLoader, Dataset, DatasetExt, ErrorKind, Image, Mixture, Normalize, Origin, Pipeline,
    Purpose, Result, SampleKey, Size, SmoteSource, SyntheticRequest, SyntheticSource, digits,
};
use candle_core::Device;

/// Images of each class, drawn at random; of the classes in `wrong` those of the next class.
struct Pool {
    classes: Vec<String>,
    images: Vec<Vec<Image>>,
    wrong: bool,
}

impl Pool {
    fn new(set: &Arc<dyn Dataset>, wrong: bool) -> Result<Self> {
        let mut images = vec![Vec::new(); set.classes().len()];
        for index in 0..set.len() {
            images[set.label(index) as usize].push(set.load(index)?);
        }
        Ok(Self { classes: set.classes().to_vec(), images, wrong })
    }
}

impl SyntheticSource for Pool {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        let image = |request: &SyntheticRequest| {
            let label = (request.label as usize + usize::from(self.wrong)) % self.images.len();
            self.images[label][request.key.rng().below(self.images[label].len())].clone()
        };
        Ok(requests.iter().map(image).collect())
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// Few images of each digit to train on, and all others, from which a perfect source draws.
fn sets(count: usize) -> Result<(Arc<dyn Dataset>, Arc<dyn Dataset>)> {
    let (train, others) = digits()?.per_class(150, 0)?.split(count as f64 / 150.0, 0)?;
    Ok((Arc::new(train), Arc::new(others)))
}

fn config() -> GateConfig {
    let default = GateConfig::new(Size::square(8));
    let training = Training { steps: 60, batch_size: 32, workers: 0, ..default.training };
    GateConfig { training, folds: 2, repeats: 2, shares: vec![0.5], ..default }
}

fn classic() -> Arm {
    Arm::classic(Arc::new(Pipeline::new()))
}

fn candidate(name: &str, source: impl SyntheticSource + 'static) -> Arm {
    classic().with_synthetic(name, Synthetic::new(Arc::new(source), ClassMixture::None))
}

#[test]
fn what_helps_is_used_and_what_harms_is_not() -> Result<()> {
    let (train, others) = sets(12)?;
    let good = candidate("good", Pool::new(&others, false)?);
    let bad = candidate("bad", Pool::new(&others, true)?);
    let choice = choose(&config(), &train, &classic(), &[bad.clone(), good], |_| Ok(()))?;
    let used = choice.classes.values().filter(|class| class.source.as_deref() == Some("good")).count();
    assert!(used >= 8, "{choice}");
    assert!(choice.classes.values().all(|class| class.source.as_deref() != Some("bad")), "{choice}");
    assert_eq!(choice.measured.len(), 2);
    assert!(choice.measured[0].gain < -0.1 && choice.measured[1].bound > 0.0, "{choice}");
    assert!(choice.whole.is_some_and(|whole| whole.gain > 0.0), "{choice}");
    let nothing = choose(&config(), &train, &classic(), &[bad], |_| Ok(()))?;
    assert!(nothing.used_sources().is_empty() && nothing.share("3") == 0.0, "{nothing}");
    assert!(nothing.classes["3"].reason.starts_with("no gain shown: bad at 0.5"), "{nothing}");
    Ok(())
}

/// The right images while shares are measured, then those of the next class: what looked good by luck.
struct Lucky {
    right: Pool,
    wrong: Pool,
    is_over: Arc<AtomicUsize>,
}

impl SyntheticSource for Lucky {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        let pool = if self.is_over.load(Ordering::SeqCst) == 0 { &self.right } else { &self.wrong };
        pool.generate(requests)
    }

    fn classes(&self) -> &[String] {
        self.right.classes()
    }
}

#[test]
fn a_choice_that_gains_nothing_when_it_is_measured_once_more_is_given_up() -> Result<()> {
    let (train, others) = sets(12)?;
    let is_over = Arc::new(AtomicUsize::new(0));
    let lucky =
        Lucky { right: Pool::new(&others, false)?, wrong: Pool::new(&others, true)?, is_over: Arc::clone(&is_over) };
    let choice = choose(&config(), &train, &classic(), &[candidate("lucky", lucky)], |event| {
        if matches!(event, Progress::Step { name: "the choice", .. }) {
            is_over.store(1, Ordering::SeqCst);
        }
        Ok(())
    })?;
    assert!(choice.measured[0].bound > 0.0 && choice.whole.is_some_and(|whole| whole.gain < 0.0), "{choice}");
    assert!(choice.used_sources().is_empty(), "{choice}");
    assert!(
        choice.classes.values().any(|class| class.reason.starts_with("no gain of the choice as a whole")),
        "{choice}"
    );
    Ok(())
}

#[test]
fn only_classes_that_lack_images_get_samples_where_there_are_any() -> Result<()> {
    let (train, others) = sets(36)?;
    let counts = [36, 36, 36, 36, 36, 36, 36, 36, 36, 12];
    let train: Arc<dyn Dataset> = Arc::new(train.per_class_counts(&counts, 0)?);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let good = Asked { pool: Pool::new(&others, false)?, labels: Arc::clone(&asked) };
    let choice = choose(&config(), &train, &classic(), &[candidate("good", good)], |_| Ok(()))?;
    assert!(asked.lock().unwrap().iter().all(|label| *label == 9));
    assert_eq!(choice.measured[0].classes.keys().collect::<Vec<_>>(), ["9"]);
    assert!(choice.classes["0"].reason.starts_with("36 images: at least half as many"), "{choice}");
    assert!(choice.classes.iter().all(|(name, class)| name == "9" || class.share == 0.0), "{choice}");
    Ok(())
}

/// Notes what is asked of a pool.
struct Asked {
    pool: Pool,
    labels: Arc<Mutex<Vec<u32>>>,
}

impl SyntheticSource for Asked {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        self.labels.lock().unwrap().extend(requests.iter().map(|request| request.label));
        self.pool.generate(requests)
    }

    fn classes(&self) -> &[String] {
        self.pool.classes()
    }
}

#[test]
fn the_first_candidate_that_passes_is_taken() -> Result<()> {
    let (train, others) = sets(12)?;
    let candidates = ["first", "second"].map(|name| candidate(name, Pool::new(&others, false).unwrap()));
    let choice = choose(&config(), &train, &classic(), &candidates, |_| Ok(()))?;
    assert_eq!(choice.used_sources(), ["first"]);
    Ok(())
}

#[test]
fn no_sample_has_seen_what_it_is_measured_on() -> Result<()> {
    let (train, _) = sets(12)?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let maker = {
        let seen = Arc::clone(&seen);
        move |part: &Arc<dyn Dataset>| -> Result<Arc<dyn SyntheticSource>> {
            seen.lock().unwrap().push(Arc::clone(part));
            Ok(Arc::new(SmoteSource::new(part)?))
        }
    };
    let smote = classic().with_synthetic("smote", Synthetic::made_from(maker, ClassMixture::None));
    choose(&config(), &train, &classic(), &[smote], |_| Ok(()))?;
    let parts = seen.lock().unwrap();
    assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [60, 60]);
    let images = |part: &Arc<dyn Dataset>| -> Vec<Image> { (0..part.len()).map(|i| part.load(i).unwrap()).collect() };
    let (first, second) = (images(&parts[0]), images(&parts[1]));
    assert!(first.iter().all(|image| !second.contains(image)), "the folds' rests overlap");
    Ok(())
}

#[test]
fn results_do_not_depend_on_the_workers() -> Result<()> {
    let (train, others) = sets(12)?;
    let choice = |workers| {
        let config = GateConfig { training: Training { workers, steps: 10, ..config().training }, ..config() };
        choose(&config, &train, &classic(), &[candidate("good", Pool::new(&others, false)?)], |_| Ok(()))
    };
    assert_eq!(choice(0)?, choice(3)?);
    Ok(())
}

#[test]
fn small_classes_and_too_little_time_get_nothing() -> Result<()> {
    let (train, others) = sets(12)?;
    let train: Arc<dyn Dataset> = Arc::new(train.per_class_counts(&[12, 9, 1, 12, 12, 12, 12, 12, 12, 12], 0)?);
    let good = [candidate("good", Pool::new(&others, false)?)];
    let choice = choose(&config(), &train, &classic(), &good, |_| Ok(()))?;
    assert_eq!(choice.classes["1"].reason, "9 images: under 10, too few to tell what helps");
    assert_eq!((choice.share("2"), choice.measured[0].classes.get("2")), (0.0, None));
    assert!(choice.measured[0].classes.contains_key("0"));
    let hurried = GateConfig { time: Some(Duration::ZERO), ..config() };
    let mut begun = 0;
    let choice = choose(&hurried, &train, &classic(), &good, |event| {
        begun += usize::from(!matches!(event, Progress::Pace { .. }));
        Ok(())
    })?;
    let reason = &choice.classes["0"].reason;
    assert!(
        reason.starts_with("not measured: the fewest classifiers, ") && reason.contains("give more time"),
        "{choice}"
    );
    assert_eq!(begun, 0, "no source is made in vain");
    let tiny: Arc<dyn Dataset> = Arc::new(Arc::clone(&train).per_class(1, 0)?);
    assert!(choose(&config(), &tiny, &classic(), &good, |_| Ok(()))?.used_sources().is_empty());
    Ok(())
}

#[test]
fn what_is_out_of_range_is_refused() -> Result<()> {
    let (train, others) = sets(12)?;
    let good = || candidate("good", Pool::new(&others, false).unwrap());
    let refused = |config: GateConfig, candidates: &[Arm], words: &str| {
        let error = choose(&config, &train, &classic(), candidates, |_| Ok(())).unwrap_err();
        assert!(error.kind() == ErrorKind::Config && error.to_string().contains(words), "{error}");
    };
    for folds in [0, 1, 11] {
        refused(GateConfig { folds, ..config() }, &[good()], "2 to 10");
    }
    refused(GateConfig { repeats: 1, ..config() }, &[good()], "2 to 1000");
    for share in [0.0, -0.1, 1.1, f64::NAN] {
        refused(GateConfig { shares: vec![0.3, share], ..config() }, &[good()], "a synthetic share of");
    }
    refused(GateConfig { shares: Vec::new(), ..config() }, &[good()], "no synthetic share");
    refused(config(), &[good(), good()], "two candidates are called \"good\"");
    refused(config(), &[classic()], "has no synthetic samples");
    refused(config(), &[], "no candidate");
    refused(GateConfig { repeats: usize::MAX, ..config() }, &[good()], "2 to 1000");
    let idle = Training { steps: 0, ..config().training };
    refused(GateConfig { training: idle, ..config() }, &[good()], "the number of steps is 0");
    let one: Arc<dyn Dataset> = Arc::new(Arc::clone(&train).filter_classes(["3"])?);
    let error = choose(&config(), &one, &classic(), &[good()], |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dataset, "{error}");
    Ok(())
}

#[test]
fn an_error_of_the_callback_stops_it() -> Result<()> {
    let (train, others) = sets(12)?;
    let steps = AtomicUsize::new(0);
    let stop = |event: Progress<'_>| match event {
        Progress::Step { .. } if steps.fetch_add(1, Ordering::Relaxed) == 4 => {
            Err(candle_augment::Error::config("enough"))
        }
        _ => Ok(()),
    };
    let good = candidate("good", Pool::new(&others, false)?);
    let error = choose(&config(), &train, &classic(), &[good], stop).unwrap_err();
    assert!(error.to_string().contains("enough"), "{error}");
    assert_eq!(steps.into_inner(), 5);
    Ok(())
}

#[test]
fn copies_and_samples_of_other_classes_are_refused() -> Result<()> {
    let (train, others) = sets(40)?;
    let config = QualityConfig { steps: 60, batch_size: 40, workers: 0, ..QualityConfig::default() };
    let folds = cross_fit(&train, &config, |_| Ok(()))?;
    let chosen = |source: &str| ClassChoice { source: Some(source.to_owned()), share: 0.3, reason: String::new() };
    let all = |source: &str| {
        let classes = train.classes().iter().map(|class| (class.clone(), chosen(source)));
        Choice { classes: classes.collect(), ..Choice::default() }
    };
    let refused = |source: Pool, choice: &mut Choice| -> Result<Vec<String>> {
        let filter = Filter::fit(&config, &train, &folds, &source)?;
        let mut asked = Vec::new();
        refuse(choice, ("pool", &source), &filter, COPY_BUDGET, 0, |class| {
            asked.push(class.to_owned());
            Ok(())
        })?;
        Ok(asked)
    };
    let mut copies = all("pool");
    refused(Pool::new(&train, false)?, &mut copies)?;
    assert!(copies.used_sources().is_empty(), "{copies}");
    assert!(copies.classes["3"].reason.contains("are copies of training images, over 15 %"), "{copies}");
    let mut wrong = all("pool");
    refused(Pool::new(&others, true)?, &mut wrong)?;
    let left = wrong.classes.values().filter(|class| class.share > 0.0).count();
    assert!(left <= 1, "{wrong}");
    let mut real = all("pool");
    real.classes.insert("7".to_owned(), chosen("another"));
    let asked = refused(Pool::new(&others, false)?, &mut real)?;
    assert_eq!(asked.len(), 9, "those of another source are not asked for");
    let left = real.classes.values().filter(|class| class.share > 0.0).count();
    // Of few images the bound for copies is rough.
    assert!(left >= 8 && real.share("7") == 0.3, "{real}");
    let filter = Filter::fit(&config, &train, &folds, &Pool::new(&others, false)?)?;
    for budget in [-0.1, 1.1, f64::NAN] {
        let error =
            refuse(&mut real, ("pool", &Pool::new(&others, false)?), &filter, budget, 0, |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    Ok(())
}

#[test]
fn the_better_share_is_taken() -> Result<()> {
    let (train, others) = sets(12)?;
    let config = GateConfig { shares: vec![0.05, 0.5], ..config() };
    let good = candidate("good", Pool::new(&others, false)?);
    let choice = choose(&config, &train, &classic(), &[good], |_| Ok(()))?;
    let taken: Vec<f64> = choice.classes.values().map(|class| class.share).filter(|share| *share > 0.0).collect();
    assert!(taken.iter().filter(|share| **share == 0.5).count() >= 7, "{choice}");
    Ok(())
}

/// A choice that was written, edited by hand, and opened with its sources by a loader.
#[test]
fn a_loader_reads_the_file_of_a_choice() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let set = digits()?.per_class(10, 0)?;
    let config = GanConfig {
        latent: 8,
        embedding: 4,
        generator_width: 8,
        discriminator_width: 4,
        ..GanConfig::new(8, 1, set.classes())
    };
    Trainer::new(config.clone(), &Device::Cpu)?.save(folder.path().join("gan.safetensors"))?;
    let codes = DataLoader::builder(set.clone()).batch_size(50).normalize(Normalize::signed()).build()?;
    let interpolation = Autoencoder::new(config, &Device::Cpu)?.interpolation(codes.epoch(0))?;
    interpolation.save(folder.path().join("between.safetensors"))?;
    let path = folder.path().join("choice.toml");
    let text = r#"
        [classes.3]
        source = "gan"
        share = 0.5
        [classes.7]
        source = "interpolation"
        share = 0.25
        [classes.8]
        share = 0.0
        reason = "no gain shown"
        [sources]
        gan = "gan.safetensors"
        interpolation = "between.safetensors"
    "#;
    std::fs::write(&path, text).unwrap();
    let (mixture, source) = gate::open(&path, set.classes())?;
    let key = |position| SampleKey { seed: 1, epoch: 0, position, purpose: Purpose::Synthetic };
    let request = |label, position| SyntheticRequest { label, serial: 0, key: key(position) };
    let gan = GeneratorSource::load(folder.path().join("gan.safetensors"))?;
    let mixed = source.generate(&[request(3, 0), request(7, 1), request(3, 2)])?;
    assert_eq!(mixed[0], gan.generate(&[request(3, 0)])?[0]);
    assert_eq!(mixed[1], interpolation.generate(&[request(7, 1)])?[0]);
    assert_eq!(mixed[2], gan.generate(&[request(3, 2)])?[0]);
    assert_eq!(source.generate(&[request(8, 0)]).unwrap_err().kind(), ErrorKind::Synthetic);
    let loader = DataLoader::builder(set.clone())
        .mixture(mixture)
        .synthetic(source)
        .balance(Balance::Uniform)
        .batch_size(40)
        .build()?;
    let batch = loader.epoch(0).next().unwrap()?;
    let count = |label: u32| {
        batch.slots.iter().filter(|slot| slot.label == label && matches!(slot.origin, Origin::Synthetic(_))).count()
    };
    assert_eq!([3, 7, 8, 0].map(count), [2, 1, 0, 0]);

    let refused = |text: &str, kind: ErrorKind, words: &str| {
        std::fs::write(&path, text).unwrap();
        let error = gate::open(&path, set.classes()).expect_err("it is refused");
        assert!(error.kind() == kind && error.to_string().contains(words), "{error}");
        error
    };
    assert_eq!(refused("share = 1", ErrorKind::Config, "unknown field").path(), Some(path.as_path()));
    refused("[classes.3]\nshare = 1.5\nsource = \"gan\"", ErrorKind::Config, "in [0, 1]");
    refused("[classes.3]\nshare = 0.5", ErrorKind::Config, "no source");
    refused("[classes.3]\nshare = 0.5\nsource = \"gan\"", ErrorKind::Config, "has no file");
    let missing = "[classes.3]\nshare = 0.5\nsource = \"gan\"\n[sources]\ngan = \"missing\"";
    refused(missing, ErrorKind::Io, "cannot read the checkpoint");
    refused("[classes.cat]\nshare = 0.0", ErrorKind::Config, "names class \"cat\"");
    let unknown = Choice::from_toml("[classes.cat]\nshare = 0.0")?;
    let error = DataLoader::builder(set).mixture(Mixture::Auto(unknown)).build().expect_err("no such class");
    assert!(error.to_string().contains("names class \"cat\""), "{error}");
    Ok(())
}

#[test]
fn files_of_interpolations_that_are_damaged_are_refused() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("between.safetensors");
    let set = digits()?.per_class(3, 0)?;
    let codes = DataLoader::builder(set.clone()).batch_size(30).normalize(Normalize::signed()).build()?;
    let config = GanConfig { generator_width: 8, discriminator_width: 4, ..GanConfig::new(8, 1, set.classes()) };
    Autoencoder::new(config.clone(), &Device::Cpu)?.interpolation(codes.epoch(0))?.save(&path)?;
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 9, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = InterpolationSource::load(&path).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Checkpoint, Some(path.as_path())), "{error}");
    }
    Trainer::new(config, &Device::Cpu)?.save(&path)?;
    let error = InterpolationSource::load(&path).unwrap_err();
    assert!(error.to_string().contains("not an interpolation of candle-augment"), "{error}");
    Ok(())
}

#[test]
fn a_class_without_images_is_interpolated_by_none_and_stops_nothing() -> Result<()> {
    let set = digits()?.per_class(5, 0)?.filter_classes(["1", "2"])?;
    let config = GanConfig { generator_width: 8, discriminator_width: 4, ..GanConfig::new(8, 1, ["1", "2", "none"]) };
    let batches = DataLoader::builder(set).batch_size(10).normalize(Normalize::signed()).build()?;
    let source = Autoencoder::new(config, &Device::Cpu)?.interpolation(batches.epoch(0))?;
    let key = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Synthetic };
    let request = |label| [SyntheticRequest { label, serial: 0, key }];
    assert_eq!(source.generate(&request(1))?.len(), 1);
    let error = source.generate(&request(2)).unwrap_err();
    assert!(error.kind() == ErrorKind::Synthetic && error.to_string().contains("\"none\""), "{error}");
    Ok(())
}
