//! `train`: a conditional GAN on the user's own images.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_augment::gan::{
    Budget, GanConfig, Loss, Precision, Progress as Step, Score, Supervisor, TrainReport, TrainedOn, Trainer,
};
use candle_augment::{
    Color, Dataset, DatasetExt, Error, ErrorKind, Part, Result, SyntheticSource, open_data, open_unlabelled,
};
use candle_core::Device;
use serde::Serialize;

use super::board::Board;
use super::classic::{Classic, ClassicArgs};
use super::common::Common;
use super::device::DeviceKind;
use super::metrics::Metrics;
use super::pictures::SampleGrid;
use super::size::default_size;
use super::training::{self, Flow, Run};
use super::words::{count, tell};
use super::{data, exit, interrupt, output};

/// Between two saved checkpoints; a save takes a tenth of a second.
const SAVE_EVERY: Duration = Duration::from_secs(30);
/// Samples of each class in the pictures that show how training goes.
const SHOWN_PER_CLASS: usize = 10;
const DEFAULT_MINUTES: f64 = 5.0;

/// Train a conditional GAN on your own images
///
/// Writes the checkpoint every half minute and at the end, and beside it a grid of samples (a row per class), the loss curves and the
/// metrics: for gan.safetensors these are gan.samples.png, gan.training.png and gan.metrics.jsonl. Ctrl-C saves the checkpoint and
/// ends; --resume goes on from there, or from the last checkpoint of a training that was killed. With --steps, given the same data and
/// options and the steps that are left, it ends with the same weights and metrics as training that was never stopped, and two trainings of
/// one seed are the same, with any number of threads. With --minutes neither holds: how many steps there are, and what follows from their
/// number, is the clock's doing.
///
/// The metrics are JSON objects, one a line, of three kinds: "step", what the networks' losses were; "score", how good samples are;
/// "event", what the training's supervisor saw and did. Of the steps there is every one up to 2,000, every second up to 4,000, every
/// fourth up to 8,000, and so on.
///
/// Before, an autoencoder is trained whose decoder gives the generator its start: for a quarter of the minutes, or a third as many steps
/// as the GAN makes, 4,000 at most.
///
/// Of classes that all have 40 images or more a twentieth of each is held out, 256 images at most: by these the training notices when it
/// knows the others by heart, and `evaluate` measures with them.
///
/// Images are resized to squares. One that is more than four times as wide as high, or as high as wide, is refused: crop or pad it.
///
/// Whatever the transforms do to the images shows in the samples, so of their options only mirroring, of colour images, is on by
/// itself.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment train mnist --per-class 100 --minutes 5
  candle-augment train photos/train --out photos.safetensors --size 64 --minutes 30
  candle-augment train photos/train --out photos.safetensors --size 64 --minutes 30 --resume
  candle-augment train photos/few-labelled --unlabelled photos/all")]
pub struct Args {
    /// Class folders, IDX, CIFAR or NumPy files (their training part), or `digits`: see `candle-augment --help`
    data: PathBuf,
    /// The checkpoint to write, a .safetensors
    #[arg(long, value_name = "FILE", default_value = "gan.safetensors")]
    out: PathBuf,
    /// Use only so many images of each class, drawn at random
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    per_class: Option<u32>,
    /// Side of the square images that the GAN learns, 8 to 128 [default: the middle of the images' longer sides up to 64; of larger ones
    /// 32, which two cores train in minutes, where 64 takes four times as long]
    #[arg(long, value_name = "S")]
    size: Option<usize>,
    /// Stop after so many steps
    #[arg(long, value_name = "N", conflicts_with = "minutes", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Stop after so long [default: 5]
    #[arg(long, value_name = "M", allow_negative_numbers = true)]
    minutes: Option<f64>,
    /// minimax (the original), non-saturating, hinge, least-squares or relativistic [default: non-saturating]
    #[arg(long, value_name = "LOSS")]
    loss: Option<Loss>,
    /// Images in a step [default: 64, or what the resumed training has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=65_536))]
    batch_size: Option<u32>,
    /// Go on from the checkpoint, for so many steps or minutes more, with its seed; DATA and the options that choose and change images
    /// must be as before, others are refused
    #[arg(long)]
    resume: bool,
    /// Replace a checkpoint that is already there, and the metrics beside it
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    /// Also write event files for TensorBoard into this folder: the metrics, and the grid of samples whenever the checkpoint is saved
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
    /// Learn from the images of this folder too, whose classes are unknown, in it or in folders below; they are resized and coloured
    /// like the others
    #[arg(long, value_name = "DIR")]
    unlabelled: Option<PathBuf>,
    /// What to train on; the GPUs only if the program was built for them
    #[arg(long, value_enum, default_value_t = DeviceKind::Cpu)]
    device: DeviceKind,
    /// f32, or on a GPU bf16, which computes most with 16 bits [default: f32, or what the resumed training has]
    #[arg(long, value_name = "PRECISION")]
    precision: Option<Precision>,
    #[command(flatten)]
    classic: ClassicArgs,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Report {
    checkpoint: PathBuf,
    samples: PathBuf,
    curves: PathBuf,
    metrics: PathBuf,
    classes: usize,
    images: usize,
    /// Those beside them whose class is unknown.
    unlabelled: Option<usize>,
    size: usize,
    channels: usize,
    loss: String,
    transforms: String,
    /// Steps over all runs.
    steps: u64,
    /// Steps of this run.
    steps_made: u64,
    seconds: f64,
    steps_per_second: f64,
    last: Option<TrainReport>,
    /// Of the best generator, which the checkpoint's samples come from; none if nothing was learnt.
    best: Option<Score>,
    /// The class whose samples are the most alike, if they are nearly so.
    alike: Option<String>,
    /// Whether the user stopped it.
    stopped: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let budget = args.budget()?;
    let device = args.device.open()?;
    let resumed = args.open_checkpoint()?;
    let files = Files::beside(&args.out);
    files.check()?;
    args.tensorboard.as_deref().map_or(Ok(()), |folder| output::check_folder(folder, "--tensorboard"))?;
    let seed = resumed.as_ref().map_or(args.common.seed, |trainer| trainer.config().seed);
    let set = args.open_set(seed)?;
    let first = set.load(0)?;
    let size = args.size.or(resumed.as_ref().map(|trainer| trainer.config().size));
    let size = size.unwrap_or_else(|| default_size(&*set));
    let config = GanConfig {
        seed,
        loss: args.loss.unwrap_or_default(),
        precision: args.precision.unwrap_or_default(),
        ..GanConfig::new(size, first.channels(), set.classes()).for_images(set.len())
    };
    let config = match args.batch_size {
        Some(batch_size) => GanConfig { batch_size: batch_size as usize, ..config },
        None => config,
    };
    config.validate()?;
    let (config, checkpoint) = match &resumed {
        // Stopped before its first step, its autoencoder may have made only some of its own: all begins anew.
        Some(trainer) if trainer.steps() == 0 => (args.checked(trainer, &config)?.clone(), None),
        Some(trainer) => (args.checked(trainer, &config)?.clone(), Some(args.out.as_path())),
        None => (config, None),
    };
    if device.is_cpu() && config.precision != Precision::F32 {
        return Err(Error::config(format!(
            "the precision {} is for GPUs, the CPU is slower with it: add --device cuda or metal, or train in f32",
            config.precision
        )));
    }
    let classic = args.classic.light(first.channels());
    let workers = args.common.workers();
    let transform = classic.transform()?;
    let unlabelled = args.unlabelled.as_ref().map(open_unlabelled).transpose()?;
    let set = data::read(&set, size, Color::AsStored, workers)?;
    let unlabelled = match unlabelled {
        Some(images) => {
            let color = if config.channels == 1 { Color::Gray } else { Color::Rgb };
            Some(data::read(&images, size, color, workers)?)
        }
        None => None,
    };
    let (train_set, held_out) = training::hold_out(&set, seed)?;
    let trained_on = TrainedOn::new(&set, classic.to_string(), unlabelled.as_deref())?;
    let trained_on = trained_on.with_held_out(set.len() - train_set.len());
    if let Some(trainer) = &resumed {
        args.check_data(trainer, &trained_on)?;
    }
    let beside = match &unlabelled {
        Some(images) => {
            Some(training::unlabelled_loader(images, classic.transform()?, config.batch_size, workers, seed)?)
        }
        None => None,
    };
    let loader = training::loader(&train_set, transform, config.batch_size, workers, seed)?;
    interrupt::listen("saving the checkpoint")?;
    let unlabelled = unlabelled.map(|images| images.len());
    let and = unlabelled.map_or_else(String::new, |count| format!(" and {count} unlabelled ones"));
    tell(format_args!(
        "training on {} images of {} classes{and}{}, Ctrl-C saves and ends",
        train_set.len(),
        set.classes().len(),
        match set.len() - train_set.len() {
            0 => String::new(),
            held_out => format!(", {held_out} held out"),
        }
    ));
    let mut supervisor = training::watch(config, checkpoint, &device, &loader, held_out, budget)?;
    supervisor.set_trained_on(trained_on);
    let mut records = Records::open(files, args, &supervisor)?;
    let mut saved = Instant::now();
    let after_step = |supervisor: &Supervisor, step: &Step| {
        records.record(supervisor.trainer().steps(), step)?;
        if interrupt::stopped() {
            return Ok(Flow::Stop);
        }
        if saved.elapsed() >= SAVE_EVERY {
            records.save(supervisor)?;
            saved = Instant::now();
        }
        Ok(Flow::Continue)
    };
    // By an examiner whose training was cut short, no step is made.
    let run = if interrupt::stopped() {
        Run::default()
    } else {
        training::train(&mut supervisor, &loader, beside.as_ref(), after_step)?
    };
    records.save(&supervisor)?;
    let report = Report::new(records.files, &supervisor, (train_set.len(), unlabelled), &classic, &run);
    output::print(&report, args.common.json)?;
    if report.stopped {
        return Err(exit::interrupted(format!("stopped at step {}: add --resume to go on", report.steps)));
    }
    Ok(())
}

impl Args {
    fn budget(&self) -> Result<Budget> {
        match self.steps {
            Some(steps) => Ok(Budget::Steps(steps)),
            None => training::minutes(self.minutes.unwrap_or(DEFAULT_MINUTES)),
        }
    }

    /// The checkpoint to go on from, or none; refuses to replace one unasked.
    fn open_checkpoint(&self) -> Result<Option<Trainer>> {
        output::check_file(&self.out, "safetensors")?;
        if self.resume {
            return Trainer::load(&self.out, &Device::Cpu).map(Some);
        }
        if self.out.exists() && !self.force {
            return Err(Error::config(
                "there is a checkpoint already: add --resume to go on with it, --force to replace it, or name another with --out",
            )
            .with_path(&self.out));
        }
        Ok(None)
    }

    /// Refuses to go on with other data than the checkpoint's.
    fn check_data(&self, trainer: &Trainer, now: &TrainedOn) -> Result<()> {
        match trainer.trained_on() {
            Some(before) => before.expect(now).map_err(|error| error.with_path(&self.out)),
            None => {
                let what =
                    "does not say what its GAN was trained on: the data and its options are taken to be the same";
                tell(format_args!("{} {what}", self.out.display()));
                Ok(())
            }
        }
    }

    fn open_set(&self, seed: u64) -> Result<Arc<dyn Dataset>> {
        let set = open_data(&self.data, Part::Train)?;
        match self.per_class {
            Some(count) => Ok(Arc::new(set.per_class(count as usize, seed)?)),
            None => Ok(set),
        }
    }

    /// The configuration of the checkpoint's trainer, if it is one for the images and the loss of `config`.
    fn checked<'a>(&self, trainer: &'a Trainer, config: &GanConfig) -> Result<&'a GanConfig> {
        let own = trainer.config();
        own.expect_images(config.size, config.channels, &config.classes).map_err(|error| error.with_path(&self.out))?;
        let refused = |what: String, option: &str| {
            let message = format!("the GAN was trained with {what}: leave {option} out, or train another");
            Err(Error::new(ErrorKind::Checkpoint, message).with_path(&self.out))
        };
        match (self.loss, self.batch_size) {
            (Some(loss), _) if loss != own.loss => refused(format!("the loss {}, not {loss}", own.loss), "--loss"),
            _ if self.precision.is_some_and(|precision| precision != own.precision) => {
                refused(format!("the precision {}", own.precision), "--precision")
            }
            (_, Some(size)) if size as usize != own.batch_size => {
                refused(format!("{} images in a step, not {size}", own.batch_size), "--batch-size")
            }
            _ => Ok(own),
        }
    }
}

/// The files that training writes.
struct Files {
    checkpoint: PathBuf,
    samples: PathBuf,
    curves: PathBuf,
    metrics: PathBuf,
}

impl Files {
    fn beside(checkpoint: &Path) -> Self {
        let beside = |extension| checkpoint.with_extension(extension);
        Self {
            checkpoint: checkpoint.into(),
            samples: beside("samples.png"),
            curves: beside("training.png"),
            metrics: beside("metrics.jsonl"),
        }
    }

    /// Checks that the files beside the checkpoint can be written; that one is checked as it is opened.
    fn check(&self) -> Result<()> {
        [&self.samples, &self.curves, &self.metrics].into_iter().try_for_each(|path| output::check_not_folder(path))
    }
}

/// What training writes as it goes on.
struct Records {
    files: Files,
    metrics: Metrics,
    board: Option<Board>,
}

impl Records {
    /// Of a new training, unless `args` resume one.
    fn open(files: Files, args: &Args, supervisor: &Supervisor) -> Result<Self> {
        let steps = supervisor.trainer().steps();
        let metrics = if args.resume {
            Metrics::resume(&files.metrics, steps)?
        } else {
            // Metrics must not come to stand beside a checkpoint of another training, should this one be killed soon: the
            // old one is kept until this can take its place, whole, and of the old metrics a resume from step 0 keeps none.
            if files.checkpoint.exists() {
                supervisor.save(&files.checkpoint)?;
            }
            Metrics::create(&files.metrics)?
        };
        let board = args.tensorboard.as_ref().map(|folder| Board::create(folder, steps)).transpose()?;
        Ok(Self { files, metrics, board })
    }

    fn record(&mut self, step: u64, progress: &Step) -> Result<()> {
        self.metrics.record(step, progress)?;
        self.board.as_mut().map_or(Ok(()), |board| board.record(step, progress))
    }

    /// Saves the checkpoint, and draws the pictures. The metrics come first: the checkpoint's steps must be in them.
    fn save(&mut self, supervisor: &Supervisor) -> Result<()> {
        self.metrics.sync()?;
        supervisor.save(&self.files.checkpoint)?;
        let source = supervisor.source().or_else(|_| supervisor.trainer().source())?;
        let config = supervisor.trainer().config();
        let classes: Vec<_> = (0..source.classes().len()).collect();
        let title = format!("Samples after {}", count(source.step(), "step", "steps"));
        let grid = SampleGrid { title: &title, classes: &classes, per_class: SHOWN_PER_CLASS, seed: config.seed };
        let samples = grid.render(&source, |_| String::new())?;
        samples.save_png(&self.files.samples)?;
        if let Some(board) = &mut self.board {
            board.show(supervisor.trainer().steps(), &samples)?;
        }
        training::curves_of(config.loss, &self.metrics.steps(), "Training").save_png(&self.files.curves)
    }
}

impl Report {
    fn new(
        files: Files,
        supervisor: &Supervisor,
        (images, unlabelled): (usize, Option<usize>),
        classic: &Classic,
        run: &Run,
    ) -> Self {
        let trainer = supervisor.trainer();
        let config = trainer.config();
        let alike = supervisor.best().and_then(Score::alike);
        Self {
            checkpoint: files.checkpoint,
            samples: files.samples,
            curves: files.curves,
            metrics: files.metrics,
            classes: config.classes.len(),
            images,
            unlabelled,
            size: config.size,
            channels: config.channels,
            loss: config.loss.to_string(),
            transforms: classic.to_string(),
            steps: trainer.steps(),
            steps_made: run.steps,
            seconds: run.seconds,
            steps_per_second: run.rate(),
            last: run.last,
            best: supervisor.best().cloned(),
            alike: alike.map(|class| config.classes[class as usize].clone()),
            stopped: interrupt::stopped(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { images, classes, size, steps, seconds, steps_per_second, .. } = self;
        let color = if self.channels == 1 { "gray" } else { "RGB" };
        let and = self.unlabelled.map_or_else(String::new, |count| format!(" and {count} unlabelled ones"));
        writeln!(
            f,
            "trained on   {images} images of {classes} classes{and}, {size}×{size} {color}; transforms: {}",
            self.transforms
        )?;
        writeln!(
            f,
            "steps        {steps} in all, {} now in {seconds:.1} s ({steps_per_second:.1} a second)",
            self.steps_made
        )?;
        if let Some(last) = &self.last {
            writeln!(f, "loss         discriminator {:.3}, generator {:.3} ({})", last.d_loss, last.g_loss, self.loss)?;
        }
        match &self.best {
            Some(best) => writeln!(
                f,
                "quality      {:.2} at best: class right {:.2}, variety {:.2}, real images reached {:.2} (1: as real images)",
                best.value(),
                best.agreement,
                best.diversity,
                best.coverage
            )?,
            None => writeln!(f, "quality      nothing learnt yet: train for longer, or on more images")?,
        }
        if let Some(class) = &self.alike {
            writeln!(
                f,
                "warning      the samples of {class:?} are nearly alike: train on more images of it, or leave them out"
            )?;
        }
        writeln!(f, "checkpoint   {}", self.checkpoint.display())?;
        writeln!(f, "samples      {}", self.samples.display())?;
        writeln!(f, "loss curves  {}", self.curves.display())?;
        writeln!(f, "metrics      {}", self.metrics.display())
    }
}
