//! The average of the generator over the steps, which makes better samples than its last state (Y. Yazıcı et al., "The
//! Unusual Effectiveness of Averaging in GAN Training", 2019).

/// The decay at `step`, from 1, for a half-life of `share` of the steps so far.
pub(super) fn decay(step: u64, share: f64) -> f64 {
    0.5f64.powf(1.0 / (share * step as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_half_life_grows_with_the_steps() {
        assert!((decay(20, 0.05) - 0.5).abs() < 1e-12);
        assert!((decay(2000, 0.05).powi(100) - 0.5).abs() < 1e-12);
        assert!(decay(1, 0.05) < 1e-6);
    }
}
