//! One of several, each as likely as the others or by weights.

use crate::rng::SampleRng;

/// Weights for `count` things, if they are as many, none is negative or infinite, and one is more than 0.
pub fn checked(weights: Vec<f64>, count: usize) -> Result<Vec<f64>, String> {
    if weights.len() != count {
        return Err(format!("expected a weight for each of {count} transforms, got {}", weights.len()));
    }
    if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
        return Err(format!("a weight must lie in [0, ∞), got {weight}"));
    }
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 && sum.is_finite() {
        Ok(weights)
    } else {
        Err(format!("the sum of the weights must lie in (0, ∞), got {sum}"))
    }
}

/// The place of one of `count` things, at least 1, by checked weights if there are any.
pub fn choose(weights: Option<&[f64]>, count: usize, rng: &mut SampleRng) -> usize {
    let Some(weights) = weights else { return rng.below(count) };
    let mut left = rng.uniform(0.0, weights.iter().sum());
    let last = weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
    let passed = |weight: &f64| {
        left -= weight;
        left < 0.0
    };
    // The sum of what is left may be rounded to just above 0.
    weights.iter().position(passed).unwrap_or(last)
}
