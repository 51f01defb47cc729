//! What changes in the course of a training, all from how much of the plan is done.

/// The step from which penalties by running means count where there is no plan, as published.
const LECAM_START: u64 = 1000;
/// The same as a share of the plan.
const LECAM_START_SHARE: f64 = 0.1;
/// Images in which the probability of the augmentation goes from 0 to 1 where there is no plan, as published.
const ADA_IMAGES: f64 = 500_000.0;
/// The same as a share of the plan's images.
const ADA_SHARE: f64 = 0.15;

/// What the rates are multiplied by: half a cosine from 1 to `last`.
pub(super) fn rate(progress: Option<f64>, last: f64) -> f64 {
    let progress = progress.unwrap_or(0.0);
    last + (1.0 - last) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
}

/// How much the class counts, growing in the first `ramp` of the plan.
pub(super) fn class_strength(progress: Option<f64>, ramp: f64) -> f64 {
    match progress {
        Some(progress) if progress < ramp => progress / ramp,
        _ => 1.0,
    }
}

/// Whether the running means of the logits have settled at `step`.
pub(super) fn anchors_hold(step: u64, progress: Option<f64>) -> bool {
    progress.map_or(step >= LECAM_START, |progress| progress >= LECAM_START_SHARE)
}

/// Images in which the probability of the augmentation may go from 0 to 1, at `batch` images in each of `planned` steps.
pub(super) fn ada_images(planned: Option<u64>, batch: usize) -> f64 {
    planned.map_or(ADA_IMAGES, |planned| (ADA_SHARE * planned as f64 * batch as f64).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_have_their_ends() {
        assert_eq!((rate(None, 0.25), rate(Some(0.0), 0.25), rate(Some(1.0), 0.25)), (1.0, 1.0, 0.25));
        assert!((rate(Some(0.5), 0.25) - 0.625).abs() < 1e-12);
        let strength = |progress| class_strength(Some(progress), 0.3);
        assert_eq!((strength(0.0), strength(0.3), strength(1.0)), (0.0, 1.0, 1.0));
        assert!((strength(0.15) - 0.5).abs() < 1e-12);
        assert_eq!((class_strength(None, 0.3), class_strength(Some(0.0), 0.0)), (1.0, 1.0));
        assert!(!anchors_hold(500, None) && anchors_hold(500, Some(0.1)) && !anchors_hold(5000, Some(0.09)));
        assert_eq!((ada_images(Some(1000), 64), ada_images(None, 64)), (9600.0, 500_000.0));
    }
}
