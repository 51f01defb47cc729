//! Activations, fused into the layers that end with one.

use candle_core::Tensor;

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
    pub(super) fn apply(self, values: &mut [f32]) {
        match self {
            Self::Identity => {}
            Self::Relu => values.iter_mut().for_each(|x| *x = if *x > 0.0 { *x } else { 0.0 * *x }),
            Self::LeakyRelu(slope) => values.iter_mut().for_each(|x| *x = if *x > 0.0 { *x } else { slope * *x }),
            Self::Tanh => values.iter_mut().for_each(|x| *x = x.tanh()),
        }
    }

    /// Multiplies `gradient` by the derivative, which for each of these functions its own `outputs` determine.
    pub(super) fn backward(self, outputs: &[f32], gradient: &mut [f32]) {
        let pairs = outputs.iter().zip(gradient);
        match self {
            Self::Identity => {}
            Self::Relu => pairs.for_each(|(y, g)| *g = if *y > 0.0 { *g } else { 0.0 }),
            Self::LeakyRelu(slope) => pairs.for_each(|(y, g)| *g = if *y > 0.0 { *g } else { slope * *g }),
            Self::Tanh => pairs.for_each(|(y, g)| *g *= 1.0 - y * y),
        }
    }

    /// The same by candle's operations, for devices other than the CPU.
    pub(super) fn stock(self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Relu => x.relu(),
            Self::LeakyRelu(slope) => candle_nn::ops::leaky_relu(x, f64::from(slope)),
            Self::Tanh => x.tanh(),
        }
    }
}
