//! The parameters of a network: named, in the order of their creation, with seeded initial values.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};

use crate::error::{Error, ErrorKind, Result};
use crate::rng::{Purpose, SampleKey};

/// Where the initial values of a parameter come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All the same.
    Constant(f32),
    /// Normal with mean 0 and this standard deviation.
    Normal(f32),
    /// Normal with mean 0 and variance 2 / (inputs of one output), for layers before a ReLU (K. He et al., "Delving
    /// Deep into Rectifiers", 2015).
    He,
}

impl Init {
    fn draw(self, key: SampleKey, count: usize, inputs: usize) -> Vec<f32> {
        let mut rng = key.rng();
        let mut normal = |deviation: f32| (0..count).map(|_| rng.normal() as f32 * deviation).collect();
        match self {
            Self::Constant(value) => vec![value; count],
            Self::Normal(deviation) => normal(deviation),
            Self::He => normal((2.0 / inputs as f32).sqrt()),
        }
    }
}

/// The parameters of a network.
///
/// A *variable* is trained; a *buffer* is state that is not, such as the running statistics of a batch norm. Both are
/// f32. The initial values depend on the seed, the stream and the number of parameters made before, not on the device.
#[derive(Debug)]
pub struct Params {
    /// Seed and stream of the initial values; none where they are left 0.
    drawn: Option<(u64, u64)>,
    device: Device,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    var: Var,
    trained: bool,
}

impl Params {
    /// No parameters yet.
    #[must_use]
    pub fn new(seed: u64, device: &Device) -> Self {
        Self::with_stream(seed, 0, device)
    }

    /// The same for one of several networks that share a seed: each takes a `stream` of its own.
    #[must_use]
    pub fn with_stream(seed: u64, stream: u64, device: &Device) -> Self {
        Self { drawn: Some((seed, stream)), device: device.clone(), entries: Vec::new() }
    }

    /// No parameters yet, and variables that start at 0, whatever their [`Init`]: for a network that gets its values from
    /// [`Params::load`] or [`Params::copy_from`], without drawing others first.
    #[must_use]
    pub fn blank(device: &Device) -> Self {
        Self { drawn: None, device: device.clone(), entries: Vec::new() }
    }

    /// The device that the parameters are on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Makes a variable; `inputs` is what [`Init::He`] calls the inputs of one output.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the name is taken; [`ErrorKind::Tensor`] if the device refuses it.
    pub fn variable(&mut self, name: &str, shape: &[usize], init: Init, inputs: usize) -> Result<Tensor> {
        let values = match self.drawn {
            Some((seed, stream)) => {
                let position = self.entries.len() as u64;
                let key = SampleKey { seed, epoch: stream, position, purpose: Purpose::Weights };
                init.draw(key, shape.iter().product(), inputs)
            }
            None => vec![0.0; shape.iter().product()],
        };
        self.add(name, values, shape, true).map(|var| var.as_tensor().clone())
    }

    /// Makes a buffer, filled with `value`.
    ///
    /// # Errors
    ///
    /// As [`Params::variable`].
    pub fn buffer(&mut self, name: &str, shape: &[usize], value: f32) -> Result<Var> {
        self.add(name, vec![value; shape.iter().product()], shape, false)
    }

    fn add(&mut self, name: &str, values: Vec<f32>, shape: &[usize], trained: bool) -> Result<Var> {
        if self.entries.iter().any(|entry| entry.name == name) {
            return Err(Error::config(format!("two parameters are called {name:?}: give each layer its own name")));
        }
        let var = Var::from_tensor(&Tensor::from_vec(values, shape, &self.device)?)?;
        self.entries.push(Entry { name: name.to_owned(), var: var.clone(), trained });
        Ok(var)
    }

    /// The variables with their names, in the order of their creation.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.entries.iter().filter(|entry| entry.trained).map(|entry| (entry.name.as_str(), &entry.var))
    }

    /// Variables and buffers with their names, in the order of their creation.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.entries.iter().map(|entry| (entry.name.as_str(), &entry.var))
    }

    /// The number of trained values.
    #[must_use]
    pub fn count(&self) -> usize {
        self.variables().map(|(_, var)| var.elem_count()).sum()
    }

    /// Overwrites every variable and buffer with the tensor called `prefix` + its name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Checkpoint`] if one is missing or has another shape or dtype; then nothing has changed.
    pub fn load(&self, tensors: &HashMap<String, Tensor>, prefix: &str) -> Result<()> {
        let found: Vec<&Tensor> = self
            .entries
            .iter()
            .map(|entry| find_tensor(tensors, &format!("{prefix}{}", entry.name), entry.var.dims()))
            .collect::<Result<_>>()?;
        for (entry, tensor) in self.entries.iter().zip(found) {
            entry.var.set(&tensor.to_device(&self.device)?)?;
        }
        Ok(())
    }

    /// Overwrites every variable and buffer with that of `other`, which was made in the same way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Tensor`] if the shapes differ.
    pub fn copy_from(&self, other: &Self) -> Result<()> {
        for (entry, other) in self.entries.iter().zip(&other.entries) {
            entry.var.set(other.var.as_tensor())?;
        }
        Ok(())
    }
}

/// The f32 tensor `name` of shape `dims`.
pub(crate) fn find_tensor<'a>(tensors: &'a HashMap<String, Tensor>, name: &str, dims: &[usize]) -> Result<&'a Tensor> {
    let wrong = |found: &str| {
        Error::new(
            ErrorKind::Checkpoint,
            format!(
                "expected a tensor {name:?} of shape {dims:?} and dtype f32, found {found}: \
                 the file is damaged or is for another network; make it anew"
            ),
        )
    };
    let tensor = tensors.get(name).ok_or_else(|| wrong("none of that name"))?;
    if tensor.dims() != dims || tensor.dtype() != DType::F32 {
        return Err(wrong(&format!("shape {:?} and dtype {}", tensor.dims(), tensor.dtype().as_str())));
    }
    Ok(tensor)
}
