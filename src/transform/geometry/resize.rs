//! Scaling, to a fixed or a random size.

use serde::{Deserialize, Serialize};

use super::params::Sides;
use crate::error::{Error, Result};
use crate::image::Size;
use crate::rng::SampleRng;
use crate::transform::check::MAX_PIXELS;
use crate::transform::whole::{OneOrTwo, Whole};
use crate::transform::{Interpolation, Op, SampleInfo, Transform};

/// The length of an edge. What an image makes of it is checked when it is applied.
type Edge = Whole<1, MAX_PIXELS>;

/// Scales every image, bilinear and antialiased by default.
///
/// In a file the size is a number for the shorter edge, or `[height, width]`; `max_size` alone is the longer edge.
///
/// ```
/// use candle_augment::Resize;
///
/// let at_most_500 = Resize::short_edge(224)?.with_max_size(500)?;
/// let square = Resize::exact(224, 224)?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Resize {
    target: Target,
    interpolation: Interpolation,
    antialias: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    ShortEdge(Edge, Option<Edge>),
    LongEdge(Edge),
    Exact(Sides),
}

/// As it stands in a file.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "the parameters of Resize", deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<WrittenSize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_size: Option<Edge>,
    #[serde(default = "bilinear")]
    interpolation: Interpolation,
    #[serde(default = "yes")]
    antialias: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(try_from = "OneOrTwo<i64>", untagged)]
enum WrittenSize {
    ShortEdge(Edge),
    Exact(Sides),
}

impl TryFrom<OneOrTwo<i64>> for WrittenSize {
    type Error = String;

    fn try_from(size: OneOrTwo<i64>) -> Result<Self, String> {
        match size {
            OneOrTwo::One(size) => Edge::checked(size).map(Self::ShortEdge),
            OneOrTwo::Two(height, width) => Sides::checked(height, width).map(Self::Exact),
        }
    }
}

fn bilinear() -> Interpolation {
    Interpolation::Bilinear
}

fn yes() -> bool {
    true
}

impl Resize {
    /// To `size` pixels on the shorter side, the other in proportion: `⌊size · long / short⌋`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `size` lies outside [1, 2²⁸].
    pub fn short_edge(size: usize) -> Result<Self> {
        Ok(Self::to(Target::ShortEdge(Edge::new("Resize: size", size)?, None)))
    }

    /// To `max_size` pixels on the longer side, the other in proportion: `⌊max_size · short / long⌋`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `max_size` lies outside [1, 2²⁸].
    pub fn long_edge(max_size: usize) -> Result<Self> {
        Ok(Self::to(Target::LongEdge(Edge::new("Resize: max_size", max_size)?)))
    }

    /// To exactly `height` × `width` pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a side is 0, or there are more than 2²⁸ pixels.
    pub fn exact(height: usize, width: usize) -> Result<Self> {
        Ok(Self::to(Target::Exact(Sides::new("Resize:", height, width)?)))
    }

    fn to(target: Target) -> Self {
        Self { target, interpolation: bilinear(), antialias: true }
    }

    /// The most pixels on the longer side: where they would be more, the shorter side is smaller than asked for. Default: any number.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) unless a short edge is asked for, and `max_size` lies above it, and in [1, 2²⁸].
    pub fn with_max_size(self, max_size: usize) -> Result<Self> {
        let most = Edge::new("Resize: max_size", max_size)?;
        let target = self.target.at_most(most).map_err(|message| Error::config(format!("Resize: {message}")))?;
        Ok(Self { target, ..self })
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

    /// The operation on an image of `size`.
    pub(crate) fn op(&self, size: Size) -> Op {
        let Self { target, interpolation, antialias } = *self;
        Op::Resize { size: target.size(size), interpolation, antialias }
    }
}

impl Target {
    fn at_most(self, most: Edge) -> Result<Self, String> {
        match self {
            Self::ShortEdge(size, _) if size.get() < most.get() => Ok(Self::ShortEdge(size, Some(most))),
            Self::ShortEdge(size, _) => Err(format!("max_size must lie above the short edge, {size:?}, got {most:?}")),
            Self::LongEdge(_) | Self::Exact(_) => Err("max_size goes with a short edge, or alone".to_owned()),
        }
    }

    /// What becomes of an image of `size`.
    fn size(self, size: Size) -> Size {
        match self {
            Self::ShortEdge(short, most) => with_short_edge(size, short.get(), most.map(Edge::get)),
            Self::LongEdge(long) => {
                with_edges(size, part(long.get(), size.height.min(size.width), longer(size)), long.get())
            }
            Self::Exact(sides) => sides.get(),
        }
    }
}

fn with_short_edge(size: Size, short: usize, max_size: Option<usize>) -> Size {
    let long = part(short, longer(size), size.height.min(size.width));
    match max_size {
        Some(most) if long > most => with_edges(size, part(most, short, long), most),
        _ => with_edges(size, short, long),
    }
}

fn longer(size: Size) -> usize {
    size.height.max(size.width)
}

/// Divided in f64 and truncated, as Python does.
fn part(of: usize, number: usize, by: usize) -> usize {
    (of as f64 * number as f64 / by as f64) as usize
}

/// The size with these edges that lies as `size` does.
fn with_edges(size: Size, short: usize, long: usize) -> Size {
    if size.width <= size.height { Size::new(long, short) } else { Size::new(short, long) }
}

impl TryFrom<Written> for Resize {
    type Error = String;

    fn try_from(Written { size, max_size, interpolation, antialias }: Written) -> Result<Self, String> {
        let target = size.map(|size| match size {
            WrittenSize::ShortEdge(size) => Target::ShortEdge(size, None),
            WrittenSize::Exact(sides) => Target::Exact(sides),
        });
        let target = match (target, max_size) {
            (Some(target), None) => target,
            (Some(target), Some(most)) => target.at_most(most)?,
            (None, Some(long)) => Target::LongEdge(long),
            (None, None) => return Err("missing field `size`".to_owned()),
        };
        Ok(Self { target, interpolation, antialias })
    }
}

impl From<Resize> for Written {
    fn from(Resize { target, interpolation, antialias }: Resize) -> Self {
        let (size, max_size) = match target {
            Target::ShortEdge(size, most) => (Some(WrittenSize::ShortEdge(size)), most),
            Target::LongEdge(long) => (None, Some(long)),
            Target::Exact(sides) => (Some(WrittenSize::Exact(sides)), None),
        };
        Self { size, max_size, interpolation, antialias }
    }
}

impl Transform for Resize {
    fn draw(&self, info: SampleInfo<'_>, _rng: &mut SampleRng, ops: &mut Vec<Op>) {
        ops.push(self.op(info.size));
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
    min_size: Edge,
    max_size: Edge,
    interpolation: Interpolation,
    antialias: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "the parameters of RandomResize", deny_unknown_fields)]
struct UncheckedRandom {
    min_size: Edge,
    max_size: Edge,
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
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if one lies outside [1, 2²⁸], or `min_size` is not below `max_size`.
    pub fn new(min_size: usize, max_size: usize) -> Result<Self> {
        let min_size = Edge::new("RandomResize: min_size", min_size)?;
        let max_size = Edge::new("RandomResize: max_size", max_size)?;
        Self::between(min_size, max_size).map_err(|message| Error::config(format!("RandomResize: {message}")))
    }

    fn between(min_size: Edge, max_size: Edge) -> Result<Self, String> {
        if min_size.get() >= max_size.get() {
            return Err(format!("min_size must lie in [1, max_size), got {min_size:?} and {max_size:?}"));
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
        let short = min_size.get() + rng.below(max_size.get() - min_size.get());
        let size = with_short_edge(info.size, short, None);
        ops.push(Op::Resize { size, interpolation, antialias });
    }
}
