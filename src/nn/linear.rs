//! The dense layer: a convolution of one pixel.

use candle_core::Tensor;

use super::conv_op::{ConvOp, shape_error};
use super::kernels::Geometry;
use super::layer::{LayerConfig, Weights};
use super::params::Params;
use crate::error::Result;

/// A dense layer: (N, inputs) to (N, outputs).
#[derive(Clone, Debug)]
pub struct Linear {
    /// (inputs, outputs).
    weights: Weights,
    config: LayerConfig,
}

impl Linear {
    /// Makes the variables `name.weight` (inputs, outputs) and `name.bias` (outputs).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if there are no inputs or outputs, or the name is taken.
    pub fn new(params: &mut Params, name: &str, inputs: usize, outputs: usize, config: LayerConfig) -> Result<Self> {
        let weights = Weights::new(params, name, &[inputs, outputs], inputs, config.init, config.bias)?;
        Ok(Self { weights, config })
    }

    /// The same layer, sharing its variables, but giving them no gradients.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self { weights: self.weights.frozen(), config: self.config }
    }

    /// Applies the layer to vectors (N, inputs), f32.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for another shape or dtype.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (count, channels) = x.dims2()?;
        let (inputs, outputs) = self.weights.weight.dims2()?;
        if channels != inputs {
            return Err(shape_error(x, &format!("(N, {inputs})")));
        }
        let (height, width, small_height, small_width) = (1, 1, 1, 1);
        let (kernel, stride, padding) = (1, 1, 0);
        let geometry = Geometry { height, width, channels, small_height, small_width, kernel, stride, padding };
        let op = ConvOp { geometry, activation: self.config.activation, transposed: false };
        let weight = self.weights.weight.reshape((1, 1, inputs, outputs))?;
        let weights = Weights::of(weight, self.weights.bias.clone());
        let y = op.run(&x.reshape((count, 1, 1, inputs))?, &weights)?;
        Ok(y.reshape((count, outputs))?)
    }
}
