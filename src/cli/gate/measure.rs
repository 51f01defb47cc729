//! Measures on images in memory how much of each class is to be synthetic.

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_augment::compare::{Arm, Synthetic, Training};
use candle_augment::gate::{self, COPY_BUDGET, Choice, GateConfig, Progress as Event};
use candle_augment::quality::{Filter, FilteredSource, PoolConfig, QualityConfig, cross_fit};
use candle_augment::{ClassMixture, Dataset, Error, Result, SyntheticSource, Transform};

use super::super::compare::ScheduleArgs;
use super::super::progress::{Goal, Progress};
use super::super::training::AUTOENCODER_PART;
use super::super::words::{count, tell};
use super::super::workshop::Workshop;
use super::super::{exit, interrupt, training};

/// The names of the sources, in the order in which they are taken.
pub const GAN: &str = "gan";
pub const INTERPOLATION: &str = "interpolation";

/// The part of the whole time that one GAN is trained for: there is one for each fold, and the last one.
const GAN_PART: f64 = 0.1;
/// Samples of a class that are looked through for copies.
const FILTERED: usize = 256;

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
    pub fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.copy_budget) {
            return Ok(());
        }
        Err(Error::config(format!("--copy-budget {}: it is a share from 0 to 1, such as 0.15", self.copy_budget)))
    }
}

/// What a measurement is made with.
pub struct Gate<'a> {
    pub args: &'a GateArgs,
    pub schedule: &'a ScheduleArgs,
    pub workshop: &'a Workshop,
    pub training: Training,
    pub classic: Arc<dyn Transform>,
    /// All of it, without the last sources.
    pub time: Duration,
    /// Of one GAN.
    pub gan: Duration,
}

/// The time of one GAN, of `whole` for all.
pub fn gan_time(whole: Duration) -> Duration {
    whole.mul_f64(GAN_PART)
}

impl Gate<'_> {
    /// The configuration, without the time.
    pub fn config(&self) -> GateConfig {
        GateConfig {
            training: self.training.clone(),
            folds: self.args.folds,
            repeats: self.args.repeats,
            shares: self.args.shares.clone(),
            time: None,
        }
    }

    /// What helps classifiers that are trained on `train`, by cross-validation.
    pub fn choose(&self, train: &Arc<dyn Dataset>) -> Result<Choice> {
        let classic = Arm::classic(Arc::clone(&self.classic));
        let last = self.gan.mul_f64(1.0 + AUTOENCODER_PART);
        let time = Some(self.time.saturating_sub(last));
        let config = GateConfig { time, ..self.config() };
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
            let synthetic = self.schedule.apply(Synthetic::made_from(maker, ClassMixture::None));
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

    /// Takes the samples of `source` from classes that it makes copies of, or hardly anything of use.
    pub fn refuse(
        &self,
        choice: &mut Choice,
        name: &str,
        train: &Arc<dyn Dataset>,
        source: &Arc<dyn SyntheticSource>,
    ) -> Result<()> {
        let config = QualityConfig {
            steps: self.training.steps,
            batch_size: self.training.batch_size,
            seed: self.training.seed,
            workers: self.training.workers,
            ..QualityConfig::default()
        };
        let total = (config.folds * config.steps) as u64;
        let mut bar = Progress::new("look for copies", "steps", Goal::Count(total));
        let folds = cross_fit(train, &config, |done| {
            bar.update(done as u64, String::new);
            match interrupt::stopped() {
                true => Err(exit::interrupted("stopped while samples were looked through")),
                false => Ok(()),
            }
        })?;
        let filter = Filter::fit(&config, train, &folds, source)?;
        // No more are made than are looked at, so that the rates are of all.
        let pools =
            PoolConfig { size: FILTERED, candidates: 1, seed: config.seed, bytes: usize::MAX, ..PoolConfig::default() };
        let filtered = FilteredSource::new(Arc::clone(source), filter, pools, |_| Ok(()))?;
        bar.finish(&count(total, "step", "steps"));
        gate::refuse(choice, name, filtered.acceptance(), self.args.copy_budget);
        Ok(())
    }
}
