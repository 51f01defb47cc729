//! Ctrl-C during long work: the first asks it to stop at the next step, a later one ends the program at once.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use candle_augment::{Error, Result};

use super::exit::INTERRUPTED;
use super::words::tell;

static STOPPED: AtomicBool = AtomicBool::new(false);

/// Signals so close together are one wish: a wrapper passes Ctrl-C on to a program that the terminal has told already.
const ONE_WISH: Duration = Duration::from_secs(1);

/// From here on [`stopped`] tells of Ctrl-C instead of the program ending. `last` is what is done before it ends.
///
/// No other signal is caught: HUP must leave a run under `nohup` alone, and what TERM ends has lost no more than the steps since the
/// last checkpoint.
pub fn listen(last: &'static str) -> Result<()> {
    let mut asked: Option<Instant> = None;
    ctrlc::set_handler(move || match asked {
        None => {
            asked = Some(Instant::now());
            STOPPED.store(true, Ordering::SeqCst);
            tell(format_args!("stopping: {last} (once more to quit at once)"));
        }
        Some(first) if first.elapsed() < ONE_WISH => {}
        Some(_) => process::exit(INTERRUPTED.into()),
    })
    .map_err(|source| Error::config(format!("cannot listen for Ctrl-C: {source}")).with_source(source))
}

/// Whether the user asked to stop.
pub fn stopped() -> bool {
    STOPPED.load(Ordering::SeqCst)
}
