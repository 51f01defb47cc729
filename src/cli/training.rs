//! Trains a GAN on images in memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_augment::gan::{GanConfig, Loss, TrainReport, Trainer};
use candle_augment::report::{Canvas, Curves, Series, palette, render_curves};
use candle_augment::{Balance, Batch, DataLoader, Dataset, Error, ErrorKind, Normalize, Pipeline, Result};
use candle_core::Device;

use super::progress::{Goal, Progress};
use super::words::count;

/// When training ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// After so many steps.
    Steps(u64),
    /// After so long.
    Time(Duration),
}

impl Budget {
    /// So many minutes.
    pub fn minutes(minutes: f64) -> Result<Self> {
        let time = Duration::try_from_secs_f64(60.0 * minutes).ok().filter(|time| !time.is_zero());
        time.map(Self::Time).ok_or_else(|| {
            Error::config(format!("{minutes} minutes is no time to train for: give a number above 0 with --minutes"))
        })
    }

    fn goal(self, first: u64) -> Goal {
        match self {
            Self::Steps(steps) => Goal::Count(first.saturating_add(steps)),
            Self::Time(time) => Goal::Time(time),
        }
    }

    fn is_spent(self, steps: u64, time: Duration) -> bool {
        match self {
            Self::Steps(budget) => steps >= budget,
            Self::Time(budget) => time >= budget,
        }
    }
}

/// Whether training goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    Stop,
}

/// The batches that a GAN is trained on: every class as often as the others.
pub fn loader(
    set: &Arc<dyn Dataset>,
    transform: Pipeline,
    batch_size: usize,
    workers: usize,
    seed: u64,
) -> Result<DataLoader> {
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

/// Trains a new GAN until the budget is spent. Gives what each step measured.
pub fn train_new(
    config: GanConfig,
    set: &Arc<dyn Dataset>,
    transform: Pipeline,
    budget: Budget,
    workers: usize,
) -> Result<(Trainer, Vec<TrainReport>)> {
    let loader = loader(set, transform, config.batch_size, workers, config.seed)?;
    let mut trainer = Trainer::new(config, &Device::Cpu)?;
    let reports = train(&mut trainer, &loader, budget, |_, _| Ok(Flow::Continue))?;
    Ok((trainer, reports))
}

/// Trains until the budget is spent or `after_step` says stop. Gives what each step measured.
pub fn train(
    trainer: &mut Trainer,
    loader: &DataLoader,
    budget: Budget,
    mut after_step: impl FnMut(&Trainer, &[TrainReport]) -> Result<Flow>,
) -> Result<Vec<TrainReport>> {
    let first = trainer.steps();
    let mut progress = Progress::new("train", "steps", budget.goal(first)).starting_at(first);
    let mut reports: Vec<TrainReport> = Vec::new();
    let started = Instant::now();
    for batch in batches_from(loader, first)? {
        let report = trainer.step(&batch?).map_err(advise)?;
        reports.push(report);
        progress.update(report.step, || format!("loss D {:.3}, G {:.3}", report.d_loss, report.g_loss));
        let flow = after_step(trainer, &reports)?;
        if flow == Flow::Stop || budget.is_spent(reports.len() as u64, started.elapsed()) {
            break;
        }
    }
    let rate = reports.len() as f64 / started.elapsed().as_secs_f64();
    progress.finish(&format!("{}, {rate:.1}/s", count(trainer.steps(), "step", "steps")));
    Ok(reports)
}

/// What to do about a step that failed.
///
/// The batches are the program's own and fit the GAN, so what [`Trainer::step`] reports as a fault of its input is that the training
/// diverged: no fault of the user's data. A run that is resumed would diverge again at the same step.
fn advise(error: Error) -> Error {
    if error.kind() != ErrorKind::Config {
        return error;
    }
    let advice = "train anew with another --seed, or, with `train`, another --loss or a larger --batch-size";
    Error::new(ErrorKind::Tensor, format!("{error}\nTo try: {advice}.")).with_source(error)
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
    // The hinge loss asks for scores beyond ±1, not for log-odds: no chance follows from them.
    let (title, y_label, answer): (_, _, fn(f64) -> f64) = match loss {
        Loss::Hinge => {
            ("How real the discriminator finds images (it wants real above 1, synthetic below -1)", "score", |x| x)
        }
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
    use super::*;

    #[test]
    fn budgets_are_positive() {
        assert_eq!(Budget::minutes(0.5).unwrap(), Budget::Time(Duration::from_secs(30)));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Budget::minutes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn steps_beyond_counting_do_not_overflow() {
        assert!(matches!(Budget::Steps(u64::MAX).goal(10), Goal::Count(u64::MAX)));
    }

    #[test]
    fn a_divergence_is_no_bad_input_and_comes_with_advice() {
        let error = advise(Error::config("training diverged: the loss is NaN"));
        assert_eq!(error.kind(), ErrorKind::Tensor);
        for word in ["diverged", "--seed", "--loss", "--batch-size"] {
            assert!(error.to_string().contains(word), "{error}");
        }
        assert_eq!(advise(Error::new(ErrorKind::Io, "gone")).message(), "gone");
    }
}
