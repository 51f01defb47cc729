//! `sample`: samples of a trained GAN as a picture or a data set, and a judgement on them.

use std::fmt;
use std::path::{Path, PathBuf};

use candle_augment::gan::GeneratorSource;
use candle_augment::{Error, Result, SyntheticSource};
use serde::Serialize;

use super::common::Common;
use super::device::DeviceKind;
use super::export::{Export, Layout};
use super::judge::{self, Agreement};
use super::pictures::SampleGrid;
use super::words::count;
use super::{new_folder, output};

/// The most samples of a class that a picture shows.
const MOST_SHOWN: u32 = 100;

/// Draw samples from a trained GAN: a picture of them, or a data set to train with elsewhere
///
/// A picture has a row per class. A data set is a new folder, of any number of samples: --format folder makes a folder of PNG files for
/// each class; --format npy makes images.npy (N, H, W, C), u8, and labels.npy (N), class by class, with the classes' names in
/// classes.json. Both are DATA to candle-augment.
///
/// A class's sample of a number depends on the checkpoint, the seed and the truncation alone, not on how many are drawn.
///
/// With --judge, a classifier trained on real images also says how many samples look like the class that they were made for.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment sample gan.safetensors --out grid.png
  candle-augment sample gan.safetensors --out sevens.png --class 7 --per-class 20
  candle-augment sample gan.safetensors --format folder --out synthetic --per-class 5000
  candle-augment sample gan.safetensors --judge mnist --judge-samples 1000")]
pub struct Args {
    /// The checkpoint that `train` wrote
    checkpoint: PathBuf,
    /// The picture to write, a .png, or the new folder [default: grid.png, or samples]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// A picture, a folder of images for each class, or NumPy's arrays
    #[arg(long, value_name = "FORMAT", default_value = "png")]
    format: Format,
    /// Samples of each class, at most 100 in a picture [default: 10 in a picture, else 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    per_class: Option<u32>,
    /// Only this class; may be given several times
    #[arg(long = "class", value_name = "NAME")]
    classes: Vec<String>,
    /// Keep the noise within ±T, such as 1: more typical samples, less varied ones
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    truncation: Option<f64>,
    /// Replace a picture that is already there
    #[arg(long)]
    force: bool,
    /// Train a classifier on these real images and ask it for the samples' labels
    #[arg(long, value_name = "DATA")]
    judge: Option<PathBuf>,
    /// Samples to show to the judge; the classes take turns
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "judge", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    judge_samples: u32,
    /// What to make the samples on; the GPUs only if the program was built for them
    #[arg(long, value_enum, default_value_t = DeviceKind::Cpu)]
    device: DeviceKind,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Format {
    Png,
    Folder,
    Npy,
}

#[derive(Serialize)]
struct Report {
    out: PathBuf,
    format: Format,
    /// Of all classes.
    samples: u64,
    steps: u64,
    /// Whether the samples were ever any good; none if no one watched the training.
    learnt: Option<bool>,
    size: usize,
    truncation: Option<f64>,
    classes: Vec<String>,
    judgement: Option<Agreement>,
}

pub fn run(args: &Args) -> Result<()> {
    let out = args.checked_out()?;
    let per_class = args.checked_per_class()?;
    let source = args.open_source()?;
    let classes = args.shown_classes(source.classes())?;
    let judge = |data: &PathBuf| judge::judge(&source, data, args.judge_samples as usize, &args.common);
    let judgement = args.judge.as_ref().map(judge).transpose()?;
    let seed = args.common.seed;
    let export = Export { source: &source, classes: &classes, per_class, seed, workers: args.common.workers() };
    match args.format {
        Format::Png => {
            let title = format!("Samples after {}", count(source.step(), "step", "steps"));
            let grid = SampleGrid { title: &title, classes: &classes, per_class: per_class as usize, seed };
            grid.render(&source, |_| String::new())?.save_png(&out)?;
        }
        Format::Folder => export.write(Layout::ClassFolders, &out)?,
        Format::Npy => export.write(Layout::Arrays, &out)?,
    }
    let report = Report {
        samples: export.total(),
        out,
        format: args.format,
        steps: source.step(),
        learnt: source.has_learnt(),
        size: source.config().size,
        truncation: args.truncation,
        classes: classes.iter().map(|&class| source.classes()[class].clone()).collect(),
        judgement,
    };
    output::print(&report, args.common.json)
}

impl Args {
    /// Where to write, if that can be.
    fn checked_out(&self) -> Result<PathBuf> {
        let default = if self.format == Format::Png { "grid.png" } else { "samples" };
        let out = self.out.as_deref().unwrap_or(Path::new(default));
        if self.format != Format::Png {
            new_folder::check(out)?;
            return Ok(out.into());
        }
        output::check_file(out, "png")?;
        if out.exists() && !self.force {
            let message = "there is a picture already: add --force to replace it, or name another with --out";
            return Err(Error::config(message).with_path(out));
        }
        Ok(out.into())
    }

    fn checked_per_class(&self) -> Result<u32> {
        match (self.format, self.per_class) {
            (Format::Png, Some(count)) if count > MOST_SHOWN => Err(Error::config(format!(
                "a picture shows at most {MOST_SHOWN} samples of a class, got --per-class {count}: \
                 ask for fewer, or for --format folder or npy"
            ))),
            (_, Some(count)) => Ok(count),
            (Format::Png, None) => Ok(10),
            (Format::Folder | Format::Npy, None) => Ok(100),
        }
    }

    fn open_source(&self) -> Result<GeneratorSource> {
        let source = GeneratorSource::load_on(&self.checkpoint, &self.device.open()?)?;
        match self.truncation {
            Some(truncation) => source.with_truncation(truncation),
            None => Ok(source),
        }
    }

    /// The labels of the classes to draw, each once, in the order asked for.
    fn shown_classes(&self, known: &[String]) -> Result<Vec<usize>> {
        if self.classes.is_empty() {
            return Ok((0..known.len()).collect());
        }
        let mut shown = Vec::new();
        for name in &self.classes {
            let label = known.iter().position(|class| class == name).ok_or_else(|| {
                Error::config(format!("the GAN knows no class {name:?}: give one of {}", known.join(", ")))
                    .with_path(&self.checkpoint)
            })?;
            if !shown.contains(&label) {
                shown.push(label);
            }
        }
        Ok(shown)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(judgement) = &self.judgement {
            writeln!(f, "{judgement}")?;
        }
        let samples = count(self.samples, "sample", "samples");
        let classes = count(self.classes.len() as u64, "class", "classes");
        let steps = count(self.steps, "step", "steps");
        if self.learnt == Some(false) {
            writeln!(f, "warning: this GAN has learnt nothing yet: train it for longer, or on more images")?;
        }
        writeln!(f, "{samples} of {classes} after {steps}: {}", self.out.display())
    }
}
