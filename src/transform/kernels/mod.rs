//! The pixel loops: free functions without randomness.

pub(super) mod color;
pub(super) mod flip;
pub(super) mod resize;
pub(super) mod rotate;
