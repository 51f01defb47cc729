//! `demo`: the whole way on the embedded digits.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use candle_augment::compare::{Arm, CompareConfig, CompareData, Comparison, Synthetic, Training, rare_half};
use candle_augment::gan::{Budget, GanConfig, GeneratorSource, TrainReport};
use candle_augment::report::write_file;
use candle_augment::{Balance, Batch, ClassMixture, Color, DataLoader, Dataset, Mixture, Origin, Result, Size, digits};
use candle_core::DType;
use serde::Serialize;

use super::classic::{Classic, ClassicArgs};
use super::common::Common;
use super::pictures::{self, ContactSheet, SampleGrid};
use super::training;
use super::{compare, data, output};

/// Images that a rare class keeps.
const RARE: usize = 8;
/// The share of each class that is held out.
const HELD_OUT: f64 = 0.3;
const SHOWN: usize = 10;
/// The synthetic share of the rare classes.
const SHARE: f64 = 0.3;
/// Samples of each class in the batch that is drawn.
const PER_CLASS_IN_BATCH: usize = 8;

/// Run the whole way on embedded digits, in a minute or less
///
/// Takes 1,797 real handwritten digits of 8×8 pixels, holds out 30 % of them, and leaves every second class only 8 images of the
/// rest. Trains a conditional GAN on what is left, streams balanced batches of real and synthetic samples, and measures what
/// classic transforms and synthetic samples do for a classifier on the images held out.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment demo
  candle-augment demo --out /tmp/demo --seed 1 --json")]
pub struct Args {
    /// The folder to write into; made if it does not exist
    #[arg(long, value_name = "DIR", default_value = "candle-augment-demo")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Report {
    folder: PathBuf,
    seed: u64,
    transforms: String,
    gan: GanSummary,
    epoch: EpochSummary,
    comparison: Comparison,
    seconds: f64,
}

#[derive(Serialize)]
struct GanSummary {
    steps: u64,
    seconds: f64,
    last: Option<TrainReport>,
}

/// One epoch of mixed batches.
#[derive(Serialize)]
struct EpochSummary {
    batches: usize,
    samples: usize,
    synthetic: usize,
    samples_per_second: f64,
    /// The fewest and the most samples of a class in a full batch.
    per_class_in_batch: (usize, usize),
}

/// How much work the demo is.
struct Scale {
    gan_steps: u64,
    classifier_steps: usize,
    seeds: usize,
}

/// Half a minute on two cores.
const FULL: Scale = Scale { gan_steps: 1500, classifier_steps: 400, seeds: 5 };

pub fn run(args: &Args) -> Result<()> {
    output::check_folder(&args.out, output::OUT)?;
    FILES.iter().try_for_each(|(name, _)| output::check_not_folder(&args.out.join(name)))?;
    output::print(&run_at(&FULL, args)?, args.common.json)
}

fn run_at(scale: &Scale, args: &Args) -> Result<Report> {
    let started = Instant::now();
    let demo = Demo::new(args)?;
    let (source, reports, gan) = demo.train_gan(scale.gan_steps)?;
    let source = Arc::new(source);
    demo.draw_samples(&source)?;
    demo.draw_augmentations()?;
    training::curves(&reports, "Training the GAN").save_png(demo.file("training.png"))?;
    let epoch = demo.stream(&source)?;
    let comparison = demo.compare(&source, scale)?;
    let report = Report {
        folder: args.out.clone(),
        seed: args.common.seed,
        transforms: demo.classic.to_string(),
        gan,
        epoch,
        comparison,
        seconds: started.elapsed().as_secs_f64(),
    };
    write_file(demo.file("result.json"), output::to_json(&report)?.as_bytes())?;
    Ok(report)
}

/// What the stages share.
struct Demo<'a> {
    out: &'a Path,
    common: &'a Common,
    data: CompareData,
    classic: Classic,
}

impl<'a> Demo<'a> {
    fn new(args: &'a Args) -> Result<Self> {
        let seed = args.common.seed;
        let split = CompareData::split(Arc::new(digits()?), HELD_OUT, seed)?;
        let train: Arc<dyn Dataset> = Arc::new(rare_half(Arc::clone(split.train()), RARE, seed)?);
        let read = |set| data::read(set, 8, Color::AsStored, args.common.workers());
        let data = CompareData::new(read(&train)?, read(split.held_out())?)?;
        Ok(Self { out: &args.out, common: &args.common, data, classic: ClassicArgs::default().full(1) })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    fn train_gan(&self, steps: u64) -> Result<(GeneratorSource, Vec<TrainReport>, GanSummary)> {
        let set = self.data.train();
        let seed = self.common.seed;
        let config = GanConfig { seed, ..GanConfig::new(8, 1, set.classes()).for_images(set.len()) };
        let transform = ClassicArgs::default().light(1).transform()?;
        let started = Instant::now();
        let (supervisor, reports) =
            training::train_new(config, set, transform, Budget::Steps(steps), self.common.workers())?;
        let seconds = started.elapsed().as_secs_f64();
        supervisor.save(self.file("gan.safetensors"))?;
        let steps = supervisor.trainer().steps();
        let summary = GanSummary { steps, seconds, last: reports.last().copied() };
        Ok((training::best(&supervisor)?, reports, summary))
    }

    fn draw_samples(&self, source: &GeneratorSource) -> Result<()> {
        let counts = self.data.train().class_counts();
        let title = format!("Synthetic digits after {} steps", source.step());
        let classes: Vec<_> = (0..counts.len()).collect();
        let grid = SampleGrid { title: &title, classes: &classes, per_class: SHOWN, seed: self.common.seed };
        grid.render(source, |class| format!("{} real images", counts[class]))?.save_png(self.file("samples.png"))
    }

    fn draw_augmentations(&self) -> Result<()> {
        let note = self.classic.to_string();
        let sheet =
            ContactSheet { title: "Classic transforms", note: &note, rows: SHOWN, draws: 7, seed: self.common.seed };
        let picture = sheet.render(&**self.data.train(), &self.classic.transform()?)?;
        picture.save_png(self.file("augmentations.png"))
    }

    /// Streams one epoch of mixed batches, and draws the first of them.
    fn stream(&self, source: &Arc<GeneratorSource>) -> Result<EpochSummary> {
        let classes = self.data.train().classes().len();
        let loader = DataLoader::builder(Arc::clone(self.data.train()))
            .transform(self.classic.transform()?)
            .batch_size(PER_CLASS_IN_BATCH * classes)
            .balance(Balance::Uniform)
            .mixture(self.mixture())
            .synthetic(Arc::clone(source))
            .dtype(DType::U8)
            .workers(self.common.workers())
            .seed(self.common.seed)
            .build()?;
        let started = Instant::now();
        let batches = loader.epoch(0).collect::<Result<Vec<_>>>()?;
        let seconds = started.elapsed().as_secs_f64();
        let first = &batches[0];
        let title = format!("One batch of {} samples, {} of each class", first.len(), PER_CLASS_IN_BATCH);
        pictures::batch(first, loader.classes(), &title)?.save_png(self.file("batch.png"))?;
        Ok(EpochSummary::of(&batches, classes, seconds))
    }

    /// Synthetic samples join the rare classes only: the common ones have images enough.
    fn mixture(&self) -> Mixture {
        let train = self.data.train();
        let counts = train.class_counts().into_iter();
        let rare = train.classes().iter().zip(counts).filter(|(_, count)| *count <= RARE);
        Mixture::PerClass(rare.map(|(name, _)| (name.clone(), ClassMixture::Share(SHARE))).collect())
    }

    fn compare(&self, source: &Arc<GeneratorSource>, scale: &Scale) -> Result<Comparison> {
        let training = Training {
            seed: self.common.seed,
            steps: scale.classifier_steps,
            workers: self.common.workers(),
            ..Training::new(Size::square(8))
        };
        // One rate for all: to choose one for each would take as long as the rest.
        let config = CompareConfig { learning_rates: vec![training.learning_rate], training, seeds: scale.seeds };
        let classic = Arm::classic(Arc::new(self.classic.transform()?));
        let gan = Synthetic::new(Arc::clone(source) as _, self.mixture());
        let arms = [Arm::oversampling(), classic.clone(), classic.with_synthetic("gan+classic", gan)];
        compare::run_arms(config, &self.data, &arms)
    }
}

impl EpochSummary {
    fn of(batches: &[Batch], classes: usize, seconds: f64) -> Self {
        let samples: usize = batches.iter().map(Batch::len).sum();
        let is_synthetic = |origin| matches!(origin, Origin::Synthetic(_));
        let synthetic = batches.iter().flat_map(|batch| &batch.slots).filter(|slot| is_synthetic(slot.origin)).count();
        let full = batches.iter().map(Batch::len).max().unwrap_or(0);
        let mut per_class_in_batch = (usize::MAX, 0);
        for batch in batches.iter().filter(|batch| batch.len() == full) {
            for class in 0..classes {
                let count = batch.slots.iter().filter(|slot| slot.label as usize == class).count();
                per_class_in_batch = (per_class_in_batch.0.min(count), per_class_in_batch.1.max(count));
            }
        }
        let samples_per_second = samples as f64 / seconds;
        Self { batches: batches.len(), samples, synthetic, samples_per_second, per_class_in_batch }
    }
}

const HOW_TO_READ: &str = "\
How to read it: all three saw every digit equally often. \"oversampling\" repeats the few images of
the rare digits (those with synthetic samples in the table), \"classic\" varies them by transforms, and
\"gan+classic\" replaces some of the repeats by samples of the GAN. Look at the difference to
classic: where its interval holds 0, this run does not show that the samples help.";

/// What each file shows.
const FILES: [(&str, &str); 6] = [
    ("samples.png", "what the GAN makes of each digit, a row per label, with the real images that it had of it"),
    ("augmentations.png", "what the classic transforms do: the original, then draws with what was drawn"),
    ("batch.png", "one balanced batch; framed samples are synthetic"),
    ("training.png", "the losses of both networks, and how well the discriminator tells real from synthetic"),
    ("result.json", "every figure of this run"),
    ("gan.safetensors", "the trained GAN; draw more with `candle-augment sample`"),
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, gan, epoch, comparison, transforms, seconds, .. } = self;
        let (train, held_out) = (comparison.train_images, comparison.held_out_images);
        writeln!(
            f,
            "Data     1,797 handwritten digits of 8×8 pixels; {held_out} are held out, every second digit keeps {RARE} of the rest"
        )?;
        writeln!(f, "GAN      {} steps on the {train} training images in {:.0} s", gan.steps, gan.seconds)?;
        writeln!(f, "Batches  {epoch}")?;
        writeln!(f, "Classic  {transforms}")?;
        writeln!(f, "\nThe same classifier trained three ways. {comparison}\n{HOW_TO_READ}\n")?;
        writeln!(f, "Files in {} ({seconds:.0} s in all):\n", folder.display())?;
        let width = FILES.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, what) in FILES {
            writeln!(f, "  {name:<width$}  {what}")?;
        }
        Ok(())
    }
}

impl fmt::Display for EpochSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { batches, samples, synthetic, samples_per_second, per_class_in_batch: (fewest, most) } = self;
        let each = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
        write!(
            f,
            "{samples} samples in {batches} batches, {each} of each digit in every full one, {synthetic} synthetic in all; "
        )?;
        write!(f, "{samples_per_second:.0} a second")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn run_small(seed: &str) -> (tempfile::TempDir, Report) {
        let folder = tempfile::tempdir().unwrap();
        let mut line = Line::parse_from(["demo", "--seed", seed]);
        line.args.out = folder.path().into();
        let scale = Scale { gan_steps: 5, classifier_steps: 5, seeds: 2 };
        let report = run_at(&scale, &line.args).unwrap();
        (folder, report)
    }

    #[test]
    fn every_file_is_written_and_explained() {
        let (folder, report) = run_small("0");
        let mut found: Vec<_> = folder.path().read_dir().unwrap().map(|file| file.unwrap().file_name()).collect();
        let mut named = FILES.map(|(name, _)| std::ffi::OsString::from(name));
        found.sort();
        named.sort();
        assert_eq!(found, named);
        assert_eq!(report.comparison.classes[1].train_images, RARE);
        assert_eq!(report.epoch.per_class_in_batch, (PER_CLASS_IN_BATCH, PER_CLASS_IN_BATCH));
        assert!(report.epoch.synthetic > 0);
        let written = std::fs::read_to_string(folder.path().join("result.json")).unwrap();
        assert_eq!(written, output::to_json(&report).unwrap());
        for (name, _) in FILES {
            assert!(report.to_string().contains(name), "{name}");
        }
    }

    #[test]
    fn one_seed_gives_one_result() {
        let pictures = |folder: &tempfile::TempDir| {
            ["samples.png", "augmentations.png", "batch.png", "training.png", "gan.safetensors"]
                .map(|name| std::fs::read(folder.path().join(name)).unwrap())
        };
        let (first, second, other) = (run_small("1").0, run_small("1").0, run_small("2").0);
        assert!(pictures(&first) == pictures(&second));
        let (first, other) = (pictures(&first), pictures(&other));
        assert!(first.iter().zip(&other).all(|(a, b)| a != b));
    }
}
