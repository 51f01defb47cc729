//! What holds for the figures of any sets of features.

use candle_augment::quality::{Features, copy_share, copy_z, frechet_distance, kernel_distance, neighbour_scores};
use proptest::prelude::*;

const DIMENSIONS: usize = 4;

/// Sets of 3 to 20 images, often with equal ones.
fn set() -> impl Strategy<Value = Features> {
    let value = prop_oneof![(-2i32..3).prop_map(f64::from), -2.0..2.0];
    prop::collection::vec(prop::collection::vec(value, DIMENSIONS), 3..20)
        .prop_map(|rows| Features::new(rows.concat(), DIMENSIONS, vec![0; rows.len()]).expect("whole rows"))
}

/// All figures of two sets.
fn figures(a: &Features, b: &Features) -> Vec<f64> {
    let scores = neighbour_scores(a, b, 2).expect("three images have two others");
    let known = "three images have distances";
    vec![
        frechet_distance(a, b).expect(known),
        kernel_distance(a, b).expect(known),
        scores.precision,
        scores.recall,
        scores.density,
        scores.coverage,
        copy_share(a, b).expect(known),
    ]
}

fn reversed(set: &Features) -> Features {
    let order: Vec<usize> = (0..set.len()).rev().collect();
    set.select(&order)
}

fn close(a: f64, b: f64) -> bool {
    // Roots of eigenvalues that are 0 but for rounding.
    (a - b).abs() <= 1e-6 * (1.0 + a.abs())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..Default::default() })]

    #[test]
    fn the_order_of_images_does_not_matter(a in set(), b in set()) {
        let there = figures(&a, &b);
        let again = figures(&reversed(&a), &reversed(&b));
        prop_assert!(there.iter().zip(&again).all(|(a, b)| close(*a, *b)), "{there:?} {again:?}");
    }

    #[test]
    fn distances_are_the_same_from_both_sides(a in set(), b in set()) {
        prop_assert!(close(frechet_distance(&a, &b)?, frechet_distance(&b, &a)?));
        prop_assert!(close(kernel_distance(&a, &b)?, kernel_distance(&b, &a)?));
        prop_assert_eq!(neighbour_scores(&a, &b, 2)?.precision, neighbour_scores(&b, &a, 2)?.recall);
    }

    #[test]
    fn figures_stay_in_their_ranges(a in set(), b in set()) {
        let found = figures(&a, &b);
        prop_assert!(found.iter().all(|figure| figure.is_finite()), "{found:?}");
        prop_assert!(found[0] >= 0.0);
        let scores = neighbour_scores(&a, &b, 2)?;
        for share in [scores.precision, scores.recall, scores.coverage, found[6]] {
            prop_assert!((0.0..=1.0).contains(&share), "{share}");
        }
        prop_assert!((0.0..=a.len() as f64 / 2.0).contains(&scores.density));
    }

    #[test]
    fn a_set_is_not_away_from_itself(a in set()) {
        prop_assert!(close(frechet_distance(&a, &a)?, 0.0));
        // The pairs of an image with itself count between the sets, but not within.
        prop_assert!(kernel_distance(&a, &a)? <= 1e-9);
    }

    #[test]
    fn shifting_all_images_moves_no_neighbour(a in set(), b in set(), shift in -3i32..4) {
        let moved = |set: &Features| {
            let values = set.values().iter().map(|value| value + f64::from(shift)).collect();
            Features::new(values, DIMENSIONS, set.labels().to_vec())
        };
        prop_assert!(close(frechet_distance(&a, &b)?, frechet_distance(&moved(&a)?, &moved(&b)?)?));
    }

    #[test]
    fn z_changes_its_sign_with_the_sides(
        a in prop::collection::vec(0u8..20, 1..30),
        b in prop::collection::vec(0u8..20, 1..30),
    ) {
        let distances = |values: &[u8]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
        let (a, b) = (distances(&a), distances(&b));
        let (there, back) = (copy_z(&a, &b), copy_z(&b, &a));
        // But for the correction for continuity, which adds one half of a pair to both.
        let one = copy_z(&a, &a);
        prop_assert!(there.is_finite() && back.is_finite() && one >= 0.0);
        prop_assert!(there + back >= -1e-12 && there + back <= 2.0, "{there} {back}");
    }
}
