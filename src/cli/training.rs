//! Trains a GAN on images in memory.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_augment::gan::{
    Budget, Event, Examiner, GanConfig, GeneratorSource, Loss, Progress as Step, Reaction, Score, Supervisor,
    TrainReport, Trainer,
};
use candle_augment::report::{Canvas, Curves, Series, palette, render_curves};
use candle_augment::{
    Balance, Batch, DataLoader, Dataset, DatasetExt, Error, Normalize, Pipeline, Result, Subset, endless,
};
use candle_core::Device;

use super::progress::{Goal, Progress};
use super::words::{count, tell};
use super::{autoencoder, interrupt};

/// Steps of the classifier that examines samples: seconds, after which it is right on most images.
const EXAMINER_STEPS: usize = 100;
/// Images are held out from classes of this size on, a twentieth of them, and so many in all.
const HOLD_OUT_FROM: u64 = 40;
const HELD_OUT: usize = 256;

/// The part of a GAN's time in which an autoencoder is trained, whose decoder is the generator's start: on few images samples
/// are far better and more varied for it than for as many more steps.
pub const AUTOENCODER_PART: f64 = 0.25;

/// A budget of so many minutes.
pub fn minutes(minutes: f64) -> Result<Budget> {
    let time = Duration::try_from_secs_f64(60.0 * minutes).ok().filter(|time| !time.is_zero());
    time.map(Budget::Time).ok_or_else(|| {
        Error::config(format!("{minutes} minutes is no time to train for: give a number above 0 with --minutes"))
    })
}

fn goal(budget: Budget, first: u64) -> Goal {
    match budget {
        Budget::Steps(steps) => Goal::Count(first.saturating_add(steps)),
        Budget::Time(time) => Goal::Time(time),
    }
}

/// Whether training goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    Stop,
}

/// The batches that a GAN is trained on, which need 2 images: every class as often as the others.
pub fn loader(
    set: &Arc<dyn Dataset>,
    transform: Pipeline,
    batch_size: usize,
    workers: usize,
    seed: u64,
) -> Result<DataLoader> {
    if set.len() < 2 {
        return Err(Error::config("a GAN cannot learn from a single image: give at least 2 images"));
    }
    DataLoader::builder(Arc::clone(set))
        .transform(transform)
        // A set smaller than a batch is a batch.
        .batch_size(batch_size.min(set.len()))
        .balance(Balance::Uniform)
        .drop_last(true)
        .normalize(Normalize::signed())
        .workers(workers)
        .seed(seed)
        .build()
}

/// Images to train on, and some, of sets with enough of every class, that the GAN never sees.
pub fn hold_out(set: &Arc<dyn Dataset>, seed: u64) -> Result<(Arc<dyn Dataset>, Option<Batch>)> {
    let Some((train, held_out)) = split_off(set, seed)? else {
        return Ok((Arc::clone(set), None));
    };
    let size = held_out.len().min(HELD_OUT);
    let loader = DataLoader::builder(held_out).batch_size(size).normalize(Normalize::signed()).seed(seed).build()?;
    let batch = loader.epoch(0).next().transpose()?;
    Ok((Arc::new(train), batch.filter(|batch| batch.len() >= 2)))
}

/// The images that a GAN is trained on, and those that it never sees; none of sets with too few of a class.
pub fn split_off(set: &Arc<dyn Dataset>, seed: u64) -> Result<Option<(Subset, Subset)>> {
    if set.class_counts().iter().any(|count| (*count as u64) < HOLD_OUT_FROM) {
        return Ok(None);
    }
    let share = 0.05f64.min(HELD_OUT as f64 / set.len() as f64);
    Arc::clone(set).split(1.0 - share, seed).map(Some)
}

/// A training on `device` under watch: a new one, which starts from an autoencoder, or the one in `resumed`. A budget of
/// steps is the GAN's own. The examiner stays on the CPU, where the images are.
pub fn watch(
    config: GanConfig,
    resumed: Option<&Path>,
    device: &Device,
    loader: &DataLoader,
    held_out: Option<Batch>,
    budget: Budget,
) -> Result<Supervisor> {
    let started = Instant::now();
    let mut progress = Progress::new("train the examiner", "steps", Goal::Count(EXAMINER_STEPS as u64));
    // Ctrl-C ends it after the batch at hand; there has to be one.
    let goes_on = |(_, step): &(Result<Batch>, u64)| *step == 1 || !interrupt::stopped();
    let batches = endless(loader).zip(1..).take_while(goes_on).map(|(batch, step)| {
        progress.update(step, String::new);
        batch
    });
    let examiner = Examiner::train(&config, batches, EXAMINER_STEPS, &Device::Cpu)?;
    progress.finish(&count(EXAMINER_STEPS as u64, "step", "steps"));
    let left = |budget| match budget {
        Budget::Time(time) => Budget::Time(time.saturating_sub(started.elapsed())),
        steps => steps,
    };
    let Some(path) = resumed else {
        let trainer = warm_started(config, device, loader, budget)?;
        return Supervisor::new(trainer, examiner, held_out, left(budget));
    };
    Supervisor::load(path, device, examiner, held_out, left(budget))
}

/// A GAN whose generator is the decoder of an autoencoder.
fn warm_started(config: GanConfig, device: &Device, loader: &DataLoader, budget: Budget) -> Result<Trainer> {
    let steps = match budget {
        Budget::Steps(steps) => {
            let steps = steps as f64 * AUTOENCODER_PART / (1.0 - AUTOENCODER_PART);
            (steps.round() as u64).min(*autoencoder::STEPS.end())
        }
        Budget::Time(time) => autoencoder::steps_in(time.mul_f64(AUTOENCODER_PART), &config, loader, device)?,
    };
    let autoencoder = autoencoder::train(steps, &config, loader, device)?;
    let mut trainer = Trainer::new(config, device)?;
    if autoencoder.steps() > 0 {
        trainer.start_from(&autoencoder)?;
    }
    Ok(trainer)
}

/// The batches of unlabelled images that go beside those of `loader`.
pub fn unlabelled_loader(
    set: &Arc<dyn Dataset>,
    transform: Pipeline,
    batch_size: usize,
    workers: usize,
    seed: u64,
) -> Result<DataLoader> {
    if set.len() < 2 {
        return Err(Error::config("--unlabelled names a single image: give at least 2, or leave it out"));
    }
    // Another seed: the same set given as both would else come in the same order.
    loader(set, transform, batch_size, workers, seed.wrapping_add(1))
}

/// Trains a new GAN until the budget is spent. Gives what each step measured.
pub fn train_new(
    config: GanConfig,
    set: &Arc<dyn Dataset>,
    transform: Pipeline,
    budget: Budget,
    workers: usize,
) -> Result<(Supervisor, Vec<TrainReport>)> {
    let loader = loader(set, transform, config.batch_size, workers, config.seed)?;
    let mut supervisor = watch(config, None, &Device::Cpu, &loader, None, budget)?;
    let mut reports = Vec::new();
    train(&mut supervisor, &loader, None, |_, step| {
        reports.extend(step.report);
        Ok(Flow::Continue)
    })?;
    Ok((supervisor, reports))
}

/// What one run of a training brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    /// Steps, without those that were given up.
    pub steps: u64,
    pub seconds: f64,
    /// What the last of the steps measured.
    pub last: Option<TrainReport>,
}

impl Run {
    /// Steps a second.
    pub fn rate(&self) -> f64 {
        self.steps as f64 / self.seconds.max(1e-9)
    }
}

/// Trains until the budget is spent or `after_step` says stop, with unlabelled images beside the others if there are any.
pub fn train(
    supervisor: &mut Supervisor,
    loader: &DataLoader,
    unlabelled: Option<&DataLoader>,
    mut after_step: impl FnMut(&Supervisor, &Step) -> Result<Flow>,
) -> Result<Run> {
    let first = supervisor.trainer().steps();
    let mut progress = Progress::new("train", "steps", goal(supervisor.budget(), first)).starting_at(first);
    let mut told = HashSet::new();
    let mut run = Run::default();
    let started = Instant::now();
    let mut unlabelled = unlabelled.map(|loader| batches_from(loader, first)).transpose()?;
    for batch in batches_from(loader, first)? {
        let beside = unlabelled.as_mut().and_then(Iterator::next).transpose()?;
        let step = supervisor.step_with(&batch?, beside.as_ref().map(|batch| &batch.images))?;
        step.events.iter().filter(|event| is_news(event, &mut told)).for_each(|event| tell(format_args!("{event}")));
        run.steps += u64::from(step.report.is_some());
        run.last = step.report.or(run.last);
        let best = supervisor.best().map(Score::value);
        progress.update(supervisor.trainer().steps(), || detail(run.last.as_ref(), best));
        if after_step(supervisor, &step)? == Flow::Stop || step.finished {
            break;
        }
    }
    run.seconds = started.elapsed().as_secs_f64();
    progress.finish(&format!("{}, {:.1}/s", count(supervisor.trainer().steps(), "step", "steps"), run.rate()));
    Ok(run)
}

/// Whether to tell an event: quality shows in the progress, and an image that is left out comes again in every epoch.
fn is_news(event: &Event, told: &mut HashSet<String>) -> bool {
    match event.reaction {
        Reaction::Kept => false,
        Reaction::LeftOut | Reaction::Watched => told.insert(event.saw.clone()),
        _ => true,
    }
}

fn detail(report: Option<&TrainReport>, best: Option<f64>) -> String {
    let losses = report.map(|report| format!("loss D {:.3}, G {:.3}", report.d_loss, report.g_loss));
    let best = best.map(|best| format!("best quality {best:.2}"));
    [losses, best].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The best generator, or, if nothing was learnt, the last one and a word about that.
pub fn best(supervisor: &Supervisor) -> Result<GeneratorSource> {
    supervisor.source().or_else(|error| {
        tell(format_args!("warning: {error}"));
        supervisor.trainer().source()
    })
}

/// The batches of step `first` and all later ones, without end.
fn batches_from(loader: &DataLoader, first: u64) -> Result<impl Iterator<Item = Result<Batch>>> {
    let per_epoch = loader.batches_per_epoch() as u64;
    let epoch = first / per_epoch;
    let state = loader.plan(epoch).state((first % per_epoch) as usize);
    Ok(loader.resume(&state)?.chain((epoch + 1..).flat_map(|epoch| loader.epoch(epoch))))
}

/// The curves of a training run with the loss that is the default.
pub fn curves(reports: &[TrainReport], title: &str) -> Canvas {
    curves_of(Loss::default(), reports, title)
}

/// The curves of a training run with `loss`.
pub fn curves_of(loss: Loss, reports: &[TrainReport], title: &str) -> Canvas {
    let series = |name: &str, color, value: &dyn Fn(&TrainReport) -> f64| Series {
        name: name.into(),
        color,
        points: reports.iter().map(|report| (report.step as f64, value(report))).collect(),
    };
    let losses = Curves {
        title: title.into(),
        x_label: "step".into(),
        y_label: "loss".into(),
        series: vec![
            series("discriminator", palette::BLUE, &|report| report.d_loss),
            series("generator", palette::VERMILION, &|report| report.g_loss),
        ],
    };
    // Only two losses ask for log-odds, from which a chance follows.
    let (title, y_label, answer): (_, _, fn(f64) -> f64) = match loss {
        Loss::Hinge => {
            ("How real the discriminator finds images (it wants real above 1, synthetic below -1)", "score", |x| x)
        }
        Loss::LeastSquares => {
            ("How real the discriminator finds images (it wants real at 1, synthetic at 0)", "score", |x| x)
        }
        Loss::Relativistic => ("How real the discriminator finds images (only the difference counts)", "score", |x| x),
        Loss::Minimax | Loss::NonSaturating => {
            ("What the discriminator takes for real (0.5: it cannot tell)", "chance", sigmoid)
        }
    };
    let answers = Curves {
        title: title.into(),
        x_label: "step".into(),
        y_label: y_label.into(),
        series: vec![
            series("real images", palette::GREEN, &|report| answer(report.d_real)),
            series("synthetic images", palette::PURPLE, &|report| answer(report.d_fake)),
        ],
    };
    render_curves(&[losses, answers])
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use candle_augment::digits;

    use super::*;

    #[test]
    fn budgets_are_positive() {
        assert_eq!(minutes(0.5).unwrap(), Budget::Time(Duration::from_secs(30)));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(minutes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_single_image_is_too_few() {
        let set: Arc<dyn Dataset> = Arc::new(digits().unwrap().subset([3]).unwrap());
        let error = loader(&set, Pipeline::new(), 64, 1, 0).err().unwrap();
        assert!(error.message().contains("give at least 2 images"), "{error}");
    }

    #[test]
    fn steps_beyond_counting_do_not_overflow() {
        assert!(matches!(goal(Budget::Steps(u64::MAX), 10), Goal::Count(u64::MAX)));
    }
}
