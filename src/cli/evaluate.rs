//! `evaluate`: how good the samples of a trained GAN are.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_augment::gan::GeneratorSource;
use candle_augment::quality::{
    Acceptance, ClassQuality, Evaluation, Fold, Interval, Metric, NearestImage, PoolConfig, QualityConfig, QualityData,
    QualityProgress, View, cross_fit, evaluate_in, samples_wanted, synthesize,
};
use candle_augment::report::{Bar, Bars, Canvas, Cell, Grid, Row, drawable_name, palette, write_file};
use candle_augment::{Color, Dataset, DatasetExt, Part, Result, SyntheticSource, has_part, open_data};
use serde::Serialize;

use super::common::Common;
use super::data::{self, Parts};
use super::pictures::SampleGrid;
use super::progress::{Goal, Progress};
use super::words::{count, tell};
use super::{filter, output, training};

/// More images make the figures hardly more precise, and take minutes.
const MOST_TRAINING_IMAGES: usize = 10_000;
const MOST_HELD_OUT_IMAGES: usize = 5_000;
/// Samples of each class in the pictures.
const SHOWN_SAMPLES: usize = 10;
const SHOWN_PAIRS: usize = 5;
/// More rows make a picture that no viewer shows.
const MOST_ROWS: usize = 100;
/// Samples that are filtered, over all classes, and of a class: enough to tell a rate of 5 %.
const FILTERED: usize = 2_560;
const MOST_FILTERED: usize = 256;
const FEWEST_FILTERED: usize = 40;

/// Measure how good the samples of a trained GAN are
///
/// Fidelity, variety, copying, and what a classifier learns from samples; each figure stands beside its floor, which is
/// the same figure of real images that the GAN never saw: those of --test, the test part of IDX, CIFAR or NumPy files,
/// or those that `train` held out. Features are those of small classifiers trained on the training images, each on all
/// but a part of them. A table at the end says how many samples of each class are worth learning from, by a filter of
/// the same classifiers.
///
/// Writes samples.png, nearest.png (samples beside the training images nearest to them), classes.png and
/// evaluation.json.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment evaluate mnist gan.safetensors
  candle-augment evaluate mnist gan.safetensors --per-class 100 --out mnist-100
  candle-augment evaluate photos/train photos.safetensors --test photos/test --json")]
pub struct Args {
    /// The images that the GAN was trained on: class folders, IDX, CIFAR or NumPy files, or `digits`: see
    /// `candle-augment --help`
    data: PathBuf,
    /// The checkpoint that `train` wrote
    checkpoint: PathBuf,
    /// Real images that the GAN never saw
    #[arg(long, value_name = "DATA")]
    test: Option<PathBuf>,
    /// What the GAN was trained with, so that the same images are drawn
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    per_class: Option<u32>,
    /// The folder to write to, made where it does not exist
    #[arg(long, value_name = "FOLDER", default_value = "evaluation")]
    out: PathBuf,
    /// Optimiser steps of each classifier
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Report {
    data: PathBuf,
    checkpoint: PathBuf,
    /// Steps that the GAN was trained for.
    gan_steps: u64,
    held_out: String,
    /// Whether the GAN may have been trained on the held-out images, too.
    held_out_seen: bool,
    /// Whether it was trained on other images than those that samples are compared with.
    trained_on_others: bool,
    pictures: Vec<PathBuf>,
    /// How many samples of each class a filter accepts.
    acceptance: Acceptance,
    #[serde(flatten)]
    evaluation: Evaluation,
}

pub fn run(args: &Args) -> Result<()> {
    output::check_folder(&args.out, output::OUT)?;
    let files = ["samples.png", "nearest.png", "classes.png", "evaluation.json"].map(|name| args.out.join(name));
    files.iter().try_for_each(|file| output::check_not_folder(file))?;
    let source = Arc::new(GeneratorSource::load(&args.checkpoint)?);
    let Given { parts, trained_on_others } = args.open(&source)?;
    let data = args.data(&parts, &source)?;
    let config = QualityConfig {
        steps: args.steps as usize,
        seed: args.common.seed,
        workers: args.common.workers(),
        ..QualityConfig::default()
    };
    let (folds, mut evaluation) = measure(&config, &data)?;
    let acceptance = filtered(&config, &data, &folds, &source)?;
    let [samples, pairs, classes, json] = files;
    sample_grid(&source, args.common.seed)?.save_png(&samples)?;
    nearest_pairs(&data, &evaluation.nearest)?.save_png(&pairs)?;
    class_bars(&evaluation).save_png(&classes)?;
    evaluation.nearest.clear();
    let report = Report {
        data: args.data.clone(),
        checkpoint: args.checkpoint.clone(),
        gan_steps: source.step(),
        held_out_seen: parts.is_split,
        trained_on_others,
        held_out: parts.origin,
        pictures: vec![samples, pairs, classes],
        acceptance,
        evaluation,
    };
    write_file(&json, output::to_json(&report)?.as_bytes())?;
    output::print(&report, args.common.json)
}

/// The images of an evaluation, in memory, as the GAN makes them.
struct Given {
    parts: Parts,
    trained_on_others: bool,
}

impl Args {
    /// What the GAN was trained on, and what it was not, by the one split that was made first: with the GAN's seed.
    fn open(&self, source: &GeneratorSource) -> Result<Given> {
        let seed = source.config().seed;
        let apart = self.test.is_some() || has_part(&self.data, Part::Test)?;
        let mut parts = if apart {
            data::open_parts(&self.data, self.test.as_deref(), seed)?
        } else {
            let train = open_data(&self.data, Part::Train)?;
            Parts { held_out: Arc::clone(&train), train, origin: String::new(), is_split: false }
        };
        let first = parts.train.load(0)?;
        let own = source.config();
        let fits = |set: &Arc<dyn Dataset>, path: &Path| {
            own.expect_images(own.size, first.channels(), set.classes()).map_err(|error| error.with_path(path))
        };
        fits(&parts.train, &self.checkpoint)?;
        fits(&parts.held_out, self.test.as_ref().unwrap_or(&self.data))?;
        if let Some(count) = self.per_class {
            parts.train = Arc::new(Arc::clone(&parts.train).per_class(count as usize, seed)?);
        }
        let color = if own.channels == 1 { Color::Gray } else { Color::Rgb };
        let read = |set: &Arc<dyn Dataset>| data::read(set, own.size, color, self.common.workers());
        parts.train = read(&parts.train)?;
        let trained_on = source.trained_on();
        let is_own = trained_on.map(|own| own.is_images_of(&*parts.train)).transpose()?;
        let trained_on_others = is_own == Some(false);
        if trained_on_others {
            tell(format_args!(
                "warning: the GAN was trained on other images than these {}: give the same, with --per-class as for `train`",
                parts.train.len()
            ));
        }
        if apart {
            parts.held_out = read(&thinned(&parts.held_out, MOST_HELD_OUT_IMAGES, self.common.seed)?)?;
        } else {
            let has_held_out = is_own == Some(true) && trained_on.is_some_and(|own| own.held_out() > 0);
            parts = split(&parts.train, seed, has_held_out)?;
        }
        Ok(Given { parts, trained_on_others })
    }

    /// At most so many of the images, and samples beside them.
    fn data(&self, parts: &Parts, source: &GeneratorSource) -> Result<QualityData> {
        let seed = self.common.seed;
        let train = thinned(&parts.train, MOST_TRAINING_IMAGES, seed)?;
        if train.len() < parts.train.len() {
            let (few, all) = (train.len(), parts.train.len());
            tell(format_args!("copies are looked for among {few} of the {all} training images: there may be more"));
        }
        let held_out = thinned(&parts.held_out, MOST_HELD_OUT_IMAGES, seed)?;
        let wanted = samples_wanted(&*train, &*held_out);
        let total: usize = wanted.iter().sum();
        let mut progress = Progress::new("make samples", "samples", Goal::Count(total as u64));
        let samples = synthesize(source, &wanted, self.common.seed, |made| {
            progress.update(made as u64, String::new);
            Ok(())
        })?;
        progress.finish(&count(total as u64, "sample", "samples"));
        Ok(QualityData { train, held_out, synthetic: Arc::new(samples) })
    }
}

/// Trains the classifiers, which the filter uses, too, and compares.
fn measure(config: &QualityConfig, data: &QualityData) -> Result<(Vec<Fold>, Evaluation)> {
    let of_folds = config.folds * config.steps;
    let total = of_folds + 2 * config.steps;
    let mut training = Some(Progress::new("train classifiers", "steps", Goal::Count(total as u64)));
    let mut trained = |done: usize| {
        if let Some(training) = &mut training {
            training.update(done as u64, String::new);
        }
        if done == total {
            training.take().into_iter().for_each(|training| training.finish(&count(total as u64, "step", "steps")));
        }
    };
    let folds = cross_fit(&data.train, config, |done| {
        trained(done);
        Ok(())
    })?;
    let views: Vec<View> = folds.iter().map(Fold::view).collect();
    let mut measuring = None;
    let evaluation = evaluate_in(&views, config, data, |progress| {
        match progress {
            QualityProgress::Step { done, .. } => trained(of_folds + done),
            QualityProgress::Measure { done, .. } => measuring
                .get_or_insert_with(|| Progress::new("compare features", "spaces", Goal::Count(config.folds as u64)))
                .update(done as u64, String::new),
            _ => {}
        }
        Ok(())
    })?;
    measuring.into_iter().for_each(|measuring| measuring.finish(&count(evaluation.views as u64, "space", "spaces")));
    Ok((folds, evaluation))
}

/// What a filter makes of the GAN's samples.
fn filtered(
    config: &QualityConfig,
    data: &QualityData,
    folds: &[Fold],
    source: &Arc<GeneratorSource>,
) -> Result<Acceptance> {
    let size = (FILTERED / source.classes().len().max(1)).clamp(FEWEST_FILTERED, MOST_FILTERED);
    // No more are made than are asked for, so that the rates are of all.
    let pools = PoolConfig { size, candidates: 1, seed: config.seed, bytes: usize::MAX, ..PoolConfig::default() };
    let filtered = filter::filtered(config, &data.train, folds, Arc::clone(source) as _, pools, filter::go_on)?;
    Ok(filtered.acceptance().clone())
}

/// The images that `train` held out, if it did; else a fifth, which the GAN has seen.
fn split(set: &Arc<dyn Dataset>, seed: u64, has_held_out: bool) -> Result<Parts> {
    if let Some((train, held_out)) = training::split_off(set, seed)?.filter(|_| has_held_out) {
        let origin = "the images that `train` held out".to_owned();
        return Ok(Parts { train: Arc::new(train), held_out: Arc::new(held_out), origin, is_split: false });
    }
    let (train, held_out) = Arc::clone(set).split(0.8, seed)?;
    let origin = "a fifth of each class".to_owned();
    tell(
        "warning: the GAN was trained on the held-out images, too, as far as is known, so that copies of them count for \
         nothing: give others with --test",
    );
    Ok(Parts { train: Arc::new(train), held_out: Arc::new(held_out), origin, is_split: true })
}

/// At most `most` images, with the classes in their proportions.
fn thinned(set: &Arc<dyn Dataset>, most: usize, seed: u64) -> Result<Arc<dyn Dataset>> {
    if set.len() <= most {
        return Ok(Arc::clone(set));
    }
    let (kept, _) = Arc::clone(set).split(most as f64 / set.len() as f64, seed)?;
    Ok(Arc::new(kept))
}

fn sample_grid(source: &GeneratorSource, seed: u64) -> Result<Canvas> {
    let classes: Vec<usize> = (0..source.classes().len()).collect();
    let title = format!("Samples after {}", count(source.step(), "step", "steps"));
    SampleGrid { title: &title, classes: &classes, per_class: SHOWN_SAMPLES, seed }.render(source, |_| String::new())
}

/// Of each class the samples nearest to a training image, and these beside them.
fn nearest_pairs(data: &QualityData, nearest: &[NearestImage]) -> Result<Canvas> {
    let mut grid = Grid::new("Samples beside the training images nearest to them")
        .with_note("Of each class the nearest. Distance: 1 is that of a training image to its nearest, on average.")
        .with_legend("nearer than real images are: a copy", palette::VERMILION);
    for (label, name) in data.train.classes().iter().enumerate().take(MOST_ROWS) {
        let of_class = |near: &&NearestImage| data.synthetic.label(near.sample) as usize == label;
        let mut of_class: Vec<&NearestImage> = nearest.iter().filter(of_class).collect();
        of_class.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        let mut cells = Vec::new();
        for near in of_class.into_iter().take(SHOWN_PAIRS) {
            let sample = Cell::new(data.synthetic.load(near.sample)?).with_line(format!("{:.2}", near.distance));
            cells.push(if near.is_copy { sample.with_frame(palette::VERMILION) } else { sample });
            cells.push(Cell::new(data.train.load(near.image)?).with_line("training"));
        }
        grid = grid.with_row(Row::new(drawable_name(name, label), cells));
    }
    Ok(grid.render())
}

fn class_bars(evaluation: &Evaluation) -> Canvas {
    let plots = [
        (Metric::Coverage, "Coverage: real images that samples reach"),
        (Metric::Kernel, "Kernel distance to the training images"),
        (Metric::GanTest, "Samples that a classifier of real images takes for their class"),
        (Metric::CopyShare, "Samples nearer to a training image than real images are"),
    ];
    let plot = |(metric, title): (Metric, &str)| {
        let bars = |class: &ClassQuality| {
            let measure = class.measure(metric);
            let bar = |value, interval: Interval| Bar { value, interval: Some((interval.low, interval.high)) };
            vec![
                measure.map(|measure| bar(measure.value, measure.interval)),
                measure.map(|measure| bar(measure.floor, measure.floor_interval)),
            ]
        };
        let names = evaluation.classes.iter().enumerate().take(MOST_ROWS);
        Bars {
            title: title.into(),
            series: vec![("samples".into(), palette::VERMILION), ("held-out images".into(), palette::BLUE)],
            rows: names.map(|(label, class)| (drawable_name(&class.name, label), bars(class))).collect(),
        }
        .render()
    };
    let [first, second, third, fourth] = plots.map(plot);
    first.above(&second).above(&third).above(&fourth)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data, checkpoint, gan_steps, held_out, pictures, acceptance, evaluation, .. } = self;
        let steps = count(*gan_steps, "step", "steps");
        writeln!(f, "{} after {steps} beside {}; held out: {held_out}.", checkpoint.display(), data.display())?;
        if self.held_out_seen {
            writeln!(
                f,
                "The GAN may have been trained on the held-out images, too: the figures on copies mean little."
            )?;
        }
        if self.trained_on_others {
            writeln!(f, "It was trained on other images than these: the figures on copies mean little.")?;
        }
        writeln!(f, "{evaluation}")?;
        writeln!(f, "Samples that a filter accepts, and why it rejects the others:\n\n{acceptance}")?;
        let folder = pictures.first().and_then(|picture| picture.parent()).unwrap_or(Path::new("."));
        writeln!(f, "pictures: {}", folder.display())
    }
}
