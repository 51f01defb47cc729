//! Ctrl-C during training: the first asks it to stop at the next step, the second ends the program at once.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_augment::{Error, Result};

use super::exit::INTERRUPTED;

static STOPPED: AtomicBool = AtomicBool::new(false);

/// From here on [`stopped`] tells of Ctrl-C (and of the signals TERM and HUP) instead of the program ending.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        if STOPPED.swap(true, Ordering::SeqCst) {
            process::exit(INTERRUPTED.into());
        }
        eprintln!("stopping: saving the checkpoint (once more to quit at once)");
    })
    .map_err(|source| Error::config(format!("cannot listen for Ctrl-C: {source}")).with_source(source))
}

/// Whether the user asked to stop.
pub fn stopped() -> bool {
    STOPPED.load(Ordering::SeqCst)
}
