//! What a filter accepts and why it rejects, and the source of filtered samples behind a loader.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use candle_augment::quality::{
    Acceptance, Filter, FilteredSource, Fold, PoolConfig, QualityConfig, Rejection, cross_fit,
};
use candle_augment::{
    ClassMixture, DataLoader, Dataset, DatasetExt, Error, ErrorKind, Image, InMemory, Mixture, Origin, Purpose, Result,
    SampleKey, SyntheticRequest, SyntheticSource, digits,
};

mod common;

use common::loader::{Content, Fault, contents, in_time};

fn config() -> QualityConfig {
    QualityConfig { steps: 60, batch_size: 40, workers: 0, ..QualityConfig::default() }
}

/// Training images and others, of each class 40 and 100, and classifiers of the former.
struct Digits {
    train: Arc<dyn Dataset>,
    others: Arc<dyn Dataset>,
    folds: Vec<Fold>,
}

fn prepared() -> &'static Digits {
    static PREPARED: OnceLock<Digits> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let (train, others) = digits().unwrap().per_class(140, 0).unwrap().split(2.0 / 7.0, 0).unwrap();
        let train: Arc<dyn Dataset> = Arc::new(train);
        let folds = cross_fit(&train, &config(), |_| Ok(())).unwrap();
        Digits { train, others: Arc::new(others), folds }
    })
}

/// The images of a class.
fn of_class(set: &Arc<dyn Dataset>, label: u32) -> Vec<Image> {
    (0..set.len()).filter(|&index| set.label(index) == label).map(|index| set.load(index).unwrap()).collect()
}

fn noise(seed: u64) -> Image {
    let mut rng = SampleKey { seed, epoch: 0, position: 0, purpose: Purpose::Noise }.rng();
    Image::new(8, 8, 1, (0..64).map(|_| rng.below(256) as u8).collect()).unwrap()
}

/// Other real images, in order; of the class `wrong` those of the next class.
struct Real {
    classes: Vec<String>,
    images: Vec<Vec<Image>>,
    wrong: Option<u32>,
    /// The images that were made so far.
    made: Arc<AtomicUsize>,
    /// From this epoch on it fails.
    fault: Option<(u64, Fault)>,
}

impl Real {
    fn new(digits: &Digits) -> Self {
        let classes = digits.others.classes().to_vec();
        let images = (0..classes.len() as u32).map(|label| of_class(&digits.others, label)).collect();
        Self { classes, images, wrong: None, made: Arc::default(), fault: None }
    }
}

impl SyntheticSource for Real {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        self.made.fetch_add(requests.len(), Ordering::SeqCst);
        let image = |request: &SyntheticRequest| -> Result<Image> {
            if let Some((epoch, fault)) = self.fault
                && (epoch..u64::MAX).contains(&request.key.epoch)
            {
                return Err(fault.strike());
            }
            let label = request.label as usize;
            let label = if self.wrong == Some(request.label) { (label + 1) % self.images.len() } else { label };
            let own = &self.images[label];
            Ok(own[request.key.rng().below(own.len())].clone())
        };
        requests.iter().map(image).collect()
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// Half real images and half noise.
struct HalfNoise(Real);

impl SyntheticSource for HalfNoise {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        let mut images = self.0.generate(requests)?;
        for (image, request) in images.iter_mut().zip(requests).filter(|(_, request)| request.serial % 2 == 1) {
            *image = noise(request.key.rng().next_seed());
        }
        Ok(images)
    }

    fn classes(&self) -> &[String] {
        self.0.classes()
    }
}

fn filter(source: &dyn SyntheticSource) -> Filter {
    let Digits { train, folds, .. } = prepared();
    Filter::fit(&config(), train, folds, source).unwrap()
}

fn small() -> PoolConfig {
    PoolConfig { size: 16, ..PoolConfig::default() }
}

fn filtered<S: SyntheticSource>(source: S, filter: Filter, pools: PoolConfig) -> Result<FilteredSource<S>> {
    FilteredSource::new(source, filter, pools, |_| Ok(()))
}

/// How many of all have each verdict.
fn tally(verdicts: &[Option<Rejection>]) -> String {
    let mut counts = std::collections::BTreeMap::new();
    verdicts.iter().for_each(|verdict| *counts.entry(*verdict).or_insert(0) += 1);
    format!("{counts:?}")
}

/// How many of all are rejected so, in per cent.
fn percent(verdicts: &[Option<Rejection>], reason: Option<Rejection>) -> usize {
    100 * verdicts.iter().filter(|verdict| **verdict == reason).count() / verdicts.len()
}

#[test]
fn each_kind_is_rejected_for_its_own_reason() {
    let digits = prepared();
    let filter = filter(&HalfNoise(Real::new(digits)));
    let judged = |images: &dyn Fn(u32) -> Vec<Image>| -> Vec<Option<Rejection>> {
        (0..10).flat_map(|label| filter.judge(label, &images(label)).unwrap()).collect()
    };
    let good = judged(&|label| of_class(&digits.others, label));
    assert!(percent(&good, None) > 60, "{}", tally(&good));
    let wrong = judged(&|label| of_class(&digits.others, (label + 1) % 10));
    assert!(percent(&wrong, Some(Rejection::Label)) > 90, "{}", tally(&wrong));
    let copies = judged(&|label| of_class(&digits.train, label));
    assert!(percent(&copies, None) == 0 && percent(&copies, Some(Rejection::Copy)) > 75, "{}", tally(&copies));
    let noise = judged(&|label| (0..20).map(|seed| noise(seed + 100 * u64::from(label))).collect());
    assert!(percent(&noise, None) < 15 && percent(&noise, Some(Rejection::Copy)) == 0, "{}", tally(&noise));
    let repeated =
        judged(&|label| of_class(&digits.others, label).into_iter().flat_map(|image| [image.clone(), image]).collect());
    for (pair, good) in repeated.chunks(2).zip(&good) {
        assert_eq!(pair[0], *good);
        assert_eq!(pair[1], good.or(Some(Rejection::Duplicate)), "a second time only as good as a first");
    }
}

/// Real images with a pattern over them, as the layers of a generator leave it.
#[test]
fn what_is_told_from_real_images_is_unreal() {
    let digits = prepared();
    let pattern = |image: &Image| {
        let data = image.data().iter().enumerate().map(|(i, value)| value.saturating_add(48 * ((i + i / 8) % 2) as u8));
        Image::new(8, 8, 1, data.collect()).unwrap()
    };
    let mut source = Real::new(digits);
    source.images.iter_mut().flatten().for_each(|image| *image = pattern(image));
    let filter = filter(&source);
    let verdicts: Vec<_> =
        (0..10).flat_map(|label| filter.judge(label, &source.images[label as usize]).unwrap()).collect();
    assert!(percent(&verdicts, Some(Rejection::Unreal)) > 40 && percent(&verdicts, None) < 30, "{}", tally(&verdicts));
}

#[test]
fn rates_are_counted_and_survive_json() {
    let source = filtered(Real::new(prepared()), filter(&Real::new(prepared())), small()).unwrap();
    for class in &source.acceptance().classes {
        let rejected = class.label + class.unreal + class.copies + class.outliers + class.duplicates;
        assert!(class.accepted + rejected == class.made && class.made <= 64 && class.rate() > 0.3, "{class:?}");
    }
    let text = serde_json::to_string(source.acceptance()).unwrap();
    assert_eq!(serde_json::from_str::<Acceptance>(&text).unwrap(), *source.acceptance());
    assert_eq!(source.usable_classes(), source.classes());
}

/// Two epochs for each pool, and four epochs.
fn epochs(workers: usize) -> (Vec<Vec<Content>>, usize) {
    let source = Real::new(prepared());
    let made = Arc::clone(&source.made);
    let source = filtered(source, filter(&Real::new(prepared())), PoolConfig { refresh: 2, ..small() });
    let loader = DataLoader::builder(Arc::clone(&prepared().train))
        .mixture(Mixture::All(ClassMixture::Share(0.5)))
        .synthetic(source.unwrap())
        .workers(workers)
        .seed(9)
        .build()
        .unwrap();
    let epochs = (0..4).map(|epoch| contents(loader.epoch(epoch))).collect();
    (epochs, made.load(Ordering::SeqCst))
}

#[test]
fn batches_are_the_same_for_any_number_of_workers() {
    let (expected, made) = epochs(0);
    for workers in [1, 3] {
        let found = in_time(move || epochs(workers));
        assert!(found.0 == expected, "{workers} workers");
        // Every pool was made once.
        assert_eq!(found.1, made);
    }
    let synthetic = |epoch: usize| -> std::collections::BTreeSet<Vec<u32>> {
        let mut images = std::collections::BTreeSet::new();
        for batch in &expected[epoch] {
            for (slot, bits) in batch.slots.iter().zip(batch.bits.chunks(64)) {
                if matches!(slot.origin, Origin::Synthetic(_)) {
                    images.insert(bits.to_vec());
                }
            }
        }
        images
    };
    // 10 classes of 40 draws each out of 16.
    let [first, second, third] = [0, 1, 2].map(synthetic);
    assert!(first.len() <= 160 && first.union(&second).count() <= 160, "one pool for two epochs");
    assert!(first.union(&third).count() > 200, "another in the third");
}

#[test]
fn an_answer_depends_on_its_request_alone() {
    let source = filtered(Real::new(prepared()), filter(&Real::new(prepared())), PoolConfig { refresh: 1, ..small() });
    let source = source.unwrap();
    let request = |label, position, epoch| {
        let key = SampleKey { seed: 4, epoch, position, purpose: Purpose::Synthetic };
        SyntheticRequest { label, serial: 0, key }
    };
    let requests: Vec<_> = (0..30).map(|i| request(i as u32 % 10, i, i % 4)).collect();
    let all = source.generate(&requests).unwrap();
    for (request, image) in requests.iter().zip(&all).rev() {
        assert_eq!(source.generate(&[*request]).unwrap(), std::slice::from_ref(image));
    }
    let error = source.generate(&[request(10, 0, 0)]).unwrap_err();
    assert!(error.kind() == ErrorKind::Synthetic && error.message().contains("10 classes"), "{error}");
}

#[test]
fn pools_stay_within_their_bytes() {
    let one = 64 + size_of::<Image>();
    // One generation of ten classes and a half.
    let bytes = 15 * 16 * one;
    let pools = PoolConfig { refresh: 1, bytes, ..small() };
    let source = filtered(Real::new(prepared()), filter(&Real::new(prepared())), pools.clone()).unwrap();
    for epoch in 0..4 {
        for label in 0..10 {
            let key = SampleKey { seed: 0, epoch, position: 0, purpose: Purpose::Synthetic };
            source.generate(&[SyntheticRequest { label, serial: 0, key }]).unwrap();
            assert!(source.bytes() <= bytes && source.bytes() > bytes / 3, "{}", source.bytes());
        }
    }
    let pools = PoolConfig { bytes: 9 * 16 * one, ..pools };
    let error = refusal(filtered(Real::new(prepared()), filter(&Real::new(prepared())), pools));
    assert!(error.kind() == ErrorKind::Config && error.message().contains("allow more bytes"), "{error}");
}

fn refusal<T>(result: Result<T>) -> Error {
    result.err().expect("it is refused")
}

#[test]
fn a_class_under_5_percent_gets_no_samples() {
    let real = || Real { wrong: Some(4), ..Real::new(prepared()) };
    let source = filtered(real(), filter(&real()), small()).unwrap();
    assert!(source.acceptance().classes[4].label > 50, "{}", source.acceptance());
    assert_eq!(source.usable_classes(), ["0", "1", "2", "3", "5", "6", "7", "8", "9"]);
    assert!(source.acceptance().to_string().contains("samples of 4 are accepted: this class is to get none"));
    let key = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Synthetic };
    let error = source.generate(&[SyntheticRequest { label: 4, serial: 0, key }]).unwrap_err();
    assert!(error.kind() == ErrorKind::Synthetic && error.message().contains("class \"4\""), "{error}");
    let mixture = Mixture::All(ClassMixture::Share(0.5)).only(&source.usable_classes());
    let loader = DataLoader::builder(Arc::clone(&prepared().train))
        .mixture(mixture)
        .synthetic(source)
        .workers(0)
        .build()
        .unwrap();
    let slots: Vec<_> = contents(loader.epoch(0)).into_iter().flat_map(|batch| batch.slots).collect();
    let of_four = slots.iter().filter(|slot| slot.label == 4).count();
    assert_eq!((slots.len(), of_four), (9 * 80 + 40, 40));
}

/// One image of a class, two of another.
#[test]
fn classes_with_hardly_an_image_are_safe() {
    let train: Arc<dyn Dataset> =
        Arc::new(Arc::clone(&prepared().train).per_class_counts(&[1, 2, 5, 20, 20, 20, 20, 20, 20, 20], 0).unwrap());
    let folds = cross_fit(&train, &config(), |_| Ok(())).unwrap();
    let filter = Filter::fit(&config(), &train, &folds, &Real::new(prepared())).unwrap();
    for label in 0..3 {
        let copies = filter.judge(label, &of_class(&train, label)).unwrap();
        assert!(copies.iter().all(Option::is_some), "{copies:?}");
    }
    let source = filtered(Real::new(prepared()), filter, small()).unwrap();
    assert_eq!(source.acceptance().classes.len(), 10);
}

/// Two images, of two classes: no classifier has seen what it is asked about.
#[test]
fn where_nothing_is_known_nothing_is_accepted() {
    let images = (0..2).map(noise).collect();
    let train: Arc<dyn Dataset> = Arc::new(InMemory::from_images(images, vec![0, 1], ["a", "b"]).unwrap());
    let config = QualityConfig { steps: 1, ..config() };
    let folds = cross_fit(&train, &config, |_| Ok(())).unwrap();
    let source = || Real { classes: train.classes().to_vec(), ..Real::new(prepared()) };
    let filter = Filter::fit(&config, &train, &folds, &source()).unwrap();
    let source = filtered(source(), filter, small()).unwrap();
    assert!(source.usable_classes().is_empty());
    let one: Arc<dyn Dataset> = Arc::new(Arc::clone(&train).subset([0]).unwrap());
    assert_eq!(refusal(cross_fit(&one, &config, |_| Ok(()))).kind(), ErrorKind::Dataset);
}

#[test]
fn what_does_not_fit_is_refused() {
    let Digits { train, folds, .. } = prepared();
    let other = Real { classes: common::loader::names(10), ..Real::new(prepared()) };
    assert_eq!(refusal(Filter::fit(&config(), train, folds, &other)).kind(), ErrorKind::Config);
    let fitted = || filter(&Real::new(prepared()));
    assert_eq!(refusal(filtered(other, fitted(), small())).kind(), ErrorKind::Config);
    assert_eq!(refusal(Filter::fit(&config(), train, &[], &Real::new(prepared()))).kind(), ErrorKind::Config);
    for bad in [PoolConfig { size: 0, ..small() }, PoolConfig { candidates: 0, ..small() }] {
        assert_eq!(refusal(filtered(Real::new(prepared()), fitted(), bad)).kind(), ErrorKind::Config);
    }
    let filter = fitted();
    assert_eq!(refusal(filter.judge(10, &[noise(0)])).kind(), ErrorKind::Config);
    let large = Image::filled(9, 9, &[0]).unwrap();
    assert_eq!(refusal(filter.judge(0, &[large])).kind(), ErrorKind::Config);
    assert_eq!(filter.judge(0, &[]).unwrap(), []);
}

/// From the second pools on.
#[test]
fn a_source_that_fails_later_is_told_with_its_class() {
    for (fault, kind, words) in
        [(Fault::Error, ErrorKind::Decode, "samples of class"), (Fault::Panic, ErrorKind::Panic, "panicked")]
    {
        let source = Real { fault: Some((1, fault)), ..Real::new(prepared()) };
        let pools = PoolConfig { refresh: 1, ..small() };
        let source = filtered(source, filter(&Real::new(prepared())), pools).unwrap();
        let found = in_time(move || {
            let loader = DataLoader::builder(Arc::clone(&prepared().train))
                .mixture(Mixture::All(ClassMixture::Share(0.5)))
                .synthetic(source)
                .workers(3)
                .build()
                .unwrap();
            assert!(loader.epoch(0).all(|batch| batch.is_ok()));
            loader.epoch(1).find_map(Result::err).expect("it fails")
        });
        assert!(found.kind() == kind && found.to_string().contains(words), "{found}");
    }
    let source = Real { fault: Some((0, Fault::Error)), ..Real::new(prepared()) };
    let error = refusal(filtered(source, filter(&Real::new(prepared())), small()));
    assert!(error.message().contains("samples of class \"0\" to filter: struck"), "{error}");
}
