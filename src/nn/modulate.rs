//! A gain and a bias of each sample's own on every channel, as conditional batch norm has them (V. Dumoulin et al., "A
//! Learned Representation for Artistic Style", 2017), with the activation that follows in the same pass.

use candle_core::{CpuStorage, CustomOp3, Layout, Result as CandleResult, Shape, Tensor, bail};
use rayon::prelude::*;

use super::activation::Activation;
use super::has_kernels;
use super::slices::{Floats, operand};
use crate::error::Result;

/// activation(x · (1 + gain) + bias) of images `x` (N, H, W, C) with `gain` and `bias` (N, C).
///
/// # Errors
///
/// [`crate::ErrorKind::Tensor`] for other shapes.
pub fn modulate(x: &Tensor, gain: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
    if has_kernels(x) {
        return Ok(x.contiguous()?.apply_op3(&gain.contiguous()?, &bias.contiguous()?, Modulate { activation })?);
    }
    stock(x, gain, bias, activation)
}

/// The same by candle's operations, in the dtype of `x`.
fn stock(x: &Tensor, gain: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
    let over_pixels = |values: &Tensor| values.to_dtype(x.dtype())?.unsqueeze(1)?.unsqueeze(1);
    let y = x.broadcast_mul(&(over_pixels(gain)? + 1.0)?)?.broadcast_add(&over_pixels(bias)?)?;
    Ok(activation.stock(&y)?)
}

struct Modulate {
    activation: Activation,
}

/// The number of values of an image and of its channels.
fn sizes(x: &[usize], others: [&[usize]; 2]) -> CandleResult<(usize, usize)> {
    let &[count, height, width, channels] = x else { bail!("expected images (N, H, W, C), got {x:?}") };
    if others.iter().any(|other| *other != [count, channels]) || count * height * width * channels == 0 {
        bail!("expected a gain and a bias of shape ({count}, {channels}), got {others:?}");
    }
    Ok((height * width * channels, channels))
}

impl CustomOp3 for Modulate {
    fn name(&self) -> &'static str {
        "modulate"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gain: &CpuStorage,
        gain_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        let (pixels, channels) = sizes(x_layout.dims(), [gain_layout.dims(), bias_layout.dims()])?;
        let (x, gain, bias) = (operand(x, x_layout)?, operand(gain, gain_layout)?, operand(bias, bias_layout)?);
        let mut out = vec![0.0; x.len()];
        let samples = out.par_chunks_mut(pixels).zip(x.par_chunks(pixels));
        samples.zip(gain.par_chunks(channels).zip(bias.par_chunks(channels))).for_each(|((out, x), (gain, bias))| {
            for (out, x) in out.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                let columns = out.iter_mut().zip(x).zip(gain.iter().zip(bias));
                columns.for_each(|((out, x), (gain, bias))| *out = x * (1.0 + gain) + bias);
            }
            self.activation.apply(out);
        });
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        gain: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (pixels, channels) = sizes(x.dims(), [gain.dims(), bias.dims()])?;
        let gradient = gradient.contiguous()?;
        let (xs, gains) = (Floats::new(x), Floats::new(gain));
        let (output, gradient) = (Floats::new(result), Floats::new(&gradient));
        let (xs, gains, output) = (xs.get()?, gains.get()?, output.get()?);
        let mut x_gradient = gradient.get()?.to_vec();
        let mut gain_gradient = vec![0.0; gains.len()];
        let mut bias_gradient = vec![0.0; gains.len()];
        let samples = x_gradient.par_chunks_mut(pixels).zip(output.par_chunks(pixels)).zip(xs.par_chunks(pixels));
        let sums = gain_gradient.par_chunks_mut(channels).zip(bias_gradient.par_chunks_mut(channels));
        samples.zip(sums.zip(gains.par_chunks(channels))).for_each(
            |(((gradient, output), x), ((gain_sum, bias_sum), gain))| {
                self.activation.backward(output, gradient);
                for (gradient, x) in gradient.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                    for c in 0..channels {
                        gain_sum[c] += gradient[c] * x[c];
                        bias_sum[c] += gradient[c];
                        gradient[c] *= 1.0 + gain[c];
                    }
                }
            },
        );
        let like = |values, tensor: &Tensor| Tensor::from_vec(values, tensor.shape(), tensor.device()).map(Some);
        Ok((like(x_gradient, x)?, like(gain_gradient, gain)?, like(bias_gradient, bias)?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::nn::{Init, Params};

    #[test]
    fn the_stock_path_agrees() -> Result<()> {
        let mut params = Params::new(2, &Device::Cpu);
        let x = params.variable("x", &[3, 5, 4, 6], Init::Normal(1.0), 1)?;
        let gain = params.variable("gain", &[3, 6], Init::Normal(1.0), 1)?;
        let bias = params.variable("bias", &[3, 6], Init::Normal(1.0), 1)?;
        let activation = Activation::LeakyRelu(0.2);
        let (own, stock) = (modulate(&x, &gain, &bias, activation)?, stock(&x, &gain, &bias, activation)?);
        let own_gradients = own.sqr()?.sum_all()?.backward()?;
        let stock_gradients = stock.sqr()?.sum_all()?.backward()?;
        let mut pairs = vec![(own, stock)];
        for variable in [&x, &gain, &bias] {
            let of = |store: &candle_core::backprop::GradStore| store.get(variable).expect("a gradient").clone();
            pairs.push((of(&own_gradients), of(&stock_gradients)));
        }
        for (own, stock) in pairs {
            let difference: f32 = (&own - &stock)?.abs()?.max_all()?.to_scalar()?;
            assert!(difference < 1e-4, "{difference}");
        }
        assert!(modulate(&x, &gain.narrow(0, 0, 2)?, &bias, activation).is_err());
        Ok(())
    }
}
