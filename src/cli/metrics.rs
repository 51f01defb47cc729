//! `metrics.jsonl` beside a checkpoint: what training measured, and what its supervisor saw and did, a JSON object a line.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};

use candle_augment::gan::{Event, Progress as Step, Reaction, Score, TrainReport};
use candle_augment::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::words::tell;

/// The steps that are kept one by one; each time their number doubles, half as many of the later ones are.
const DENSE: u64 = 2000;

/// Of how many steps one is kept, `step` being the last: 1 up to 2,000, 2 up to 4,000, 4 up to 8,000, and so on.
fn stride(step: u64) -> u64 {
    step.div_ceil(DENSE).max(1).next_power_of_two()
}

/// Whether what the losses were at `step` is kept: of all steps so far, but a million takes 11,000 lines.
pub fn is_kept(step: u64) -> bool {
    step.is_multiple_of(stride(step))
}

/// One line. No time is in it: a training that was stopped and resumed has the same lines as one that was not.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line<'a> {
    Step(&'a TrainReport),
    Score {
        step: u64,
        quality: f64,
        #[serde(flatten)]
        score: &'a Score,
    },
    Event {
        #[serde(flatten)]
        event: &'a Event,
        /// The event in plain words.
        text: String,
    },
}

/// What every line has.
#[derive(Deserialize)]
struct Head {
    kind: String,
    step: u64,
}

/// The file, and those steps in it that the curves show.
pub struct Metrics {
    file: File,
    path: PathBuf,
    steps: Vec<TrainReport>,
}

impl Metrics {
    /// Begins the file anew.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|error| unwritable(path, error))?;
        Ok(Self { file, path: path.into(), steps: Vec::new() })
    }

    /// Goes on in the file of a training whose checkpoint is at `step`. What a training that was killed wrote after its last
    /// checkpoint is cut off, for it comes again.
    pub fn resume(path: &Path, step: u64) -> Result<Self> {
        let file = match File::options().read(true).append(true).open(path) {
            Err(error) if error.kind() == IoErrorKind::NotFound && step > 0 => {
                tell(format_args!("warning: {} is gone: it and the curves begin at step {}", path.display(), step + 1));
                return Self::create(path);
            }
            Err(error) if error.kind() == IoErrorKind::NotFound => return Self::create(path),
            other => other.map_err(|error| unwritable(path, error))?,
        };
        let mut metrics = Self { file, path: path.into(), steps: Vec::new() };
        let length = metrics.read_back(step)?;
        metrics.file.set_len(length).map_err(|error| unwritable(path, error))?;
        Ok(metrics)
    }

    /// Remembers the steps up to `last`, and gives the length of the file up to there.
    fn read_back(&mut self, last: u64) -> Result<u64> {
        let mut reader = BufReader::new(self.file.try_clone().map_err(|error| unwritable(&self.path, error))?);
        let (mut length, mut number, mut line) = (0, 0, Vec::new());
        loop {
            line.clear();
            reader.read_until(b'\n', &mut line).map_err(|error| Error::io("read the file", &self.path, error))?;
            // The end, or a line that was being written when the program was killed.
            if !line.ends_with(b"\n") {
                return Ok(length);
            }
            number += 1;
            let head: Head = serde_json::from_slice(&line).map_err(|source| self.damaged(number, source))?;
            if head.step > last {
                return Ok(length);
            }
            if head.kind == "step" {
                self.remember(&line);
            }
            length += line.len() as u64;
        }
    }

    fn damaged(&self, number: u64, source: serde_json::Error) -> Error {
        let message = format!(
            "line {number} is none that `train` wrote ({source}): mend it, or move the file away to begin another"
        );
        Error::new(ErrorKind::Checkpoint, message).with_path(&self.path).with_source(source)
    }

    /// Keeps the step of a line for the curves, unless it holds a number that is not finite, which JSON has no word for.
    fn remember(&mut self, line: &[u8]) {
        self.steps.extend(serde_json::from_slice::<TrainReport>(line).ok());
    }

    /// Writes what a step brought.
    pub fn record(&mut self, step: u64, progress: &Step) -> Result<()> {
        if let Some(report) = progress.report.as_ref().filter(|_| is_kept(step)) {
            let line = to_line(&Line::Step(report))?;
            self.remember(&line);
            self.append(&line)?;
        }
        if let Some(score) = &progress.score {
            self.append(&to_line(&Line::Score { step, quality: score.value(), score })?)?;
        }
        // An image that is left out comes again in every epoch, for ever.
        let is_told = |event: &&Event| event.reaction != Reaction::LeftOut || is_kept(step);
        for event in progress.events.iter().filter(is_told) {
            self.append(&to_line(&Line::Event { event, text: event.to_string() })?)?;
        }
        Ok(())
    }

    /// At once, so that whoever follows the file sees it, and nothing is lost if the program is killed.
    fn append(&mut self, line: &[u8]) -> Result<()> {
        self.file.write_all(line).map_err(|error| unwritable(&self.path, error))
    }

    /// Waits until everything is on the disk, as it must be before a checkpoint of the same step is.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| unwritable(&self.path, error))
    }

    /// The steps for the curves, evenly apart, over all runs.
    pub fn steps(&self) -> Vec<TrainReport> {
        let stride = stride(self.steps.last().map_or(0, |report| report.step));
        self.steps.iter().filter(|report| report.step.is_multiple_of(stride)).copied().collect()
    }
}

fn to_line(line: &Line) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(line)
        .map_err(|source| Error::config(format!("cannot write a line of metrics: {source}")).with_source(source))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn unwritable(path: &Path, source: std::io::Error) -> Error {
    Error::io("write the metrics", path, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ever_fewer_steps_are_kept() {
        let kept = |from: u64, to: u64| (from..=to).filter(|step| is_kept(*step)).count();
        assert_eq!((kept(1, 2000), kept(2001, 4000), kept(4001, 8000)), (2000, 1000, 1000));
        assert_eq!(kept(1, 1_000_000), 10_953);
        assert!(is_kept(4000) && is_kept(4004) && !is_kept(4002));
    }

    fn report(step: u64) -> TrainReport {
        let loss = step as f64 / 7.0;
        TrainReport {
            step,
            d_loss: loss,
            d_penalty: 0.0,
            g_loss: loss,
            d_real: 0.5,
            d_fake: -0.5,
            d_unlabelled: None,
            d_accuracy: 0.7,
            d_gradient: 1.0,
            g_gradient: 1.0,
            augmentation: 0.0,
        }
    }

    fn progress(report: TrainReport) -> Step {
        Step { report: Some(report), events: Vec::new(), score: None, finished: false }
    }

    #[test]
    fn a_killed_training_goes_on_without_a_step_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut metrics = Metrics::create(&path).unwrap();
        let record = |metrics: &mut Metrics, step| metrics.record(step, &progress(report(step))).unwrap();
        (1..=30).for_each(|step| record(&mut metrics, step));
        metrics.append(b"{\"kind\":\"step\",\"st").unwrap();
        let through = std::fs::read(&path).unwrap();
        let through = &through[..through.len() - 18];

        let mut resumed = Metrics::resume(&path, 20).unwrap();
        (21..=30).for_each(|step| record(&mut resumed, step));
        assert!(std::fs::read(&path).unwrap() == through);
        assert_eq!(resumed.steps(), (1..=30).map(report).collect::<Vec<_>>());
    }

    #[test]
    fn images_left_out_of_every_step_do_not_fill_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut metrics = Metrics::create(&path).unwrap();
        for step in 1..=4000 {
            let event = |reaction| Event { step, saw: "something".into(), reaction };
            let events = vec![event(Reaction::LeftOut), event(Reaction::Discarded)];
            metrics.record(step, &Step { report: None, events, score: None, finished: false }).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        let lines = |reaction: &str| written.lines().filter(|line| line.contains(reaction)).count();
        assert_eq!((lines("left-out"), lines("discarded")), (3000, 4000));
    }

    #[test]
    fn curves_have_steps_evenly_apart() {
        let folder = tempfile::tempdir().unwrap();
        let mut metrics = Metrics::create(&folder.path().join("metrics.jsonl")).unwrap();
        (1..=4100).for_each(|step| metrics.record(step, &progress(report(step))).unwrap());
        let steps: Vec<_> = metrics.steps().iter().map(|report| report.step).collect();
        assert_eq!(steps, (1..=1025).map(|i| 4 * i).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_that_are_not_finite_do_not_stop_a_resume() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let infinite = TrainReport { d_real: f64::INFINITY, ..report(1) };
        Metrics::create(&path).unwrap().record(1, &progress(infinite)).unwrap();
        let mut resumed = Metrics::resume(&path, 1).unwrap();
        resumed.record(2, &progress(report(2))).unwrap();
        assert_eq!(resumed.steps(), [report(2)]);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "my notes\n").unwrap();
        let error = Metrics::resume(&path, 5).err().unwrap();
        assert!(error.message().contains("line 1") && error.path() == Some(&path));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "my notes\n");
    }
}
