//! The transform that scales images.

use super::op::{Interpolation, Op};
use super::{SampleInfo, Transform};
use crate::error::{Error, Result};
use crate::image::Size;
use crate::rng::SampleRng;

/// Scales every image, bilinear and antialiased by default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resize {
    target: Target,
    interpolation: Interpolation,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    ShortEdge(usize),
    Exact(Size),
}

impl Resize {
    /// To `size` pixels on the shorter side, the other in proportion: `⌊size · long / short⌋`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `size` is 0.
    pub fn short_edge(size: usize) -> Result<Self> {
        if size == 0 {
            return Err(Error::config("Resize: the size must lie in [1, ∞), got 0"));
        }
        Ok(Self { target: Target::ShortEdge(size), interpolation: Interpolation::Bilinear })
    }

    /// To exactly `height` × `width` pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a side is 0.
    pub fn exact(height: usize, width: usize) -> Result<Self> {
        if height == 0 || width == 0 {
            return Err(Error::config(format!("Resize: height and width must lie in [1, ∞), got {height} × {width}")));
        }
        Ok(Self { target: Target::Exact(Size::new(height, width)), interpolation: Interpolation::Bilinear })
    }

    /// The interpolation; default: bilinear.
    #[must_use]
    pub fn with_interpolation(self, interpolation: Interpolation) -> Self {
        Self { interpolation, ..self }
    }

    fn target(&self, Size { height, width }: Size) -> Size {
        match self.target {
            Target::Exact(size) => size,
            // Divided in f64 and truncated, as Python does.
            Target::ShortEdge(short) if width <= height => {
                Size::new((short as f64 * height as f64 / width as f64) as usize, short)
            }
            Target::ShortEdge(short) => Size::new(short, (short as f64 * width as f64 / height as f64) as usize),
        }
    }
}

impl Transform for Resize {
    fn draw(&self, info: SampleInfo, _rng: &mut SampleRng, ops: &mut Vec<Op>) {
        ops.push(Op::Resize { size: self.target(info.size), interpolation: self.interpolation, antialias: true });
    }
}
