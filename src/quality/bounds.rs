//! How near and how far apart the images of each class lie in one space: percentiles that hold for small classes, too.

use super::bootstrap::{mean, percentile};

/// Two images have but one distance, which says nothing about how distances spread.
const FEWEST_THAT_SPREAD: usize = 3;

/// By class the distances below which `shares` of `between` lie, where `between[c]` are the distances of images of
/// class c to their nearest others; none if no class has any.
///
/// A percentile of a class needs an image beyond it. Where a class is too small for that, the percentile is that of all
/// classes together, each distance in units of its class's mean, times the mean of this class; a class without
/// distances takes the average of the means.
///
/// Images that are there twice say nothing of how near others are: distances of 0 do not count.
pub(super) fn bounds<const N: usize>(between: &[Vec<f64>], shares: [f64; N]) -> Option<Vec<[f64; N]>> {
    let apart = |own: &Vec<f64>| own.iter().copied().filter(|distance| *distance > 0.0).collect();
    let between: &[Vec<f64>] = &between.iter().map(apart).collect::<Vec<_>>();
    let means: Vec<f64> = between.iter().filter(|own| !own.is_empty()).map(|own| mean(own)).collect();
    if means.is_empty() {
        return None;
    }
    let pooled = pooled(between);
    let of_class = |own: &Vec<f64>| {
        let unit = if own.is_empty() { mean(&means) } else { mean(own) };
        let sorted = sorted(own.clone());
        shares.map(|share| {
            let suffices = own.len() as f64 * share.min(1.0 - share) >= 1.0;
            let own = percentile(&sorted, share).filter(|_| suffices);
            own.unwrap_or_else(|| unit * percentile(&pooled, share).unwrap_or(1.0))
        })
    };
    Some(between.iter().map(of_class).collect())
}

/// The distances of all classes in units of their classes' means.
fn pooled(between: &[Vec<f64>]) -> Vec<f64> {
    let in_units = |fewest: usize| -> Vec<f64> {
        let spread = between.iter().filter(|own| own.len() >= fewest).map(|own| (own, mean(own)));
        spread.flat_map(|(own, unit)| own.iter().map(move |d| d / unit)).collect()
    };
    let spread = in_units(FEWEST_THAT_SPREAD);
    sorted(if spread.is_empty() { in_units(1) } else { spread })
}

pub(super) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(count: u32, unit: f64) -> Vec<f64> {
        (1..=count).map(|i| unit * f64::from(i)).collect()
    }

    #[test]
    fn a_large_class_has_percentiles_of_its_own() {
        let found = bounds(&[ramp(101, 1.0), ramp(3, 50.0)], [0.05, 0.95]).unwrap();
        assert_eq!(found[0], [6.0, 96.0]);
    }

    #[test]
    fn a_small_class_borrows_the_shape_and_keeps_its_unit() {
        let large = ramp(101, 1.0);
        let [small, alone] = [vec![4.0, 4.0], Vec::new()];
        let found = bounds(&[large, small, alone], [0.05, 0.95]).unwrap();
        // Mean 51 of the large class, 4 of the small one.
        for (found, expected) in found[1].iter().zip([6.0, 96.0]) {
            assert!((found - expected / 51.0 * 4.0).abs() < 1e-12, "{found}");
        }
        for (found, expected) in found[2].iter().zip([6.0, 96.0]) {
            assert!((found - expected / 51.0 * 27.5).abs() < 1e-12, "{found}");
        }
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(bounds(&[Vec::new(), Vec::new()], [0.05]), None);
        assert_eq!(bounds(&[vec![0.0; 4]], [0.05]), None);
        assert_eq!(bounds(&[vec![0.0, 0.0, 3.0]], [0.05]), Some(vec![[3.0]]));
        assert_eq!(bounds(&[vec![3.0; 2]], [0.05]), Some(vec![[3.0]]));
    }
}
