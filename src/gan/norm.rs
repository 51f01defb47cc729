//! The generator's normalisation, of all classes alike or of each class on its own.

use candle_core::Tensor;

use super::config::Conditioning;
use super::generator::Pass;
use crate::error::Result;
use crate::nn::{Activation, BatchNorm, BatchNormConfig, Embedding, Init, Params, modulate};

/// Deviation of the classes' first gains and shifts from 1 and 0: with 0.1 the generator made no difference between the
/// classes of MNIST after 600 steps.
const SPREAD: Init = Init::Normal(0.5);

/// Labels and how much they count.
#[derive(Clone, Copy)]
pub(super) struct Classes<'a> {
    /// (N), u32.
    pub(super) labels: &'a Tensor,
    /// From 0, nothing, to 1, wholly.
    pub(super) strength: f64,
}

/// Batch norm and ReLU, with a gain and a shift for each class if the label enters here (V. Dumoulin et al., "A Learned
/// Representation for Artistic Style", 2017; H. de Vries et al., "Modulating Early Visual Processing by Language", 2017).
#[derive(Clone, Debug)]
pub(super) struct ClassNorm {
    norm: BatchNorm,
    /// Gains and shifts, (classes, channels).
    tables: Option<(Embedding, Embedding)>,
}

impl ClassNorm {
    pub(super) fn new(
        params: &mut Params,
        name: &str,
        channels: usize,
        (conditioning, classes): (Conditioning, usize),
    ) -> Result<Self> {
        if conditioning == Conditioning::Concatenated {
            let relu = BatchNormConfig { activation: Activation::Relu, ..Default::default() };
            return Ok(Self { norm: BatchNorm::with_config(params, name, channels, relu)?, tables: None });
        }
        let norm = BatchNorm::new(params, name, channels)?;
        let mut table = |what: &str| Embedding::new(params, &format!("{name}.{what}"), classes, channels, SPREAD);
        Ok(Self { norm, tables: Some((table("gain")?, table("shift")?)) })
    }

    /// The same norm, sharing its variables and statistics, but giving the variables no gradients.
    pub(super) fn frozen(&self) -> Self {
        let tables = self.tables.as_ref().map(|(gains, shifts)| (gains.frozen(), shifts.frozen()));
        Self { norm: self.norm.frozen(), tables }
    }

    /// Of `x` (N, H, W, channels).
    pub(super) fn forward(&self, x: &Tensor, classes: Classes<'_>, pass: Pass) -> Result<Tensor> {
        let y = match pass {
            Pass::Train => self.norm.forward(x, true)?,
            Pass::Calibrate(part) => self.norm.calibrate(x, part)?,
            Pass::Evaluate => self.norm.forward(x, false)?,
        };
        let Some((gains, shifts)) = &self.tables else { return Ok(y) };
        let of = |table: &Embedding| -> Result<Tensor> { Ok((table.forward(classes.labels)? * classes.strength)?) };
        modulate(&y, &of(gains)?, &of(shifts)?, Activation::Relu)
    }
}
