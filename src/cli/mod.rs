//! The command line: one file per subcommand, and what they share.

mod common;
mod exit;
mod output;
mod progress;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Balanced batches of augmented and synthetic images.
///
/// DATA is a folder with one folder of images per class, a folder with IDX files (the format of MNIST, plain or .gz), or the word
/// `digits`: 1,797 handwritten digits of 8×8 pixels that are part of the program.
#[derive(Parser)]
#[command(version, max_term_width = 110, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {}

/// Parses the command line and runs it.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::run(|| match cli.command {})
}
