//! Exit statuses: 0 done, 1 the work failed or a fault of the program's own, 2 bad input or usage, 130 interrupted.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::sync::Mutex;

use candle_augment::{Error, ErrorKind, Result};

use super::words::tell;

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Runs `work`, prints its error to standard error, and gives the exit status.
pub fn run(work: impl FnOnce() -> Result<()>) -> ExitCode {
    // Panics that the loader catches come back as errors, so the hook only keeps the words.
    panic::set_hook(Box::new(keep_panic));
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            tell(format_args!("error: {error}"));
            ExitCode::from(status(error.kind()))
        }
        Err(_) => {
            let words = LAST_PANIC.lock().map(|words| words.clone()).unwrap_or_default();
            tell(format_args!("error: a fault of candle-augment itself, please report it: {words}"));
            ExitCode::from(1)
        }
    }
}

fn status(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Interrupted => INTERRUPTED,
        ErrorKind::Io
        | ErrorKind::Decode
        | ErrorKind::Limits
        | ErrorKind::Dataset
        | ErrorKind::Config
        | ErrorKind::Transform
        | ErrorKind::Checkpoint => 2,
        _ => 1,
    }
}

/// 128 + SIGINT, as shells count.
pub const INTERRUPTED: u8 = 130;

/// The error of work that the user stopped.
pub fn interrupted(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Interrupted, message)
}

fn keep_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let words = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panic");
    let place = info.location().map(|place| format!(" ({place})")).unwrap_or_default();
    if let Ok(mut last) = LAST_PANIC.lock() {
        *last = format!("{words}{place}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_tell_whose_fault_it_is() {
        let status = |kind| status(kind);
        assert_eq!(status(ErrorKind::Dataset), 2);
        assert_eq!(status(ErrorKind::Tensor), 1);
        assert_eq!(status(ErrorKind::Interrupted), 130);
    }
}
