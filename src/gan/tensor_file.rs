//! Safetensors files of f32 tensors with a description of them.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::tensor::{SafeTensors, TensorView};
use safetensors::{Dtype, SafeTensorError};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::file::write_file;

/// What a file is.
pub(super) struct Kind {
    /// The key of its one metadata entry. One, because several would be written in random order.
    pub key: &'static str,
    /// What it is called in messages.
    pub name: &'static str,
    /// Which command writes it.
    pub writer: &'static str,
    /// The version of its format; it changes when an older program could not read the file.
    pub version: u32,
}

/// What such a file holds.
pub(super) struct TensorFile {
    /// The description, with a field `version`.
    pub description: Value,
    pub tensors: HashMap<String, Tensor>,
}

impl TensorFile {
    /// Reads a file of this kind, its tensors onto the CPU.
    pub fn read(path: &Path, kind: &Kind) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| {
            let message = format!("cannot read the checkpoint ({source}): name a file that {} wrote", kind.writer);
            Error::new(ErrorKind::Io, message).with_path(path).with_source(source)
        })?;
        Self::parse(&bytes, kind).map_err(|error| error.with_path(path))
    }

    /// Whether a file is of this kind; not where it cannot be read.
    pub fn is_kind(path: &Path, kind: &Kind) -> bool {
        let is_kind = |bytes: Vec<u8>| {
            let (_, header) = SafeTensors::read_metadata(&bytes).ok()?;
            header.metadata().as_ref().map(|entries| entries.contains_key(kind.key))
        };
        std::fs::read(path).ok().and_then(is_kind).unwrap_or(false)
    }

    fn parse(bytes: &[u8], kind: &Kind) -> Result<Self> {
        let Kind { key, name, writer, version } = kind;
        let unreadable = |error: SafeTensorError| unreadable(&error, writer);
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
        let description = header.metadata().as_ref().and_then(|entries| entries.get(*key)).ok_or_else(|| {
            refused(&format!("a safetensors file, but not {name} of candle-augment: name a file that {writer} wrote"))
        })?;
        let description: Value = serde_json::from_str(description).map_err(damaged)?;
        // First the version alone: another one may have other fields.
        let found = &description["version"];
        if found != version {
            return Err(refused(&format!(
                "expected {name} of format version {version}, found version {found}: \
                 use the release that wrote it, or make it anew"
            )));
        }
        let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
        let tensors =
            file.iter().map(|(name, view)| Ok((name.to_owned(), to_tensor(name, &view)?))).collect::<Result<_>>()?;
        Ok(Self { description, tensors })
    }

    /// Writes the file whole or not at all; `description` has its version.
    pub fn write(path: &Path, kind: &Kind, description: &Value, tensors: &[(String, Tensor)]) -> Result<()> {
        let failed = |error: String| {
            Error::new(ErrorKind::Checkpoint, format!("cannot put {} into a file: {error}", kind.name)).with_path(path)
        };
        let data: Vec<Vec<u8>> = tensors.iter().map(|(_, tensor)| to_bytes(tensor)).collect::<Result<_>>()?;
        let views = tensors
            .iter()
            .zip(&data)
            .map(|((name, tensor), data)| {
                let view = TensorView::new(Dtype::F32, tensor.dims().to_vec(), data);
                view.map(|view| (name.as_str(), view)).map_err(|error| failed(error.to_string()))
            })
            .collect::<Result<Vec<_>>>()?;
        let entries = HashMap::from([(kind.key.to_owned(), description.to_string())]);
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

pub(super) fn refused(message: &str) -> Error {
    Error::new(ErrorKind::Checkpoint, message)
}

pub(super) fn damaged(error: serde_json::Error) -> Error {
    refused(&format!("its description is damaged: {error}"))
}

fn unreadable(error: &SafeTensorError, writer: &str) -> Error {
    let message = match error {
        SafeTensorError::MetadataIncompleteBuffer | SafeTensorError::InvalidHeaderLength => {
            "the file is cut short, or is not a safetensors file: copy it again, or make it anew".to_owned()
        }
        _ => format!("expected a safetensors file that {writer} wrote, found something else: name another file"),
    };
    refused(&format!("{message} ({error})"))
}
