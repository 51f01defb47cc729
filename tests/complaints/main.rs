//! What users of other loaders complain of, each as a test that bears the complaint's name and shows that it is not so
//! here. The numbers are those of the public trackers.
//!
//! Complaints that need the whole process to themselves stand elsewhere: threads that leak in `loader_drop.rs`, memory
//! in `memory_bound.rs`, both over hundreds of epochs in `soak.rs`.

#[path = "../common/mod.rs"]
mod common;

mod classes;
mod failures;
mod hangs;
mod order;
mod randomness;
mod resume;
