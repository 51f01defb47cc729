//! The command line: one file per subcommand, and what they share.

mod autoencoder;
mod board;
mod caption;
mod classic;
mod common;
mod compare;
mod data;
mod demo;
mod device;
mod environment;
mod evaluate;
mod exit;
mod export;
mod filter;
mod gate;
mod inspect;
mod interrupt;
mod judge;
mod metrics;
mod new_folder;
mod output;
mod pictures;
mod plan;
mod preview;
mod progress;
mod replay;
mod sample;
mod shares;
mod size;
mod table;
mod thin;
mod train;
mod training;
mod words;
mod workshop;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Balanced batches of augmented and synthetic images.
///
/// DATA is a folder with one folder of images per class; a folder with IDX files (the format of MNIST, plain or .gz), with the binary
/// version of CIFAR-10 or CIFAR-100, or with NumPy's arrays in files train_images.npy and train_labels.npy (or images.npy and
/// labels.npy); an .npz file with arrays of these names, such as those of MedMNIST; or the word `digits`: 1,797 handwritten digits of
/// 8×8 pixels that are part of the program (`./digits` is a folder of that name).
#[derive(Parser)]
#[command(version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Inspect(inspect::Args),
    Preview(preview::Args),
    Replay(replay::Args),
    Train(train::Args),
    Sample(sample::Args),
    Evaluate(evaluate::Args),
    Gate(gate::Args),
    Compare(compare::Args),
}

/// Parses the command line and runs it.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    environment::settle();
    exit::run(|| match &cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Preview(args) => preview::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Train(args) => train::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Gate(args) => gate::run(args),
        Command::Compare(args) => compare::run(args),
    })
}
