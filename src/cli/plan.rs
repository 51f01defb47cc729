//! The options that say how a loader planned its epochs.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use candle_augment::{Balance, ClassMixture, Error, PlanConfig, Result};

/// Options of the plan that decides which sample stands where in an epoch.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Plan of the loader")]
pub struct PlanArgs {
    /// Samples in a batch
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// How the classes share a batch: natural or uniform
    #[arg(long, value_name = "BALANCE", default_value = "natural", value_parser = balance)]
    balance: Balance,
    /// Synthetic share of each class, from 0 to 1
    #[arg(long, value_name = "S", default_value_t = 0.0, allow_negative_numbers = true)]
    share: f64,
    /// The epochs are not shuffled
    #[arg(long)]
    no_shuffle: bool,
    /// All of this from a file, .toml or .json, with the fields of the library's PlanConfig
    #[arg(long, value_name = "FILE", conflicts_with_all = ["batch_size", "balance", "share", "no_shuffle"])]
    plan: Option<PathBuf>,
}

impl PlanArgs {
    /// The plan's configuration with this seed, whatever the file says.
    pub fn config(&self, seed: u64) -> Result<PlanConfig> {
        let config = match &self.plan {
            Some(file) => read(file).map_err(|error| error.with_path(file))?,
            None => PlanConfig {
                batch_size: self.batch_size as usize,
                balance: self.balance.clone(),
                mixture: ClassMixture::Share(self.share).into(),
                shuffle: !self.no_shuffle,
                ..PlanConfig::default()
            },
        };
        Ok(PlanConfig { seed, ..config })
    }
}

fn balance(text: &str) -> Result<Balance, String> {
    match text {
        "natural" => Ok(Balance::Natural),
        "uniform" => Ok(Balance::Uniform),
        _ => Err("expected natural or uniform; others can be given in a file, with --plan".to_owned()),
    }
}

fn read(path: &Path) -> Result<PlanConfig> {
    let text = || std::fs::read_to_string(path).map_err(|error| Error::io("read the plan", path, error));
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => serde_json::from_str(&text()?).map_err(unreadable),
        Some("toml") => toml::from_str(&text()?).map_err(unreadable),
        _ => Err(Error::config("expected a plan in a file named .toml or .json")),
    }
}

fn unreadable(error: impl Display) -> Error {
    Error::config(format!("expected the fields of a PlanConfig: {error}"))
}
