//! Training under watch: faults are undone, a training that goes wrong goes back, and the best generator is kept.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::augment::MOST;
use super::checkpoint::{BEST, Checkpoint, Supervised};
use super::event::{Event, Reaction};
use super::examiner::{Examiner, Score, sound, without_faults};
use super::pulse::{Alarm, Pulse};
use super::source::GeneratorSource;
use super::state::State;
use super::trained_on::TrainedOn;
use super::trainer::{Fault, TrainReport, Trainer};
use crate::error::{Error, ErrorKind, Result};
use crate::loader::Batch;

/// Examinations in the course of a plan, and the fewest steps between two.
const CHECKS: u64 = 20;
const FEWEST_BETWEEN: u64 = 20;
/// Steps after which the rate of a time budget is first known.
const FIRST_ESTIMATE: u64 = 12;
/// So many given-up steps within so many make training go back.
const FAULTS: usize = 3;
const FAULT_WINDOW: u64 = 100;
/// How often training goes back at most.
const SETBACKS: u32 = 4;
/// A score below this share of the best is poor; two in a row make training go back.
const POOR: f64 = 0.67;
const POOR_CHECKS: u32 = 2;
/// Checks without anything learnt that make it start anew, with rates that many times lower: soon if the discriminator's
/// answers have run away, whose losses have no gradient left; late otherwise, for some start slowly.
const RUNAWAY: f64 = 15.0;
const RUNAWAY_CHECKS: u32 = 2;
const IDLE_CHECKS: u32 = 8;
const IDLE_RATE: f64 = 0.125;
/// Checks without a better score that end training: half of the plan.
const PATIENCE: u32 = 10;
/// A discriminator that is right so often, for so many checks without a better score, is slowed down, to this at least.
const WINNING: f64 = 0.98;
const WINNING_CHECKS: u32 = 3;
const SLOWEST: f64 = 0.125;
/// The discriminator's answers to held-out images are this part of the way from the trained-on ones to the generated ones.
const OVERFIT: f64 = 0.5;
/// By how much augmentation is made stronger at a time.
const AUGMENT_BY: f64 = 0.1;
/// By how much the noise on the discriminator's images is, and how many times its own it is at most. Beyond, samples get
/// grainy.
const MORE_NOISE: f64 = 1.25;
const MOST_NOISE: f64 = 2.0;

/// When training ends; all schedules follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// After so many steps.
    Steps(u64),
    /// After so long; the number of steps is estimated from those made, over and over.
    Time(Duration),
}

/// What a step of the [`Supervisor`] brought.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What the step measured; none if it was given up.
    pub report: Option<TrainReport>,
    /// What was seen and done.
    pub events: Vec<Event>,
    /// How good the samples are, if they were examined after this step.
    pub score: Option<Score>,
    /// Whether training has ended.
    pub finished: bool,
}

/// What the supervisor carries from step to step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watch {
    next_check: u64,
    checks: u64,
    best: Option<Score>,
    /// Checks in a row with a poor score, without a better one, and with samples of a class that are alike.
    poor: u32,
    stale: u32,
    alike: u32,
    setbacks: u32,
    /// The latest steps that were given up.
    faults: Vec<u64>,
    /// The running means of the discriminator's accuracy, and of the distance of its mean answers.
    accuracy: f64,
    distance: f64,
    pulse: Pulse,
    finished: bool,
}

impl Watch {
    /// Whether some step's generator was any good.
    pub(super) fn has_best(&self) -> bool {
        self.best.is_some()
    }

    fn new() -> Self {
        Self {
            next_check: 0,
            checks: 0,
            best: None,
            poor: 0,
            stale: 0,
            alike: 0,
            setbacks: 0,
            faults: Vec::new(),
            accuracy: 0.5,
            distance: 0.0,
            pulse: Pulse::default(),
            finished: false,
        }
    }
}

/// A copy of a training at one step.
struct Snapshot {
    state: State,
    tensors: HashMap<String, Tensor>,
}

impl Snapshot {
    fn of(trainer: &Trainer) -> Result<Self> {
        let copy = |(name, tensor): (String, Tensor)| Ok((name, tensor.copy()?));
        Ok(Self { state: *trainer.state(), tensors: trainer.tensors().into_iter().map(copy).collect::<Result<_>>()? })
    }
}

/// Trains a GAN under watch.
///
/// Images that are no numbers are left out. A step whose losses or gradients are not finite is not made; when that happens
/// often, or they are a thousand times their usual size for some steps, or the samples become much worse than the best so far,
/// or nothing is learnt, both networks go back to the best step, or the start, and go on with lower rates. The discriminator is
/// slowed down when it has won, which leaves the generator no gradient. Augmentation is made stronger when the discriminator
/// knows its images by heart. [`Supervisor::source`] is the best generator, not the last.
///
/// ```no_run
/// use candle_augment::gan::{Budget, Examiner, GanConfig, Supervisor, Trainer};
/// use candle_augment::{Balance, DataLoader, Dataset, Normalize, digits, endless};
/// use candle_core::Device;
///
/// let set = digits()?;
/// let config = GanConfig::new(8, 1, set.classes());
/// let loader = DataLoader::builder(set)
///     .batch_size(config.batch_size)
///     .balance(Balance::Uniform)
///     .normalize(Normalize::signed())
///     .build()?;
/// let examiner = Examiner::train(&config, endless(&loader), 200, &Device::Cpu)?;
/// let trainer = Trainer::new(config, &Device::Cpu)?;
/// let mut supervisor = Supervisor::new(trainer, examiner, None, Budget::Steps(500))?;
/// for batch in endless(&loader) {
///     let progress = supervisor.step(&batch?)?;
///     progress.events.iter().for_each(|event| println!("{event}"));
///     if progress.finished {
///         break;
///     }
/// }
/// let source = supervisor.source()?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
pub struct Supervisor {
    trainer: Trainer,
    examiner: Examiner,
    held_out: Option<Batch>,
    budget: Budget,
    started: Instant,
    first_step: u64,
    watch: Watch,
    /// The best so far; before any was good, the start.
    best: Snapshot,
}

impl Supervisor {
    /// Watches `trainer`. `held_out` are images that it is never trained on, of any number from 2; without, nothing can be
    /// said about what the discriminator knows by heart.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the held-out images do not fit.
    pub fn new(trainer: Trainer, examiner: Examiner, held_out: Option<Batch>, budget: Budget) -> Result<Self> {
        let best = Snapshot::of(&trainer)?;
        Self::with(trainer, examiner, held_out, budget, (Watch::new(), best))
    }

    /// Goes on where [`Supervisor::save`] stopped, for the budget given here. With an examiner and held-out images made as
    /// before, and as many steps as were left, it ends with the same bits as training that went through.
    ///
    /// # Errors
    ///
    /// As [`Trainer::load`], and [`ErrorKind::Checkpoint`] for a file that a [`Trainer`] wrote by itself.
    pub fn load(
        path: impl AsRef<Path>,
        device: &Device,
        examiner: Examiner,
        held_out: Option<Batch>,
        budget: Budget,
    ) -> Result<Self> {
        let path = path.as_ref();
        let checkpoint = Checkpoint::read(path)?;
        let Some(supervised) = checkpoint.supervised else {
            let message = "expected a training under supervision, found one without, which only `Trainer::load` reads: \
                           train anew, by --force or into another file";
            return Err(Error::new(ErrorKind::Checkpoint, message).with_path(path));
        };
        let tensors = checkpoint
            .tensors
            .iter()
            .filter_map(|(name, tensor)| name.strip_prefix(BEST).map(|name| (name.to_owned(), tensor.clone())));
        let best = Snapshot { state: supervised.best, tensors: tensors.collect() };
        let load = || {
            let mut trainer = Trainer::new(checkpoint.config.clone(), device)?;
            // Both are tried, so that a damaged best is not found out when it is needed.
            trainer.restore(best.state, &best.tensors)?;
            trainer.restore(checkpoint.state, &checkpoint.tensors)?;
            if let Some(trained_on) = &checkpoint.trained_on {
                trainer.set_trained_on(trained_on.clone());
            }
            Ok(trainer)
        };
        let trainer = load().map_err(|error: Error| error.with_path(path))?;
        let watch = match supervised.watch {
            // Whoever goes on after an early stop wants it tried again.
            watch if watch.finished => Watch { finished: false, stale: 0, poor: 0, setbacks: 0, ..watch },
            watch => watch,
        };
        Self::with(trainer, examiner, held_out, budget, (watch, best))
    }

    fn with(
        mut trainer: Trainer,
        examiner: Examiner,
        held_out: Option<Batch>,
        budget: Budget,
        (watch, best): (Watch, Snapshot),
    ) -> Result<Self> {
        if let Some(held_out) = &held_out {
            trainer.check(held_out)?;
        }
        let first_step = trainer.steps();
        match budget {
            Budget::Steps(steps) => trainer.plan(first_step.saturating_add(steps)),
            // Until the rate is known, every schedule is at its beginning.
            Budget::Time(_) if trainer.planned().is_none() => trainer.plan(u64::MAX),
            Budget::Time(_) => {}
        }
        let mut supervisor =
            Self { trainer, examiner, held_out, budget, started: Instant::now(), first_step, watch, best };
        let between = supervisor.between_checks();
        supervisor.watch.next_check = match supervisor.watch.next_check {
            0 => between,
            // An earlier run may have ended before it knew its rate, and so have put the check off.
            next => next.min(first_step.saturating_add(between)),
        };
        Ok(supervisor)
    }

    /// Writes everything that [`Supervisor::load`] needs, whole or not at all; [`GeneratorSource::load`] takes the best
    /// generator from it, or, before anything was learnt, the last.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let supervised = Supervised { watch: self.watch.clone(), best: self.best.state };
        self.trainer.save_with(path.as_ref(), Some((supervised, &self.best.tensors)))
    }

    /// The training as it is now.
    #[must_use]
    pub fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// As [`Trainer::set_trained_on`].
    pub fn set_trained_on(&mut self, trained_on: TrainedOn) {
        self.trainer.set_trained_on(trained_on);
    }

    /// When training ends, as it was given.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// How good the best generator so far was; none before anything was learnt.
    #[must_use]
    pub fn best(&self) -> Option<&Score> {
        self.watch.best.as_ref()
    }

    /// Whether the budget is spent or there was no use in going on.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.watch.finished
    }

    /// The best generator.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Tensor`] if nothing was learnt, with what to try.
    pub fn source(&self) -> Result<GeneratorSource> {
        if self.watch.best.is_none() {
            return Err(Error::new(
                ErrorKind::Tensor,
                format!(
                    "the GAN learnt nothing in {} steps: its samples are no more like the class they are made for than \
                     like another; train it for longer, with lower learning rates, or on more images",
                    self.trainer.steps()
                ),
            ));
        }
        let Snapshot { state, tensors } = &self.best;
        GeneratorSource::best(self.trainer.config(), self.trainer.device(), state.step, tensors)
    }

    /// One step, as [`Trainer::step`], and what it takes to keep training sound.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a batch of another kind; [`ErrorKind::Tensor`] if the device fails. A fault of the training
    /// is no error but an [`Event`].
    pub fn step(&mut self, batch: &Batch) -> Result<Progress> {
        self.step_with(batch, None)
    }

    /// The same as [`Trainer::step_with`]: with unlabelled images beside the batch.
    ///
    /// # Errors
    ///
    /// As [`Supervisor::step`], for the unlabelled images too.
    pub fn step_with(&mut self, batch: &Batch, unlabelled: Option<&Tensor>) -> Result<Progress> {
        let mut events = Vec::new();
        let report = self.try_step(batch, unlabelled, &mut events)?;
        self.estimate();
        let spent = self.is_spent();
        let mut score = None;
        if !self.watch.finished && (spent || self.trainer.steps() >= self.watch.next_check) {
            score = Some(self.check(&mut events)?);
        }
        self.watch.finished |= spent;
        Ok(Progress { report, events, score, finished: self.watch.finished })
    }

    fn try_step(
        &mut self,
        batch: &Batch,
        unlabelled: Option<&Tensor>,
        events: &mut Vec<Event>,
    ) -> Result<Option<TrainReport>> {
        self.trainer.check(batch)?;
        let step = self.trainer.steps() + 1;
        let good = without_faults(batch)?;
        if good.len() < batch.len() {
            let enough = good.len() >= 2;
            let reaction = if enough { Reaction::LeftOut } else { Reaction::Discarded };
            events.push(Event { step, saw: not_finite("", good.len(), batch.len()), reaction });
            if !enough {
                self.trainer.state_mut().step += 1;
                return Ok(None);
            }
        }
        let unlabelled = match unlabelled {
            Some(images) => self.good_unlabelled(images, step, events)?,
            None => None,
        };
        match self.trainer.try_step(&good, unlabelled.as_ref())? {
            Ok(report) => {
                let watch = &mut self.watch;
                watch.accuracy += 0.02 * (report.d_accuracy - watch.accuracy);
                watch.distance += 0.1 * ((report.d_real - report.d_fake).abs() - watch.distance);
                // In the others the generator's figures are those of the step before.
                let both_learnt = report.step.is_multiple_of(self.trainer.config().discriminator_steps);
                if both_learnt && let Some(alarm) = watch.pulse.feel(&report) {
                    self.answer(alarm, events)?;
                }
                Ok(Some(report))
            }
            Err(fault) => {
                self.give_up(step, &fault, events)?;
                Ok(None)
            }
        }
    }

    /// The unlabelled images that are sound; none if they are fewer than two.
    fn good_unlabelled(&self, images: &Tensor, step: u64, events: &mut Vec<Event>) -> Result<Option<Tensor>> {
        self.trainer.check_unlabelled(images)?;
        let Some(good) = sound(images)? else { return Ok(Some(images.clone())) };
        let saw = not_finite("unlabelled ", good.len(), images.dim(0)?);
        events.push(Event { step, saw, reaction: Reaction::LeftOut });
        let enough = good.len() >= 2;
        Ok(enough.then(|| images.index_select(&Tensor::new(good, images.device())?, 0)).transpose()?)
    }

    /// Notes a step that was not made, and goes back if there are many.
    fn give_up(&mut self, step: u64, fault: &Fault, events: &mut Vec<Event>) -> Result<()> {
        let saw = match fault {
            Fault::Image { index, unlabelled } => {
                format!("{}image {index} of the batch is not finite", if *unlabelled { "unlabelled " } else { "" })
            }
            Fault::Diverged { what, value } => format!("the {what} is {value}"),
        };
        events.push(Event { step, saw, reaction: Reaction::Discarded });
        self.watch.faults.retain(|fault| fault + FAULT_WINDOW > step);
        self.watch.faults.push(step);
        if self.watch.faults.len() >= FAULTS {
            self.go_back(format!("{FAULTS} steps of the last {FAULT_WINDOW} could not be made"), events)?;
        }
        Ok(())
    }

    /// Does at once what an alarm asks for: a discriminator that leaves the generator no gradient is slowed down, and
    /// training that has exploded, or whose discriminator is as slow as may be, goes back.
    fn answer(&mut self, alarm: Alarm, events: &mut Vec<Event>) -> Result<()> {
        match alarm {
            Alarm::Vanished { gradient, usual } => {
                let saw = format!(
                    "the generator's gradient has been nearly 0, {gradient:.1e} where {usual:.1e} is usual, so the \
                     discriminator teaches it nothing"
                );
                match self.slow_discriminator() {
                    Some(reaction) => events.push(Event { step: self.trainer.steps(), saw, reaction }),
                    None => self.go_back(saw, events)?,
                }
                Ok(())
            }
            Alarm::Exploded { what, value, usual } => self
                .go_back(format!("the {what} has been far too large, {value:.1e} where {usual:.1e} is usual"), events),
        }
    }

    /// Halves the discriminator's rate; none if it is as low as may be.
    fn slow_discriminator(&mut self) -> Option<Reaction> {
        let state = self.trainer.state_mut();
        let rate = (0.5 * state.discriminator_rate).max(SLOWEST);
        (rate < state.discriminator_rate).then(|| {
            state.discriminator_rate = rate;
            Reaction::SlowedDiscriminator(rate)
        })
    }

    /// Examines samples, and does what follows from it.
    fn check(&mut self, events: &mut Vec<Event>) -> Result<Score> {
        let step = self.trainer.steps();
        self.watch.checks += 1;
        self.watch.next_check = step + self.between_checks();
        let score = self.examiner.score(&self.trainer.source()?, self.watch.checks)?;
        let score = Score { overfit: self.overfit()?, ..score };
        let value = score.value();
        let learnt = self.has_learnt(&score);
        let best = self.watch.best.as_ref().map(Score::value);
        if learnt && best.is_none_or(|best| value > best) {
            self.best = Snapshot::of(&self.trainer)?;
            self.watch.best = Some(score.clone());
            (self.watch.stale, self.watch.poor) = (0, 0);
            let saw = format!("quality is {value:.3} {}", parts(&score));
            events.push(Event { step, saw, reaction: Reaction::Kept });
        } else {
            self.watch.stale += 1;
            self.watch.poor = if best.is_some_and(|best| value < POOR * best) { self.watch.poor + 1 } else { 0 };
        }
        self.watch.alike = if learnt && score.alike().is_some() { self.watch.alike + 1 } else { 0 };
        self.react(&score, events)?;
        Ok(score)
    }

    /// At most one reaction to a score, the strongest that there is reason for.
    fn react(&mut self, score: &Score, events: &mut Vec<Event>) -> Result<()> {
        let (step, value) = (self.trainer.steps(), score.value());
        let Watch { poor, stale, alike, .. } = self.watch;
        let class = self.trainer.config().classes.get(score.narrowest.0 as usize).cloned().unwrap_or_default();
        let narrow = format!(
            "the samples of class {class:?} are nearly alike, {:.2} times as far apart as the real images",
            score.narrowest.1
        );
        match self.watch.best.as_ref().map(Score::value) {
            None if stale >= RUNAWAY_CHECKS && self.watch.distance > RUNAWAY => {
                let distance = self.watch.distance;
                let saw = format!("nothing learnt and the discriminator's answers have run away, {distance:.0} apart");
                return self.go_back(saw, events);
            }
            None if stale >= IDLE_CHECKS => {
                let saw = format!("nothing learnt in {stale} checks {}", parts(score));
                return self.go_back(saw, events);
            }
            Some(best) if poor >= POOR_CHECKS => {
                let saw = format!("quality fell to {value:.3} from {best:.3} at step {}", self.best.state.step);
                return self.go_back(saw, events);
            }
            Some(best) if stale >= PATIENCE => {
                self.watch.finished = true;
                let saw = format!("quality has not risen above {best:.3} for {stale} checks");
                events.push(Event { step, saw, reaction: Reaction::Stopped });
                return Ok(());
            }
            _ => {}
        }
        if let Some(part) = score.overfit.filter(|part| *part > OVERFIT) {
            let saw = format!(
                "the discriminator tells held-out images from those it is trained on, {:.0} % of the way to synthetic ones",
                100.0 * part
            );
            let reaction = self.augment();
            events.push(Event { step, saw, reaction });
        } else if alike >= POOR_CHECKS {
            let reaction = self.augment();
            events.push(Event { step, saw: narrow, reaction });
        } else if self.watch.accuracy > WINNING
            && stale >= WINNING_CHECKS
            && stale.is_multiple_of(WINNING_CHECKS)
            && let Some(reaction) = self.slow_discriminator()
        {
            let right = 100.0 * self.watch.accuracy;
            let saw = format!("the discriminator is right {right:.1} % of the time and quality stands still");
            events.push(Event { step, saw, reaction });
        }
        Ok(())
    }

    /// Whether the samples are more like the class they are made for than chance would have it, or like real ones.
    fn has_learnt(&self, score: &Score) -> bool {
        score.agreement > (1.5 * self.examiner.chance()).min(0.9) || score.coverage > 0.05
    }

    /// Makes it harder for the discriminator to know its images by heart: by a stronger augmentation, or, where there is
    /// none, by more noise.
    fn augment(&mut self) -> Reaction {
        let config = self.trainer.config();
        let (is_on, has_noise) = (config.augmentation.is_on(), config.noise > 0.0);
        let state = self.trainer.state_mut();
        let (probability, noise) = ((state.probability + AUGMENT_BY).min(MOST), more_noise(state.noise));
        if is_on && probability > state.probability {
            state.probability = probability;
            Reaction::Augmented(probability)
        } else if has_noise && noise > state.noise {
            state.noise = noise;
            Reaction::Blurred(noise)
        } else {
            Reaction::Watched
        }
    }

    /// [`Score::overfit`]. The discriminator sees all three kinds of images as in training, through the same augmentation and
    /// noise: images without are of a kind that it was never taught.
    fn overfit(&self) -> Result<Option<f64>> {
        let Some(held_out) = &self.held_out else { return Ok(None) };
        let (trained, fake) = self.examiner.like(held_out, &self.trainer.source()?)?;
        let answer = |images: &Tensor| -> Result<f64> {
            let logits = self.trainer.judge(images, &held_out.labels)?;
            Ok(logits.iter().map(|logit| f64::from(*logit)).sum::<f64>() / logits.len() as f64)
        };
        let (trained, held_out, fake) = (answer(&trained)?, answer(&held_out.images)?, answer(&fake)?);
        Ok((trained > fake).then(|| (trained - held_out) / (trained - fake)))
    }

    /// Goes back to the best step with lower rates, or ends training if it did so too often.
    fn go_back(&mut self, saw: String, events: &mut Vec<Event>) -> Result<()> {
        let step = self.trainer.steps();
        (self.watch.poor, self.watch.stale, self.watch.alike) = (0, 0, 0);
        (self.watch.accuracy, self.watch.distance) = (0.5, 0.0);
        self.watch.pulse = Pulse::default();
        self.watch.faults.clear();
        if self.watch.setbacks >= SETBACKS {
            self.watch.finished = true;
            events.push(Event { step, saw, reaction: Reaction::Stopped });
            return Ok(());
        }
        self.watch.setbacks += 1;
        let now = *self.trainer.state();
        let (rate, noise) = match self.watch.best {
            Some(_) => (0.5 * now.rate, more_noise(now.noise)),
            None => (IDLE_RATE * now.rate, now.noise),
        };
        // Neither the count of batches nor the plan goes back: time has passed.
        let state = State {
            step: now.step,
            planned: now.planned,
            rate,
            noise,
            class_strength: now.class_strength,
            probability: now.probability,
            discriminator_rate: now.discriminator_rate.min(self.best.state.discriminator_rate),
            ..self.best.state
        };
        self.trainer.restore(state, &self.best.tensors)?;
        events.push(Event { step, saw, reaction: Reaction::WentBack { to: self.best.state.step, rate, noise } });
        Ok(())
    }

    fn between_checks(&self) -> u64 {
        (self.trainer.planned().unwrap_or(0) / CHECKS).max(FEWEST_BETWEEN)
    }

    /// Plans for as many steps as a time budget allows at the rate of those made.
    fn estimate(&mut self) {
        let Budget::Time(time) = self.budget else { return };
        let made = self.trainer.steps() - self.first_step;
        let due = made == FIRST_ESTIMATE || self.trainer.steps() >= self.watch.next_check;
        if made >= FIRST_ESTIMATE && due {
            let steps = made as f64 * time.as_secs_f64() / self.started.elapsed().as_secs_f64();
            self.trainer.plan(self.first_step.saturating_add(steps.max(1.0) as u64));
            if made == FIRST_ESTIMATE {
                self.watch.next_check = self.trainer.steps() + self.between_checks();
            }
        }
    }

    fn is_spent(&self) -> bool {
        match self.budget {
            Budget::Steps(steps) => self.trainer.steps() - self.first_step >= steps,
            Budget::Time(time) => self.started.elapsed() >= time,
        }
    }
}

/// That of `all` images only `good` are sound.
fn not_finite(kind: &str, good: usize, all: usize) -> String {
    format!("{} of {all} {kind}images with values that are NaN or infinite", all - good)
}

fn more_noise(noise: f64) -> f64 {
    (noise * MORE_NOISE).min(MOST_NOISE)
}

/// What a score is made of, in brackets.
fn parts(score: &Score) -> String {
    let Score { agreement, diversity, coverage, .. } = score;
    format!("(class right {agreement:.2}, variety {diversity:.2}, real images reached {coverage:.2})")
}
