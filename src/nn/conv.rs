//! The convolution layer.

use candle_core::Tensor;

use super::activation::Activation;
use super::conv_op::{ConvOp, shape_error};
use super::kernels::Geometry;
use super::layer::Weights;
use super::params::{Init, Params};
use crate::error::{Error, Result};

/// How a [`Conv2d`] is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2dConfig {
    /// Side of the square kernel; 3 by default.
    pub kernel: usize,
    /// Step of the kernel, in pixels; 1 by default.
    pub stride: usize,
    /// Zeros added on every side, in pixels; 1 by default.
    pub padding: usize,
    /// Whether a bias is added; true by default. Before a batch norm it has no effect.
    pub bias: bool,
    /// What follows; nothing by default.
    pub activation: Activation,
    /// The initial weights; [`Init::He`] by default. A bias starts at 0.
    pub init: Init,
}

impl Default for Conv2dConfig {
    fn default() -> Self {
        Self { kernel: 3, stride: 1, padding: 1, bias: true, activation: Activation::Identity, init: Init::He }
    }
}

/// A convolution: (N, H, W, inputs) to (N, H', W', outputs), H' = ⌊(H + 2 · padding − kernel) / stride⌋ + 1.
#[derive(Clone, Debug)]
pub struct Conv2d {
    /// (kernel, kernel, inputs, outputs).
    weights: Weights,
    config: Conv2dConfig,
}

impl Conv2d {
    /// Makes the variables `name.weight` (kernel, kernel, inputs, outputs) and `name.bias` (outputs).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for a kernel, stride or number of channels of 0, or a name that is taken.
    pub fn new(params: &mut Params, name: &str, inputs: usize, outputs: usize, config: Conv2dConfig) -> Result<Self> {
        let Conv2dConfig { kernel, stride, bias, init, .. } = config;
        if kernel == 0 || stride == 0 {
            return Err(Error::config(format!(
                "the layer {name:?} needs a kernel and a stride of at least 1, got {kernel} and {stride}"
            )));
        }
        let shape = [kernel, kernel, inputs, outputs];
        let weights = Weights::new(params, name, &shape, kernel * kernel * inputs, init, bias)?;
        Ok(Self { weights, config })
    }

    /// The same layer, sharing its variables, but giving them no gradients.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self { weights: self.weights.frozen(), config: self.config }
    }

    /// The weight, (kernel, kernel, inputs, outputs).
    #[must_use]
    pub fn weight(&self) -> &Tensor {
        &self.weights.weight
    }

    /// The same layer with another weight of the same shape, such as its own after a normalisation.
    #[must_use]
    pub fn with_weight(&self, weight: Tensor) -> Self {
        Self { weights: Weights::of(weight, self.weights.bias.clone()), config: self.config }
    }

    /// Makes the points of the weight once, for all passes to come: the variables must change no more.
    pub(crate) fn prepare(&mut self) -> Result<()> {
        let side = self.config.kernel;
        let op = self.op((side, side))?.expect("images as large as the kernel");
        self.weights = op.prepare(&self.weights)?;
        Ok(())
    }

    /// Applies the layer to images (N, H, W, inputs), f32.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for another shape or dtype, or images smaller than the kernel.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, height, width, channels) = x.dims4()?;
        let inputs = self.weights.weight.dim(2)?;
        let Some(op) = self.op((height, width))?.filter(|_| channels == inputs) else {
            let Conv2dConfig { kernel, padding, .. } = self.config;
            return Err(shape_error(
                x,
                &format!("(N, H, W, {inputs}) with H and W of at least {kernel} − 2 · {padding}"),
            ));
        };
        op.run(x, &self.weights)
    }

    /// The operation on images of this size, unless they are smaller than the kernel.
    fn op(&self, (height, width): (usize, usize)) -> Result<Option<ConvOp>> {
        let (kernel, _, channels, _) = self.weights.weight.dims4()?;
        let Conv2dConfig { stride, padding, activation, .. } = self.config;
        let small = |side: usize| (side + 2 * padding).checked_sub(kernel).map(|room| room / stride + 1);
        let (Some(small_height), Some(small_width)) = (small(height), small(width)) else { return Ok(None) };
        let geometry = Geometry { height, width, channels, small_height, small_width, kernel, stride, padding };
        Ok(Some(ConvOp { geometry, activation, transposed: false }))
    }
}
