//! Scaling, to a fixed or a random size.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::image::Size;
use crate::rng::SampleRng;
use crate::transform::whole::OneOrTwo;
use crate::transform::{Interpolation, Op, SampleInfo, Transform};

/// Scales every image, bilinear and antialiased by default.
///
/// ```
/// use candle_augment::Resize;
///
/// let at_most_500 = Resize::short_edge(224)?.with_max_size(500)?;
/// let square = Resize::exact(224, 224)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Resize {
    size: Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_size: Option<usize>,
    interpolation: Interpolation,
    antialias: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "the parameters of Resize", deny_unknown_fields)]
struct Unchecked {
    size: Target,
    #[serde(default)]
    max_size: Option<usize>,
    #[serde(default = "bilinear")]
    interpolation: Interpolation,
    #[serde(default = "yes")]
    antialias: bool,
}

fn bilinear() -> Interpolation {
    Interpolation::Bilinear
}

fn yes() -> bool {
    true
}

/// In a file a number for the short edge, or `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    ShortEdge(usize),
    Exact(Size),
}

impl Target {
    fn check(self) -> Result<Self, String> {
        match self {
            Self::ShortEdge(0) => Err("the size must lie in [1, ∞), got 0".to_owned()),
            Self::Exact(Size { height, width }) if height == 0 || width == 0 => {
                Err(format!("height and width must lie in [1, ∞), got {height} × {width}"))
            }
            fits => Ok(fits),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::ShortEdge(size) => size.serialize(serializer),
            Self::Exact(Size { height, width }) => [height, width].serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let target = match OneOrTwo::deserialize(deserializer)? {
            OneOrTwo::One(size) => Self::ShortEdge(size),
            OneOrTwo::Two(height, width) => Self::Exact(Size::new(height, width)),
        };
        target.check().map_err(de::Error::custom)
    }
}

impl Resize {
    /// To `size` pixels on the shorter side, the other in proportion: `⌊size · long / short⌋`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `size` is 0.
    pub fn short_edge(size: usize) -> Result<Self> {
        Self::to(Target::ShortEdge(size))
    }

    /// To exactly `height` × `width` pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a side is 0.
    pub fn exact(height: usize, width: usize) -> Result<Self> {
        Self::to(Target::Exact(Size::new(height, width)))
    }

    fn to(target: Target) -> Result<Self> {
        let size = target.check().map_err(|message| Error::config(format!("Resize: {message}")))?;
        Ok(Self { size, max_size: None, interpolation: bilinear(), antialias: true })
    }

    /// The most pixels on the longer side: where they would be more, the shorter side is smaller than asked for. Default: any number.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the short edge is not smaller, or an exact size is asked for.
    pub fn with_max_size(self, max_size: usize) -> Result<Self> {
        self.at_most(max_size).map_err(|message| Error::config(format!("Resize: {message}")))
    }

    fn at_most(self, max_size: usize) -> Result<Self, String> {
        match self.size {
            Target::ShortEdge(size) if size < max_size => Ok(Self { max_size: Some(max_size), ..self }),
            Target::ShortEdge(size) => Err(format!("max_size must lie above the short edge, {size}, got {max_size}")),
            Target::Exact(_) => Err("max_size goes with a short edge, not with an exact size".to_owned()),
        }
    }

    /// The interpolation; default: bilinear.
    #[must_use]
    pub fn with_interpolation(self, interpolation: Interpolation) -> Self {
        Self { interpolation, ..self }
    }

    /// Whether all source pixels count where the image shrinks; default: yes.
    #[must_use]
    pub fn with_antialias(self, antialias: bool) -> Self {
        Self { antialias, ..self }
    }

    fn target(&self, size: Size) -> Size {
        match self.size {
            Target::Exact(size) => size,
            Target::ShortEdge(short) => short_edge(size, short, self.max_size),
        }
    }
}

/// The size whose shorter side is `short`. Divided in f64 and truncated, as Python does.
fn short_edge(Size { height, width }: Size, short: usize, max_size: Option<usize>) -> Size {
    let (from_short, from_long) = (height.min(width), height.max(width));
    let part = |of: usize, number: usize, by: usize| (of as f64 * number as f64 / by as f64) as usize;
    let long = part(short, from_long, from_short);
    let (short, long) = match max_size {
        Some(most) if long > most => (part(most, short, long), most),
        _ => (short, long),
    };
    if width <= height { Size::new(long, short) } else { Size::new(short, long) }
}

impl TryFrom<Unchecked> for Resize {
    type Error = String;

    fn try_from(Unchecked { size, max_size, interpolation, antialias }: Unchecked) -> Result<Self, String> {
        let resize = Self { size, max_size: None, interpolation, antialias };
        max_size.map_or(Ok(resize), |most| resize.at_most(most))
    }
}

impl Transform for Resize {
    fn draw(&self, info: SampleInfo<'_>, _rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let Self { interpolation, antialias, .. } = *self;
        ops.push(Op::Resize { size: self.target(info.size), interpolation, antialias });
    }
}

/// Scales the shorter side to a random number of pixels, from `min_size` to just below `max_size`; the other in proportion.
///
/// ```
/// use candle_augment::RandomResize;
///
/// let resize = RandomResize::new(200, 300)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedRandom")]
pub struct RandomResize {
    min_size: usize,
    max_size: usize,
    interpolation: Interpolation,
    antialias: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "the parameters of RandomResize", deny_unknown_fields)]
struct UncheckedRandom {
    min_size: usize,
    max_size: usize,
    #[serde(default = "bilinear")]
    interpolation: Interpolation,
    #[serde(default = "yes")]
    antialias: bool,
}

impl RandomResize {
    /// From `min_size` pixels to `max_size` − 1. Bilinear, antialiased.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `min_size` is 0 or not below `max_size`.
    pub fn new(min_size: usize, max_size: usize) -> Result<Self> {
        Self::between(min_size, max_size).map_err(|message| Error::config(format!("RandomResize: {message}")))
    }

    fn between(min_size: usize, max_size: usize) -> Result<Self, String> {
        if min_size == 0 || min_size >= max_size {
            return Err(format!("min_size must lie in [1, max_size), got {min_size} and {max_size}"));
        }
        Ok(Self { min_size, max_size, interpolation: bilinear(), antialias: true })
    }

    /// The interpolation; default: bilinear.
    #[must_use]
    pub fn with_interpolation(self, interpolation: Interpolation) -> Self {
        Self { interpolation, ..self }
    }

    /// Whether all source pixels count where the image shrinks; default: yes.
    #[must_use]
    pub fn with_antialias(self, antialias: bool) -> Self {
        Self { antialias, ..self }
    }
}

impl TryFrom<UncheckedRandom> for RandomResize {
    type Error = String;

    fn try_from(unchecked: UncheckedRandom) -> Result<Self, String> {
        let UncheckedRandom { min_size, max_size, interpolation, antialias } = unchecked;
        Ok(Self { interpolation, antialias, ..Self::between(min_size, max_size)? })
    }
}

impl Transform for RandomResize {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        let Self { min_size, max_size, interpolation, antialias } = *self;
        let size = short_edge(info.size, min_size + rng.below(max_size - min_size), None);
        ops.push(Op::Resize { size, interpolation, antialias });
    }
}
