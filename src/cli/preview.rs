//! `preview`: what the transforms do to the user's own images.

use std::fmt;
use std::path::PathBuf;

use candle_augment::{Part, Pipeline, Result, Step, Transform, open_data};
use serde::Serialize;

use super::classic::ClassicArgs;
use super::common::Common;
use super::pictures::ContactSheet;
use super::{output, replay};

/// Draw a contact sheet of transforms on your own images
///
/// The transforms are the classic ones, or those of a file. Each row is one image: as it is, then some draws of the
/// transforms with what was drawn below each. Use it to see whether a transform still leaves the class recognisable
/// before you train with it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment preview digits --out sheet.png
  candle-augment preview photos/train --out sheet.png --rotate 30 --no-flip
  candle-augment preview photos/train --out sheet.png --rows 20 --draws 4 --seed 1
  candle-augment preview photos/train --out sheet.png --pipeline pipeline.toml

A pipeline is written with the names and parameters of torchvision's transforms, such as
  [[transforms]]
  RandomResizedCrop = { size = [224, 224], scale = [0.2, 1.0] }

  [[transforms]]
  ColorJitter = { brightness = 0.4, hue = 0.1 }")]
pub struct Args {
    /// Class folders, IDX, CIFAR or NumPy files, or `digits`: see `candle-augment --help`
    data: PathBuf,
    /// The picture to write, a .png
    #[arg(long, value_name = "FILE", default_value = "sheet.png")]
    out: PathBuf,
    /// Images to show; the classes take turns
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    rows: u16,
    /// Draws of the transforms for each image
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=20))]
    draws: u16,
    /// The transforms of this file, .toml or .json, instead of the classic ones
    #[arg(long, value_name = "FILE", conflicts_with = "ClassicArgs")]
    pipeline: Option<PathBuf>,
    #[command(flatten)]
    classic: ClassicArgs,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Report {
    picture: PathBuf,
    transforms: String,
}

pub fn run(args: &Args) -> Result<()> {
    output::check_file(&args.out, "png")?;
    let pipeline = args.pipeline.as_ref().map(Pipeline::read).transpose()?;
    let set = open_data(&args.data, Part::Train)?;
    let (title, transforms, pipeline) = match pipeline {
        Some(pipeline) => ("Transforms", names(&pipeline), pipeline),
        None => {
            let classic = args.classic.full(set.load(0)?.channels());
            ("Classic transforms", classic.to_string(), classic.transform()?)
        }
    };
    pipeline.check_classes(set.classes()).map_err(|error| match &args.pipeline {
        Some(file) => error.with_path(file),
        None => error,
    })?;
    let sheet = ContactSheet {
        title,
        note: &transforms,
        rows: args.rows.into(),
        draws: args.draws.into(),
        seed: args.common.seed,
    };
    let sheet = sheet.render(&*set, &pipeline).map_err(|error| replay::advise(error, &args.data, args.transforms()))?;
    sheet.save_png(&args.out)?;
    output::print(&Report { picture: args.out.clone(), transforms }, args.common.json)
}

impl Args {
    /// The options that choose the transforms, as they were given.
    fn transforms(&self) -> Vec<String> {
        match &self.pipeline {
            Some(file) => vec!["--pipeline".to_owned(), file.display().to_string()],
            None => self.classic.arguments(),
        }
    }
}

/// The names of the transforms, in order.
fn names(pipeline: &Pipeline) -> String {
    let names: Vec<&str> = pipeline.steps().iter().map(Step::name).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "transforms: {}", self.transforms)?;
        writeln!(f, "picture:    {}", self.picture.display())
    }
}
