//! Checkpoints: a safetensors file with the networks, their average, the optimisers' moments, the configuration and the
//! state of the training.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::tensor::{SafeTensors, TensorView};
use safetensors::{Dtype, SafeTensorError};
use serde::{Deserialize, Serialize};

use super::config::GanConfig;
use super::state::State;
use super::supervisor::Watch;
use super::trained_on::TrainedOn;
use crate::error::{Error, ErrorKind, Result};
use crate::file::write_file;

/// The prefixes of the tensors' names.
pub(super) const GENERATOR: &str = "generator.";
pub(super) const DISCRIMINATOR: &str = "discriminator.";
pub(super) const AVERAGE: &str = "average.";
/// Before the prefixes of a supervised training's best step.
pub(super) const BEST: &str = "best.";

/// The version of the format, in [`Metadata`]; it changes when an older program could not read the file.
const VERSION: u32 = 4;
/// The key of the one metadata entry. One, because several would be written in random order.
const METADATA: &str = "candle-augment-gan";

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
        let bytes = std::fs::read(path).map_err(|source| {
            let message = format!("cannot read the checkpoint ({source}): name a file that `train` wrote");
            Error::new(ErrorKind::Io, message).with_path(path).with_source(source)
        })?;
        Self::parse(&bytes).map_err(|error| error.with_path(path))
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| unreadable(&error))?;
        let metadata = header.metadata().as_ref().and_then(|entries| entries.get(METADATA)).ok_or_else(|| {
            refused("a safetensors file, but not a GAN of candle-augment: name a file that `train` wrote")
        })?;
        let damaged = |error: serde_json::Error| refused(&format!("its description is damaged: {error}"));
        let metadata: serde_json::Value = serde_json::from_str(metadata).map_err(damaged)?;
        // First the version alone: another one may have other fields.
        let version = &metadata["version"];
        if *version != VERSION {
            return Err(refused(&format!(
                "expected a GAN of format version {VERSION}, found version {version}: \
                 use the release that wrote it, or train it anew"
            )));
        }
        let metadata: Metadata = serde_json::from_value(metadata).map_err(damaged)?;
        let config: GanConfig = serde_json::from_value(metadata.config)
            .map_err(|error| refused(&format!("its configuration is damaged: {error}: train it anew")))?;
        config.validate().map_err(|error| refused(error.message()))?;
        let state: State = serde_json::from_value(metadata.state)
            .map_err(|error| refused(&format!("its state of training is damaged: {error}: train it anew")))?;
        let supervised = metadata.supervised.map(serde_json::from_value).transpose().map_err(damaged)?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| unreadable(&error))?;
        let tensors =
            file.iter().map(|(name, view)| Ok((name.to_owned(), to_tensor(name, &view)?))).collect::<Result<_>>()?;
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
        let metadata = Metadata { version: VERSION, config, state, supervised, trained_on };
        let metadata = serde_json::to_string(&metadata).map_err(|error| failed(error.to_string()))?;
        let data: Vec<Vec<u8>> = tensors.iter().map(|(_, tensor)| to_bytes(tensor)).collect::<Result<_>>()?;
        let views = tensors
            .iter()
            .zip(&data)
            .map(|((name, tensor), data)| {
                let view = TensorView::new(Dtype::F32, tensor.dims().to_vec(), data);
                view.map(|view| (name.as_str(), view)).map_err(|error| failed(error.to_string()))
            })
            .collect::<Result<Vec<_>>>()?;
        let entries = HashMap::from([(METADATA.to_owned(), metadata)]);
        let bytes = safetensors::serialize(views, Some(entries)).map_err(|error| failed(error.to_string()))?;
        write_file(path, &bytes)
    }
}

fn to_tensor(name: &str, view: &TensorView) -> Result<Tensor> {
    if view.dtype() != Dtype::F32 {
        return Err(refused(&format!("expected the tensor {name:?} of dtype F32, found {:?}", view.dtype())));
    }
    let (values, _) = view.data().as_chunks();
    let values: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(refused(&format!("the tensor {name:?} has the value {value}: the file is damaged, take another")));
    }
    Ok(Tensor::from_vec(values, view.shape(), &Device::Cpu)?)
}

fn to_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
    Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::Checkpoint, message)
}

fn unreadable(error: &SafeTensorError) -> Error {
    let message = match error {
        SafeTensorError::MetadataIncompleteBuffer | SafeTensorError::InvalidHeaderLength => {
            "the file is cut short, or is not a safetensors file: copy it again, or train the GAN anew"
        }
        _ => "expected a safetensors file that `train` wrote, found something else: name another file",
    };
    refused(&format!("{message} ({error})"))
}
