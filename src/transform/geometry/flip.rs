//! Random mirroring.

use crate::transform::Op;
use crate::transform::chance::chance;

chance! {
    /// Mirrors left and right with probability `p`, 0.5 by default.
    RandomHorizontalFlip, 0.5, _ => Op::HFlip
}

chance! {
    /// Mirrors top and bottom with probability `p`, 0.5 by default.
    RandomVerticalFlip, 0.5, _ => Op::VFlip
}
