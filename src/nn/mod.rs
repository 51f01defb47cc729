//! Layers of small networks on candle's tensors, channels last: images are (N, H, W, C), f32 or bf16.
//!
//! For f32 on the CPU every layer is one operation with kernels and a backward pass of its own, because candle's
//! convolutions there cost several times as much; on other devices, and for bf16, the same layers are made of candle's
//! operations. Layers keep their parameters in f32 and give what they get: of bf16 images a convolution rounds its weights
//! to bf16, while a batch norm takes its statistics in f32. On one CPU the results are the same to the bit for any number of
//! threads: work is cut into chunks by its size alone, and sums are taken in order. Processors with other vector
//! instructions (AVX2, AVX-512, NEON) add in another order, so their results differ by rounding. The kernels run in the
//! rayon pool that calls them.

mod activation;
mod adam;
mod buffer;
mod combine;
mod conv;
mod conv_op;
mod conv_transpose;
mod dispatch;
mod embedding;
mod gemm;
mod gradient;
mod kernels;
mod lanes;
mod layer;
mod linear;
mod modulate;
mod noise;
mod norm;
mod norm_op;
mod params;
pub(crate) mod pool;
mod projection;
mod slices;
mod spectral;
mod upsample_conv;
mod winograd;

use candle_core::{Result as CandleResult, Tensor};

pub use activation::Activation;
pub use adam::{Adam, AdamConfig, update_average};
pub use conv::{Conv2d, Conv2dConfig};
pub use conv_transpose::ConvTranspose2d;
#[cfg(test)]
pub(crate) use dispatch::by_stock;
pub(crate) use dispatch::has_kernels;
pub use embedding::Embedding;
pub(crate) use gradient::gradient_norm;
pub use layer::LayerConfig;
pub use linear::Linear;
pub use modulate::modulate;
pub(crate) use noise::add_noise;
pub use norm::{BatchNorm, BatchNormConfig};
pub use params::{Init, Params};
pub use projection::Projection;
pub use spectral::SpectralNorm;
pub use upsample_conv::UpsampleConv2d;

/// Images (N, C, H, W) as (N, H, W, C), contiguous.
///
/// # Errors
///
/// If the tensor has not four axes.
pub fn to_channels_last(images: &Tensor) -> CandleResult<Tensor> {
    let (count, channels, height, width) = images.dims4()?;
    if channels == 1 {
        return images.contiguous()?.reshape((count, height, width, 1));
    }
    images.permute((0, 2, 3, 1))?.contiguous()
}

/// Images (N, H, W, C) as (N, C, H, W), contiguous.
///
/// # Errors
///
/// If the tensor has not four axes.
pub fn to_channels_first(images: &Tensor) -> CandleResult<Tensor> {
    let (count, height, width, channels) = images.dims4()?;
    if channels == 1 {
        return images.contiguous()?.reshape((count, 1, height, width));
    }
    images.permute((0, 3, 1, 2))?.contiguous()
}
