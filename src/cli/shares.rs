//! Measures on images in memory how much of each class is to be synthetic.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_augment::compare::{Arm, Synthetic, Training};
use candle_augment::gate::{self, COPY_BUDGET, Choice, GateConfig, Progress as Event};
use candle_augment::quality::Filter;
use candle_augment::{ClassMixture, Dataset, Error, Result, SyntheticSource, Transform};

use super::progress::{Goal, Progress};
use super::training::AUTOENCODER_PART;
use super::words::tell;
use super::workshop::Workshop;
use super::{exit, filter, interrupt, training};

/// The names of the sources, in the order in which they are taken.
pub const GAN: &str = "gan";
pub const INTERPOLATION: &str = "interpolation";

/// A source with its name in the choice.
pub type NamedSource<'a> = (&'a str, Arc<dyn SyntheticSource>);

/// The part of the whole time that all sources are made in; the rest is for classifiers.
const SOURCES_PART: f64 = 0.5;

/// Options of the measurement.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Choice of shares")]
pub struct GateArgs {
    /// Synthetic shares to try, a comma between two; none is tried always
    #[arg(long, value_name = "S,…", value_delimiter = ',', default_value = "0.25,0.5", allow_negative_numbers = true)]
    pub shares: Vec<f64>,
    /// Parts of the training images, each measured by classifiers, a GAN and an autoencoder that were trained on the others
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub folds: usize,
    /// Repetitions of the cross-validation with other seeds, as far as the time allows; 2 at least
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub repeats: usize,
    /// Give no samples to a class of which more than this share are copies of training images
    #[arg(long, value_name = "S", default_value_t = COPY_BUDGET, allow_negative_numbers = true)]
    pub copy_budget: f64,
}

impl GateArgs {
    /// Checks the options, and how classifiers are to be trained.
    pub fn check(&self, training: &Training) -> Result<()> {
        self.config(training).validate()?;
        if (0.0..=1.0).contains(&self.copy_budget) {
            return Ok(());
        }
        Err(Error::config(format!("--copy-budget {}: it is a share from 0 to 1, such as 0.15", self.copy_budget)))
    }
}

impl fmt::Display for GateArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shares, folds, repeats, copy_budget } = self;
        write!(f, "--shares {shares:?} --folds {folds} --repeats {repeats} --copy-budget {copy_budget}")
    }
}

/// What a measurement is made with.
pub struct Gate<'a> {
    pub args: &'a GateArgs,
    pub workshop: &'a Workshop,
    pub training: Training,
    pub classic: Arc<dyn Transform>,
    /// All of it, with the last sources.
    pub time: Duration,
    /// Of one GAN.
    pub gan: Duration,
}

impl GateArgs {
    /// The configuration, without the time.
    fn config(&self, training: &Training) -> GateConfig {
        GateConfig {
            training: training.clone(),
            folds: self.folds,
            repeats: self.repeats,
            shares: self.shares.clone(),
            time: None,
        }
    }

    /// GANs, each with its autoencoder, that are trained: one for each fold, and the last one; in units of a GAN's time.
    fn sources(&self) -> f64 {
        (self.folds as f64 + 1.0) * (1.0 + AUTOENCODER_PART)
    }

    /// The time of one GAN, of `whole` for all.
    pub fn gan_time(&self, whole: Duration) -> Duration {
        whole.mul_f64(SOURCES_PART / self.sources())
    }

    /// Refuses a time of one GAN that leaves none for classifiers.
    pub fn check_gan_time(&self, gan: Duration, whole: Duration) -> Result<()> {
        if gan.as_secs_f64() * self.sources() < whole.as_secs_f64() {
            return Ok(());
        }
        let (gans, minutes) = (self.folds + 1, gan.as_secs_f64() / 60.0);
        Err(Error::config(format!(
            "{gans} GANs of {minutes:.1} minutes, and their autoencoders, leave no time to measure in {:.1} minutes: give more \
             minutes for the choice, or fewer for a GAN",
            whole.as_secs_f64() / 60.0
        )))
    }
}

impl Gate<'_> {
    /// What helps classifiers that are trained on `train`, by cross-validation.
    pub fn choose(&self, train: &Arc<dyn Dataset>) -> Result<Choice> {
        let classic = Arm::classic(Arc::clone(&self.classic));
        let last = self.gan.mul_f64(1.0 + AUTOENCODER_PART);
        let time = Some(self.time.saturating_sub(last));
        let config = GateConfig { time, ..self.args.config(&self.training) };
        let autoencoder_steps = self.workshop.autoencoder_steps(train, self.gan)?;
        let mut candidates = Vec::new();
        for name in [GAN, INTERPOLATION] {
            let (workshop, gan) = (self.workshop.clone(), self.gan);
            let maker = move |train: &Arc<dyn Dataset>| -> Result<Arc<dyn SyntheticSource>> {
                Ok(match name {
                    GAN => Arc::new(training::best(&workshop.gan(train, gan)?)?),
                    _ => Arc::new(workshop.interpolation(train, autoencoder_steps)?),
                })
            };
            let synthetic = Synthetic::made_from(maker, ClassMixture::None);
            candidates.push(classic.clone().with_synthetic(name, synthetic));
        }
        let mut bar: Option<Progress> = None;
        let started = Instant::now();
        let choice = gate::choose(&config, train, &classic, &candidates, |event| {
            match event {
                Event::Source { name, fold } => {
                    tell(format_args!("fold {} of {}: {name}", fold + 1, config.folds));
                }
                Event::Step { name, done, total, loss } => {
                    let bar =
                        bar.get_or_insert_with(|| Progress::new("measure shares", "steps", Goal::Count(total as u64)));
                    bar.update(done as u64, || format!("{name}, loss {loss:.3}"));
                }
                _ => {}
            }
            match interrupt::stopped() {
                true => Err(exit::interrupted("stopped while shares were measured, of which nothing is kept")),
                false => Ok(()),
            }
        })?;
        if let Some(bar) = bar {
            bar.finish(&format!("{:.0} s", started.elapsed().as_secs_f64()));
        }
        Ok(choice)
    }

    /// Takes their samples from classes of which a source makes copies, or hardly anything of use.
    pub fn refuse(&self, choice: &mut Choice, train: &Arc<dyn Dataset>, sources: &[NamedSource<'_>]) -> Result<()> {
        if sources.is_empty() {
            return Ok(());
        }
        let config = filter::config(&self.training);
        let folds = filter::judges(&config, train, filter::go_on)?;
        for (name, source) in sources {
            let judge = Filter::fit(&config, train, &folds, source)?;
            gate::refuse(choice, (name, source), &judge, self.args.copy_budget, config.seed, |_| filter::go_on())?;
        }
        Ok(())
    }
}
