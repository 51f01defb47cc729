//! `--device`: what the GAN is computed on.

use candle_augment::{Error, Result};
use candle_core::Device;

/// What a GAN is trained on, or samples are made on.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceKind {
    #[default]
    Cpu,
    /// The first GPU of NVIDIA's
    Cuda,
    /// The GPU of an Apple computer
    Metal,
}

impl DeviceKind {
    /// Opens the device.
    pub fn open(self) -> Result<Device> {
        let (name, built, open): (_, _, fn(usize) -> candle_core::Result<Device>) = match self {
            Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda => ("cuda", candle_core::utils::cuda_is_available(), Device::new_cuda),
            Self::Metal => ("metal", candle_core::utils::metal_is_available(), Device::new_metal),
        };
        if !built {
            return Err(Error::config(format!(
                "this program was built without {name}: install it with `cargo install candle-augment --features {name}`, \
                 or leave --device out to use the CPU"
            )));
        }
        open(0).map_err(|source| {
            Error::config(format!(
                "cannot use the device {name} ({source}): look whether its driver works, or leave --device out to use \
                 the CPU"
            ))
            .with_source(source)
        })
    }
}
