//! A data set cut into parts with every class in each.

use super::Dataset;
use crate::rng::{Purpose, SampleKey};

/// What stands in the key's epoch: splits and choices of images have 0 and 1.
const FOLDS: u64 = 2;

/// The indices of each fold, in order. Each has its share of every class; of classes smaller than the folds are many,
/// different folds go without.
pub(crate) fn folds(set: &dyn Dataset, count: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut classes = vec![Vec::new(); set.classes().len()];
    for index in 0..set.len() {
        classes[set.label(index) as usize].push(index);
    }
    let mut folds = vec![Vec::new(); count];
    let mut next = 0;
    for (label, mut indices) in classes.into_iter().enumerate() {
        SampleKey { seed, epoch: FOLDS, position: label as u64, purpose: Purpose::Split }.rng().shuffle(&mut indices);
        for index in indices {
            folds[next].push(index);
            next = (next + 1) % count;
        }
    }
    folds.iter_mut().for_each(|fold| fold.sort_unstable());
    folds
}

/// The indices of `set` that are not in a fold of it, in order.
pub(crate) fn rest(set: &dyn Dataset, fold: &[usize]) -> Vec<usize> {
    (0..set.len()).filter(|index| fold.binary_search(index).is_err()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::InMemory;
    use crate::image::Image;

    #[test]
    fn every_image_is_in_one_fold_and_every_class_in_all() {
        let labels: Vec<u32> = [0; 9].into_iter().chain([1; 3]).chain([2; 1]).chain([3; 8]).collect();
        let images = vec![Image::filled(8, 8, &[0]).unwrap(); labels.len()];
        let set = InMemory::from_images(images, labels.clone(), ["a", "b", "c", "d"]).unwrap();
        let folds = folds(&set, 3, 5);
        let mut all = folds.concat();
        all.sort_unstable();
        assert_eq!(all, (0..21).collect::<Vec<_>>());
        assert!(folds.iter().all(|fold| fold.len() == 7 && fold.is_sorted()));
        for (label, counts) in [(0, [3, 3]), (1, [1, 1]), (3, [2, 3])] {
            for fold in &folds {
                let count = fold.iter().filter(|&&index| labels[index] == label).count();
                assert!((counts[0]..=counts[1]).contains(&count), "{label}: {count}");
            }
        }
    }
}
