//! Checkpoints: a safetensors file with the networks, their average, the optimisers' moments, the configuration and the
//! state of the training.

use std::collections::HashMap;
use std::path::Path;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::config::GanConfig;
use super::state::State;
use super::supervisor::Watch;
use super::tensor_file::{Kind, TensorFile, damaged, refused};
use super::trained_on::TrainedOn;
use crate::error::{Error, ErrorKind, Result};

/// The prefixes of the tensors' names.
pub(super) const GENERATOR: &str = "generator.";
pub(super) const DISCRIMINATOR: &str = "discriminator.";
pub(super) const AVERAGE: &str = "average.";
/// Before the prefixes of a supervised training's best step.
pub(super) const BEST: &str = "best.";

/// What a checkpoint is.
const KIND: Kind = Kind { key: "candle-augment-gan", name: "a GAN", writer: "`train`", version: 5 };

/// The header of a checkpoint, as JSON.
#[derive(Serialize, Deserialize)]
struct Metadata {
    version: u32,
    config: serde_json::Value,
    state: serde_json::Value,
    supervised: Option<serde_json::Value>,
    trained_on: Option<TrainedOn>,
}

/// What a supervisor adds to a checkpoint, beside the tensors of its best step.
#[derive(Serialize, Deserialize)]
pub(super) struct Supervised {
    pub(super) watch: Watch,
    /// The state of the best step.
    pub(super) best: State,
}

/// What a checkpoint holds.
pub(super) struct Checkpoint {
    pub(super) config: GanConfig,
    pub(super) state: State,
    pub(super) supervised: Option<Supervised>,
    pub(super) trained_on: Option<TrainedOn>,
    pub(super) tensors: HashMap<String, Tensor>,
}

impl Checkpoint {
    /// Reads a checkpoint, its tensors onto the CPU.
    pub(super) fn read(path: &Path) -> Result<Self> {
        Self::parse(TensorFile::read(path, &KIND)?).map_err(|error| error.with_path(path))
    }

    fn parse(TensorFile { description, tensors }: TensorFile) -> Result<Self> {
        let metadata: Metadata = serde_json::from_value(description).map_err(damaged)?;
        let config: GanConfig = serde_json::from_value(metadata.config)
            .map_err(|error| refused(&format!("its configuration is damaged: {error}: train it anew")))?;
        config.validate().map_err(|error| refused(error.message()))?;
        let state: State = serde_json::from_value(metadata.state)
            .map_err(|error| refused(&format!("its state of training is damaged: {error}: train it anew")))?;
        let supervised = metadata.supervised.map(serde_json::from_value).transpose().map_err(damaged)?;
        Ok(Self { config, state, supervised, trained_on: metadata.trained_on, tensors })
    }

    /// Writes the checkpoint whole or not at all.
    pub(super) fn write(
        path: &Path,
        config: &GanConfig,
        state: &State,
        supervised: Option<&Supervised>,
        trained_on: Option<&TrainedOn>,
        tensors: &[(String, Tensor)],
    ) -> Result<()> {
        let failed = |error: String| {
            Error::new(ErrorKind::Checkpoint, format!("cannot put the GAN into a file: {error}")).with_path(path)
        };
        let config = serde_json::to_value(config).map_err(|error| failed(error.to_string()))?;
        let state = serde_json::to_value(state).map_err(|error| failed(error.to_string()))?;
        let supervised = supervised.map(serde_json::to_value).transpose().map_err(|error| failed(error.to_string()))?;
        let trained_on = trained_on.cloned();
        let metadata = Metadata { version: KIND.version, config, state, supervised, trained_on };
        let description = serde_json::to_value(metadata).map_err(|error| failed(error.to_string()))?;
        TensorFile::write(path, &KIND, &description, tensors)
    }
}
