//! The loader's counts are exact, and its times name what was made slow.

mod common;

use std::thread::sleep;
use std::time::Duration;

use candle_augment::{
    Balance, Cache, ClassMixture, DataLoader, Dataset, Image, InMemory, Lambda, Mixture, Origin, Result, Size, Stage,
    Statistics, SyntheticRequest, SyntheticSource,
};
use common::loader::{Counting, Noise, contents, counted, names};

/// Long beside everything that a loader does to tiny images.
const LONG: Duration = Duration::from_millis(8);

fn noise(classes: usize) -> Noise {
    Noise { classes: names(classes), size: Size::square(4), channels: 1 }
}

#[test]
fn counts_are_those_of_the_plan_and_sum_up_over_epochs() -> Result<()> {
    for workers in [0, 2] {
        let loader = DataLoader::builder(counted(&[40, 9, 3]))
            .synthetic(noise(3))
            .mixture(Mixture::All(ClassMixture::FillTo(20)))
            .balance(Balance::Uniform)
            .batch_size(7)
            .workers(workers)
            .build()?;
        let mut sum = [[0; 3]; 3];
        let mut batches = 0;
        for number in 0..3 {
            let mut epoch = loader.epoch(number);
            batches += contents(epoch.by_ref()).len() as u64;
            let statistics = epoch.statistics();
            let mut seen = std::collections::BTreeSet::new();
            let mut expected = [[0; 3]; 3];
            for slot in loader.plan(number).iter().flatten() {
                let [real, synthetic, repeated] = &mut expected[slot.label as usize];
                match slot.origin {
                    Origin::Real(index) => {
                        *real += 1;
                        *repeated += u64::from(!seen.insert(index));
                    }
                    Origin::Synthetic(_) => *synthetic += 1,
                }
            }
            assert_eq!(by_class(&statistics), expected, "{workers} workers");
            assert_eq!((statistics.epochs, statistics.batches), (1, epoch_batches(&loader)));
            sum.iter_mut().flatten().zip(expected.iter().flatten()).for_each(|(sum, count)| *sum += count);
            drop(epoch);
        }
        let statistics = loader.statistics();
        assert_eq!(by_class(&statistics), sum);
        assert!(sum.iter().flatten().filter(|count| **count > 0).count() >= 7, "all kinds are there: {sum:?}");
        assert_eq!((statistics.epochs, statistics.batches, statistics.workers), (3, batches, workers));
        assert_eq!(statistics.samples, sum.iter().map(|[real, synthetic, _]| real + synthetic).sum::<u64>());
        assert_eq!((statistics.failures, statistics.queued), (0, 0));
        assert!(statistics.classes.iter().zip(names(3)).all(|(class, name)| class.name == name && class.failed == 0));
    }
    Ok(())
}

fn by_class(statistics: &Statistics) -> [[u64; 3]; 3] {
    let counts: Vec<_> = statistics.classes.iter().map(|class| [class.real, class.synthetic, class.repeated]).collect();
    counts.try_into().expect("there are three classes")
}

fn epoch_batches(loader: &DataLoader) -> u64 {
    loader.batches_per_epoch() as u64
}

#[test]
fn only_what_was_handed_out_counts() -> Result<()> {
    let loader = DataLoader::builder(counted(&[40])).batch_size(8).workers(2).build()?;
    assert_eq!((loader.statistics().epochs, loader.statistics().samples), (0, 0));
    let mut epoch = loader.epoch(0);
    for taken in 1..=3 {
        epoch.next().expect("there are five")?;
        for statistics in [epoch.statistics(), loader.statistics()] {
            assert_eq!((statistics.epochs, statistics.batches, statistics.samples), (1, taken, 8 * taken));
        }
    }
    drop(epoch);
    let dropped = loader.statistics();
    assert_eq!((dropped.epochs, dropped.batches, dropped.queued), (1, 3, 0));
    assert_eq!(contents(loader.epoch(1)).len(), 5);
    assert_eq!((loader.statistics().epochs, loader.statistics().batches), (2, 8));
    Ok(())
}

#[test]
fn they_go_to_machines_and_back() -> Result<()> {
    let loader = DataLoader::builder(counted(&[10, 5])).cache(Cache::decoded(1 << 20)).build()?;
    contents(loader.epoch(0).chain(loader.epoch(1)));
    let statistics = loader.statistics();
    let json = serde_json::to_value(&statistics).expect("they are plain data");
    assert_eq!((&json["samples"], &json["classes"][1]["real"]), (&30.into(), &10.into()));
    assert_eq!(serde_json::from_value::<Statistics>(json).expect("it was written just now"), statistics);
    Ok(())
}

#[test]
fn the_table_tells_each_thing_in_its_line() -> Result<()> {
    let loader = DataLoader::builder(Counting::new(counted(&[30, 6, 2, 2, 2]), Duration::from_micros(300)).0)
        .cache(Cache::decoded(1 << 20))
        .synthetic(noise(5))
        .mixture(ClassMixture::Share(0.25))
        .workers(1)
        .batch_size(6)
        .build()?;
    contents(loader.epoch(0).chain(loader.epoch(1)));
    let table = loader.statistics().to_string();
    let line = |start: &str| {
        table.lines().find(|line| line.trim_start().starts_with(start)).unwrap_or_else(|| panic!("{start}: {table}"))
    };
    assert!(line("").contains(" batches, ") && line("").contains(" samples/s; of the worker's time:"), "{table}");
    for stage in ["decode", "transform", "generate", "collate", "idle"] {
        assert!(line(stage).ends_with(" %") && line(stage).contains(" s "), "{table}");
    }
    assert!(line("The training loop waited").ends_with("finished batches on average."), "{table}");
    assert!(line("The cache had 50 % of").ends_with(" images."), "{table}");
    assert!(line("class ").ends_with("failed") && line("class 1").split_whitespace().count() == 6, "{table}");
    assert!(line("2 others").split_whitespace().count() == 6, "{table}");
    assert!(table.lines().last().is_some_and(|last| last.starts_with("Bottleneck: ")), "{table}");
    Ok(())
}

/// A source that takes long.
struct Slow(Noise);

impl SyntheticSource for Slow {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        sleep(LONG * requests.len() as u32);
        self.0.generate(requests)
    }

    fn classes(&self) -> &[String] {
        self.0.classes()
    }
}

fn slow_transform() -> Lambda {
    Lambda::new("slow", |image, _| {
        sleep(LONG);
        Ok(image)
    })
}

fn images() -> InMemory {
    counted(&[8, 8])
}

/// The statistics of an epoch, after each batch of which the training loop takes `pause`.
fn statistics(builder: candle_augment::DataLoaderBuilder, pause: Duration) -> Result<Statistics> {
    let loader = builder.batch_size(4).build()?;
    for batch in loader.epoch(0) {
        batch?;
        sleep(pause);
    }
    Ok(loader.statistics())
}

#[track_caller]
fn assert_slow(statistics: &Statistics, stage: Stage) {
    assert_eq!(statistics.bottleneck(), Some(stage), "{statistics}");
    let others = statistics.stages.work() - statistics.stages.of(stage);
    assert!(statistics.stages.of(stage) > others, "{statistics}");
}

#[test]
fn the_bottleneck_is_what_was_made_slow() -> Result<()> {
    let none = Duration::ZERO;
    for workers in [0, 1, 2] {
        let slow = Counting::new(images(), LONG).0;
        assert_slow(&statistics(DataLoader::builder(slow).workers(workers), none)?, Stage::Decode);
        let transform = DataLoader::builder(images()).transform(slow_transform()).workers(workers);
        assert_slow(&statistics(transform, none)?, Stage::Transform);
        let generate = DataLoader::builder(images()).mixture(ClassMixture::Share(0.5)).synthetic(Slow(noise(2)));
        assert_slow(&statistics(generate.workers(workers), none)?, Stage::Generate);
    }
    Ok(())
}

#[test]
fn a_slow_training_loop_is_the_bottleneck() -> Result<()> {
    let slow = statistics(DataLoader::builder(counted(&[40])).workers(1).prefetch(1), 2 * LONG)?;
    assert_eq!(slow.bottleneck(), Some(Stage::WaitForConsumer), "{slow}");
    assert!(slow.stages.wait_for_consumer > slow.seconds / 4.0, "{slow}");
    assert!(slow.mean_queued > 0.5, "{slow}");
    Ok(())
}

#[test]
fn files_are_read_and_then_decoded() -> Result<()> {
    let root = common::data::scratch();
    for index in 0..6 {
        let image = common::data::gradient(200, 200, 3);
        common::data::put(root.path(), &format!("a/{index}.png"), &common::data::png(image));
    }
    let set = candle_augment::ImageFolder::open(root.path())?;
    assert_eq!(set.len(), 6);
    let found = statistics(DataLoader::builder(set).workers(1), Duration::ZERO)?;
    assert!(found.stages.read > 0.0 && found.stages.decode > 0.0, "{found}");
    Ok(())
}
