//! Words on the terminal.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes a line to standard error, where messages and progress go.
///
/// Where nobody reads it any more, as in `candle-augment train DATA 2>&1 | head -1`, the work goes on.
pub fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// `number` and what is counted: `1 step`, `2 steps`.
pub fn count(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}
