//! Makes balanced data unbalanced, to measure what augmentation does for rare classes.

use crate::dataset::{DatasetExt, Subset};
use crate::error::{Error, Result};

/// A long tail: class c of C keeps the share R^(−c / (C − 1)) of its images, rounded, and at least one (Cao et al., "Learning
/// imbalanced datasets with label-distribution-aware margin loss", 2019). The first class keeps all, the last one R-th.
///
/// The seed chooses which images stay; they keep their order.
///
/// # Errors
///
/// [`crate::ErrorKind::Config`] if `ratio` is not a finite number of at least 1.
pub fn long_tail(dataset: impl DatasetExt, ratio: f64, seed: u64) -> Result<Subset> {
    if !(ratio.is_finite() && ratio >= 1.0) {
        return Err(Error::config(format!(
            "the imbalance ratio is {ratio}: it is how many times more images the first class keeps than the last, so give a number of at least 1, such as 10"
        )));
    }
    let counts = long_tail_counts(&dataset.class_counts(), ratio);
    dataset.per_class_counts(&counts, seed)
}

/// Every second class, from the second on, keeps at most `images` images; the others keep all.
///
/// The seed chooses which images stay; they keep their order.
///
/// # Errors
///
/// [`crate::ErrorKind::Config`] if `images` is 0.
pub fn rare_half(dataset: impl DatasetExt, images: usize, seed: u64) -> Result<Subset> {
    if images == 0 {
        return Err(Error::config("the rare classes are to keep 0 images: a class needs at least 1"));
    }
    let counts = rare_half_counts(&dataset.class_counts(), images);
    dataset.per_class_counts(&counts, seed)
}

fn long_tail_counts(counts: &[usize], ratio: f64) -> Vec<usize> {
    let last = counts.len().saturating_sub(1).max(1) as f64;
    let share = |class: usize| ratio.powf(-(class as f64) / last);
    let kept = |(class, &count): (usize, &usize)| ((count as f64 * share(class)).round() as usize).max(1);
    counts.iter().enumerate().map(kept).collect()
}

fn rare_half_counts(counts: &[usize], images: usize) -> Vec<usize> {
    let kept = |(class, &count): (usize, &usize)| if class % 2 == 1 { count.min(images) } else { count }.max(1);
    counts.iter().enumerate().map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_falls_by_equal_factors() {
        assert_eq!(long_tail_counts(&[1000; 4], 1000.0), [1000, 100, 10, 1]);
        assert_eq!(long_tail_counts(&[5000; 10], 100.0), [5000, 2997, 1797, 1077, 646, 387, 232, 139, 83, 50]);
    }

    #[test]
    fn at_least_one_image_is_asked_for() {
        assert_eq!(long_tail_counts(&[20, 3, 0], 1000.0), [20, 1, 1]);
        assert_eq!(long_tail_counts(&[7], 10.0), [7]);
        assert_eq!(long_tail_counts(&[4, 4], 1.0), [4, 4]);
    }

    #[test]
    fn every_second_class_is_rare() {
        assert_eq!(rare_half_counts(&[50, 50, 50, 8, 50], 10), [50, 10, 50, 8, 50]);
        assert_eq!(rare_half_counts(&[0, 0], 10), [1, 1]);
    }
}
