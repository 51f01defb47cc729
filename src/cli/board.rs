//! What a training shows in TensorBoard.

use std::path::Path;
use std::time::Instant;

use candle_augment::Result;
use candle_augment::gan::{Progress as Step, Score, TrainReport};
use candle_augment::report::{Canvas, EventFile};

use super::metrics;

/// A training's event file.
pub struct Board {
    events: EventFile,
    /// The step that was written last, and when.
    last: (u64, Instant),
}

impl Board {
    /// Begins a file in `folder` for a training that has made `steps` steps.
    pub fn create(folder: &Path, steps: u64) -> Result<Self> {
        Ok(Self { events: EventFile::create(folder, steps + 1)?, last: (steps, Instant::now()) })
    }

    /// Writes what a step brought: of the same steps as the metrics file.
    pub fn record(&mut self, step: u64, progress: &Step) -> Result<()> {
        if let Some(report) = progress.report.as_ref().filter(|_| metrics::is_kept(step)) {
            let rate = self.rate(step);
            let mut scalars = losses(report).to_vec();
            scalars.extend(report.d_unlabelled.map(|logit| ("discriminator/unlabelled images", logit)));
            scalars.push(("speed/steps per second", rate));
            self.events.scalars(step, &scalars)?;
        }
        match &progress.score {
            Some(score) => {
                let overfit = score.overfit.map(|overfit| ("score/overfit", overfit));
                self.events.scalars(step, &parts(score).into_iter().chain(overfit).collect::<Vec<_>>())
            }
            None => Ok(()),
        }
    }

    /// Writes the picture of samples.
    pub fn show(&mut self, step: u64, samples: &Canvas) -> Result<()> {
        self.events.image(step, "samples", samples)
    }

    /// Steps a second since the last that was written.
    fn rate(&mut self, step: u64) -> f64 {
        let now = Instant::now();
        let (before, then) = std::mem::replace(&mut self.last, (step, now));
        (step - before) as f64 / (now - then).as_secs_f64().max(1e-9)
    }
}

fn losses(report: &TrainReport) -> [(&'static str, f64); 9] {
    [
        ("loss/discriminator", report.d_loss),
        ("loss/generator", report.g_loss),
        ("loss/penalties", report.d_penalty),
        ("discriminator/accuracy", report.d_accuracy),
        ("discriminator/real images", report.d_real),
        ("discriminator/samples", report.d_fake),
        ("gradient norm/discriminator", report.d_gradient),
        ("gradient norm/generator", report.g_gradient),
        ("augmentation/probability", report.augmentation),
    ]
}

fn parts(score: &Score) -> [(&'static str, f64); 4] {
    [
        ("score/quality", score.value()),
        ("score/agreement", score.agreement),
        ("score/diversity", score.diversity),
        ("score/coverage", score.coverage),
    ]
}
