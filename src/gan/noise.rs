//! The noise that a key names.

use crate::rng::SampleKey;

/// `length` standard normal values.
pub(super) fn draw_noise(key: SampleKey, length: usize) -> Vec<f32> {
    let mut rng = key.rng();
    (0..length).map(|_| rng.normal() as f32).collect()
}

/// `length` standard normal values, each drawn again until it is within ±`most`.
fn draw_truncated(key: SampleKey, length: usize, most: f64) -> Vec<f32> {
    let mut rng = key.rng();
    let mut draw = || loop {
        let value = rng.normal();
        if value.abs() <= most {
            return value as f32;
        }
    };
    (0..length).map(|_| draw()).collect()
}

/// The one or the other.
pub(super) fn draw_within(key: SampleKey, length: usize, truncation: Option<f64>) -> Vec<f32> {
    match truncation {
        Some(most) => draw_truncated(key, length, most),
        None => draw_noise(key, length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn truncated_noise_is_within_its_bound_and_as_wide_as_it_should_be() {
        let key = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Synthetic };
        let values = draw_truncated(key, 20_000, 1.0);
        assert!(values.iter().all(|value| value.abs() <= 1.0));
        let variance = values.iter().map(|value| f64::from(value * value)).sum::<f64>() / 20_000.0;
        // 1 − 2 φ(1) / (2 Φ(1) − 1).
        assert!((variance - 0.2911).abs() < 0.006, "{variance}");
        assert_eq!(draw_truncated(key, 9, 50.0), draw_noise(key, 9));
    }
}
