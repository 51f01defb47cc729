//! The program `candle-augment`.

mod cli;

use std::process::ExitCode;

/// Training allocates and frees megabytes a thousand times a second; the allocator of many systems gives each page back at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
