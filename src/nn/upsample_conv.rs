//! A nearest-neighbour doubling and the 3×3 convolution that follows, as one operation.

use candle_core::Tensor;

use super::conv_transpose::{double_by, doubling};
use super::layer::{LayerConfig, Weights};
use super::params::Params;
use crate::error::Result;

/// Every pixel doubled in both directions, then a 3×3 convolution: (N, H, W, inputs) to (N, 2H, 2W, outputs). It leaves no
/// checkerboard, unlike a transposed convolution (A. Odena et al., "Deconvolution and Checkerboard Artifacts", 2016).
///
/// Each of the three weights in a row meets the same pixel as its neighbour at every second place, so the whole is a
/// transposed convolution of a 4×4 kernel that depends linearly on the nine weights, at 4 / 9 of the cost.
#[derive(Clone, Debug)]
pub struct UpsampleConv2d {
    /// (3, 3, inputs, outputs).
    weights: Weights,
    /// Those of the transposed convolution, where they are made once and for all.
    prepared: Option<Weights>,
    config: LayerConfig,
}

impl UpsampleConv2d {
    /// Makes the variables `name.weight` (3, 3, inputs, outputs) and `name.bias` (outputs).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if there are no inputs or outputs, or the name is taken.
    pub fn new(params: &mut Params, name: &str, inputs: usize, outputs: usize, config: LayerConfig) -> Result<Self> {
        let weights = Weights::new(params, name, &[3, 3, inputs, outputs], 9 * inputs, config.init, config.bias)?;
        Ok(Self { weights, prepared: None, config })
    }

    /// The same layer, sharing its variables, but giving them no gradients.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self { weights: self.weights.frozen(), prepared: None, config: self.config }
    }

    /// Makes the weights of the transposed convolution and their points once, for all passes to come: the variables must
    /// change no more.
    pub(crate) fn prepare(&mut self) -> Result<()> {
        let weights = self.transposed()?;
        self.prepared = Some(doubling(&weights.weight, self.config.activation, (1, 1))?.prepare(&weights)?);
        Ok(())
    }

    /// Applies the layer to images (N, H, W, inputs), f32.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for another shape or dtype.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.prepared {
            Some(weights) => double_by(x, weights, self.config.activation),
            None => double_by(x, &self.transposed()?, self.config.activation),
        }
    }

    /// The weights of the transposed convolution, (inputs, 4, 4, outputs).
    fn transposed(&self) -> Result<Weights> {
        // Which of a row's three weights make up each of the four: output 2i sees pixel i − 1 by the first and pixel i by
        // the other two, output 2i + 1 pixel i by the first two and pixel i + 1 by the last.
        const ROW: [[f32; 3]; 4] = [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
        let (_, _, inputs, outputs) = self.weights.weight.dims4()?;
        let places = ROW.iter().flat_map(|down| ROW.map(|across| (down, across)));
        let both: Vec<f32> = places.flat_map(|(down, across)| down.map(|d| across.map(|a| d * a))).flatten().collect();
        let both = Tensor::from_vec(both, (16, 9), self.weights.weight.device())?;
        let kernel = both.matmul(&self.weights.weight.reshape((9, inputs * outputs))?)?;
        let kernel = kernel.reshape((16, inputs, outputs))?.transpose(0, 1)?.contiguous()?;
        Ok(Weights::of(kernel.reshape((inputs, 4, 4, outputs))?, self.weights.bias.clone()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::nn::{Init, to_channels_first, to_channels_last};

    #[test]
    fn it_is_doubling_and_convolution() -> Result<()> {
        let mut params = Params::new(2, &Device::Cpu);
        let layer = UpsampleConv2d::new(&mut params, "up", 3, 5, LayerConfig::default())?;
        let x = params.variable("x", &[2, 4, 3, 3], Init::Normal(1.0), 1)?;
        let pull = params.variable("pull", &[2, 8, 6, 5], Init::Normal(1.0), 1)?.detach();
        let own = layer.forward(&x)?;
        // Doubled by hand: candle's own upsampling has a wrong gradient where its input is used twice.
        let rows = x.unsqueeze(2)?.broadcast_as((2, 4, 2, 3, 3))?.reshape((2, 8, 3, 3))?;
        let doubled = rows.unsqueeze(3)?.broadcast_as((2, 8, 3, 2, 3))?.reshape((2, 8, 6, 3))?;
        let weight = layer.weights.weight.permute((3, 2, 0, 1))?.contiguous()?;
        let stock = to_channels_last(&to_channels_first(&doubled)?.conv2d(&weight, 1, 1, 1, 1)?)?;
        let own_gradients = (&own * &pull)?.sum_all()?.backward()?;
        let stock_gradients = (&stock * &pull)?.sum_all()?.backward()?;
        let mut pairs = vec![(own, stock)];
        for variable in [&x, &layer.weights.weight] {
            let of = |store: &candle_core::backprop::GradStore| store.get(variable).expect("a gradient").clone();
            pairs.push((of(&own_gradients), of(&stock_gradients)));
        }
        for (own, stock) in pairs {
            let difference: f32 = (own - stock)?.abs()?.max_all()?.to_scalar()?;
            assert!(difference < 1e-4, "{difference}");
        }
        Ok(())
    }
}
