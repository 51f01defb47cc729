//! What [`Roster`](super::roster::Roster) is synchronised with; a test that tries schedules puts its own in this place.

pub(super) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
