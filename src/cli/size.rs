//! The square that images are brought to: its side, and which images fit into it.

use candle_augment::{Dataset, Error, ErrorKind, Result, Size, Stored};
use rayon::prelude::*;

/// Images whose sides decide about the size, spread over the set: the middle of more would be the same.
const LOOKED_AT: usize = 256;
/// The least side of a GAN's images.
const SMALLEST: usize = 8;
/// The largest side that is kept as it is.
const LARGEST: usize = 64;
/// The side for photographs. At 64 a step takes four times as long, and two cores make too few of them in minutes.
const PHOTOGRAPHS: usize = 32;
/// How many times as long as the other one a side may be.
const MOST_STRETCHED: usize = 4;

/// The size for a set: the middle of its images' longer sides where a GAN can make that in minutes, from 8 to 64, else 32.
pub fn default_size(set: &dyn Dataset) -> usize {
    let looked_at = LOOKED_AT.min(set.len());
    let longer_side =
        |place: usize| size_of(set, place * set.len() / looked_at).ok().map(|size| size.height.max(size.width));
    // Images that cannot be read are reported when all are read.
    let mut sides: Vec<usize> = (0..looked_at).into_par_iter().filter_map(longer_side).collect();
    sides.sort_unstable();
    sides.get(sides.len() / 2).map_or(PHOTOGRAPHS, |side| size_for(*side))
}

fn size_for(side: usize) -> usize {
    if side > LARGEST { PHOTOGRAPHS } else { side.max(SMALLEST) }
}

/// The size of an image, from its header where it has one.
fn size_of(set: &dyn Dataset, index: usize) -> Result<Size> {
    Ok(match set.stored(index, Vec::new())? {
        Stored::Image(image) => image.size(),
        Stored::Pixels(pixels) => pixels.size(),
        Stored::File(file) => file.header()?.size(),
    })
}

/// Refuses an image that a square would distort beyond recognition: one side more than four times as long as the other.
pub fn check_shape(size: Size) -> Result<()> {
    let (longer, shorter) = (size.height.max(size.width), size.height.min(size.width));
    if longer <= MOST_STRETCHED * shorter {
        return Ok(());
    }
    let how = if size.height > size.width { "high as wide" } else { "wide as high" };
    Err(Error::new(
        ErrorKind::Dataset,
        format!(
            "the image has {}×{} pixels, more than {MOST_STRETCHED} times as {how}, and would be distorted in a square: \
             crop it, or pad it",
            size.width, size.height
        ),
    ))
}

#[cfg(test)]
mod tests {
    use candle_augment::{Image, InMemory};

    use super::*;

    fn set(sizes: &[(usize, usize)]) -> InMemory {
        let image = |(height, width): &(usize, usize)| Image::filled(*height, *width, &[0]).unwrap();
        let labels = (0..sizes.len()).map(|index| (index % 2) as u32).collect();
        InMemory::from_images(sizes.iter().map(image).collect(), labels, ["a", "b"]).unwrap()
    }

    #[test]
    fn sizes_follow_the_middle_of_the_longer_sides() {
        assert_eq!(default_size(&set(&[(28, 28), (28, 28), (28, 28)])), 28);
        assert_eq!(default_size(&set(&[(8, 20), (20, 12), (15, 20)])), 20);
        assert_eq!(default_size(&set(&[(400, 300), (20, 20), (300, 400)])), 32);
        assert_eq!(default_size(&set(&[(400, 300), (48, 40), (40, 48)])), 48);
        assert_eq!(default_size(&set(&[(1, 1), (1, 1)])), 8);
        let mut many = vec![(16, 16); 900];
        many.extend(vec![(500, 500); 800]);
        assert_eq!(default_size(&set(&many)), 16);
    }

    #[test]
    fn shapes_up_to_four_to_one_fit() {
        for (height, width) in [(1, 1), (10, 40), (40, 10), (300, 400)] {
            assert!(check_shape(Size::new(height, width)).is_ok(), "{height}, {width}");
        }
        for (height, width, how) in [(10, 41, "wide as high"), (41, 10, "high as wide"), (1, 1000, "1000×1")] {
            let error = check_shape(Size::new(height, width)).expect_err("it does not fit");
            assert!(error.message().contains(how) && error.message().contains("crop"), "{error}");
        }
    }
}
