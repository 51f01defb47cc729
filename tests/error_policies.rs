//! Samples that cannot be made are left out or replaced, as the policy says: the same ones for any number of workers, and
//! every case is counted and listed.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use candle_augment::{
    Balance, ClassMixture, DataLoader, DataLoaderBuilder, Dataset, Error, ErrorBudget, ErrorKind, ErrorPolicy, Image,
    ImageFolder, InMemory, Lambda, Origin, Pipeline, RandomCrop, RandomHorizontalFlip, Result, Size, SyntheticRequest,
    SyntheticSource,
};
use common::data::{encode, gradient, put, scratch};
use common::loader::{Content, Fault, Noise, counted, in_time, names};
use image::ImageFormat;

const ALL: ErrorBudget = ErrorBudget::Rate(1.0);

/// What became of an epoch.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    batches: Vec<Content>,
    failures: Vec<String>,
    error: Option<String>,
}

impl Outcome {
    fn sizes(&self) -> Vec<usize> {
        self.batches.iter().map(|batch| batch.labels.len()).collect()
    }
}

/// Runs epoch 1 with one number of workers after the other, with the same outcome each time.
fn outcome(configure: impl Fn() -> DataLoaderBuilder) -> Outcome {
    let run = |workers| {
        let loader = configure().workers(workers).build().expect("it can be built");
        in_time(move || {
            let mut epoch = loader.epoch(1);
            let (mut batches, mut error) = (Vec::new(), None);
            for batch in epoch.by_ref() {
                match batch {
                    Ok(batch) => batches.push(Content::from(batch)),
                    Err(found) => error = Some(format!("{found:?}")),
                }
            }
            assert!(epoch.next().is_none());
            let failures = epoch.failures();
            if error.is_none() {
                let statistics = epoch.statistics();
                assert_eq!(statistics.failures, failures.len() as u64, "{workers} workers");
                for class in &statistics.classes {
                    let listed = failures.iter().filter(|failure| failure.class == class.name).count();
                    assert_eq!(class.failed, listed as u64, "{workers} workers, {}", class.name);
                }
                assert_eq!(statistics.samples, batches.iter().map(|batch| batch.labels.len() as u64).sum::<u64>());
            }
            let failures = failures.iter().map(|failure| format!("{:?}, {failure}", failure.slot)).collect();
            Outcome { batches, failures, error }
        })
    };
    let expected = run(0);
    for workers in [1, 2, 8] {
        assert_eq!(run(workers), expected, "{workers} workers");
    }
    expected
}

/// JPEG files of two classes, of which `truncated` ones are cut short.
fn jpegs(root: &Path, counts: [usize; 2], truncated: &[usize]) -> ImageFolder {
    for index in 0..counts[0] + counts[1] {
        let file = encode(gradient(20, 24 + index % 3, 3), ImageFormat::Jpeg);
        let length = if truncated.contains(&index) { file.len() / 2 } else { file.len() };
        let class = if index < counts[0] { "a" } else { "b" };
        put(root, &format!("{class}/{index:02}.jpg"), &file[..length]);
    }
    ImageFolder::open(root).expect("it was made just now")
}

fn cropped() -> Result<Pipeline> {
    Ok(Pipeline::new().then(RandomCrop::new(16, 16)?).then(RandomHorizontalFlip::new(0.5)?))
}

/// The images that the batches are made of, in order.
fn images(batches: &[Content]) -> Vec<usize> {
    let origins = batches.iter().flat_map(|batch| &batch.slots).map(|slot| slot.origin);
    origins.filter_map(|origin| if let Origin::Real(index) = origin { Some(index) } else { None }).collect()
}

#[test]
fn files_cut_short_are_left_out_and_listed() -> Result<()> {
    let folder = scratch();
    let cut = [0, 3, 7, 10];
    let set = jpegs(folder.path(), [6, 6], &cut);
    // The first of batch 0, the last of batch 0, the last of batch 1, one in the middle of batch 2.
    let cases = |policy| {
        let (set, transforms) = (set.clone(), cropped().expect("the crop has a size"));
        move || {
            DataLoader::builder(set.clone())
                .transform(transforms.clone())
                .shuffle(false)
                .batch_size(4)
                .error_policy(policy)
        }
    };
    let skipped = outcome(cases(ErrorPolicy::Skip(ErrorBudget::Count(4))));
    assert_eq!((skipped.sizes(), &skipped.error), (vec![2, 3, 3], &None));
    assert_eq!(images(&skipped.batches), [1, 2, 4, 5, 6, 8, 9, 11]);
    assert_eq!(skipped.failures.len(), 4);
    for (failure, index) in skipped.failures.iter().zip(cut) {
        let class = if index < 6 { "a" } else { "b" };
        let file = Path::new(class).join(format!("{index:02}.jpg"));
        assert!(failure.contains(&format!("class {class:?}: ")), "{failure}");
        assert!(failure.contains(&file.display().to_string()), "{failure}");
        assert!(failure.contains("cut short") && failure.contains(&format!("image {index}, op load")), "{failure}");
    }

    // The others are what they are among sound files.
    let sound = scratch();
    let expected = DataLoader::builder(jpegs(sound.path(), [6, 6], &[])).transform(cropped()?).shuffle(false);
    let expected = common::loader::contents(expected.batch_size(4).build()?.epoch(1));
    let by_sample = |batches: &[Content]| -> Vec<_> {
        let samples = batches.iter().flat_map(|batch| batch.slots.iter().zip(batch.bits.chunks_exact(3 * 16 * 16)));
        samples.map(|(slot, bits)| (*slot, bits.to_vec())).collect()
    };
    let mut expected = by_sample(&expected);
    expected.retain(|(slot, _)| !cut.iter().any(|index| slot.origin == Origin::Real(*index)));
    assert_eq!(by_sample(&skipped.batches), expected);
    Ok(())
}

#[test]
fn replaced_samples_keep_sizes_and_quotas() -> Result<()> {
    let folder = scratch();
    let cut = [1, 2, 9];
    let set = jpegs(folder.path(), [8, 4], &cut);
    let policy = ErrorPolicy::ReplaceFromSameClass(ErrorBudget::Rate(0.5));
    let configure = || {
        let builder = DataLoader::builder(set.clone()).transform(cropped().expect("the crop has a size"));
        builder.balance(Balance::Uniform).batch_size(6).error_policy(policy)
    };
    let replaced = outcome(configure);
    assert_eq!(replaced.error, None);
    let loader = configure().build()?;
    let plan = loader.plan(1);
    assert_eq!(replaced.batches.len(), plan.len());
    let mut planned_failures = 0;
    for (batch, planned) in replaced.batches.iter().zip(plan.iter()) {
        assert!(batch.labels.iter().eq(planned.iter().map(|slot| &slot.label)));
        for (slot, planned) in batch.slots.iter().zip(planned) {
            let Origin::Real(index) = slot.origin else { panic!("{slot:?} is not real") };
            assert_eq!((set.label(index), slot.key), (planned.label, planned.key));
            assert!(!cut.contains(&index));
            let failed = cut.iter().any(|index| planned.origin == Origin::Real(*index));
            assert!(failed || slot.origin == planned.origin);
            planned_failures += usize::from(failed);
        }
    }
    assert!(planned_failures >= 3 && replaced.failures.len() >= planned_failures, "{:?}", replaced.failures);
    let batch = loader.epoch(1).next().expect("there are images")?;
    for (n, slot) in batch.slots.iter().enumerate() {
        let sample = loader.sample(slot)?;
        assert_eq!(sample.ops, batch.ops(n), "a replaced sample can be made by itself");
    }
    Ok(())
}

/// Fails, or panics, at images whose value leaves the rest 3 when divided by 5.
fn striking(fault: Fault) -> Lambda {
    Lambda::new("strike", move |image: Image, _| if image.data()[0] % 5 == 3 { Err(fault.strike()) } else { Ok(image) })
}

#[test]
fn transforms_that_fail_or_panic() {
    for (fault, kind) in [(Fault::Error, "Decode"), (Fault::Panic, "Panic")] {
        let run = |policy| {
            outcome(move || {
                DataLoader::builder(counted(&[16, 9])).transform(striking(fault)).batch_size(6).error_policy(policy)
            })
        };
        let skipped = run(ErrorPolicy::Skip(ErrorBudget::Count(5)));
        assert_eq!((skipped.error, skipped.failures.len()), (None, 5));
        assert_eq!(skipped.batches.iter().map(|batch| batch.labels.len()).sum::<usize>(), 20);
        assert!(skipped.failures.iter().all(|failure| failure.contains("struck") && failure.contains("strike")));
        let seen: BTreeSet<usize> = images(&skipped.batches).into_iter().collect();
        assert!(seen.into_iter().eq((0..25).filter(|index| index % 5 != 3)));

        let replaced = run(ErrorPolicy::ReplaceFromSameClass(ALL));
        assert_eq!((replaced.sizes(), &replaced.error), (vec![6, 6, 6, 6, 1], &None));
        assert!(images(&replaced.batches).iter().all(|index| index % 5 != 3));

        let failed = run(ErrorPolicy::Skip(ErrorBudget::Count(4)));
        let error = failed.error.expect("there are 5");
        assert!(error.starts_with(&format!("{kind}: 5 samples could not be made, more than the 4")), "{error}");
    }
}

#[test]
fn a_panic_of_the_draw() {
    let skipped = outcome(|| {
        let strike =
            |_: Size, rng: &mut candle_augment::SampleRng, _: &mut Vec<_>| assert!(rng.below(4) > 0, "unlucky");
        DataLoader::builder(counted(&[40]))
            .transform(common::loader::Draw(strike))
            .batch_size(7)
            .error_policy(ErrorPolicy::Skip(ALL))
    });
    assert_eq!(skipped.error, None);
    let count = skipped.failures.len();
    assert!((1..30).contains(&count) && skipped.failures.iter().all(|failure| failure.contains("unlucky")));
    assert_eq!(images(&skipped.batches).len(), 40 - count);
}

/// A source that answers nothing.
struct Dead(Vec<String>);

impl SyntheticSource for Dead {
    fn generate(&self, _: &[SyntheticRequest]) -> Result<Vec<Image>> {
        Err(Error::new(ErrorKind::Synthetic, "dead"))
    }

    fn classes(&self) -> &[String] {
        &self.0
    }
}

#[test]
fn a_synthetic_source_that_is_dead() -> Result<()> {
    let configure = |source: Arc<dyn SyntheticSource>, policy| {
        let mixture = ClassMixture::Share(0.5);
        move || {
            let builder = DataLoader::builder(counted(&[16, 8])).mixture(mixture).synthetic(Arc::clone(&source));
            builder.batch_size(6).error_policy(policy)
        }
    };
    let dead = || Arc::new(Dead(names(2))) as Arc<dyn SyntheticSource>;
    let skipped = outcome(configure(dead(), ErrorPolicy::Skip(ALL)));
    let plan = configure(dead(), ErrorPolicy::Fail)().build()?.plan(1);
    let synthetic = plan.iter().flatten().filter(|slot| matches!(slot.origin, Origin::Synthetic(_))).count();
    assert_eq!((skipped.error, skipped.failures.len()), (None, synthetic));
    assert!(skipped.failures.iter().all(|failure| failure.contains("Synthetic(") && failure.contains("dead")));

    let replaced = outcome(configure(dead(), ErrorPolicy::ReplaceFromSameClass(ALL)));
    assert_eq!((&replaced.error, replaced.failures.len()), (&None, synthetic));
    assert!(replaced.batches.iter().flat_map(|batch| &batch.slots).all(|slot| matches!(slot.origin, Origin::Real(_))));

    let source = Noise { classes: names(2), size: Size::square(4), channels: 1 };
    let alive = outcome(configure(Arc::new(source), ErrorPolicy::Skip(ErrorBudget::Count(0))));
    let real = |outcome: &Outcome| -> Vec<usize> { images(&outcome.batches) };
    assert_eq!(real(&alive).len() + synthetic, plan.iter().flatten().count());
    let skipped = outcome(configure(dead(), ErrorPolicy::Skip(ALL)));
    assert_eq!(real(&skipped), real(&alive));
    assert_eq!(replaced.sizes(), alive.sizes());
    Ok(())
}

#[test]
fn batches_of_which_nothing_is_left_are_left_out() {
    // Images 4 to 7, the second batch, cannot be made; nor can the first one of the first batch and the last of the last.
    let strike = Lambda::new("strike", |image: Image, _| match image.data()[0] {
        0 | 4..=7 | 11 => Err(Fault::Error.strike()),
        _ => Ok(image),
    });
    let configure = |budget| {
        let builder = DataLoader::builder(counted(&[12])).transform(strike.clone()).shuffle(false).batch_size(4);
        builder.error_policy(ErrorPolicy::Skip(budget))
    };
    let skipped = outcome(|| configure(ErrorBudget::Rate(0.5)));
    assert_eq!((skipped.sizes(), skipped.error), (vec![3, 3], None));
    assert_eq!(images(&skipped.batches), [1, 2, 3, 8, 9, 10]);
    assert_eq!(skipped.failures.len(), 6);

    let nothing = Lambda::new("strike", |_, _| Err(Fault::Error.strike()));
    let nothing = outcome(|| {
        let builder = DataLoader::builder(counted(&[12])).transform(nothing.clone()).batch_size(5);
        builder.error_policy(ErrorPolicy::Skip(ALL))
    });
    assert_eq!((nothing.batches.len(), nothing.failures.len(), nothing.error), (0, 12, None));
}

#[test]
fn a_batch_left_out_counts_where_the_run_resumes() -> Result<()> {
    let strike = Lambda::new("strike", |image: Image, _| match image.data()[0] {
        4..=7 => Err(Fault::Error.strike()),
        _ => Ok(image),
    });
    let builder = DataLoader::builder(counted(&[12])).transform(strike).shuffle(false).batch_size(4);
    let loader = builder.error_policy(ErrorPolicy::Skip(ALL)).build()?;
    let mut epoch = loader.epoch(0);
    let whole = common::loader::contents(epoch.by_ref().take(2));
    assert_eq!((images(&whole), epoch.len()), (vec![0, 1, 2, 3, 8, 9, 10, 11], 0));
    assert_eq!(epoch.state().batch, 3);
    assert_eq!(loader.resume(&loader.state())?.len(), 0);
    Ok(())
}

#[test]
fn a_budget_used_up_ends_the_epoch_and_lists_the_cases() -> Result<()> {
    let folder = scratch();
    let cut: Vec<usize> = (2..14).collect();
    let set = jpegs(folder.path(), [8, 8], &cut);
    let run = |policy| {
        outcome(|| {
            DataLoader::builder(set.clone())
                .shuffle(false)
                .batch_size(2)
                .transform(cropped().expect("a size"))
                .error_policy(policy)
        })
    };
    // 25 % of 16 samples are 4: the third batch has the fifth and the sixth.
    for budget in [ErrorBudget::Count(4), ErrorBudget::Count(5), ErrorBudget::Rate(0.25)] {
        let ended = run(ErrorPolicy::Skip(budget));
        assert_eq!((ended.sizes(), ended.failures.len()), (vec![2], 6), "{budget:?}");
        let error = ended.error.expect("the budget is used up");
        assert!(error.contains("6 samples could not be made, more than the "), "{error}");
        for index in 2..8 {
            let line = error.lines().find(|line| line.contains(&format!("{index:02}.jpg"))).expect("it is listed");
            assert!(line.contains("class \"a\"") && line.contains("cut short"), "{line}");
        }
    }
    let ended = run(ErrorPolicy::Skip(ErrorBudget::Count(11)));
    let error = ended.error.expect("the budget is used up");
    assert!(error.contains("12 samples") && error.ends_with("\n  and 2 more"), "{error}");
    assert_eq!(run(ErrorPolicy::Skip(ErrorBudget::Count(12))).error, None);
    assert!(run(ErrorPolicy::ReplaceFromSameClass(ErrorBudget::Count(1))).error.is_some());
    Ok(())
}

#[test]
fn a_rate_allows_the_whole_number_that_it_names() {
    // 0.29 × 100 is a little less than 29 in floating point.
    let strike = Lambda::new("strike", |image: Image, _| match image.data()[0] {
        0..29 => Err(Fault::Error.strike()),
        _ => Ok(image),
    });
    let run = |rate| {
        let budget = ErrorBudget::Rate(rate);
        outcome(|| {
            DataLoader::builder(counted(&[100])).transform(strike.clone()).error_policy(ErrorPolicy::Skip(budget))
        })
    };
    assert_eq!(run(0.29).error, None);
    assert!(run(0.289).error.is_some());
}

#[test]
fn a_class_of_which_nothing_can_be_made_is_named() -> Result<()> {
    let folder = scratch();
    let set = jpegs(folder.path(), [6, 3], &[6, 7, 8]);
    let run = |budget| {
        outcome(|| {
            let builder = DataLoader::builder(set.clone()).transform(cropped().expect("a size")).batch_size(3);
            builder.error_policy(ErrorPolicy::ReplaceFromSameClass(budget))
        })
    };
    let ended = run(ErrorBudget::Count(100));
    assert_eq!(ended.failures.len() % 3, 0, "each of the images was tried: {:?}", ended.failures);
    let error = ended.error.expect("nothing can take the places");
    assert!(error.starts_with("Decode: ") && error.contains("no image of class \"b\""), "{error}");
    assert!(error.contains(".jpg") && error.contains("cut short"), "{error}");
    let ended = run(ErrorBudget::Count(1));
    assert!(ended.error.expect("the budget is used up").contains("more than the 1 that"), "{:?}", ended.failures);
    Ok(())
}

#[test]
fn no_more_images_are_tried_than_the_budget_allows() {
    let strike = Lambda::new("strike", |_, _| Err(Fault::Error.strike()));
    let ended = outcome(|| {
        let builder = DataLoader::builder(counted(&[200])).transform(strike.clone()).batch_size(1);
        builder.error_policy(ErrorPolicy::ReplaceFromSameClass(ErrorBudget::Count(9)))
    });
    assert_eq!(ended.failures.len(), 10);
    assert!(ended.error.is_some_and(|error| error.contains("10 samples could not be made, more than the 9")));
}

#[test]
fn an_error_of_shapes_names_the_image_that_took_the_place() {
    // Image 0 cannot be made; whichever of the two takes its place, the third has another shape.
    let image = |width, value| Image::filled(4, width, &[value]).expect("the sides are positive");
    let images = vec![image(4, 3), image(4, 1), image(4, 1), image(6, 1)];
    let set = InMemory::from_images(images, vec![0; 4], ["one"]).expect("every image has a label");
    let ended = outcome(|| {
        let builder = DataLoader::builder(set.clone()).transform(striking(Fault::Error)).shuffle(false).batch_size(4);
        builder.error_policy(ErrorPolicy::ReplaceFromSameClass(ALL))
    });
    let shapes: Vec<&String> = ended.failures.iter().filter(|failure| failure.contains("one shape")).collect();
    assert!(!shapes.is_empty(), "{:?}", ended.failures);
    for failure in shapes {
        let names = |n| failure.contains(&format!("Real({n})")) && failure.contains(&format!(": image {n} has ("));
        assert!((0..4).any(names) && !failure.contains("but image 0 has"), "{failure}");
    }
}

#[test]
fn the_first_failing_place_is_named() {
    for at in [0, 5, 9] {
        let strike = Lambda::new("strike", move |image: Image, _| {
            if usize::from(image.data()[0]) >= at { Err(Fault::Error.strike()) } else { Ok(image) }
        });
        let ended =
            outcome(|| DataLoader::builder(counted(&[16])).transform(strike.clone()).shuffle(false).batch_size(8));
        let error = ended.error.expect("it fails");
        assert!(error.contains(&format!("image {at},")), "{error}");
        assert!(ended.failures.is_empty());
    }
}

#[test]
fn rates_out_of_range_are_refused() {
    for rate in [-0.1, 1.1, f64::NAN] {
        let builder = DataLoader::builder(counted(&[2])).error_policy(ErrorPolicy::Skip(ErrorBudget::Rate(rate)));
        let error = builder.build().map(|_| ()).expect_err("it is no rate");
        assert!(error.kind() == ErrorKind::Config && error.to_string().contains("from 0 to 1"), "{error}");
    }
}
