//! What a stream of an iterator delivers: every image, by quota, in bounded memory, the same for any number of workers; and
//! what it does about errors, slow iterators and being dropped.

mod common;

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::sleep;
use std::time::{Duration, Instant};

use candle_augment::{
    Balance, ClassMixture, Error, ErrorBudget, ErrorKind, ErrorPolicy, Image, ImageFile, Label, MixUp, Op, Origin,
    RandomRotation, Result, Size, Slot, Stream, StreamBuilder, wrap,
};
use common::data::{gradient, png};
use common::loader::{Content, Draw, Noise, contents, in_time, index, names};

type Item = Result<(Image, u32)>;

/// One image in ten is of class 1; image i is filled with the value i mod 256.
fn skewed(images: usize) -> impl Iterator<Item = Item> + Send {
    (0..images).map(|i| Ok((Image::filled(4, 4, &[i as u8])?, u32::from(i % 10 == 0))))
}

/// Class after class in turn.
fn even(images: usize) -> impl Iterator<Item = Item> + Send {
    (0..images).map(|i| Ok((Image::filled(4, 4, &[i as u8])?, i as u32 % 2)))
}

fn of(items: impl Iterator<Item = Item> + Send + 'static) -> StreamBuilder {
    wrap(items).classes(names(2)).batch_size(8).workers(2).seed(3)
}

fn noise() -> Noise {
    Noise { classes: names(2), size: Size::square(4), channels: 1 }
}

fn slots(batches: &[Content]) -> impl Iterator<Item = &Slot> {
    batches.iter().flat_map(|batch| &batch.slots)
}

/// The value of a pixel.
fn value(bits: u32) -> u8 {
    (f32::from_bits(bits) * 255.0).round() as u8
}

/// The batches before the error, and that; nothing may come after it.
fn failed(mut stream: Stream) -> (Vec<Content>, Error) {
    let mut batches = Vec::new();
    loop {
        match stream.next().expect("the stream fails before it ends") {
            Ok(batch) => batches.push(batch.into()),
            Err(error) => {
                assert!(stream.next().is_none());
                return (batches, error);
            }
        }
    }
}

#[test]
fn natural_batches_are_the_iterator_in_order() -> Result<()> {
    let batches = contents(of(skewed(100)).build()?);
    assert_eq!(batches.iter().map(|batch| batch.dims[0]).collect::<Vec<_>>(), [&[8; 12][..], &[4]].concat());
    assert!(slots(&batches).map(index).eq(0..100));
    for (batch, first) in batches.iter().zip((0..).step_by(8)) {
        assert_eq!(value(batch.bits[0]), first as u8);
        assert!(batch.labels.iter().zip(first..).all(|(label, i)| *label == u32::from(i % 10 == 0)));
    }
    Ok(())
}

#[test]
fn balanced_batches_use_every_image_and_repeat_what_lacks() -> Result<()> {
    let mut stream = of(skewed(300)).balance(Balance::Uniform).look_ahead(20).build()?;
    let batches = contents(&mut stream);
    let (last, full) = batches.split_last().expect("there are batches");
    assert!(last.slots.len() <= 8);
    for batch in full {
        assert_eq!(batch.labels.iter().filter(|label| **label == 1).count(), 4);
    }
    let used: BTreeSet<usize> = slots(&batches).map(index).collect();
    assert!(used.into_iter().eq(0..300));
    // The pixels are those of the image that the slot names, wherever it is repeated.
    for batch in &batches {
        for (slot, pixels) in batch.slots.iter().zip(batch.bits.chunks(16)) {
            assert_eq!(value(pixels[0]), index(slot) as u8);
            assert_eq!(slot.label, u32::from(index(slot).is_multiple_of(10)));
        }
    }
    let statistics = stream.statistics();
    let of_class = |class: u32| slots(&batches).filter(|slot| slot.label == class).count() as u64;
    let counts: Vec<_> = statistics.classes.iter().map(|class| (class.real, class.repeated)).collect();
    assert_eq!(counts, [(of_class(0), of_class(0) - 270), (of_class(1), of_class(1) - 30)]);
    assert_eq!((statistics.batches, statistics.failures), (batches.len() as u64, 0));
    assert!(of_class(0) < 270 + 8, "the frequent class is not repeated, but at the end");
    Ok(())
}

#[test]
fn any_number_of_workers_gives_the_same_batches() -> Result<()> {
    let run = |workers, seed, epoch| -> Result<Vec<Content>> {
        let stream = of(skewed(200)).balance(Balance::Weights(vec![2.0, 1.0])).look_ahead(9).reservoir(3);
        let stream = stream.mixture(ClassMixture::Share(0.25)).synthetic(noise()).transform(RandomRotation::new(20.0)?);
        Ok(contents(
            stream.batch_transform(MixUp::new(0.4)?).workers(workers).prefetch(1).seed(seed).epoch(epoch).build()?,
        ))
    };
    let alone = run(0, 7, 0)?;
    assert!(slots(&alone).any(|slot| matches!(slot.origin, Origin::Synthetic(_))));
    for workers in [1, 2, 5] {
        assert_eq!(run(workers, 7, 0)?, alone, "{workers} workers");
    }
    assert_ne!(run(2, 8, 0)?, alone);
    assert_ne!(run(2, 7, 1)?, alone);
    Ok(())
}

#[test]
fn synthetic_samples_fill_their_share_before_images_are_repeated() -> Result<()> {
    let mixture = candle_augment::Mixture::PerClass([("class 1".to_owned(), ClassMixture::Share(0.5))].into());
    let stream = of(skewed(400)).balance(Balance::Uniform).look_ahead(0).mixture(mixture).synthetic(noise());
    let batches = contents(stream.build()?);
    for batch in &batches[1..batches.len() - 1] {
        let synthetic = batch.slots.iter().filter(|slot| matches!(slot.origin, Origin::Synthetic(_)));
        assert_eq!(synthetic.map(|slot| slot.label).collect::<Vec<_>>(), [1, 1]);
    }
    Ok(())
}

#[test]
fn files_are_decoded_by_the_workers() -> Result<()> {
    let image = |i: usize| gradient(6 + i, 5, 3);
    let files = (0..7).map(move |i| Ok::<_, Error>((ImageFile::new(png(image(i))), "class 0")));
    let decoded = (0..7).map(move |i| Ok::<_, Error>((image(i), "class 0")));
    let crop = || {
        Draw(|size: Size, _: &mut _, ops: &mut Vec<Op>| {
            ops.push(Op::Crop { top: size.height - 3, left: 1, size: Size::square(3) });
        })
    };
    let run = |builder: StreamBuilder| -> Result<_> {
        Ok(contents(builder.classes(names(1)).batch_size(4).workers(2).transform(crop()).build()?))
    };
    assert_eq!(run(wrap(files))?, run(wrap(decoded))?);
    let broken = wrap([Ok::<_, Error>((ImageFile::new(b"no image".to_vec()), 0_u8))]).classes(["a"]).build()?;
    let (_, error) = failed(broken);
    assert_eq!((error.kind(), error.index(), error.op()), (ErrorKind::Decode, Some(0), Some("load")));
    Ok(())
}

#[test]
fn names_and_numbers_as_labels() -> Result<()> {
    let labelled = |labels: Vec<Label>| {
        let items = labels.into_iter().map(|label| Ok::<_, io::Error>((gradient(2, 2, 1), label)));
        wrap(items).classes(["cat", "dog"]).workers(1).build()
    };
    let batches = contents(labelled(vec!["dog".into(), 0_u8.into(), "cat".into(), 1_i64.into()])?);
    assert_eq!(batches[0].labels, [1, 0, 0, 1]);
    for (label, expected) in [
        (Label::from("cow"), "\"cow\" is not among the 2 classes"),
        (Label::from(2_u32), "expected labels below 2"),
        (Label::from(-1), "number the classes from 0"),
    ] {
        let (_, error) = failed(labelled(vec!["cat".into(), label])?);
        assert_eq!((error.kind(), error.index()), (ErrorKind::Dataset, Some(1)));
        assert!(error.message().contains(expected), "{error}");
    }
    Ok(())
}

#[test]
fn an_error_of_the_iterator_comes_at_its_place() -> Result<()> {
    for workers in [0, 2] {
        let torn = |i| if i == 19 { Err(io::Error::other("the tape tore")) } else { Ok((gradient(2, 2, 1), 0_u32)) };
        let stream = wrap((0..100).map(torn)).classes(["a"]).batch_size(8).workers(workers).build()?;
        let (batches, error) = failed(stream);
        assert_eq!(batches.len(), 2);
        assert_eq!((error.kind(), error.index()), (ErrorKind::Dataset, Some(19)));
        assert!(error.message().contains("the tape tore"), "{error}");
        assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<io::Error>()));
    }
    Ok(())
}

#[test]
fn a_panic_of_the_iterator_is_an_error() -> Result<()> {
    for workers in [0, 2] {
        let items = even(40).enumerate().map(|(i, item)| if i == 9 { panic!("struck") } else { item });
        let (batches, error) = failed(of(items).workers(workers).build()?);
        assert_eq!(batches.len(), 1);
        assert_eq!((error.kind(), error.index()), (ErrorKind::Panic, Some(9)));
        assert!(error.message().contains("the iterator panicked: struck"), "{error}");
    }
    Ok(())
}

/// Items of which every tenth fails, in turn by an error, a panic and a label.
fn faulty(images: usize) -> impl Iterator<Item = Item> + Send {
    even(images).enumerate().map(|(i, item)| match i % 30 {
        9 => Err(Error::new(ErrorKind::Decode, "struck")),
        19 => panic!("struck"),
        29 => item.map(|(image, _)| (image, 5)),
        _ => item,
    })
}

#[test]
fn failed_items_are_skipped_and_listed_within_the_budget() -> Result<()> {
    for workers in [0, 2] {
        for policy in [ErrorPolicy::Skip, ErrorPolicy::ReplaceFromSameClass] {
            let stream = || of(faulty(100)).balance(Balance::Uniform).workers(workers);
            let mut whole = stream().error_policy(policy(ErrorBudget::Count(10))).build()?;
            let batches = contents(&mut whole);
            let used: BTreeSet<usize> = slots(&batches).map(index).collect();
            assert!(used.into_iter().eq((0..100).filter(|i| i % 10 != 9)));
            let failures = whole.failures();
            assert!(failures.iter().map(|failure| failure.error.index()).eq((9..100).step_by(10).map(Some)));
            assert!(failures.iter().all(|failure| failure.slot.is_none() && failure.class.is_none()));
            assert_eq!(whole.statistics().failures, 10);
            let (batches, error) = failed(stream().error_policy(policy(ErrorBudget::Count(3))).build()?);
            assert!(slots(&batches).map(index).all(|i| i < 39));
            assert_eq!(batches.len(), 4, "those complete before item 39");
            assert!(error.message().contains("4 samples could not be made, more than the 3"), "{error}");
        }
    }
    Ok(())
}

#[test]
fn samples_that_fail_are_skipped_or_replaced_from_their_class() -> Result<()> {
    // Every ninth image is too small for the crop, but none of the first of a class.
    let is_small = |i: usize| i % 9 == 4;
    let items = move |images: usize| {
        skewed(images).map(move |item| {
            item.map(|(image, label)| (if is_small(image.data()[0].into()) { gradient(1, 1, 1) } else { image }, label))
        })
    };
    let crop = || {
        Draw(|_: Size, _: &mut _, ops: &mut Vec<Op>| {
            ops.push(Op::Crop { top: 0, left: 0, size: Size::square(4) });
        })
    };
    for balance in [Balance::Natural, Balance::Uniform] {
        let run = |policy, workers| {
            let stream = of(items(200)).balance(balance.clone()).workers(workers).look_ahead(4).transform(crop());
            let mut stream = stream.error_policy(policy).build().expect("the configuration is sound");
            let batches = contents(&mut stream);
            let failures: Vec<Slot> = stream.failures().iter().filter_map(|failure| failure.slot).collect();
            let tried: HashSet<&Slot> = failures.iter().collect();
            assert_eq!(tried.len(), failures.len(), "an image takes its own place");
            let statistics = stream.statistics();
            (batches, failures, statistics.samples, statistics.classes.iter().map(|class| class.repeated).sum::<u64>())
        };
        let skip = ErrorPolicy::Skip(ErrorBudget::Count(1000));
        let (batches, failures, samples, repeated) = run(skip, 0);
        assert!(failures.len() >= 22);
        assert!(slots(&batches).map(index).all(|i| !is_small(i)));
        assert_eq!(samples as usize, slots(&batches).count());
        assert_eq!(run(skip, 3), (batches, failures, samples, repeated));
        let replace = ErrorPolicy::ReplaceFromSameClass(ErrorBudget::Count(1000));
        let (batches, failures, samples, repeated) = run(replace, 0);
        // 22 of 200 images are too small.
        assert_eq!(repeated, slots(&batches).count() as u64 - 178);
        assert!(failures.len() >= 22);
        assert!(slots(&batches).all(|slot| !is_small(index(slot))));
        assert!(slots(&batches).all(|slot| slot.label == u32::from(index(slot).is_multiple_of(10))));
        assert!(batches[..batches.len() - 1].iter().all(|batch| batch.slots.len() == 8));
        assert_eq!(run(replace, 3), (batches, failures, samples, repeated));
    }
    Ok(())
}

#[test]
fn a_class_that_does_not_come_ends_the_stream_with_advice() -> Result<()> {
    let ones = (0..).map(|i| Ok((Image::filled(4, 4, &[i as u8])?, 0)));
    let (batches, error) = failed(of(ones).balance(Balance::Uniform).look_ahead(50).build()?);
    assert!(batches.is_empty());
    assert_eq!(error.kind(), ErrorKind::Dataset);
    assert!(error.message().contains("no image of class \"class 1\" was among the first 58"), "{error}");
    let (_, error) = failed(of(skewed(0)).build()?);
    assert!(error.message().contains("at least one"), "{error}");
    Ok(())
}

#[test]
fn a_slow_consumer_holds_the_iterator_back() -> Result<()> {
    let pulled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&pulled);
    let endless = (0..).map(move |i| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok((Image::filled(4, 4, &[i as u8])?, 0))
    });
    // Three batches that are made ahead, and one that is planned.
    let mut stream = of(endless).prefetch(3).build()?;
    for taken in 0..4 {
        let expected = (4 + taken) * 8;
        let deadline = Instant::now() + Duration::from_secs(20);
        while pulled.load(Ordering::SeqCst) < expected {
            assert!(Instant::now() < deadline, "{} of {expected} images pulled", pulled.load(Ordering::SeqCst));
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(20));
        assert_eq!(pulled.load(Ordering::SeqCst), expected);
        stream.next().expect("the iterator has no end")?;
    }
    Ok(())
}

#[test]
fn without_workers_nothing_is_pulled_ahead() -> Result<()> {
    let pulled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&pulled);
    let counted = even(100).inspect(move |_| _ = count.fetch_add(1, Ordering::SeqCst));
    let mut stream = of(counted).workers(0).build()?;
    assert_eq!(pulled.load(Ordering::SeqCst), 0);
    stream.next().expect("there are images")?;
    assert_eq!(pulled.load(Ordering::SeqCst), 8);
    Ok(())
}

/// Tells when it is dropped.
struct Watched<I>(I, mpsc::Sender<()>);

impl<I: Iterator> Iterator for Watched<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl<I> Drop for Watched<I> {
    fn drop(&mut self) {
        // Nobody may listen any more.
        let _ = self.1.send(());
    }
}

#[test]
fn dropping_a_stream_lets_go_of_its_iterator() {
    for taken in [0, 1, 5] {
        in_time(move || {
            let (sender, dropped) = mpsc::channel();
            let endless = (0..).map(|i| Ok((Image::filled(4, 4, &[i as u8])?, 0)));
            let mut stream = of(Watched(endless, sender)).build().expect("the configuration is sound");
            assert_eq!(stream.by_ref().take(taken).filter(|batch| batch.is_ok()).count(), taken);
            assert!(dropped.try_recv().is_err());
            drop(stream);
            dropped.recv().expect("the iterator is dropped");
        });
    }
}

#[test]
fn a_stream_that_has_failed_lets_go_of_its_iterator() {
    in_time(|| {
        let (sender, dropped) = mpsc::channel();
        let endless = (0..).map(|i| Ok((Image::filled(4, 4, &[0])?, u32::from(i == 20) * 7)));
        let mut stream = of(Watched(endless, sender)).build().expect("the configuration is sound");
        assert_eq!(stream.by_ref().filter(|batch| batch.is_err()).count(), 1);
        dropped.recv().expect("the iterator is dropped");
        assert!(stream.next().is_none());
    });
}

#[test]
fn an_iterator_that_never_returns_does_not_hold_up_the_drop() {
    let (sender, receiver) = mpsc::channel::<Item>();
    let feeder = sender.clone();
    in_time(move || {
        let mut stream = of(receiver.into_iter()).build().expect("the configuration is sound");
        even(9).for_each(|item| feeder.send(item).expect("the stream listens"));
        let batch = stream.next().expect("a batch is complete").expect("nothing fails");
        assert_eq!(batch.len(), 8);
        drop(stream);
    });
    // Only now the iterator may end.
    drop(sender);
}

#[test]
fn what_cannot_be_is_refused() {
    let message = |builder: StreamBuilder| {
        let error = builder.build().expect_err("the configuration is refused");
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        error.to_string()
    };
    let rate = ErrorPolicy::Skip(ErrorBudget::Rate(0.1));
    for (builder, expected) in [
        (wrap(even(4)), "names of the classes"),
        (of(even(4)).balance(Balance::EffectiveNumber { beta: 0.9 }), "not known of a stream"),
        (of(even(4)).mixture(ClassMixture::FillTo(9)).synthetic(noise()), "not known of a stream"),
        (of(even(4)).mixture(ClassMixture::Share(0.5)), "no synthetic source"),
        (of(even(4)).error_policy(rate), "give ErrorBudget::Count"),
        (of(even(4)).batch_size(0), "batch size from 1"),
        (of(even(4)).reservoir(0), "reservoir of at least 1"),
    ] {
        let message = message(builder);
        assert!(message.contains(expected), "{message}");
    }
    let twice = of(even(4)).classes(["a", "a"]).build().expect_err("a name is there twice");
    assert!(twice.to_string().contains("two classes are named \"a\""), "{twice}");
}
