//! Either kind of convolution as one operation of candle's, channels last, with bias and activation in the same pass.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, DType, Layout, Result as CandleResult, Shape, Tensor};

use super::activation::Activation;
use super::has_kernels;
use super::kernels::{self, Geometry, Gradients, Saved, Wanted, Weight};
use super::layer::Weights;
use super::slices::{Floats, operand};
use super::winograd::lift_weight;
use super::{to_channels_first, to_channels_last};
use crate::error::{Error, Result};

/// Either kind of convolution, with bias and activation.
#[derive(Clone, Copy)]
pub(super) struct ConvOp {
    pub(super) geometry: Geometry,
    pub(super) activation: Activation,
    pub(super) transposed: bool,
}

impl ConvOp {
    /// The convolution of `x`, N at least 1.
    pub(super) fn run(self, x: &Tensor, Weights { weight, bias, points }: &Weights) -> Result<Tensor> {
        if x.elem_count() == 0 {
            return Err(shape_error(x, "(N, …) with N of at least 1"));
        }
        if x.device().is_cpu() && x.dtype() == DType::BF16 {
            return self.rounded(x, weight, bias.as_ref());
        }
        if !has_kernels(x) {
            return Ok(self.stock(x, weight, bias.as_ref())?);
        }
        let x = x.contiguous()?;
        let own = OwnOp { op: self, points: points.clone() };
        Ok(match bias {
            Some(bias) => x.apply_op3(weight, bias, own)?,
            None => x.apply_op2(weight, own)?,
        })
    }

    /// The weights with their points, if this convolution is by the fast method.
    pub(super) fn prepare(self, weights: &Weights) -> Result<Weights> {
        let Weights { weight, bias, .. } = weights.clone();
        let points = if has_kernels(&weight) {
            lift_weight(&self.geometry, Floats::new(&weight).get()?, self.transposed)
        } else {
            None
        };
        let tensor = |points: Vec<f32>| {
            let count = points.len();
            Tensor::from_vec(points, count, weight.device())
        };
        let points = points.map(tensor).transpose()?;
        Ok(Weights { weight, bias, points })
    }

    /// The convolution of bf16 images on the CPU, which candle lacks: products of rounded values, added up in f32 and then
    /// rounded, as GPUs do it.
    fn rounded(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let round = |values: &Tensor| values.to_dtype(x.dtype())?.to_dtype(DType::F32);
        let weights = Weights::of(round(weight)?, bias.map(round).transpose()?);
        Ok(self.run(&x.to_dtype(DType::F32)?, &weights)?.to_dtype(x.dtype())?)
    }

    fn forward(
        &self,
        x: (&CpuStorage, &Layout),
        weight: (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
        points: Option<&Tensor>,
    ) -> CandleResult<(CpuStorage, Shape)> {
        let (count, points) = (x.1.dims()[0], points.map(Floats::new));
        let points = points.as_ref().map(Floats::get).transpose()?;
        let (input, weight) = (operand(x.0, x.1)?, Weight { values: operand(weight.0, weight.1)?, points });
        let bias = bias.map(|(storage, layout)| operand(storage, layout)).transpose()?;
        let g = &self.geometry;
        let (shape, values) = if self.transposed {
            let values = kernels::conv_transpose(g, input, weight, bias, self.activation);
            ((count, g.height, g.width, g.channels), values)
        } else {
            let values = kernels::conv(g, input, weight, bias, self.activation);
            ((count, g.small_height, g.small_width, weight.values.len() / g.patch()), values)
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

    /// The same by candle's operations and in the dtype of `x`.
    fn stock(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> CandleResult<Tensor> {
        let Geometry { stride, padding, .. } = self.geometry;
        let weight = weight.to_dtype(x.dtype())?;
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
            Some(bias) => y.broadcast_add(&bias.to_dtype(y.dtype())?)?,
            None => y,
        };
        self.activation.stock(&y)
    }
}

/// The operation by the crate's own kernels.
struct OwnOp {
    op: ConvOp,
    /// As in [`Weights`].
    points: Option<Tensor>,
}

impl CustomOp2 for OwnOp {
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
        self.op.forward((x, x_layout), (weight, weight_layout), None, self.points.as_ref())
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
        let (x, weight, _) = self.op.backward(x, weight, None, result, gradient)?;
        Ok((x, weight))
    }
}

impl CustomOp3 for OwnOp {
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
        self.op.forward((x, x_layout), (weight, weight_layout), Some((bias, bias_layout)), self.points.as_ref())
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        self.op.backward(x, weight, Some(bias), result, gradient)
    }
}

pub(super) fn shape_error(x: &Tensor, expected: &str) -> Error {
    Error::new(crate::ErrorKind::Tensor, format!("expected a tensor of shape {expected}, got {:?}", x.dims()))
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::rng::{Purpose, SampleKey};

    /// The kernels against candle's own layers, forward and backward, on sizes with every kind of border.
    fn compare(op: ConvOp, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<()> {
        let weights = Weights::of(weight.clone(), bias.cloned());
        let own = op.run(x, &weights)?;
        let prepared = op.run(x, &op.prepare(&weights)?)?;
        assert!(bits(&prepared)? == bits(&own)?, "what is prepared gives other values");
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

    fn bits(x: &Tensor) -> Result<Vec<u32>> {
        Ok(x.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f32::to_bits).collect())
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
    fn the_points_of_the_fast_method_are_kept() -> Result<()> {
        for (kernel, stride, channels, depth, fast) in [
            (4, 2, 8, 16, true),
            (3, 1, 32, 16, true),
            (4, 2, 8, 8, false),
            (3, 1, 16, 16, false),
            (5, 1, 64, 64, false),
        ] {
            let (height, width, small_height, small_width, padding) = (1, 1, 1, 1, 1);
            let geometry = Geometry { height, width, channels, small_height, small_width, kernel, stride, padding };
            for transposed in [false, true] {
                let weight = random(kernel * kernel * channels * depth)?;
                let op = ConvOp { geometry, activation: Activation::Identity, transposed };
                let points = op.prepare(&Weights::of(weight, None))?.points;
                assert_eq!(points.is_some(), fast, "a kernel of {kernel}, {channels} and {depth} channels");
            }
        }
        Ok(())
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
            // Few outputs: turned round.
            (8, 3, 1, 1, 3, 12, 1),
            (7, 4, 1, 2, 2, 12, 3),
            (5, 3, 1, 0, 9, 8, 2),
            // Where the fast method applies: tiles that fit, that do not, several blocks, no padding, much padding.
            (8, 4, 2, 1, 21, 8, 16),
            (10, 4, 2, 1, 3, 9, 17),
            (9, 4, 2, 2, 3, 8, 16),
            (6, 3, 1, 1, 21, 32, 16),
            (7, 3, 1, 0, 2, 33, 19),
            (8, 6, 2, 2, 2, 8, 16),
            (5, 2, 1, 1, 2, 32, 16),
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
        for (height, width, count, inputs, outputs) in
            [(4, 4, 9, 3, 2), (1, 1, 3, 2, 4), (3, 5, 20, 2, 1), (8, 6, 17, 16, 8), (4, 5, 2, 19, 9)]
        {
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
