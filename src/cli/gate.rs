//! `gate`: how much of each class is to be synthetic?

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use candle_augment::compare::Training;
use candle_augment::gan::{Budget, GanConfig, InterpolationSource, Supervisor};
use candle_augment::gate::Choice;
use candle_augment::{Color, Dataset, Error, Part, Result, Size, SyntheticSource, open_data};
use serde::Serialize;

use super::classic::ClassicArgs;
use super::common::Common;
use super::shares::{GAN, Gate, GateArgs, INTERPOLATION, NamedSource};
use super::thin::Thinning;
use super::words::tell;
use super::workshop::Workshop;
use super::{data, interrupt, output, training};

/// Choose by measurement how much of each class is to be synthetic
///
/// By cross-validation on DATA itself, its training part: classifiers are trained with classic transforms alone, and with synthetic
/// samples beside the real images, of a GAN and of an interpolation between images in the codes of an autoencoder, with several shares.
/// For each fold both are trained anew on the other folds. A class gets samples only where these are shown to help, with 90 %: of the
/// GAN if they do, else of the interpolation if these do, else none. What was chosen is measured once more as a whole, and given up if it
/// gains nothing then. Where some classes have under half as many images as the largest, these alone may get samples. Classes of
/// which the chosen source copies training images get none.
///
/// Writes into a folder: choice.toml, with the share of each class and all figures, which a loader reads and you may edit; and the
/// sources that it names, trained on all images: gan.safetensors, interpolation.safetensors. What was measured holds for classes that
/// come equally often, and for this size and these transforms.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment gate photos --minutes 30
  candle-augment gate mnist --per-class 100 --shares 0.3 --out mnist-gate

In code: let (mixture, source) = gate::open(\"candle-augment-gate/choice.toml\", set.classes())?;")]
pub struct Args {
    /// Class folders, IDX, CIFAR or NumPy files (their training part), or `digits`: see `candle-augment --help`
    data: PathBuf,
    /// The folder to write into; made if it does not exist
    #[arg(long, value_name = "DIR", default_value = "candle-augment-gate")]
    out: PathBuf,
    /// End after so long, and the search for copies; half of it is for GANs and autoencoders
    #[arg(long, value_name = "M", default_value_t = 15.0, allow_negative_numbers = true)]
    minutes: f64,
    /// Side of the square images, from 8 to 128 [default: that of the images up to 64, else 32; see train]
    #[arg(long, value_name = "S")]
    size: Option<usize>,
    /// Optimiser steps of each classifier
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Images in a step
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// The learning rate of all classifiers
    #[arg(long, value_name = "RATE", default_value_t = 0.004, allow_negative_numbers = true)]
    learning_rate: f64,
    /// Replace a choice, and sources, that are already there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    thinning: Thinning,
    #[command(flatten)]
    gate: GateArgs,
    #[command(flatten)]
    classic: ClassicArgs,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Report {
    folder: PathBuf,
    data: PathBuf,
    images: usize,
    size: usize,
    transforms: String,
    seconds: f64,
    choice: Choice,
}

pub fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let Ok(Budget::Time(time)) = training::minutes(args.minutes) else {
        return Err(Error::config(format!("--minutes {}: give a number of minutes above 0", args.minutes)));
    };
    let files = Files::new(&args.out, args.force)?;
    let train = args.thinning.apply(&open_data(&args.data, Part::Train)?, args.common.seed)?;
    let workshop = Workshop::new(&*train, args.size, &args.classic, &args.common)?;
    let GanConfig { size, channels, .. } = workshop.config;
    let (workers, classic) = (workshop.workers, args.classic.full(channels));
    let default = Training::new(Size::square(size));
    let gate = Gate {
        args: &args.gate,
        workshop: &workshop,
        training: Training {
            steps: args.steps as usize,
            batch_size: args.batch_size as usize,
            learning_rate: args.learning_rate,
            seed: args.common.seed,
            workers,
            ..default
        },
        classic: Arc::new(classic.transform()?),
        time,
        gan: args.gate.gan_time(time),
    };
    args.gate.check(&gate.training)?;
    let color = if channels == 1 { Color::Gray } else { Color::Rgb };
    let train = data::read(&train, size, color, workers)?;
    interrupt::listen("ending without a choice")?;
    let mut choice = gate.choose(&train)?;
    let used: Vec<String> = choice.used_sources().into_iter().map(str::to_owned).collect();
    let made = used.iter().map(|name| Made::new(name, &gate, &train)).collect::<Result<Vec<_>>>()?;
    let sources = used.iter().zip(&made).map(|(name, made)| Ok((name.as_str(), made.source()?)));
    gate.refuse(&mut choice, &train, &sources.collect::<Result<Vec<NamedSource<'_>>>>()?)?;
    // Until now everything that was there is as it was. A choice must not stand beside sources that it does not speak of.
    files.remove_choice()?;
    for (name, made) in used.iter().zip(&made) {
        made.save(&files.source(name))?;
    }
    let file = |name: &str| (name.to_owned(), format!("{name}.safetensors").into());
    choice.sources = choice.used_sources().into_iter().map(file).collect();
    choice.write(&files.choice)?;
    let report = Report {
        folder: args.out.clone(),
        data: args.data.clone(),
        images: train.len(),
        size,
        transforms: classic.to_string(),
        seconds: started.elapsed().as_secs_f64(),
        choice,
    };
    output::print(&report, args.common.json)
}

/// A source that was trained on all images.
enum Made {
    Gan(Box<Supervisor>),
    Interpolation(Arc<InterpolationSource>),
}

impl Made {
    fn new(name: &str, gate: &Gate<'_>, train: &Arc<dyn Dataset>) -> Result<Self> {
        tell(format_args!("all images: {name}"));
        if name == GAN {
            return Ok(Self::Gan(Box::new(gate.workshop.gan(train, gate.gan)?)));
        }
        let steps = gate.workshop.autoencoder_steps(train, gate.gan)?;
        Ok(Self::Interpolation(Arc::new(gate.workshop.interpolation(train, steps)?)))
    }

    fn source(&self) -> Result<Arc<dyn SyntheticSource>> {
        Ok(match self {
            Self::Gan(supervisor) => Arc::new(training::best(supervisor)?),
            Self::Interpolation(source) => Arc::clone(source) as _,
        })
    }

    fn save(&self, file: &Path) -> Result<()> {
        match self {
            Self::Gan(supervisor) => supervisor.save(file),
            Self::Interpolation(source) => source.save(file),
        }
    }
}

/// What is written.
struct Files {
    folder: PathBuf,
    choice: PathBuf,
}

impl Files {
    /// In a folder that is made, all of which can be written; refuses to replace any of them unasked.
    fn new(folder: &Path, force: bool) -> Result<Self> {
        output::check_folder(folder, output::OUT)?;
        let files = Self { folder: folder.to_owned(), choice: folder.join("choice.toml") };
        let all = [files.choice.clone(), files.source(GAN), files.source(INTERPOLATION)];
        all.iter().try_for_each(|file| output::check_not_folder(file))?;
        if let Some(there) = all.iter().find(|file| file.exists() && !force) {
            let message = "is there already: add --force to replace it, or name another folder with --out";
            return Err(Error::config(message).with_path(there));
        }
        Ok(files)
    }

    fn remove_choice(&self) -> Result<()> {
        match std::fs::remove_file(&self.choice) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove the file", &self.choice, error))
            }
            _ => Ok(()),
        }
    }

    fn source(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.safetensors"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, data, images, size, transforms, seconds, choice } = self;
        writeln!(f, "data     {}, {images} images, {size} pixels a side", data.display())?;
        writeln!(f, "classic  {transforms}")?;
        writeln!(f, "\nGain in points of F1 over classic transforms alone, by cross-validation:\n\n{choice}")?;
        if choice.used_sources().is_empty() {
            writeln!(f, "No class gets synthetic samples: use classic transforms alone.")?;
        }
        writeln!(f, "choice.toml and the sources it names are in {}, after {seconds:.0} s", folder.display())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use candle_augment::gate::{ClassChoice, open};
    use candle_augment::{DatasetExt, Pipeline, Purpose, SampleKey, SyntheticRequest, digits};

    use super::*;

    #[test]
    fn a_source_is_the_same_when_it_is_read_again() -> Result<()> {
        let train: Arc<dyn Dataset> = Arc::new(digits()?.per_class(12, 0)?);
        let config = GanConfig::new(8, 1, train.classes());
        let workshop = Workshop { config, transform: Pipeline::new(), transforms: "none".into(), workers: 1 };
        let gate = Gate {
            args: &GateArgs { shares: vec![0.3], folds: 2, repeats: 2, copy_budget: 0.15 },
            workshop: &workshop,
            training: Training::new(Size::square(8)),
            classic: Arc::new(Pipeline::new()),
            time: Duration::from_secs(10),
            gan: Duration::from_secs(1),
        };
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path(), false)?;
        for name in [GAN, INTERPOLATION] {
            let made = Made::new(name, &gate, &train)?;
            made.save(&files.source(name))?;
            let class = ClassChoice { source: Some(name.to_owned()), share: 0.5, reason: String::new() };
            let mut choice = Choice { classes: [("3".to_owned(), class)].into(), ..Choice::default() };
            choice.sources.insert(name.to_owned(), format!("{name}.safetensors").into());
            choice.write(&files.choice)?;
            let (_, read) = open(&files.choice, train.classes())?;
            let key = SampleKey { seed: 1, epoch: 0, position: 0, purpose: Purpose::Synthetic };
            let request = [SyntheticRequest { label: 3, serial: 0, key }];
            assert_eq!(read.generate(&request)?, made.source()?.generate(&request)?, "{name}");
        }
        Ok(())
    }
}
