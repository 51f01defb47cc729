//! Panics of code that the loader calls, turned into errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorKind, Result};

/// Runs code that is not the loader's own; `what` names it.
///
/// What a panic may leave half done belongs to that code, or, like the image it worked on, is thrown away with the
/// error.
pub(super) fn guarded<T>(what: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let error = Error::new(ErrorKind::Panic, format!("{what} panicked: {}", message(&*panic)));
        discard(panic);
        Err(error)
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "without a message",
    }
}

/// Drops what a panic carried, which may be of any type, and panic in turn. What that panic carries is leaked, since
/// it might go on so for ever.
fn discard(panic: Box<dyn Any + Send>) {
    if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(next);
    }
}
