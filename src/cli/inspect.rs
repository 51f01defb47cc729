//! `inspect`: what lies in a data set, and what of it cannot be read.

use std::path::PathBuf;

use candle_augment::{Part, Result, inspect_data};

use super::common::Common;
use super::progress::SharedProgress;
use super::{data, output};

/// Count classes and images, measure sizes, name unreadable files
///
/// Every image is decoded in full, so what passes here loads in training. The exit status is 2 where training would be refused:
/// fewer than two classes, or a class without any readable image.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment inspect digits
  candle-augment inspect photos/train
  candle-augment inspect mnist --json")]
pub struct Args {
    /// Class folders, IDX, CIFAR or NumPy files, or `digits`: see `candle-augment --help`
    data: PathBuf,
    #[command(flatten)]
    common: Common,
}

pub fn run(args: &Args) -> Result<()> {
    let progress = SharedProgress::new("inspect", "images");
    let found = data::on_pool(args.common.workers(), || {
        inspect_data(&args.data, Part::Train, |done, total| progress.update(done, total))
    })??;
    drop(progress);
    output::print(&found, args.common.json)?;
    found.check().map_err(|error| error.with_path(&args.data))
}
