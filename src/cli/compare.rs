//! `compare`: does augmentation help on the user's own images?

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use candle_augment::compare::{CompareConfig, CompareData, Comparison, compare, long_tail};
use candle_augment::gan::{Budget, GanConfig, GeneratorSource};
use candle_augment::{ClassMixture, Color, Dataset, DatasetExt, Error, ErrorKind, Mixture, Result, Size};
use serde::Serialize;

use super::classic::{Classic, ClassicArgs};
use super::common::Common;
use super::data::{self, Parts};
use super::output;
use super::progress::{Goal, Progress};
use super::size::default_size;
use super::training;
use super::words::count;

const DEFAULT_MINUTES: f64 = 2.0;

/// Measure whether classic transforms and synthetic samples help
///
/// The same small classifier is trained on real images only, with the classic transforms, and with synthetic samples added, over
/// several seeds, and measured on images that neither it nor the GAN ever saw: those of --test, the test part of IDX, CIFAR or NumPy
/// files, or a fifth of each class that is split off first.
///
/// The options of the transforms hold for the classifier and for the GAN that is trained here; left out, each has its own defaults.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment compare mnist --per-class 50 --seeds 3
  candle-augment compare photos/train --test photos/test --size 64 --minutes 20
  candle-augment compare digits --imbalance 20 --share 0.5 --json")]
pub struct Args {
    /// Class folders, IDX, CIFAR or NumPy files, or `digits`: see `candle-augment --help`
    data: PathBuf,
    /// Images to measure on [default: the test part of IDX, CIFAR or NumPy files, else a fifth of each class of DATA]
    #[arg(long, value_name = "DATA")]
    test: Option<PathBuf>,
    /// Train on only so many images of each class, drawn at random
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    per_class: Option<u32>,
    /// Make the training images unbalanced: the first class keeps R times as many as the last
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    imbalance: Option<f64>,
    /// Runs of all three arms; the interval comes from their spread
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    seeds: u16,
    /// Optimiser steps of each classifier
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Images in a step
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// Synthetic share of each class in the third arm, from 0 to 1
    #[arg(long, value_name = "S", default_value_t = 0.3, allow_negative_numbers = true)]
    share: f64,
    /// Take samples from this checkpoint, whose GAN must not have seen the test images [default: train one on the training images]
    #[arg(long, value_name = "FILE")]
    gan: Option<PathBuf>,
    /// Time to train a GAN for [default: 2]
    #[arg(long, value_name = "M", conflicts_with = "gan", allow_negative_numbers = true)]
    minutes: Option<f64>,
    /// Side of the square images, from 8 to 128; with --gan that of the GAN [default: that of the images up to 64, else 32; see train]
    #[arg(long, value_name = "S")]
    size: Option<usize>,
    #[command(flatten)]
    classic: ClassicArgs,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Report {
    data: PathBuf,
    held_out: String,
    size: usize,
    transforms: String,
    synthetic_share: f64,
    gan: String,
    #[serde(flatten)]
    comparison: Comparison,
}

pub fn run(args: &Args) -> Result<()> {
    check_share(args.share)?;
    let budget = training::minutes(args.minutes.unwrap_or(DEFAULT_MINUTES))?;
    let parts = data::open_parts(&args.data, args.test.as_deref(), args.common.seed)?;
    let given = args.given_gan(&parts)?;
    let train = args.thin_out(&parts.train)?;
    let first = train.load(0)?;
    let size = args.size.unwrap_or_else(|| default_size(&*train));
    let config = GanConfig { seed: args.common.seed, ..GanConfig::new(size, first.channels(), train.classes()) };
    config.validate()?;
    if let Some(gan) = &given {
        args.check_gan(gan.config(), &config)?;
    }
    let classic = args.classic.full(first.channels());
    // Before the GAN is trained: what the options say is refused at once.
    classic.transform()?;
    let color = if first.channels() == 1 { Color::Gray } else { Color::Rgb };
    let read = |set| data::read(set, size, color, args.common.workers());
    let data = CompareData::new(read(&train)?, read(&parts.held_out)?)?;
    let (gan, source) = match given {
        Some(source) => (format!("{}, {}", args.gan_name(), count(source.step(), "step", "steps")), source),
        None => args.train_gan(config, data.train(), budget)?,
    };
    let config = CompareConfig {
        seeds: args.seeds.into(),
        seed: args.common.seed,
        steps: args.steps as usize,
        batch_size: args.batch_size as usize,
        mixture: Mixture::All(ClassMixture::Share(args.share)),
        workers: args.common.workers(),
        ..CompareConfig::new(Size::square(size))
    };
    let report = Report {
        data: args.data.clone(),
        held_out: parts.origin,
        size,
        transforms: classic.to_string(),
        synthetic_share: args.share,
        gan,
        comparison: run_arms(&config, &data, &classic, &Arc::new(source))?,
    };
    output::print(&report, args.common.json)
}

/// Runs the comparison with a progress bar.
pub fn run_arms(
    config: &CompareConfig,
    data: &CompareData,
    classic: &Classic,
    source: &Arc<GeneratorSource>,
) -> Result<Comparison> {
    use candle_augment::compare::Progress as Event;
    let mut progress: Option<Progress> = None;
    let comparison = compare(
        config,
        data,
        Arc::new(classic.transform()?),
        |_, _| Ok(Arc::clone(source) as _),
        |event| {
            if let Event::Step { seed, arm, done, total, loss } = event {
                let bar = progress.get_or_insert_with(|| Progress::new("compare", "steps", Goal::Count(total as u64)));
                bar.update(done as u64, || format!("seed {seed}, {arm}, loss {loss:.3}"));
            }
            Ok(())
        },
    )?;
    if let Some(progress) = progress {
        progress.finish(&format!("{} classifiers", 3 * config.seeds));
    }
    Ok(comparison)
}

/// Refuses what is no share.
fn check_share(share: f64) -> Result<()> {
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err(Error::config(format!("--share {share}: the synthetic share of a class must lie between 0 and 1, such as 0.3")))
}

impl Args {
    /// The checkpoint that the user gave.
    fn given_gan(&self, parts: &Parts) -> Result<Option<GeneratorSource>> {
        let Some(path) = &self.gan else { return Ok(None) };
        if parts.is_split {
            return Err(Error::config(
                "a GAN that was trained before may have seen the images that would now be held out: give a test set of its own with \
                 --test, or leave --gan out to train one on the rest",
            )
            .with_path(path));
        }
        GeneratorSource::load(path).map(Some)
    }

    fn gan_name(&self) -> String {
        self.gan.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Refuses a GAN that makes other images than `wanted`.
    fn check_gan(&self, own: &GanConfig, wanted: &GanConfig) -> Result<()> {
        if own.size != wanted.size {
            let message = format!(
                "the GAN makes images of {} pixels a side, the comparison is at {}: give --size {} to compare at that size, or \
                 train another GAN",
                own.size, wanted.size, own.size
            );
            return Err(self.in_gan(Error::new(ErrorKind::Checkpoint, message)));
        }
        own.expect_images(wanted.size, wanted.channels, &wanted.classes).map_err(|error| self.in_gan(error))
    }

    fn in_gan(&self, error: Error) -> Error {
        match &self.gan {
            Some(path) => error.with_path(path),
            None => error,
        }
    }

    /// The training images that the options leave.
    fn thin_out(&self, train: &Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>> {
        let mut train = Arc::clone(train);
        if let Some(count) = self.per_class {
            train = Arc::new(train.per_class(count as usize, self.common.seed)?);
        }
        if let Some(ratio) = self.imbalance {
            train = Arc::new(long_tail(train, ratio, self.common.seed)?);
        }
        Ok(train)
    }

    fn train_gan(
        &self,
        config: GanConfig,
        set: &Arc<dyn Dataset>,
        budget: Budget,
    ) -> Result<(String, GeneratorSource)> {
        let transform = self.classic.light(config.channels).transform()?;
        let (supervisor, _) = training::train_new(config, set, transform, budget, self.common.workers())?;
        let steps = count(supervisor.trainer().steps(), "step", "steps");
        Ok((format!("trained on the training images, {steps}"), training::best(&supervisor)?))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "data        {}, {} pixels a side", self.data.display(), self.size)?;
        writeln!(f, "held out    {}", self.held_out)?;
        writeln!(f, "classic     {}", self.transforms)?;
        writeln!(
            f,
            "synthetic   {:.0} % of each class in the third arm; GAN {}\n",
            100.0 * self.synthetic_share,
            self.gan
        )?;
        write!(f, "{}", self.comparison)
    }
}

#[cfg(test)]
mod tests {
    use candle_augment::ErrorKind;

    use super::*;

    #[test]
    fn shares_outside_0_to_1_are_refused() {
        for share in [-0.1, 1.01, f64::NAN, f64::INFINITY] {
            assert_eq!(check_share(share).unwrap_err().kind(), ErrorKind::Config, "{share}");
        }
        assert!(check_share(0.0).is_ok() && check_share(1.0).is_ok());
    }
}
