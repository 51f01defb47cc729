//! Synthetic samples are used where they are shown to help, and nowhere else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use candle_augment::compare::{Arm, Synthetic, Training};
use candle_augment::gan::{Autoencoder, GanConfig, InterpolationSource, Trainer};
use candle_augment::gate::{self, Choice, ClassChoice, GateConfig, Progress, choose, refuse};
use candle_augment::quality::{Acceptance, ClassAcceptance};
use candle_augment::{
    Balance, ClassMixture, DataLoader, Dataset, DatasetExt, ErrorKind, Image, Mixture, Normalize, Origin, Pipeline,
    Result, Size, SmoteSource, SyntheticRequest, SyntheticSource, digits,
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
    let nothing = choose(&config(), &train, &classic(), &[bad], |_| Ok(()))?;
    assert!(nothing.used_sources().is_empty() && nothing.share("3") == 0.0, "{nothing}");
    assert!(nothing.classes["3"].reason.starts_with("no gain shown: bad at 0.5"), "{nothing}");
    Ok(())
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
    let choice = choose(&hurried, &train, &classic(), &good, |_| Ok(()))?;
    assert!(choice.classes["0"].reason.starts_with("not measured"), "{choice}");
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
    refused(GateConfig { repeats: 1, ..config() }, &[good()], "2 at least");
    for share in [0.0, -0.1, 1.1, f64::NAN] {
        refused(GateConfig { shares: vec![0.3, share], ..config() }, &[good()], "a synthetic share of");
    }
    refused(GateConfig { shares: Vec::new(), ..config() }, &[good()], "no synthetic share");
    refused(config(), &[good(), good()], "two candidates are called \"good\"");
    refused(config(), &[classic()], "has no synthetic samples");
    let one: Arc<dyn Dataset> = Arc::new(Arc::clone(&train).filter_classes(["3"])?);
    let error = choose(&config(), &one, &classic(), &[], |_| Ok(())).unwrap_err();
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

fn class(name: &str, made: usize, accepted: usize, copies: usize) -> ClassAcceptance {
    ClassAcceptance { name: name.to_owned(), made, accepted, copies, ..ClassAcceptance::default() }
}

#[test]
fn copies_and_what_no_filter_accepts_are_refused() {
    let chosen = |source: &str| ClassChoice { source: Some(source.to_owned()), share: 0.3, reason: String::new() };
    let classes = [("cat", "gan"), ("cow", "gan"), ("dog", "gan"), ("hen", "interpolation")];
    let classes = classes.map(|(name, source)| (name.to_owned(), chosen(source)));
    let mut choice = Choice { classes: classes.into(), ..Choice::default() };
    let acceptance = Acceptance {
        classes: vec![
            class("cat", 100, 60, 16),
            class("cow", 100, 4, 0),
            class("dog", 100, 60, 15),
            class("hen", 100, 0, 100),
        ],
    };
    refuse(&mut choice, "gan", &acceptance, 0.15);
    let shares = ["cat", "cow", "dog", "hen"].map(|class| choice.share(class));
    assert_eq!(shares, [0.0, 0.0, 0.3, 0.3]);
    assert_eq!(choice.classes["cat"].reason, "16 % of the samples of gan are copies of training images, over 15 %");
    assert_eq!(choice.classes["cow"].reason, "4.0 % of the samples of gan pass the filter, under 5 %");
    assert_eq!(choice.used_sources(), ["gan", "interpolation"]);
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

    // The same samples out of the file as before.
    let key = batch.slots[0].key;
    let request = [SyntheticRequest { label: 7, serial: 0, key }, SyntheticRequest { label: 3, serial: 0, key }];
    let loaded = InterpolationSource::load(folder.path().join("between.safetensors"))?;
    assert_eq!(loaded.generate(&request)?, interpolation.generate(&request)?);

    let refused = |text: &str, kind: ErrorKind, words: &str| {
        std::fs::write(&path, text).unwrap();
        let error = gate::open(&path, set.classes()).err().expect("it is refused");
        assert!(error.kind() == kind && error.to_string().contains(words), "{error}");
        error
    };
    assert_eq!(refused("share = 1", ErrorKind::Config, "unknown field").path(), Some(path.as_path()));
    refused("[classes.3]\nshare = 1.5\nsource = \"gan\"", ErrorKind::Config, "in [0, 1]");
    refused("[classes.3]\nshare = 0.5", ErrorKind::Config, "no source");
    refused("[classes.3]\nshare = 0.5\nsource = \"gan\"", ErrorKind::Config, "has no file");
    let missing = "[classes.3]\nshare = 0.5\nsource = \"gan\"\n[sources]\ngan = \"missing\"";
    refused(missing, ErrorKind::Io, "cannot read the checkpoint");
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
