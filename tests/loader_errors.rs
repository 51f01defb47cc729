//! Whatever goes wrong in code that the loader calls comes out at its place in order, typed, and nothing hangs.

mod common;

use std::panic::panic_any;
use std::sync::Arc;

use candle_augment::{
    ClassMixture, DataLoader, DataLoaderBuilder, DatasetExt, Error, ErrorKind, Image, ImageFolder, InMemory, Lambda,
    MixUp, Normalize, Op, Purpose, Result, SampleInfo, SampleKey, SampleRng, Size, SyntheticRequest, SyntheticSource,
    Transform,
};
use candle_core::DType;
use common::data::{gradient, png, put, scratch};
use common::loader::{Draw, Fault, Faulty, Noise, counted, in_time, names};

/// Where each of these tests goes wrong: in the third batch of four.
const AT: usize = 9;

const KEY: SampleKey = SampleKey { seed: 8, epoch: 1, position: AT as u64, purpose: Purpose::Transform };

/// Runs an epoch of batches of 4 in the data set's order with any number of workers; it must fail in batch `good` and
/// end there.
fn failure(good: usize, configure: impl Fn() -> DataLoaderBuilder) -> Error {
    let run = |workers| {
        let loader =
            configure().seed(8).shuffle(false).batch_size(4).workers(workers).build().expect("it can be built");
        let mut epoch = loader.epoch(1);
        in_time(move || {
            for batch in 0..good {
                assert!(epoch.next().is_some_and(|batch| batch.is_ok()), "batch {batch}, {workers} workers");
            }
            let error = epoch.next().expect("an epoch is not cut short silently").map(|_| ()).expect_err("it fails");
            assert_eq!(epoch.len(), 0, "{workers} workers");
            assert!(epoch.next().is_none(), "{workers} workers");
            error
        })
    };
    let error = run(0);
    for workers in [1, 2, 8] {
        assert_eq!(format!("{:?}", run(workers)), format!("{error:?}"), "{workers} workers");
    }
    error
}

fn set() -> InMemory {
    counted(&[16])
}

#[test]
fn errors_of_the_data_set() {
    let error = failure(2, || DataLoader::builder(Faulty::new(set(), AT, Fault::Error)));
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.to_string(), "folder/9.png: struck (image 9, op load, key 8:1:9:transform)");
}

#[test]
fn indices_are_those_of_the_set_that_is_loaded() -> Result<()> {
    let folder = scratch();
    for name in ["0.png", "1.png"] {
        put(folder.path(), &format!("class/{name}"), &png(gradient(4, 4, 1)));
    }
    put(folder.path(), "class/2.png", b"text");
    let subset = ImageFolder::open(folder.path())?.subset(vec![2, 0])?;
    let loading = failure(0, || DataLoader::builder(subset.clone()));
    assert_eq!((loading.kind(), loading.index()), (ErrorKind::Decode, Some(0)));
    assert!(loading.path().is_some_and(|path| path.ends_with("class/2.png")), "{loading}");

    let subset = ImageFolder::open(folder.path())?.subset(vec![1, 0])?;
    let fails = |_, _: &mut _, ops: &mut Vec<Op>| ops.push(Op::Brightness { factor: -1.0 });
    let operating = failure(0, || DataLoader::builder(subset.clone()).transform(Draw(fails)));
    assert_eq!((operating.kind(), operating.index()), (ErrorKind::Transform, Some(0)));
    assert!(operating.path().is_some_and(|path| path.ends_with("class/1.png")), "{operating}");
    Ok(())
}

#[test]
fn panics_of_the_data_set() {
    let error = failure(2, || DataLoader::builder(Faulty::new(set(), AT, Fault::Panic)));
    assert_eq!(error.kind(), ErrorKind::Panic);
    assert_eq!(error.message(), "the data set panicked: struck");
    assert_eq!(error.path(), Some("folder/9.png".as_ref()));
    assert_eq!((error.index(), error.op(), error.key()), (Some(AT), Some("load"), Some(KEY)));
}

#[test]
fn the_first_error_of_a_batch_in_order_counts() {
    let error = failure(2, || {
        DataLoader::builder(Faulty::new(set(), AT + 2, Fault::Error)).transform(Draw(
            |_, rng: &mut SampleRng, _: &mut _| {
                assert_ne!(rng.below(usize::MAX), KEY.rng().below(usize::MAX), "drawn");
            },
        ))
    });
    assert_eq!((error.kind(), error.index()), (ErrorKind::Panic, Some(AT)));
}

#[test]
fn panics_of_a_transform_whatever_they_carry() {
    let at_key = |rng: &mut SampleRng| rng.below(usize::MAX) == KEY.rng().below(usize::MAX);
    let error = failure(2, || {
        DataLoader::builder(Faulty::new(set(), 99, Fault::Error)).transform(Draw(
            move |_, rng: &mut SampleRng, _: &mut _| {
                if at_key(rng) {
                    panic_any(5);
                }
            },
        ))
    });
    assert_eq!(error.kind(), ErrorKind::Panic);
    assert_eq!(error.message(), "the transform panicked: without a message");
    assert_eq!(error.path(), Some("folder/9.png".as_ref()));
    assert_eq!((error.index(), error.op(), error.key()), (Some(AT), Some("draw"), Some(KEY)));
}

#[test]
fn errors_of_an_operation() {
    let error = failure(0, || {
        DataLoader::builder(set())
            .transform(Draw(|_, _: &mut _, ops: &mut Vec<Op>| ops.extend([Op::HFlip, Op::Brightness { factor: -1.0 }])))
    });
    assert_eq!((error.kind(), error.index()), (ErrorKind::Transform, Some(0)));
    assert_eq!(error.op(), Some("Brightness { factor: -1.0 }, number 2 of 2"));
}

#[test]
fn panics_of_a_closure_in_the_middle_of_the_operations() {
    let at_key = |seed: u64| seed == KEY.rng().next_seed();
    let error = failure(2, || {
        let strike = Lambda::new("strike", |_, _| panic!("struck"));
        DataLoader::builder(set()).transform(Draw(move |info: Size, rng: &mut SampleRng, ops: &mut Vec<Op>| {
            ops.push(Op::Invert);
            let mut key_rng = rng.next_seed();
            if at_key(key_rng) {
                let info = SampleInfo { size: info, channels: 1, class: None };
                strike.draw(info, rng, ops);
                key_rng = 0;
            }
            ops.push(Op::Solarize { threshold: (key_rng % 256) as f32 });
        }))
    });
    assert_eq!((error.kind(), error.index(), error.key()), (ErrorKind::Panic, Some(AT), Some(KEY)));
    assert_eq!(error.message(), "the operation panicked: struck");
    assert!(
        error.op().is_some_and(|op| op.starts_with("Custom") && op.contains("strike") && op.ends_with("number 2 of 3")),
        "{error}"
    );
}

/// A source that goes wrong in one way or another.
struct Broken(fn(&[SyntheticRequest]) -> Result<Vec<Image>>, Vec<String>);

impl SyntheticSource for Broken {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        (self.0)(requests)
    }

    fn classes(&self) -> &[String] {
        &self.1
    }
}

fn source_failure(generate: fn(&[SyntheticRequest]) -> Result<Vec<Image>>) -> Error {
    failure(0, || {
        let source = Arc::new(Broken(generate, names(1)));
        DataLoader::builder(set()).mixture(ClassMixture::Share(0.5)).synthetic(source)
    })
}

#[test]
fn failures_of_a_synthetic_source() {
    let struck = source_failure(|_| Err(Error::new(ErrorKind::Checkpoint, "struck")));
    assert_eq!((struck.kind(), struck.message()), (ErrorKind::Checkpoint, "struck"));
    assert_eq!(struck.op(), Some("generate 2 samples"));
    assert!(struck.key().is_some() && struck.index().is_none());

    let panicked = source_failure(|_| panic!("struck {}", 2));
    assert_eq!((panicked.kind(), panicked.message()), (ErrorKind::Panic, "the synthetic source panicked: struck 2"));

    let short = source_failure(|requests| requests[1..].iter().map(|_| Image::filled(4, 4, &[0])).collect());
    assert_eq!(short.kind(), ErrorKind::Synthetic);
    assert_eq!(short.message(), "expected 2 images from the synthetic source, got 1");

    let colored = source_failure(|requests| requests.iter().map(|_| Image::filled(4, 4, &[0; 3])).collect());
    assert_eq!(colored.kind(), ErrorKind::Synthetic);
    assert!(colored.message().contains("of class \"class 0\" has (3, 4, 4), but image "), "{colored}");
    assert!(colored.message().contains("of the data set's colour"), "{colored}");
}

#[test]
fn synthetic_samples_of_another_size_need_resize() {
    let error = failure(0, || {
        let source = Noise { classes: names(1), size: Size::new(5, 4), channels: 1 };
        DataLoader::builder(set()).mixture(ClassMixture::Share(0.5)).synthetic(source)
    });
    assert!(error.message().contains("(1, 5, 4)") && error.message().contains("add Resize::exact"), "{error}");
}

/// 16 images, of which one is another.
fn odd_one(odd: Image) -> InMemory {
    let mut images = vec![Image::filled(4, 4, &[0]).expect("4×4 is a size"); 16];
    images[AT] = odd;
    InMemory::from_images(images, vec![0; 16], ["one"]).expect("every image has a label")
}

#[test]
fn images_of_another_shape_are_named_with_the_remedy() -> Result<()> {
    let larger = Image::filled(4, 6, &[0])?;
    let error = failure(2, || DataLoader::builder(Faulty::new(odd_one(larger.clone()), 99, Fault::Error)));
    assert_eq!((error.kind(), error.index()), (ErrorKind::Dataset, Some(AT)));
    assert_eq!(error.path(), Some("folder/9.png".as_ref()));
    assert!(error.message().contains("folder/9.png has (1, 4, 6), but folder/8.png has (1, 4, 4)"), "{error}");
    assert!(error.message().contains("add Resize::exact"), "{error}");

    let colored = Image::filled(4, 4, &[0; 3])?;
    let error = failure(2, || DataLoader::builder(odd_one(colored.clone())));
    assert!(error.message().contains("image 9 has (3, 4, 4), but image 8 has (1, 4, 4)"), "{error}");
    assert!(error.message().contains("ImageFolder::with_color"), "{error}");
    Ok(())
}

#[test]
fn normalisation_for_other_channels_is_an_error() {
    let error = failure(0, || DataLoader::builder(set()).normalize(Normalize::imagenet()));
    assert_eq!((error.kind(), error.index()), (ErrorKind::Transform, Some(0)));
    assert!(error.message().contains("3 channels"), "{error}");
}

#[test]
fn senseless_configurations_are_refused() {
    let message = |builder: DataLoaderBuilder| {
        let error = builder.workers(0).build().map(|_| ()).expect_err("it makes no sense");
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        error.to_string()
    };
    assert!(
        message(DataLoader::builder(set()).batch_size(0)).contains("batch size of at least 1, got 0: give the number")
    );
    let share = DataLoader::builder(set()).mixture(ClassMixture::Share(1.5));
    assert!(message(share).contains("share in [0, 1], got 1.5: give 0.5 for one half"));
    assert!(message(DataLoader::builder(set()).dtype(DType::F64)).contains("f32 or u8, got f64: give one of the two"));
    let normalized_bytes = DataLoader::builder(set()).dtype(DType::U8).normalize(Normalize::signed());
    assert!(message(normalized_bytes).contains("leave one of the two out"));
    let mixed_bytes = DataLoader::builder(set()).dtype(DType::U8).batch_transform(MixUp::default());
    assert!(message(mixed_bytes).contains("a batch transform mixes f32 images"));
    assert!(message(DataLoader::builder(set()).batch_size(17).drop_last(true)).contains("lower the batch size"));
}
