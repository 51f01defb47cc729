//! How much of an image file has to be decoded for what was drawn.

use crate::decode::{Region, Scale, View};
use crate::image::{Color, Size};
use crate::transform::{Interpolation, Op};

/// What to decode of an image of `size` for `ops`, and how many of the ops are done by that.
///
/// A leading crop is decoded and nothing else. Where `scalable`, what is then shrunk to half or less, antialiased, is
/// decoded at the smallest scale that is not below the result: JPEG's own way of shrinking, by its cosine transform.
pub(super) fn needed(ops: &[Op], size: Size, color: Color, scalable: bool) -> (View, usize) {
    let (region, done) = match ops.first() {
        Some(&Op::Crop { top, left, size }) => (Region { top, left, height: size.height, width: size.width }, 1),
        _ => (Region::all(size), 0),
    };
    let scale = if scalable { scale(ops.get(done), region.size()) } else { Scale::Full };
    (View { region: Some(scaled(region, size, scale)), scale, color }, done)
}

fn scale(op: Option<&Op>, part: Size) -> Scale {
    let Some(&Op::Resize { size, interpolation: Interpolation::Bilinear | Interpolation::Bicubic, antialias: true }) =
        op
    else {
        return Scale::Full;
    };
    let fits = |scale: &Scale| {
        let fits = |result: usize, side: usize| result.saturating_mul(scale.divisor()) <= side;
        fits(size.height, part.height) && fits(size.width, part.width)
    };
    [Scale::Eighth, Scale::Quarter, Scale::Half].into_iter().find(fits).unwrap_or(Scale::Full)
}

/// The pixels at `scale` next to those of `region`: as many as the result has, or more, since each side is at least that long.
fn scaled(region: Region, size: Size, scale: Scale) -> Region {
    let whole = scale.of(size);
    let along = |first: usize, length: usize, side: usize| {
        let nearest = |place: usize| (place + scale.divisor() / 2) / scale.divisor();
        let start = nearest(first);
        (start, nearest(first + length).min(side) - start)
    };
    let (top, height) = along(region.top, region.height, whole.height);
    let (left, width) = along(region.left, region.width, whole.width);
    Region { top, left, height, width }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resize(side: usize) -> Op {
        Op::Resize { size: Size::square(side), interpolation: Interpolation::Bilinear, antialias: true }
    }

    #[test]
    fn crops_are_decoded_alone_and_shrinking_is_left_to_the_decoder() {
        let size = Size::new(3000, 4001);
        let crop = Op::Crop { top: 101, left: 203, size: Size::new(1000, 900) };
        let part = |region, scale| View { region: Some(region), scale, color: Color::Rgb };
        let exact = Region { top: 101, left: 203, height: 1000, width: 900 };
        let of = |ops: &[Op], scalable| needed(ops, size, Color::Rgb, scalable);
        assert_eq!(of(&[], true), (part(Region::all(size), Scale::Full), 0));
        assert_eq!(of(&[Op::HFlip, crop.clone()], true), (part(Region::all(size), Scale::Full), 0));
        assert_eq!(of(&[crop.clone(), resize(224)], false), (part(exact, Scale::Full), 1));
        assert_eq!(of(&[crop.clone(), resize(451)], true), (part(exact, Scale::Full), 1));
        let quarter = Region { top: 25, left: 51, height: 250, width: 225 };
        assert_eq!(of(&[crop, resize(224)], true), (part(quarter, Scale::Quarter), 1));
        let eighth = Region { top: 0, left: 0, height: 375, width: 500 };
        assert_eq!(of(&[resize(224), Op::HFlip], true), (part(eighth, Scale::Eighth), 0));
        let rough = Op::Resize { size: Size::square(2), interpolation: Interpolation::Nearest, antialias: true };
        assert_eq!(of(&[rough], true).0.scale, Scale::Full);
    }
}
