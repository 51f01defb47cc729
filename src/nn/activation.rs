//! Activations, fused into the layers that end with one.

use candle_core::{CpuStorage, CustomOp1, Layout, Result as CandleResult, Shape, Tensor};
use pulp::Simd;

use super::has_kernels;
use super::lanes::{each, lanes, plus};
use super::slices::{Floats, operand};
use crate::error::Result;

/// The function after a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// None.
    #[default]
    Identity,
    /// max(x, 0); its derivative at 0 is 0.
    Relu,
    /// x where positive, else the given slope times x; its derivative at 0 is the slope, which must be positive.
    LeakyRelu(f32),
    /// The hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// The function by itself, where no layer can take it in.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for a dtype without fractions.
    pub fn forward(self, x: &Tensor) -> Result<Tensor> {
        if has_kernels(x) {
            return Ok(x.contiguous()?.apply_op1(ActivationOp(self))?);
        }
        Ok(self.stock(x)?)
    }

    /// The function's value.
    #[inline(always)]
    pub(super) fn value<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        match self {
            Self::Identity => x,
            Self::Relu => bent(simd, x, 0.0),
            Self::LeakyRelu(slope) => bent(simd, x, slope),
            Self::Tanh => tanh(simd, x),
        }
    }

    /// The product of `gradient` and the derivative, which for each of these functions its own value determines.
    #[inline(always)]
    pub(super) fn derivative<S: Simd>(self, simd: S, value: S::f32s, gradient: S::f32s) -> S::f32s {
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let positive = simd.greater_than_f32s(value, zero);
        match self {
            Self::Identity => gradient,
            Self::Relu => simd.select_f32s(positive, gradient, zero),
            Self::LeakyRelu(slope) => {
                simd.select_f32s(positive, gradient, simd.mul_f32s(simd.splat_f32s(slope), gradient))
            }
            Self::Tanh => simd.mul_f32s(gradient, simd.sub_f32s(one, simd.mul_f32s(value, value))),
        }
    }

    pub(super) fn apply(self, values: &mut [f32]) {
        if self != Self::Identity {
            apply(self, values);
        }
    }

    /// Multiplies `gradient` by the derivative at the function's `outputs`.
    pub(super) fn backward(self, outputs: &[f32], gradient: &mut [f32]) {
        if self != Self::Identity {
            backward(self, outputs, gradient);
        }
    }

    /// The same by candle's operations.
    pub(super) fn stock(self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Relu => x.relu(),
            Self::LeakyRelu(slope) => candle_nn::ops::leaky_relu(x, f64::from(slope)),
            Self::Tanh => x.tanh(),
        }
    }
}

struct ActivationOp(Activation);

impl CustomOp1 for ActivationOp {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        let mut values = operand(storage, layout)?.to_vec();
        self.0.apply(&mut values);
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, result: &Tensor, gradient: &Tensor) -> CandleResult<Option<Tensor>> {
        let mut values: Vec<f32> = gradient.contiguous()?.flatten_all()?.to_vec1()?;
        self.0.backward(Floats::new(result).get()?, &mut values);
        Tensor::from_vec(values, result.shape(), result.device()).map(Some)
    }
}

lanes! {
    fn apply<'a, S>(simd, activation: Activation, values: &'a mut [f32]) {
        each(simd, [values], [], #[inline(always)] |[x], []| [activation.value(simd, x)]);
    }
}

lanes! {
    fn backward<'a, S>(simd, activation: Activation, outputs: &'a [f32], gradient: &'a mut [f32]) {
        each(simd, [gradient], [outputs], #[inline(always)] |[gradient], [y]| [activation.derivative(simd, y, gradient)]);
    }
}

/// x where positive, else `slope` times x.
#[inline(always)]
fn bent<S: Simd>(simd: S, x: S::f32s, slope: f32) -> S::f32s {
    let positive = simd.greater_than_f32s(x, simd.splat_f32s(0.0));
    simd.select_f32s(positive, x, simd.mul_f32s(simd.splat_f32s(slope), x))
}

/// tanh(x) = −m / (m + 2) with m = exp(−2|x|) − 1, its sign put back.
///
/// With −2|x| = n ln 2 + r, |r| ≤ ln 2 / 2, m is 2ⁿ (exp(r) − 1) + 2ⁿ − 1, and exp(r) − 1 the first terms of its series,
/// which keeps the digits of a small x.
#[inline(always)]
fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    /// 1.5 · 2²³: a float this large has no room for a fraction, so adding it rounds, and its last bits are the number.
    const ROUND: f32 = 12_582_912.0;
    /// −ln 2 in two parts, the first short enough that its products with a whole number are exact.
    const LN_2: (f32, f32) = (-0.693_359_4, 2.121_944_4e-4);
    /// 1 / (k + 1)! for k from 6 to 0.
    const SERIES: [f32; 7] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0, 1.0];
    const SIGN: u32 = 1 << 31;
    let bits = simd.transmute_u32s_f32s(x);
    let size = simd.abs_f32s(x);
    // Beyond 20 the result is 1 to all digits. NaN fails the comparison and stays.
    let large = simd.greater_than_f32s(size, simd.splat_f32s(20.0));
    let exponent = simd.mul_f32s(simd.splat_f32s(-2.0), simd.select_f32s(large, simd.splat_f32s(20.0), size));
    let shifted = plus(simd, exponent, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(ROUND));
    let n = simd.sub_f32s(shifted, simd.splat_f32s(ROUND));
    let r = plus(simd, n, simd.splat_f32s(LN_2.1), plus(simd, n, simd.splat_f32s(LN_2.0), exponent));
    let mut series = simd.splat_f32s(0.0);
    for term in SERIES {
        series = plus(simd, series, r, simd.splat_f32s(term));
    }
    let lifted = simd.mul_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(1 << 23));
    let power = simd.transmute_f32s_u32s(simd.add_u32s(lifted, simd.splat_u32s(1.0f32.to_bits())));
    let m = plus(simd, power, simd.mul_f32s(r, series), simd.sub_f32s(power, simd.splat_f32s(1.0)));
    let result = simd.div_f32s(simd.neg_f32s(m), simd.add_f32s(m, simd.splat_f32s(2.0)));
    let sign = simd.and_u32s(bits, simd.splat_u32s(SIGN));
    simd.transmute_f32s_u32s(simd.or_u32s(simd.transmute_u32s_f32s(simd.abs_f32s(result)), sign))
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    fn tanh(x: f32) -> f32 {
        let mut value = [x];
        Activation::Tanh.apply(&mut value);
        value[0]
    }

    #[test]
    fn tanh_is_exact_to_a_few_units_in_the_last_place() {
        for step in -220_000..=220_000 {
            let x = step as f32 * 1e-4;
            let expected = f64::from(x).tanh();
            let error = (f64::from(tanh(x)) - expected).abs();
            assert!(error <= 4e-7 * expected.abs(), "tanh({x}) is {expected}, not {}", tanh(x));
        }
        for x in [1e-30f32, -1e-10, 3e-5] {
            assert!((tanh(x) / x - 1.0).abs() < 1e-6, "{x}: {}", tanh(x));
        }
        assert_eq!([tanh(0.0), tanh(f32::INFINITY), tanh(f32::NEG_INFINITY)], [0.0, 1.0, -1.0]);
        assert!(tanh(-0.0).is_sign_negative() && tanh(f32::NAN).is_nan());
    }

    #[test]
    fn values_and_derivatives_do_not_depend_on_the_place_in_the_slice() {
        let inputs: Vec<f32> = (0..37).map(|i| (i as f32 - 18.0) / 5.0).collect();
        for activation in [Activation::Identity, Activation::Relu, Activation::LeakyRelu(0.2), Activation::Tanh] {
            let mut values = inputs.clone();
            activation.apply(&mut values);
            let mut gradient = vec![2.0; values.len()];
            activation.backward(&values, &mut gradient);
            for (index, input) in inputs.iter().enumerate() {
                let (mut alone, mut slope) = ([*input], [2.0]);
                activation.apply(&mut alone);
                activation.backward(&alone, &mut slope);
                assert_eq!((values[index], gradient[index]), (alone[0], slope[0]), "{activation:?} of {input}");
            }
        }
    }

    #[test]
    fn the_function_by_itself_is_candles() -> Result<()> {
        let x = Var::new(&[-2.0f32, -0.5, 0.25, 3.0], &Device::Cpu)?;
        for activation in [Activation::Identity, Activation::Relu, Activation::LeakyRelu(0.2), Activation::Tanh] {
            let of = |y: Tensor| -> Result<Vec<f32>> {
                let gradients = y.sqr()?.sum_all()?.backward()?;
                let gradient = gradients.get(&x).expect("x is a variable").to_vec1::<f32>()?;
                Ok([y.to_vec1()?, gradient].concat())
            };
            let (own, stock) = (of(activation.forward(&x)?)?, of(activation.stock(&x)?)?);
            assert!(own.iter().zip(&stock).all(|(own, stock)| (own - stock).abs() < 1e-6), "{own:?}, {stock:?}");
        }
        Ok(())
    }
}
