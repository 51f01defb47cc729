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

/// `argument` as a shell takes it for one word.
pub fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,+%@".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_spaces_and_quotes_stay_one() {
        assert_eq!(quoted("photos/a-1.png"), "photos/a-1.png");
        assert_eq!(quoted("my photos"), "'my photos'");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(quoted(""), "''");
    }
}
