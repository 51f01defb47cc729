//! The options that every subcommand takes.

use std::thread;

/// The options that every subcommand takes.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Seed of everything random: the same seed gives the same result on one machine
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Threads that load and augment; 0 works in the main thread. Results do not depend on it [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=MOST_WORKERS))]
    workers: Option<u16>,
    /// Print the result as JSON, as the only thing on standard output
    #[arg(long)]
    pub json: bool,
}

/// More threads than any machine has cores are a slip of the finger, and would exhaust the system.
const MOST_WORKERS: i64 = 1024;

impl Common {
    /// Threads for the loader.
    pub fn workers(&self) -> usize {
        self.workers.map_or_else(|| thread::available_parallelism().map_or(1, Into::into), Into::into)
    }
}
