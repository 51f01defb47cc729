//! Convolution, transposed convolution and dense layers, channels last, each with bias and activation in one pass.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result as CandleResult, Shape, Tensor};

use super::activation::Activation;
use super::kernels::{self, Geometry, Gradients, Saved, Wanted};
use super::params::{Init, Params};
use super::slices::{Floats, operand};
use super::{to_channels_first, to_channels_last};
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
    weight: Tensor,
    bias: Option<Tensor>,
    config: Conv2dConfig,
}

impl Conv2d {
    /// Makes the variables `name.weight` (kernel, kernel, inputs, outputs) and `name.bias` (outputs).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for a kernel, stride or number of channels of 0, or a name that is taken.
    pub fn new(params: &mut Params, name: &str, inputs: usize, outputs: usize, config: Conv2dConfig) -> Result<Self> {
        let Conv2dConfig { kernel, stride, init, .. } = config;
        if [kernel, stride, inputs, outputs].contains(&0) {
            return Err(Error::config(format!(
                "the layer {name:?} needs a kernel, a stride, inputs and outputs of at least 1, \
                 got {kernel}, {stride}, {inputs} and {outputs}"
            )));
        }
        let shape = [kernel, kernel, inputs, outputs];
        let weight = params.variable(&format!("{name}.weight"), &shape, init, kernel * kernel * inputs)?;
        let bias = make_bias(params, name, outputs, config.bias)?;
        Ok(Self { weight, bias, config })
    }

    /// The same layer, sharing its variables, but giving them no gradients.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self { weight: self.weight.detach(), bias: self.bias.as_ref().map(Tensor::detach), config: self.config }
    }

    /// Applies the layer to images (N, H, W, inputs), f32.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for another shape or dtype, or images smaller than the kernel.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, height, width, channels) = x.dims4()?;
        let (kernel, _, inputs, _) = self.weight.dims4()?;
        let Conv2dConfig { stride, padding, activation, .. } = self.config;
        let small = |side: usize| (side + 2 * padding).checked_sub(kernel).map(|room| room / stride + 1);
        let (Some(small_height), Some(small_width), true) = (small(height), small(width), channels == inputs) else {
            return Err(shape_error(
                x,
                &format!("(N, H, W, {inputs}) with H and W of at least {kernel} − 2 · {padding}"),
            ));
        };
        let geometry = Geometry { height, width, channels, small_height, small_width, kernel, stride, padding };
        ConvOp { geometry, activation, transposed: false }.run(x, &self.weight, self.bias.as_ref())
    }
}

/// How a [`ConvTranspose2d`] is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvTranspose2dConfig {
    /// Whether a bias is added; true by default.
    pub bias: bool,
    /// What follows; nothing by default.
    pub activation: Activation,
    /// The initial weights; [`Init::He`] by default.
    pub init: Init,
}

impl Default for ConvTranspose2dConfig {
    fn default() -> Self {
        Self { bias: true, activation: Activation::Identity, init: Init::He }
    }
}

/// A transposed convolution that doubles the sides: (N, H, W, inputs) to (N, 2H, 2W, outputs), with a kernel of 4, a
/// stride of 2 and a padding of 1, so that every output pixel has the same number of summands.
#[derive(Clone, Debug)]
pub struct ConvTranspose2d {
    /// (inputs, 4, 4, outputs).
    weight: Tensor,
    bias: Option<Tensor>,
    config: ConvTranspose2dConfig,
}

impl ConvTranspose2d {
    /// Makes the variables `name.weight` (inputs, 4, 4, outputs) and `name.bias` (outputs).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if there are no inputs or outputs, or the name is taken.
    pub fn new(
        params: &mut Params,
        name: &str,
        inputs: usize,
        outputs: usize,
        config: ConvTranspose2dConfig,
    ) -> Result<Self> {
        if inputs == 0 || outputs == 0 {
            return Err(Error::config(format!("the layer {name:?} needs at least one input and one output")));
        }
        // Four of the sixteen weights of each input reach an output pixel.
        let weight = params.variable(&format!("{name}.weight"), &[inputs, 4, 4, outputs], config.init, 4 * inputs)?;
        let bias = make_bias(params, name, outputs, config.bias)?;
        Ok(Self { weight, bias, config })
    }

    /// The same layer, sharing its variables, but giving them no gradients.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self { weight: self.weight.detach(), bias: self.bias.as_ref().map(Tensor::detach), config: self.config }
    }

    /// Applies the layer to images (N, H, W, inputs), f32.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for another shape or dtype.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, small_height, small_width, channels) = x.dims4()?;
        let (inputs, kernel, _, outputs) = self.weight.dims4()?;
        if channels != inputs {
            return Err(shape_error(x, &format!("(N, H, W, {inputs})")));
        }
        let geometry = Geometry {
            height: 2 * small_height,
            width: 2 * small_width,
            channels: outputs,
            small_height,
            small_width,
            kernel,
            stride: 2,
            padding: 1,
        };
        let op = ConvOp { geometry, activation: self.config.activation, transposed: true };
        op.run(x, &self.weight, self.bias.as_ref())
    }
}

/// How a [`Linear`] is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearConfig {
    /// Whether a bias is added; true by default.
    pub bias: bool,
    /// What follows; nothing by default.
    pub activation: Activation,
    /// The initial weights; [`Init::He`] by default.
    pub init: Init,
}

impl Default for LinearConfig {
    fn default() -> Self {
        Self { bias: true, activation: Activation::Identity, init: Init::He }
    }
}

/// A dense layer: (N, inputs) to (N, outputs).
#[derive(Clone, Debug)]
pub struct Linear {
    /// (inputs, outputs).
    weight: Tensor,
    bias: Option<Tensor>,
    config: LinearConfig,
}

impl Linear {
    /// Makes the variables `name.weight` (inputs, outputs) and `name.bias` (outputs).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if there are no inputs or outputs, or the name is taken.
    pub fn new(params: &mut Params, name: &str, inputs: usize, outputs: usize, config: LinearConfig) -> Result<Self> {
        if inputs == 0 || outputs == 0 {
            return Err(Error::config(format!("the layer {name:?} needs at least one input and one output")));
        }
        let weight = params.variable(&format!("{name}.weight"), &[inputs, outputs], config.init, inputs)?;
        let bias = make_bias(params, name, outputs, config.bias)?;
        Ok(Self { weight, bias, config })
    }

    /// The same layer, sharing its variables, but giving them no gradients.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self { weight: self.weight.detach(), bias: self.bias.as_ref().map(Tensor::detach), config: self.config }
    }

    /// Applies the layer to vectors (N, inputs), f32.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for another shape or dtype.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (count, channels) = x.dims2()?;
        let (inputs, outputs) = self.weight.dims2()?;
        if channels != inputs {
            return Err(shape_error(x, &format!("(N, {inputs})")));
        }
        let (height, width, small_height, small_width) = (1, 1, 1, 1);
        let (kernel, stride, padding) = (1, 1, 0);
        let geometry = Geometry { height, width, channels, small_height, small_width, kernel, stride, padding };
        let op = ConvOp { geometry, activation: self.config.activation, transposed: false };
        let weight = self.weight.reshape((1, 1, inputs, outputs))?;
        let y = op.run(&x.reshape((count, 1, 1, inputs))?, &weight, self.bias.as_ref())?;
        Ok(y.reshape((count, outputs))?)
    }
}

fn make_bias(params: &mut Params, name: &str, outputs: usize, wanted: bool) -> Result<Option<Tensor>> {
    wanted.then(|| params.variable(&format!("{name}.bias"), &[outputs], Init::Constant(0.0), outputs)).transpose()
}

fn shape_error(x: &Tensor, expected: &str) -> Error {
    Error::new(crate::ErrorKind::Tensor, format!("expected a tensor of shape {expected}, got {:?}", x.dims()))
}

/// Either kind of convolution, with bias and activation.
#[derive(Clone, Copy)]
struct ConvOp {
    geometry: Geometry,
    activation: Activation,
    transposed: bool,
}

impl ConvOp {
    fn run(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        if x.elem_count() == 0 {
            return Err(shape_error(x, "(N, …) with N of at least 1"));
        }
        if !x.device().is_cpu() {
            return Ok(self.stock(x, weight, bias)?);
        }
        let x = x.contiguous()?;
        Ok(match bias {
            Some(bias) => x.apply_op3(weight, bias, self)?,
            None => x.apply_op2(weight, self)?,
        })
    }

    fn forward(
        &self,
        x: (&CpuStorage, &Layout),
        weight: (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> CandleResult<(CpuStorage, Shape)> {
        let count = x.1.dims()[0];
        let (input, weight) = (operand(x.0, x.1)?, operand(weight.0, weight.1)?);
        let bias = bias.map(|(storage, layout)| operand(storage, layout)).transpose()?;
        let g = &self.geometry;
        let (shape, values) = if self.transposed {
            let values = kernels::conv_transpose(g, input, weight, bias, self.activation);
            ((count, g.height, g.width, g.channels), values)
        } else {
            let values = kernels::conv(g, input, weight, bias, self.activation);
            ((count, g.small_height, g.small_width, weight.len() / g.patch()), values)
        };
        Ok((CpuStorage::F32(values), shape.into()))
    }

    fn backward(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        result: &Tensor,
        gradient: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let wanted =
            Wanted { input: x.track_op(), weight: weight.track_op(), bias: bias.is_some_and(Tensor::track_op) };
        let (input, weights) = (Floats::new(x), Floats::new(weight));
        let (output, gradient) = (Floats::new(result), Floats::new(&gradient));
        let saved =
            Saved { input: input.get()?, weight: weights.get()?, output: output.get()?, activation: self.activation };
        let backward = if self.transposed { kernels::conv_transpose_backward } else { kernels::conv_backward };
        let gradients: Gradients = backward(&self.geometry, &saved, gradient.get()?, wanted);
        let like = |values: Option<Vec<f32>>, tensor: &Tensor| {
            values.map(|values| Tensor::from_vec(values, tensor.shape(), tensor.device())).transpose()
        };
        let bias = bias.map(|bias| like(gradients.bias, bias)).transpose()?.flatten();
        Ok((like(gradients.input, x)?, like(gradients.weight, weight)?, bias))
    }

    /// The same by candle's operations, for devices other than the CPU.
    fn stock(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> CandleResult<Tensor> {
        let Geometry { stride, padding, .. } = self.geometry;
        let x = to_channels_first(x)?;
        let y = if self.transposed {
            // (inputs, k, k, outputs) to (inputs, outputs, k, k).
            let weight = weight.permute((0, 3, 1, 2))?.contiguous()?;
            x.conv_transpose2d(&weight, padding, 0, stride, 1)?
        } else {
            // (k, k, inputs, outputs) to (outputs, inputs, k, k).
            let weight = weight.permute((3, 2, 0, 1))?.contiguous()?;
            x.conv2d(&weight, padding, stride, 1, 1)?
        };
        let y = to_channels_last(&y)?;
        let y = match bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        self.activation.stock(&y)
    }
}

impl CustomOp2 for ConvOp {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        self.forward((x, x_layout), (weight, weight_layout), None)
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
        let (x, weight, _) = self.backward(x, weight, None, result, gradient)?;
        Ok((x, weight))
    }
}

impl CustomOp3 for ConvOp {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        self.forward((x, x_layout), (weight, weight_layout), Some((bias, bias_layout)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        self.backward(x, weight, Some(bias), result, gradient)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::rng::{Purpose, SampleKey};

    /// The kernels against candle's own layers, forward and backward, on sizes with every kind of border.
    fn compare(op: ConvOp, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<()> {
        let own = op.run(x, weight, bias)?;
        let stock = op.stock(x, weight, bias)?;
        close(&own, &stock)?;
        let pull = random(own.shape())?.detach();
        let (own, stock) = ((own * &pull)?.sum_all()?.backward()?, (stock * &pull)?.sum_all()?.backward()?);
        for variable in [Some(x), Some(weight), bias].into_iter().flatten() {
            let gradient = |store: &candle_core::backprop::GradStore| store.get(variable).expect("a gradient").clone();
            close(&gradient(&own), &gradient(&stock))?;
        }
        Ok(())
    }

    fn close(a: &Tensor, b: &Tensor) -> Result<()> {
        assert_eq!(a.dims(), b.dims());
        let scale: f32 = b.abs()?.max_all()?.to_scalar()?;
        let difference: f32 = (a - b)?.abs()?.max_all()?.to_scalar()?;
        assert!(difference <= 1e-4 * scale.max(1.0), "{difference} apart at a scale of {scale}");
        Ok(())
    }

    /// A variable, the same in every run: a value near the kink of a ReLU may fall on either side of it.
    fn random(shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        let position = shape.elem_count() as u64;
        let mut rng = SampleKey { seed: 0, epoch: 0, position, purpose: Purpose::Weights }.rng();
        let values = (0..position).map(|_| rng.uniform(-1.0, 1.0) as f32).collect();
        Ok(Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?)?.as_tensor().clone())
    }

    #[test]
    fn convolutions_are_candles() -> Result<()> {
        for (side, kernel, stride, padding, count, inputs, outputs) in [
            (8, 4, 2, 1, 3, 2, 5),
            (7, 4, 2, 1, 17, 3, 4),
            (5, 3, 1, 1, 9, 2, 3),
            (6, 5, 1, 2, 2, 1, 2),
            (3, 3, 1, 0, 1, 2, 2),
            (9, 3, 3, 2, 2, 2, 2),
            (4, 1, 1, 0, 140, 3, 2),
        ] {
            let small = (side + 2 * padding - kernel) / stride + 1;
            let geometry = Geometry {
                height: side,
                width: side,
                channels: inputs,
                small_height: small,
                small_width: small,
                kernel,
                stride,
                padding,
            };
            for activation in [Activation::Identity, Activation::LeakyRelu(0.2), Activation::Tanh] {
                let x = random((count, side, side, inputs))?;
                let weight = random((kernel, kernel, inputs, outputs))?;
                let bias = random(outputs)?;
                let op = ConvOp { geometry, activation, transposed: false };
                compare(op, &x, &weight, Some(&bias))?;
                compare(op, &x, &weight, None)?;
            }
        }
        Ok(())
    }

    #[test]
    fn transposed_convolutions_are_candles() -> Result<()> {
        for (height, width, count, inputs, outputs) in [(4, 4, 9, 3, 2), (1, 1, 3, 2, 4), (3, 5, 20, 2, 1)] {
            let geometry = Geometry {
                height: 2 * height,
                width: 2 * width,
                channels: outputs,
                small_height: height,
                small_width: width,
                kernel: 4,
                stride: 2,
                padding: 1,
            };
            let x = random((count, height, width, inputs))?;
            let weight = random((inputs, 4, 4, outputs))?;
            let bias = random(outputs)?;
            for activation in [Activation::Identity, Activation::Relu] {
                let op = ConvOp { geometry, activation, transposed: true };
                compare(op, &x, &weight, Some(&bias))?;
                compare(op, &x, &weight, None)?;
            }
        }
        Ok(())
    }
}
