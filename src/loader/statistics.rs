//! What a loader did and where its time went.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The training loop is the slower part where it waits for batches in less than this share of the time.
const WAITS_LITTLE: f64 = 0.1;
/// The workers lack work where they stand idle for more than this share of the time, although the training loop waits.
const IDLE_MUCH: f64 = 0.5;
/// The most lines on classes in a table.
const CLASS_LINES: usize = 4;
/// The most characters of a class's name in a table.
const NAME_WIDTH: usize = 20;

/// Something that takes a loader's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// Workers read files.
    Read,
    /// Workers decode images, or fetch them from a data set that gives pixels.
    Decode,
    /// Workers draw operations and apply them, to the normalised pixels in the batch.
    Transform,
    /// Workers wait for the synthetic source.
    Generate,
    /// Workers finish batches: memory for the pixels, mixing of samples, tensors, transfer to the device.
    Collate,
    /// No further batch is begun, because as many finished ones wait to be taken as may.
    WaitForConsumer,
    /// The training loop waits for a batch.
    WaitForWorkers,
}

impl Stage {
    pub(super) const COUNT: usize = 7;

    /// What workers do.
    const WORK: [Self; 5] = [Self::Read, Self::Decode, Self::Transform, Self::Generate, Self::Collate];

    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Decode => "decode",
            Self::Transform => "transform",
            Self::Generate => "generate",
            Self::Collate => "collate",
            Self::WaitForConsumer => "wait for consumer",
            Self::WaitForWorkers => "wait for workers",
        }
    }

    /// What makes it faster.
    fn remedy(self) -> &'static str {
        match self {
            Self::Read => "add a Cache, or put the files on a faster disk",
            Self::Decode => "add a Cache or workers, or store smaller images",
            Self::Transform => "add workers, or shrink the images first",
            Self::Generate => "ask for fewer synthetic samples, or use a faster device",
            Self::Collate => "add workers, or ask for u8 batches",
            Self::WaitForConsumer | Self::WaitForWorkers => "nothing to do",
        }
    }
}

/// Seconds that each [`Stage`] took, summed over the threads that were at it: two workers that decode for a second take
/// two seconds. Wall-clock time, so threads that share a core take longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageTimes {
    /// [`Stage::Read`].
    pub read: f64,
    /// [`Stage::Decode`].
    pub decode: f64,
    /// [`Stage::Transform`].
    pub transform: f64,
    /// [`Stage::Generate`].
    pub generate: f64,
    /// [`Stage::Collate`].
    pub collate: f64,
    /// [`Stage::WaitForConsumer`].
    pub wait_for_consumer: f64,
    /// [`Stage::WaitForWorkers`]. Without workers this is all the work, done by the training loop's own thread.
    pub wait_for_workers: f64,
}

impl StageTimes {
    /// From seconds in the order of [`Stage`].
    pub(super) fn from_seconds(seconds: [f64; Stage::COUNT]) -> Self {
        let [read, decode, transform, generate, collate, wait_for_consumer, wait_for_workers] = seconds;
        Self { read, decode, transform, generate, collate, wait_for_consumer, wait_for_workers }
    }

    fn seconds(self) -> [f64; Stage::COUNT] {
        let Self { read, decode, transform, generate, collate, wait_for_consumer, wait_for_workers } = self;
        [read, decode, transform, generate, collate, wait_for_consumer, wait_for_workers]
    }

    /// The seconds of `stage`.
    #[must_use]
    pub fn of(&self, stage: Stage) -> f64 {
        self.seconds()[stage as usize]
    }

    /// The seconds of the workers: all but the two waits.
    #[must_use]
    pub fn work(&self) -> f64 {
        Stage::WORK.iter().map(|stage| self.of(*stage)).sum()
    }
}

/// How many samples of a class were delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassStatistics {
    /// The name of the class.
    pub name: String,
    /// Samples made of images of the data set.
    pub real: u64,
    /// Synthetic samples.
    pub synthetic: u64,
    /// The real ones among them whose image was delivered before in the same epoch, or since it was resumed.
    pub repeated: u64,
    /// Samples that failed.
    pub failed: u64,
}

/// What a loader, or one epoch of it, did so far, and where its time went.
///
/// Its `Display` form is a short table that names the bottleneck; serde gives it to machines. Times are in seconds.
/// Samples and batches count when they are handed out, work counts when it is done, also where its batch was never
/// taken.
///
/// ```
/// use candle_augment::{DataLoader, digits};
///
/// let loader = DataLoader::builder(digits()?).batch_size(50).build()?;
/// let mut epoch = loader.epoch(0);
/// epoch.next().expect("the set has images")?;
/// let statistics = epoch.statistics();
/// assert_eq!((statistics.batches, statistics.samples), (1, 50));
/// println!("{statistics}");
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Statistics {
    /// The epochs that these numbers are of, those under way too.
    pub epochs: u64,
    /// The worker threads; 0 where the training loop's thread does the work.
    pub workers: usize,
    /// The seconds from the beginning of an epoch to its end, or until now: the loader's work and the training loop's;
    /// summed over the epochs.
    pub seconds: f64,
    /// The batches delivered.
    pub batches: u64,
    /// The samples in them.
    pub samples: u64,
    /// The samples that failed.
    pub failures: u64,
    /// Where the time went.
    pub stages: StageTimes,
    /// Finished batches that wait to be taken now.
    pub queued: u64,
    /// Finished batches that the training loop found when it asked for one, on average.
    pub mean_queued: f64,
    /// Images that came from the [`Cache`](crate::Cache).
    pub cache_hits: u64,
    /// Images that were not in the cache; 0 without a cache.
    pub cache_misses: u64,
    /// The samples by class, in the order of the labels.
    pub classes: Vec<ClassStatistics>,
}

impl Statistics {
    /// Samples delivered in a second of [`Statistics::seconds`]; 0 if no time has passed.
    #[must_use]
    pub fn samples_per_second(&self) -> f64 {
        ratio(self.samples as f64, self.seconds)
    }

    /// What limits the speed: the work that takes the workers the longest time, or [`Stage::WaitForConsumer`] where the
    /// training loop is the slower part, which waits for batches in less than a tenth of the time. None before the
    /// first batch.
    #[must_use]
    pub fn bottleneck(&self) -> Option<Stage> {
        if self.batches == 0 {
            None
        } else if self.wait_share() < WAITS_LITTLE {
            Some(Stage::WaitForConsumer)
        } else {
            Stage::WORK.into_iter().max_by(|a, b| self.stages.of(*a).total_cmp(&self.stages.of(*b)))
        }
    }

    /// Adds what `other`, of the same loader, counted.
    pub(super) fn add(&mut self, other: &Self) {
        let batches = (self.batches + other.batches) as f64;
        let found = self.mean_queued * self.batches as f64 + other.mean_queued * other.batches as f64;
        self.mean_queued = ratio(found, batches);
        self.epochs += other.epochs;
        self.seconds += other.seconds;
        self.batches += other.batches;
        self.samples += other.samples;
        self.failures += other.failures;
        let [ours, theirs] = [self.stages.seconds(), other.stages.seconds()];
        self.stages = StageTimes::from_seconds(std::array::from_fn(|stage| ours[stage] + theirs[stage]));
        self.queued += other.queued;
        self.cache_hits += other.cache_hits;
        self.cache_misses += other.cache_misses;
        for (ours, theirs) in self.classes.iter_mut().zip(&other.classes) {
            ours.add(theirs);
        }
    }

    /// The seconds that the workers had.
    fn workers_seconds(&self) -> f64 {
        self.seconds * self.workers.max(1) as f64
    }

    /// The share of the workers' time.
    fn share(&self, seconds: f64) -> f64 {
        ratio(seconds, self.workers_seconds())
    }

    fn idle_seconds(&self) -> f64 {
        (self.workers_seconds() - self.stages.work()).max(0.0)
    }

    /// The share of the time in which the training loop waits.
    fn wait_share(&self) -> f64 {
        ratio(self.stages.wait_for_workers, self.seconds)
    }

    /// The bottleneck in plain words, with what to do.
    fn verdict(&self) -> String {
        let idle = self.share(self.idle_seconds());
        match self.bottleneck() {
            None => "no batch was taken yet".to_owned(),
            Some(Stage::WaitForConsumer) => "the training loop is the slower part".to_owned(),
            Some(_) if self.workers > 0 && idle > IDLE_MUCH => format!(
                "the workers are idle {:.0} % of the time, although the training loop waits: prefetch more batches",
                100.0 * idle
            ),
            Some(stage) => format!(
                "{} takes {:.0} % of {}: {}",
                stage.name(),
                100.0 * self.share(self.stages.of(stage)),
                self.whose_time(),
                stage.remedy()
            ),
        }
    }

    fn whose_time(&self) -> String {
        match self.workers {
            0 => "the training loop's time".to_owned(),
            1 => "the worker's time".to_owned(),
            workers => format!("the {workers} workers' time"),
        }
    }

    fn write_stages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, seconds: f64| {
            writeln!(f, "  {name:<9} {seconds:>9.2} s {:>4.0} %", 100.0 * self.share(seconds))
        };
        for stage in Stage::WORK {
            if self.stages.of(stage) > 0.0 {
                line(stage.name(), self.stages.of(stage))?;
            }
        }
        if self.workers > 0 { line("idle", self.idle_seconds()) } else { Ok(()) }
    }

    fn write_classes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, rest) = match self.classes.len() {
            0..=CLASS_LINES => (&self.classes[..], None),
            _ => {
                let (shown, others) = self.classes.split_at(CLASS_LINES - 1);
                let name = format!("{} others", others.len());
                let mut rest = ClassStatistics { name, ..ClassStatistics::default() };
                others.iter().for_each(|class| rest.add(class));
                (shown, Some(rest))
            }
        };
        writeln!(f, "  {:<NAME_WIDTH$} {:>9} {:>9} {:>9} {:>7}", "class", "real", "synthetic", "repeated", "failed")?;
        for ClassStatistics { name, real, synthetic, repeated, failed } in shown.iter().chain(&rest) {
            writeln!(f, "  {name:<NAME_WIDTH$.NAME_WIDTH$} {real:>9} {synthetic:>9} {repeated:>9} {failed:>7}")?;
        }
        Ok(())
    }
}

impl ClassStatistics {
    fn add(&mut self, other: &Self) {
        self.real += other.real;
        self.synthetic += other.synthetic;
        self.repeated += other.repeated;
        self.failed += other.failed;
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { samples, batches, seconds, .. } = self;
        let (rate, whose) = (self.samples_per_second(), self.whose_time());
        writeln!(f, "{samples} samples, {batches} batches, {seconds:.2} s: {rate:.0} samples/s; of {whose}:")?;
        self.write_stages(f)?;
        let (waited, share) = (self.stages.wait_for_workers, 100.0 * self.wait_share());
        write!(f, "The training loop waited {waited:.2} s ({share:.0} %), ")?;
        writeln!(f, "and found {:.1} finished batches on average.", self.mean_queued)?;
        let looked_up = self.cache_hits + self.cache_misses;
        if looked_up > 0 {
            let share = 100.0 * ratio(self.cache_hits as f64, looked_up as f64);
            writeln!(f, "The cache had {share:.0} % of {looked_up} images.")?;
        }
        self.write_classes(f)?;
        write!(f, "Bottleneck: {}.", self.verdict())
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str) -> ClassStatistics {
        ClassStatistics { name: name.to_owned(), real: 30, synthetic: 10, repeated: 5, failed: 1 }
    }

    /// Ten seconds of two workers, for most of which they decode.
    fn slow_decoding(classes: usize) -> Statistics {
        Statistics {
            epochs: 1,
            workers: 2,
            seconds: 10.0,
            batches: 8,
            samples: 200,
            failures: 1,
            stages: StageTimes::from_seconds([1.0, 12.4, 3.0, 0.5, 0.1, 0.0, 9.0]),
            queued: 1,
            mean_queued: 0.25,
            cache_hits: 40,
            cache_misses: 60,
            classes: (0..classes).map(|label| class(&format!("class {label}"))).collect(),
        }
    }

    #[test]
    fn the_table_names_the_bottleneck_in_at_most_15_lines() {
        for classes in [0, 1, 4, 5, 1000] {
            let table = slow_decoding(classes).to_string();
            let lines: Vec<&str> = table.lines().collect();
            assert!(lines.len() <= 15, "{table}");
            assert!(lines.iter().all(|line| line.chars().count() <= 120), "{table}");
            assert!(table.contains("20 samples/s"), "{table}");
            let last = "Bottleneck: decode takes 62 % of the 2 workers' time: add a Cache or workers, or store smaller images.";
            assert_eq!(lines.last(), Some(&last), "{table}");
        }
        let table = slow_decoding(1000).to_string();
        let others: Vec<&str> = table.lines().find(|line| line.contains("997 others")).unwrap().split(' ').collect();
        assert!(others.contains(&"29910") && others.contains(&"9970") && others.contains(&"4985"), "{table}");
    }

    #[test]
    fn a_slow_training_loop_and_idle_workers_are_told() {
        let mut statistics = slow_decoding(2);
        statistics.stages.wait_for_workers = 0.5;
        assert_eq!(statistics.bottleneck(), Some(Stage::WaitForConsumer));
        assert!(statistics.to_string().contains("the training loop is the slower part"));
        statistics.stages.wait_for_workers = 5.0;
        statistics.stages.decode = 2.0;
        assert!(statistics.to_string().contains("the workers are idle 67 % of the time"), "{statistics}");
        assert_eq!(Statistics::default().bottleneck(), None);
        assert!(Statistics::default().to_string().contains("no batch was taken yet"));
    }

    #[test]
    fn sums_are_of_all_epochs() {
        let mut sum = slow_decoding(2);
        sum.add(&Statistics { batches: 24, mean_queued: 1.25, ..slow_decoding(2) });
        assert_eq!((sum.epochs, sum.workers, sum.batches, sum.samples, sum.failures), (2, 2, 32, 400, 2));
        assert_eq!((sum.seconds, sum.queued, sum.mean_queued), (20.0, 2, 1.0));
        assert_eq!((sum.cache_hits, sum.cache_misses), (80, 120));
        assert_eq!(sum.stages.seconds(), slow_decoding(2).stages.seconds().map(|seconds| 2.0 * seconds));
        let class = ClassStatistics { real: 60, synthetic: 20, repeated: 10, failed: 2, ..class("class 0") };
        assert_eq!(sum.classes[0], class);
    }

    #[test]
    fn they_come_back_from_json() {
        let statistics = slow_decoding(3);
        let json = serde_json::to_string(&statistics).unwrap();
        assert!(json.contains(r#""wait_for_workers":9.0"#), "{json}");
        assert_eq!(serde_json::from_str::<Statistics>(&json).unwrap(), statistics);
    }
}
