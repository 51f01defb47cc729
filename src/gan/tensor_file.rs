//! Safetensors files of f32 tensors with a description of them.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::tensor::{SafeTensors, TensorView};
use safetensors::{Dtype, SafeTensorError};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::file::write_file;

/// What such a file holds.
pub(super) struct TensorFile {
    /// The description. It has a field `version`, which changes when an older program could not read the file.
    pub description: Value,
    pub tensors: HashMap<String, Tensor>,
}

impl TensorFile {
    /// Reads the file, its tensors onto the CPU. `kind` is what it must be, the key of its one metadata entry: one,
    /// because several would be written in random order. `writer` says who writes such files.
    pub fn read(path: &Path, kind: &str, version: u32, writer: &str) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| {
            let message = format!("cannot read the checkpoint ({source}): name a file that {writer} wrote");
            Error::new(ErrorKind::Io, message).with_path(path).with_source(source)
        })?;
        Self::parse(&bytes, kind, version, writer).map_err(|error| error.with_path(path))
    }

    /// Whether a file is of this kind; not where it cannot be read.
    pub fn is_kind(path: &Path, kind: &str) -> bool {
        let is_kind = |bytes: Vec<u8>| {
            let (_, header) = SafeTensors::read_metadata(&bytes).ok()?;
            header.metadata().as_ref().map(|entries| entries.contains_key(kind))
        };
        std::fs::read(path).ok().and_then(is_kind).unwrap_or(false)
    }

    fn parse(bytes: &[u8], kind: &str, version: u32, writer: &str) -> Result<Self> {
        let unreadable = |error: SafeTensorError| unreadable(&error, writer);
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
        let description = header.metadata().as_ref().and_then(|entries| entries.get(kind)).ok_or_else(|| {
            refused(&format!("a safetensors file, but not a {kind} of candle-augment: name a file that {writer} wrote"))
        })?;
        let description: Value = serde_json::from_str(description).map_err(damaged)?;
        // First the version alone: another one may have other fields.
        let found = &description["version"];
        if *found != version {
            return Err(refused(&format!(
                "expected a {kind} of format version {version}, found version {found}: \
                 use the release that wrote it, or train it anew"
            )));
        }
        let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
        let tensors =
            file.iter().map(|(name, view)| Ok((name.to_owned(), to_tensor(name, &view)?))).collect::<Result<_>>()?;
        Ok(Self { description, tensors })
    }

    /// Writes the file whole or not at all; `description` has its version.
    pub fn write(path: &Path, kind: &str, description: &Value, tensors: &[(String, Tensor)]) -> Result<()> {
        let failed = |error: String| {
            Error::new(ErrorKind::Checkpoint, format!("cannot put the {kind} into a file: {error}")).with_path(path)
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
        let entries = HashMap::from([(kind.to_owned(), description.to_string())]);
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

fn damaged(error: serde_json::Error) -> Error {
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
