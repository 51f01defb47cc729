//! `compare`: does augmentation help on the user's own images?

mod arms;
mod sources;
mod store;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_augment::compare::{
    Arm, CompareConfig, CompareData, Comparison, Progress as Event, Referee, Task, Training, compare,
};
use candle_augment::gan::{Budget, GanConfig, GeneratorSource};
use candle_augment::gate::Choice;
use candle_augment::quality::Acceptance;
use candle_augment::{Color, Dataset, Error, ErrorKind, Result, Size};
use serde::Serialize;

use self::arms::{ArmName, MixtureArgs, Samples};
use self::sources::Sources;
use self::store::{Folder, Settings, Stored};
use super::classic::ClassicArgs;
use super::common::Common;
use super::data::{self, Parts};
use super::progress::{Goal, Progress};
use super::shares::{Gate, GateArgs};
use super::thin::Thinning;
use super::words::{count, tell};
use super::workshop::Workshop;
use super::{exit, interrupt, output, training};

/// Minutes that a GAN is trained for where nothing bounds the whole.
const GAN_MINUTES: f64 = 2.0;
/// The part of the whole that a GAN is trained for.
const GAN_PART: f64 = 1.0 / 3.0;
/// Minutes of the choice of shares where nothing bounds the whole, and the part of the whole that it takes otherwise.
const GATE_MINUTES: f64 = 15.0;
const GATE_PART: f64 = 0.5;

/// Measure what balance, transforms and synthetic samples do for a classifier
///
/// The same small classifier is trained on several arms: images alone, with balanced classes, with transforms, with synthetic samples;
/// over several seeds, and measured on images that neither it nor a GAN ever saw: those of --test, the test part of IDX, CIFAR or NumPy
/// files, or a fifth of each class that is split off first. Everything but the data is the same in all arms, and each arm's learning
/// rate is chosen among 0.0013, 0.004 and 0.012 on a quarter of its training images. Differences to classic transforms are paired seed
/// by seed.
///
/// Writes into a folder: result.json, result.csv (a row for each seed and arm), result.png, and runs.json, from which --resume goes on,
/// also with more seeds, minutes or other arms. Ctrl-C saves what is done.
///
/// The options of the transforms hold for the classifier and for the GAN that is trained here; left out, each has its own defaults.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment compare mnist --per-class 50 --seeds 3
  candle-augment compare mnist --counts 4000,2000,1000,750,500,350,200,100,60,40 --arms none,class-weights,smote,gan+classic
  candle-augment compare photos/train --test photos/test --size 64 --minutes 60
  candle-augment compare digits --imbalance 20 --share 0.5 --json
  candle-augment compare digits --rare 8=10 --arms classic,smote+classic --learning-rate 0.004 --seeds 10 --resume")]
pub struct Args {
    /// Class folders, IDX, CIFAR or NumPy files, or `digits`: see `candle-augment --help`
    data: PathBuf,
    /// Images to measure on [default: the test part of IDX, CIFAR or NumPy files, else a fifth of each class of DATA]
    #[arg(long, value_name = "DATA")]
    test: Option<PathBuf>,
    /// What to train on, a comma between two
    #[arg(long, value_name = "ARM,…", value_enum, value_delimiter = ',', default_value = arms::DEFAULT)]
    arms: Vec<ArmName>,
    /// Runs of all arms; the interval comes from their spread
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    seeds: u16,
    /// Optimiser steps of each classifier
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Images in a step
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// The learning rate of all arms, instead of one that is chosen for each
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// End after so long, training of a GAN and all; seeds that are not measured with all arms by then are left out
    #[arg(long, value_name = "M", allow_negative_numbers = true)]
    minutes: Option<f64>,
    /// Side of the square images, from 8 to 128; with --gan that of the GAN [default: that of the images up to 64, else 32; see train]
    #[arg(long, value_name = "S")]
    size: Option<usize>,
    /// The folder to write into; made if it does not exist
    #[arg(long, value_name = "DIR", default_value = "candle-augment-compare")]
    out: PathBuf,
    /// Go on from the results in the folder; DATA and all options but --arms, --seeds, --minutes and --workers must be as before
    #[arg(long)]
    resume: bool,
    /// Replace results that are already there
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    #[command(flatten)]
    thinning: Thinning,
    #[command(flatten)]
    mixture: MixtureArgs,
    /// Take the samples of the GAN from this checkpoint, which must not have seen the test images [default: train one on the training images]
    #[arg(long, value_name = "FILE", help_heading = "Synthetic samples")]
    gan: Option<PathBuf>,
    /// Time to train a GAN for; an autoencoder gets a quarter of it [default: a third of --minutes, else 2; with the arm auto as much as
    /// half of --gate-minutes has for each]
    #[arg(long, value_name = "M", help_heading = "Synthetic samples", allow_negative_numbers = true)]
    gan_minutes: Option<f64>,
    #[command(flatten)]
    gate: GateArgs,
    /// Time for the choice of shares of the arm auto, with all its GANs [default: half of --minutes, else 15]
    #[arg(long, value_name = "M", help_heading = "Choice of shares", allow_negative_numbers = true)]
    gate_minutes: Option<f64>,
    #[command(flatten)]
    classic: ClassicArgs,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Report {
    folder: PathBuf,
    data: PathBuf,
    held_out: String,
    size: usize,
    transforms: String,
    /// Where the samples of the GAN come from, if an arm has any.
    gan: Option<String>,
    /// What the filter made of its samples, if there is one.
    acceptance: Option<Acceptance>,
    /// Steps of the autoencoder, if an arm has samples of one.
    autoencoder_steps: Option<u64>,
    /// What the arm auto is of, if there is one.
    choice: Option<Choice>,
    settings: Settings,
    /// Whether an arm mixes samples as the options say.
    #[serde(skip)]
    has_mixture: bool,
    /// Why not all seeds were measured, if not.
    stopped: Option<Stopped>,
    #[serde(flatten)]
    comparison: Comparison,
}

/// What ended the work before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Stopped {
    User,
    Time,
}

pub fn run(args: &Args) -> Result<()> {
    let names = arms::chosen(&args.arms);
    if arms::need_choice(&names) && args.gan.is_some() {
        return Err(Error::config(
            "the arm auto trains a GAN for each fold, beside which one that was trained before says nothing: leave --gan or auto out",
        ));
    }
    // Results so far may go on with other arms, but not without the filter.
    if args.mixture.filter && !args.resume && !arms::need_gan(&names) {
        return Err(Error::config(
            "--filter is for samples of the GAN in the arms gan and gan+classic: name one of these, or leave it out",
        ));
    }
    let clock = Clock::start(args, arms::need_choice(&names))?;
    args.mixture.check()?;
    let folder = Folder::new(&args.out)?;
    let parts = data::open_parts(&args.data, args.test.as_deref(), args.common.seed)?;
    let given = args.given_gan(&parts)?;
    let train = args.thinning.apply(&parts.train, args.common.seed)?;
    let workshop = Workshop::new(&*train, args.size, &args.classic, &args.common)?;
    let gan_config = &workshop.config;
    let GanConfig { size, channels, .. } = *gan_config;
    if let Some(gan) = &given {
        args.check_gan(gan.config(), gan_config)?;
    }
    let config = args.config(size);
    // Before anything is trained or replaced: what the options say is refused at once.
    config.validate()?;
    let gate_training = Training { learning_rate: config.learning_rates[0], ..config.training.clone() };
    args.gate.check(&gate_training)?;
    let classic = Arc::new(args.classic.full(channels).transform()?);
    let settings = args.settings(gan_config, given.as_ref());
    let mut stored = Stored::open(&folder, settings.clone(), args.resume, args.force)?;
    let color = if channels == 1 { Color::Gray } else { Color::Rgb };
    let read = |set| data::read(set, size, color, args.common.workers());
    let data = CompareData::new(read(&train)?, read(&parts.held_out)?)?;
    if let Some(trained_on) = given.as_ref().and_then(GeneratorSource::trained_on)
        && !trained_on.is_images_of(&**data.train())?
    {
        let train = data.train().len();
        tell(format_args!(
            "warning: the GAN was trained on other images than these {train}, which the other arms do not have: where it saw more of \
             them, the comparison is not fair; give none to have one trained on these"
        ));
    }
    stored.begin(&**data.train(), &folder)?;
    interrupt::listen("saving what is done")?;
    let gate = Gate {
        args: &args.gate,
        workshop: &workshop,
        training: gate_training,
        classic: Arc::clone(&classic) as _,
        time: clock.gate,
        gan: clock.gan,
    };
    let from = if given.is_some() { args.gan_name() } else { "trained on the training images".to_owned() };
    let mut sources = Sources::new(&workshop, data.train(), &folder, &mut stored, given, clock.gan);
    // What is to be chosen comes first, while all of its time is left.
    let chosen = arms::need_choice(&names).then(|| sources.auto(&gate)).transpose()?;
    let gan = arms::need_gan(&names).then(|| sources.gan()).transpose()?;
    let autoencoder = arms::need_autoencoder(&names).then(|| sources.interpolation()).transpose()?.map(Samples::of);
    let made = sources.made_gan();
    let gan_words = made.as_ref().map(|gan| format!("{from}, {}", count(gan.step(), "step", "steps")));
    let choice = chosen.as_ref().map(|(choice, _)| choice.clone());
    let mut acceptance = None;
    let gan = match gan {
        Some(gan) if args.mixture.filter => {
            let go_on = || clock.stopped().map_or(Ok(()), |stopped| Err(stopped.while_filtering()));
            let filtered = sources.filtered(gan, &gate.training, go_on)?;
            acceptance = Some(filtered.acceptance().clone());
            Some(Samples::filtered(filtered))
        }
        gan => gan.map(|gan| Samples::of(gan)),
    };
    let parts_of_arms = arms::Parts { mixture: &args.mixture, classic, gan, autoencoder, chosen };
    let mut referee = Referee::new(config, &data, &parts_of_arms.arms(&names), |_| Ok(()))?;
    if let Some(record) = stored.record.take() {
        referee.go_on_from(record).map_err(|error| error.with_path(folder.runs()))?;
    }
    let stopped = measure(&mut referee, &clock, &folder, &mut stored)?;
    let (comparison, stopped) = result(&referee, stopped, &folder)?;
    let report = Report {
        folder: args.out.clone(),
        data: args.data.clone(),
        held_out: parts.origin,
        size,
        transforms: args.classic.full(channels).to_string(),
        gan: gan_words,
        acceptance,
        autoencoder_steps: stored.autoencoder_steps,
        choice,
        settings,
        has_mixture: arms::need_mixture(&names),
        stopped,
        comparison,
    };
    folder.save(&report, &report.comparison, &format!("{}, {}", args.data.display(), seeds(&report.comparison)))?;
    output::print(&report, args.common.json)?;
    match stopped {
        Some(Stopped::User) => Err(exit::interrupted("stopped: add --resume to go on")),
        _ => Ok(()),
    }
}

/// Makes the runs that are left, and keeps each as it is done. Tells what ended it, if anything did.
fn measure(referee: &mut Referee, clock: &Clock, folder: &Folder, stored: &mut Stored) -> Result<Option<Stopped>> {
    let mut bar: Option<Progress> = None;
    let mut stopped = None;
    let result = referee.run(|event| {
        match event {
            Event::Step { task, done, total, loss } => {
                let (done, goal) = (done as u64, Goal::Count(total as u64));
                let bar = bar.get_or_insert_with(|| Progress::new("compare", "steps", goal).starting_at(done - 1));
                bar.update(done, || format!("{}, loss {loss:.3}", words(task)));
            }
            Event::Measured(record) => {
                stored.record = Some(record.clone());
                stored.save(folder)?;
            }
            _ => {}
        }
        stopped = clock.stopped();
        match stopped {
            Some(_) => Err(exit::interrupted("stopped")),
            None => Ok(()),
        }
    });
    if let Some(bar) = bar {
        bar.finish(&count(referee.record().runs.len() as u64, "run", "runs"));
    }
    match result {
        Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
        _ => Ok(stopped),
    }
}

/// The result of the seeds that are done, and what left others out.
fn result(referee: &Referee, stopped: Option<Stopped>, folder: &Folder) -> Result<(Comparison, Option<Stopped>)> {
    let comparison = referee.result().map_err(|error| match stopped {
        Some(stopped) => stopped.without_result(folder),
        None => error,
    })?;
    // What ends with the last run stops nothing.
    let stopped = stopped.filter(|_| !comparison.left_out.is_empty());
    Ok((comparison, stopped))
}

/// What is being trained, in a few words.
fn words(task: Task<'_>) -> String {
    match task {
        Task::Trial { arm, learning_rate } => format!("learning rate {learning_rate}, {arm}"),
        Task::Run { arm, seed } => format!("seed {seed}, {arm}"),
    }
}

/// Compares `arms` to the end, with a progress bar.
pub fn run_arms(config: CompareConfig, data: &CompareData, arms: &[Arm]) -> Result<Comparison> {
    let mut progress: Option<Progress> = None;
    let runs = arms.len() * config.seeds;
    let comparison = compare(config, data, arms, |event| {
        if let Event::Step { task, done, total, loss } = event {
            let bar = progress.get_or_insert_with(|| Progress::new("compare", "steps", Goal::Count(total as u64)));
            bar.update(done as u64, || format!("{}, loss {loss:.3}", words(task)));
        }
        Ok(())
    })?;
    if let Some(progress) = progress {
        progress.finish(&format!("{runs} classifiers"));
    }
    Ok(comparison)
}

/// When the work must end, and how long of it a GAN may take.
struct Clock {
    end: Option<Instant>,
    gate: Duration,
    gan: Duration,
}

impl Clock {
    fn start(args: &Args, has_choice: bool) -> Result<Self> {
        let time = |minutes: f64, option: &str| match training::minutes(minutes) {
            Ok(Budget::Time(time)) => Ok(time),
            _ => Err(Error::config(format!("{option} {minutes}: give a number of minutes above 0"))),
        };
        let whole = args.minutes.map(|minutes| time(minutes, "--minutes")).transpose()?;
        let gate = match (args.gate_minutes, whole) {
            (Some(minutes), _) => time(minutes, "--gate-minutes")?,
            (None, Some(whole)) => whole.mul_f64(GATE_PART),
            (None, None) => time(GATE_MINUTES, "--gate-minutes")?,
        };
        let gan = match (args.gan_minutes, whole) {
            (Some(minutes), _) => time(minutes, "--gan-minutes")?,
            (None, _) if has_choice => args.gate.gan_time(gate),
            (None, Some(whole)) => whole.mul_f64(GAN_PART),
            (None, None) => time(GAN_MINUTES, "--gan-minutes")?,
        };
        for (part, option) in [(gan, "--gan-minutes"), (gate, "--gate-minutes")] {
            if whole.is_some_and(|whole| part > whole) {
                let message = format!("{option} is more than --minutes, which holds all of the work: give less");
                return Err(Error::config(message));
            }
        }
        if has_choice {
            args.gate.check_gan_time(gan, gate)?;
        }
        let end = whole.map(|whole| {
            Instant::now().checked_add(whole).ok_or_else(|| Error::config("--minutes is beyond all time: give fewer"))
        });
        Ok(Self { end: end.transpose()?, gate, gan })
    }

    /// What ends the work now, if anything does.
    fn stopped(&self) -> Option<Stopped> {
        if interrupt::stopped() {
            return Some(Stopped::User);
        }
        self.end.is_some_and(|end| Instant::now() >= end).then_some(Stopped::Time)
    }
}

impl Stopped {
    /// The error of work that ended before its samples were filtered.
    fn while_filtering(self) -> Error {
        match self {
            Self::User => exit::interrupted("stopped while samples were filtered: add --resume to go on"),
            Self::Time => {
                Error::config("--minutes were over while samples were filtered: add --resume and more minutes to go on")
            }
        }
    }

    /// The error of work that ended before any seed was done.
    fn without_result(self, folder: &Folder) -> Error {
        match self {
            Self::User => exit::interrupted("stopped before any seed was measured with all arms: add --resume to go on"),
            Self::Time => Error::config(
                "no seed was measured with all arms in --minutes: add --resume and more minutes to go on from what is done, or take \
                 fewer arms, or --learning-rate, which leaves out the choice of one",
            ),
        }
        .with_path(folder.runs())
    }
}

impl Args {
    fn config(&self, size: usize) -> CompareConfig {
        let default = CompareConfig::new(Size::square(size));
        CompareConfig {
            training: Training {
                steps: self.steps as usize,
                batch_size: self.batch_size as usize,
                seed: self.common.seed,
                workers: self.common.workers(),
                ..default.training
            },
            seeds: self.seeds.into(),
            learning_rates: self.learning_rate.map_or(default.learning_rates, |rate| vec![rate]),
        }
    }

    /// All that a run depends on beside its arm, its seed and the images.
    fn settings(&self, gan: &GanConfig, given: Option<&GeneratorSource>) -> Settings {
        let channels = gan.channels;
        let rate = self.learning_rate.map_or_else(|| "chosen for each arm".to_owned(), |rate| rate.to_string());
        let checkpoint = given
            .map(|source| ("--gan", format!("{} after {}", self.gan_name(), count(source.step(), "step", "steps"))));
        let settings = [
            ("--seed", self.common.seed.to_string()),
            ("--size", gan.size.to_string()),
            ("--steps", self.steps.to_string()),
            ("--batch-size", self.batch_size.to_string()),
            ("--learning-rate", rate),
            ("--share", self.mixture.share.to_string()),
            ("--ramp", self.mixture.ramp.to_string()),
            ("--real-only", self.mixture.real_only.to_string()),
            ("--synthetic-weight", self.mixture.synthetic_weight.to_string()),
            ("transforms", self.classic.full(channels).to_string()),
            ("transforms of the GAN", self.classic.light(channels).to_string()),
        ];
        let fill_to = self.mixture.fill_to.map(|count| ("--fill-to", count.to_string()));
        let filter = self.mixture.filter.then(|| ("--filter", "on".to_owned()));
        settings
            .into_iter()
            .chain(fill_to)
            .chain(filter)
            .chain(checkpoint)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

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
}

/// How many seeds a comparison is of.
fn seeds(comparison: &Comparison) -> String {
    count(comparison.seeds.len() as u64, "seed", "seeds")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setting = |name: &str| self.settings.get(name).map_or("", String::as_str);
        writeln!(f, "data        {}, {} pixels a side", self.data.display(), self.size)?;
        writeln!(f, "held out    {}", self.held_out)?;
        writeln!(f, "classic     {}", self.transforms)?;
        if let Some(gan) = &self.gan {
            writeln!(f, "GAN         {gan}")?;
        }
        if let Some(steps) = self.autoencoder_steps {
            writeln!(f, "autoencoder {} on the training images", count(steps, "step", "steps"))?;
        }
        if self.has_mixture {
            let [ramp, real_only, weight] = ["--ramp", "--real-only", "--synthetic-weight"].map(setting);
            let but_auto = if self.choice.is_some() { " (not in auto)" } else { "" };
            let amount = match self.settings.get("--fill-to") {
                Some(count) => format!("classes filled to {count} images"),
                None => format!("a share of {}", setting("--share")),
            };
            writeln!(f, "synthetic   {amount}; ramp {ramp}, real only {real_only}, weight {weight}{but_auto}")?;
        }
        if let Some(acceptance) = &self.acceptance {
            writeln!(f, "\nSamples that the filter accepts, and why it rejects the others:\n\n{acceptance}")?;
        }
        if let Some(choice) = &self.choice {
            writeln!(f, "\nauto, chosen on the training images:\n\n{choice}")?;
        }
        if self.stopped == Some(Stopped::Time) {
            writeln!(f, "stopped     by --minutes: add --resume and more minutes to go on")?;
        }
        writeln!(f, "\n{}", self.comparison)?;
        writeln!(f, "result.json, result.csv and result.png are in {}", self.folder.display())
    }
}
