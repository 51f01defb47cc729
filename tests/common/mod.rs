//! What the behaviour tests share, a file for each part of the crate.
#![allow(dead_code)]

pub mod data;
pub mod gan;
pub mod jpeg;
pub mod loader;
#[cfg(feature = "cli")]
pub mod program;
