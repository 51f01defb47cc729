//! The average of the generator over the steps, which makes better samples than its last state (Y. Yazıcı et al., "The
//! Unusual Effectiveness of Averaging in GAN Training", 2019).

/// The decay at `step`, from 1: it starts low and ends at `limit`, so that the first weights are forgotten.
pub(super) fn decay(step: u64, limit: f64) -> f64 {
    (1.0 - 1.0 / (1.0 + step as f64 / 10.0)).min(limit)
}
