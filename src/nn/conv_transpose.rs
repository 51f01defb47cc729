//! The transposed convolution layer.

use candle_core::Tensor;

use super::activation::Activation;
use super::conv_op::{ConvOp, shape_error};
use super::kernels::Geometry;
use super::layer::{LayerConfig, Weights};
use super::params::Params;
use crate::error::Result;

/// A transposed convolution that doubles the sides: (N, H, W, inputs) to (N, 2H, 2W, outputs), with a kernel of 4, a
/// stride of 2 and a padding of 1, so that every output pixel has the same number of summands.
#[derive(Clone, Debug)]
pub struct ConvTranspose2d {
    /// (inputs, 4, 4, outputs).
    weights: Weights,
    config: LayerConfig,
}

impl ConvTranspose2d {
    /// Makes the variables `name.weight` (inputs, 4, 4, outputs) and `name.bias` (outputs).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if there are no inputs or outputs, or the name is taken.
    pub fn new(params: &mut Params, name: &str, inputs: usize, outputs: usize, config: LayerConfig) -> Result<Self> {
        // Four of the sixteen weights of each input reach an output pixel.
        let shape = [inputs, 4, 4, outputs];
        let weights = Weights::new(params, name, &shape, 4 * inputs, config.init, config.bias)?;
        Ok(Self { weights, config })
    }

    /// The same layer, sharing its variables, but giving them no gradients.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self { weights: self.weights.frozen(), config: self.config }
    }

    /// Makes the points of the weight once, for all passes to come: the variables must change no more.
    pub(crate) fn prepare(&mut self) -> Result<()> {
        self.weights = doubling(&self.weights.weight, self.config.activation, (1, 1))?.prepare(&self.weights)?;
        Ok(())
    }

    /// Applies the layer to images (N, H, W, inputs), f32.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for another shape or dtype.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        double_by(x, &self.weights, self.config.activation)
    }
}

/// Doubles images by `weights`, whose weight is (inputs, 4, 4, outputs).
pub(super) fn double_by(x: &Tensor, weights: &Weights, activation: Activation) -> Result<Tensor> {
    let (_, height, width, channels) = x.dims4()?;
    let inputs = weights.weight.dim(0)?;
    if channels != inputs {
        return Err(shape_error(x, &format!("(N, H, W, {inputs})")));
    }
    doubling(&weights.weight, activation, (height, width))?.run(x, weights)
}

/// The operation that doubles images of this size by a weight (inputs, 4, 4, outputs).
pub(super) fn doubling(weight: &Tensor, activation: Activation, size: (usize, usize)) -> Result<ConvOp> {
    let (small_height, small_width) = size;
    let (height, width) = (2 * small_height, 2 * small_width);
    let (_, kernel, _, channels) = weight.dims4()?;
    let geometry = Geometry { height, width, channels, small_height, small_width, kernel, stride: 2, padding: 1 };
    Ok(ConvOp { geometry, activation, transposed: true })
}
