//! `sample`: pictures from a trained GAN, and a judgement on them.

use std::fmt;
use std::path::PathBuf;

use candle_augment::gan::GeneratorSource;
use candle_augment::{Error, Result, SyntheticSource};
use serde::Serialize;

use super::common::Common;
use super::device::DeviceKind;
use super::judge::{self, Agreement};
use super::output;
use super::pictures::SampleGrid;
use super::words::count;

/// Draw samples from a trained GAN, a row per class
///
/// With --judge, a classifier trained on real images also says how many samples look like the class that they were made for.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment sample gan.safetensors --out grid.png
  candle-augment sample gan.safetensors --out sevens.png --class 7 --per-class 20
  candle-augment sample gan.safetensors --judge mnist --samples 1000")]
pub struct Args {
    /// The checkpoint that `train` wrote
    checkpoint: PathBuf,
    /// The picture to write, a .png
    #[arg(long, value_name = "FILE", default_value = "grid.png")]
    out: PathBuf,
    /// Samples of each class in the picture
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    per_class: u16,
    /// Only this class; may be given several times
    #[arg(long = "class", value_name = "NAME")]
    classes: Vec<String>,
    /// Train a classifier on these real images and ask it for the samples' labels
    #[arg(long, value_name = "DATA")]
    judge: Option<PathBuf>,
    /// Samples to show to the judge; the classes take turns
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "judge", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    samples: u32,
    /// What to make the samples on; the GPUs only if the program was built for them
    #[arg(long, value_enum, default_value_t = DeviceKind::Cpu)]
    device: DeviceKind,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Report {
    picture: PathBuf,
    steps: u64,
    size: usize,
    classes: Vec<String>,
    judgement: Option<Agreement>,
}

pub fn run(args: &Args) -> Result<()> {
    output::check_file(&args.out, "png")?;
    let source = GeneratorSource::load_on(&args.checkpoint, &args.device.open()?)?;
    let shown = args.shown_classes(source.classes())?;
    let judge = |data: &PathBuf| judge::judge(&source, data, args.samples as usize, &args.common);
    let judgement = args.judge.as_ref().map(judge).transpose()?;
    let title = format!("Samples after {}", count(source.step(), "step", "steps"));
    let grid = SampleGrid { title: &title, classes: &shown, per_class: args.per_class.into(), seed: args.common.seed };
    grid.render(&source, |_| String::new())?.save_png(&args.out)?;
    let report = Report {
        picture: args.out.clone(),
        steps: source.step(),
        size: source.config().size,
        classes: shown.iter().map(|&class| source.classes()[class].clone()).collect(),
        judgement,
    };
    output::print(&report, args.common.json)
}

impl Args {
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
        let classes = count(self.classes.len() as u64, "class", "classes");
        writeln!(f, "samples of {classes} after {}: {}", count(self.steps, "step", "steps"), self.picture.display())
    }
}
