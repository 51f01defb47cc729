//! What convolutions and dense layers share: how they are made, and the variables that they hold.

use candle_core::Tensor;

use super::activation::Activation;
use super::params::{Init, Params};
use crate::error::{Error, Result};

/// How a [`Linear`](super::Linear) or a [`ConvTranspose2d`](super::ConvTranspose2d) is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerConfig {
    /// Whether a bias is added; true by default. Before a batch norm it has no effect.
    pub bias: bool,
    /// What follows; nothing by default.
    pub activation: Activation,
    /// The initial weights; [`Init::He`] by default. A bias starts at 0.
    pub init: Init,
}

impl Default for LayerConfig {
    fn default() -> Self {
        Self { bias: true, activation: Activation::Identity, init: Init::He }
    }
}

/// The variables of a layer.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) weight: Tensor,
    pub(super) bias: Option<Tensor>,
    /// The points that the fast method of convolution lifts the weight to, in one row, where they are made once and for all.
    pub(super) points: Option<Tensor>,
}

impl Weights {
    pub(super) fn of(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias, points: None }
    }

    /// Makes `name.weight` of `shape`, inputs and outputs among its axes and the outputs the last of them, and, if asked for,
    /// `name.bias` (outputs). `fan_in` weights reach one output.
    pub(super) fn new(
        params: &mut Params,
        name: &str,
        shape: &[usize],
        fan_in: usize,
        init: Init,
        bias: bool,
    ) -> Result<Self> {
        if shape.contains(&0) {
            return Err(Error::config(format!("the layer {name:?} needs at least one input and one output")));
        }
        let outputs = shape.last().copied().unwrap_or_default();
        let weight = params.variable(&format!("{name}.weight"), shape, init, fan_in)?;
        let bias = bias.then(|| params.variable(&format!("{name}.bias"), &[outputs], Init::Constant(0.0), outputs));
        Ok(Self::of(weight, bias.transpose()?))
    }

    /// The same variables, but taking no gradients.
    pub(super) fn frozen(&self) -> Self {
        Self::of(self.weight.detach(), self.bias.as_ref().map(Tensor::detach))
    }
}
