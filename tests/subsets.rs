//! Parts of a data set: chosen, split, or some of each class.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use candle_augment::{Dataset, DatasetExt, ErrorKind, InMemory, Result, Subset, digits};
use common::data::gradient;
use proptest::prelude::*;

/// A set with the given number of images in each class, the classes taking turns.
fn set(counts: &[usize]) -> Arc<InMemory> {
    let most = counts.iter().copied().max().unwrap_or(0);
    let rounds = (0..most).flat_map(|round| (0..counts.len()).filter(move |&class| round < counts[class]));
    let labels: Vec<u32> = rounds.map(|class| class as u32).collect();
    let images = vec![gradient(1, 1, 1); labels.len()];
    let names = (0..counts.len()).map(|class| format!("class {class}"));
    Arc::new(InMemory::from_images(images, labels, names).expect("each label has a name"))
}

fn indices(part: &Subset) -> BTreeSet<usize> {
    part.indices().iter().copied().collect()
}

#[test]
fn a_subset_keeps_order_and_classes() -> Result<()> {
    let digits = Arc::new(digits()?);
    let part = digits.clone().subset([7, 3, 7])?;
    assert_eq!((part.len(), part.label(1), part.classes()), (3, 3, digits.classes()));
    assert_eq!(part.load(0)?, digits.load(7)?);
    assert_eq!(digits.subset([1797]).unwrap_err().kind(), ErrorKind::Config);
    Ok(())
}

#[test]
fn a_set_behind_a_pointer_can_be_parted_again() -> Result<()> {
    let whole: Arc<dyn Dataset> = Arc::new(digits()?);
    let (train, _) = whole.clone().split(0.5, 1)?;
    let few = Arc::new(train).per_class(3, 1)?;
    assert_eq!(few.class_counts(), [3; 10]);
    Ok(())
}

#[test]
fn a_split_is_the_seeds() -> Result<()> {
    let digits = Arc::new(digits()?);
    let first = |seed| -> Result<_> { Ok(indices(&digits.clone().split(0.7, seed)?.0)) };
    assert_eq!(first(5)?, first(5)?);
    assert_ne!(first(5)?, first(6)?);
    Ok(())
}

#[test]
fn a_smaller_choice_is_part_of_a_larger_one() -> Result<()> {
    let digits = Arc::new(digits()?);
    let choice = |count| -> Result<_> { Ok(indices(&digits.clone().per_class(count, 3)?)) };
    assert!(choice(5)?.is_subset(&choice(20)?));
    Ok(())
}

#[test]
fn each_class_can_have_its_own_count() -> Result<()> {
    let part = set(&[5, 2, 9]).per_class_counts(&[1, 4, 3], 0)?;
    assert_eq!(part.class_counts(), [1, 2, 3]);
    Ok(())
}

#[test]
fn wrong_fractions_and_counts_are_refused() {
    for fraction in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
        assert_eq!(set(&[4, 4]).split(fraction, 0).unwrap_err().kind(), ErrorKind::Config, "{fraction}");
    }
    assert_eq!(set(&[4, 4]).per_class(0, 0).unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(set(&[4, 4]).per_class_counts(&[1], 0).unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(set(&[1, 1]).split(0.5, 0).unwrap_err().kind(), ErrorKind::Dataset);
}

proptest! {
    #[test]
    fn the_parts_of_a_split_make_up_the_whole(
        counts in prop::collection::vec(2_usize..30, 1..6),
        fraction in 0.01..0.99,
        seed: u64,
    ) {
        let whole = set(&counts);
        let (first, second) = whole.clone().split(fraction, seed).expect("each class has two images");
        prop_assert!(indices(&first).is_disjoint(&indices(&second)));
        prop_assert_eq!(first.len() + second.len(), whole.len());
        prop_assert!(first.indices().is_sorted() && second.indices().is_sorted());
        for ((&count, got), rest) in counts.iter().zip(first.class_counts()).zip(second.class_counts()) {
            prop_assert!(got >= 1 && rest >= 1);
            let wanted = (count as f64 * fraction).clamp(1.0, count as f64 - 1.0);
            prop_assert!((got as f64 - wanted).abs() <= 0.5, "{} of {}", got, count);
        }
    }
}
