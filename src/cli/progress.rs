//! How far the work is: a bar on a terminal, a plain line every few seconds elsewhere; always on standard error.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::words::tell;

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// When the work is done.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// After so many units.
    Count(u64),
    /// After so long.
    Time(Duration),
}

/// The progress of one piece of work.
pub struct Progress {
    title: String,
    unit: &'static str,
    goal: Goal,
    started: Instant,
    first: u64,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    /// Work of `goal`, counted in `unit` (a plural).
    pub fn new(title: impl Into<String>, unit: &'static str, goal: Goal) -> Self {
        let title = title.into();
        let bar = io::stderr().is_terminal().then(|| {
            let template = "{prefix} [{bar:28}] {wide_msg}";
            let style = ProgressStyle::with_template(template).expect("the template is valid");
            ProgressBar::new(1000).with_style(style.progress_chars("=> ")).with_prefix(title.clone())
        });
        let now = Instant::now();
        Self { title, unit, goal, started: now, first: 0, bar, last_line: now }
    }

    /// Work of which `done` units were done before.
    pub fn starting_at(mut self, done: u64) -> Self {
        self.first = done;
        self
    }

    /// Tells that `done` units are done. `detail` is asked only when something is shown.
    pub fn update(&mut self, done: u64, detail: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position((1000.0 * self.fraction(done)) as u64);
            bar.set_message(self.line(done, &detail()));
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            tell(format_args!("{}: {}", self.title, self.line(done, &detail())));
        }
    }

    /// Ends the work, with one line of what was done.
    pub fn finish(self, summary: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        tell(format_args!("{}: {summary}, {}", self.title, clock(self.started.elapsed())));
    }

    fn fraction(&self, done: u64) -> f64 {
        match self.goal {
            Goal::Count(total) => done as f64 / total.max(1) as f64,
            Goal::Time(total) => self.started.elapsed().as_secs_f64() / total.as_secs_f64(),
        }
        .min(1.0)
    }

    fn line(&self, done: u64, detail: &str) -> String {
        let elapsed = self.started.elapsed();
        let now = done.saturating_sub(self.first);
        let rate = now as f64 / elapsed.as_secs_f64().max(1e-9);
        let unit = self.unit;
        let (count, left) = match self.goal {
            Goal::Count(total) => {
                let left = elapsed.mul_f64(total.saturating_sub(done) as f64 / now.max(1) as f64);
                let left = if now == 0 { "?".into() } else { clock(left) };
                (format!("{done} of {total} {unit}"), format!(", {left} left"))
            }
            Goal::Time(total) => (format!("{done} {unit}"), format!(", {} left", clock(total.saturating_sub(elapsed)))),
        };
        let detail = if detail.is_empty() { String::new() } else { format!(", {detail}") };
        format!("{count}, {rate:.1}/s{left}{detail}")
    }
}

/// [`Progress`] that many threads may tell of the units done.
pub struct SharedProgress(Mutex<Progress>);

impl SharedProgress {
    /// As [`Progress::new`], but the number of units may become known with the first of them.
    pub fn new(title: impl Into<String>, unit: &'static str) -> Self {
        Self(Mutex::new(Progress::new(title, unit, Goal::Count(0))))
    }

    /// Tells that `done` of `total` units are done.
    pub fn update(&self, done: usize, total: usize) {
        // Whoever finds the bar taken goes on: the next unit shows the count just as well.
        if let Ok(mut progress) = self.0.try_lock() {
            progress.goal = Goal::Count(total as u64);
            progress.update(done as u64, String::new);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Hours, minutes and seconds: `0:07`, `1:02:03`.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_read_like_clocks() {
        assert_eq!(clock(Duration::from_millis(6_700)), "0:07");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
    }

    #[test]
    fn lines_tell_count_rate_and_time_left() {
        let mut progress = Progress::new("train", "steps", Goal::Count(300)).starting_at(100);
        progress.started = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        assert_eq!(progress.line(200, "D 0.5"), "200 of 300 steps, 10.0/s, 0:10 left, D 0.5");
        assert_eq!(progress.line(100, ""), "100 of 300 steps, 0.0/s, ? left");
    }
}
