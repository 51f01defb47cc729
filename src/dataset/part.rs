//! The parts that a data set comes in.

use serde::{Deserialize, Serialize};

/// Which part of a data set whose files tell its parts apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The training part, or the whole of a set that has no parts.
    #[default]
    Train,
    /// The test part.
    Test,
}
