//! Means over seeds with 95 % intervals (Student, "The probable error of a mean", 1908).

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};
use std::fmt;

use serde::{Deserialize, Serialize};

/// The probability of both tails outside a 95 % interval.
const OUTSIDE: f64 = 0.05;

/// A figure measured once per seed: its mean and the 95 % interval of the mean.
///
/// Its `Display` form is in percent, `93.4 ± 0.8`; with one seed there is no interval, and it prints `93.4 ± –`. A precision
/// sets the decimals (1 by default), the sign flag shows the sign of a difference.
///
/// ```
/// use candle_augment::compare::Estimate;
///
/// let accuracy = Estimate::new(vec![0.90, 0.92, 0.94]);
/// assert_eq!(accuracy.to_string(), "92.0 ± 5.0");
/// assert_eq!(Estimate::new(vec![0.9]).to_string(), "90.0 ± –");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean over the seeds.
    pub mean: f64,
    /// Half the width of the 95 % interval, `t(0.975, n − 1) · s / √n`, where s is the sample's standard deviation; none with
    /// one seed.
    pub half_width: Option<f64>,
    /// What each seed gave, in order.
    pub values: Vec<f64>,
}

impl Estimate {
    /// The mean of `values` and its interval.
    ///
    /// # Panics
    ///
    /// If there is no value.
    #[must_use]
    pub fn new(values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "an estimate needs at least one value");
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let mut estimate = Self { mean, half_width: None, values };
        estimate.half_width = estimate
            .deviation()
            .map(|deviation| t_critical(estimate.values.len() as u32 - 1) * deviation / count.sqrt());
        estimate
    }

    /// The sample's standard deviation; none with one seed.
    fn deviation(&self) -> Option<f64> {
        let squares: f64 = self.values.iter().map(|value| (value - self.mean).powi(2)).sum();
        (self.values.len() > 1).then(|| (squares / (self.values.len() as f64 - 1.0)).sqrt())
    }

    /// The paired difference `self` − `other`: its interval is that of the differences seed by seed.
    ///
    /// # Panics
    ///
    /// If the two were not measured on the same number of seeds.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        assert_eq!(self.values.len(), other.values.len(), "a paired difference needs the same seeds on both sides");
        Self::new(self.values.iter().zip(&other.values).map(|(ours, theirs)| ours - theirs).collect())
    }
}

/// A paired difference, with the size of the effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// The difference, seed by seed.
    #[serde(flatten)]
    pub difference: Estimate,
    /// Cohen's d of the differences, their mean over their standard deviation (J. Cohen, "Statistical Power Analysis for the
    /// Behavioral Sciences", 1988, where it is called d_z): 0.2 is small, 0.8 large. None with one seed, or where all differ alike.
    pub effect_size: Option<f64>,
}

impl Paired {
    /// The paired difference `ours` − `theirs`.
    ///
    /// # Panics
    ///
    /// If the two were not measured on the same number of seeds.
    #[must_use]
    pub fn new(ours: &Estimate, theirs: &Estimate) -> Self {
        let difference = ours.minus(theirs);
        let deviation = difference.deviation().filter(|deviation| *deviation > 0.0);
        Self { effect_size: deviation.map(|deviation| difference.mean / deviation), difference }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(1);
        let (mean, half_width) = (100.0 * self.mean, self.half_width.map(|half| 100.0 * half));
        let mut text = if f.sign_plus() { format!("{mean:+.decimals$}") } else { format!("{mean:.decimals$}") };
        match half_width {
            Some(half) => text += &format!(" ± {half:.decimals$}"),
            None => text += " ± –",
        }
        // The precision is spent: `pad` would cut the text to that many characters.
        match f.width() {
            Some(width) => write!(f, "{text:>width$}"),
            None => f.write_str(&text),
        }
    }
}

/// The value that Student's t with `freedom` degrees of freedom exceeds in absolute value with probability 5 %.
fn t_critical(freedom: u32) -> f64 {
    // With t = √ν tan θ the probability inside is a finite sum that grows with θ: halve the interval until it is exact.
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        if inside(freedom, middle) < 1.0 - OUTSIDE {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::from(freedom).sqrt() * low.tan()
}

/// The probability that |t| < √ν tan θ (Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4).
fn inside(freedom: u32, theta: f64) -> f64 {
    let (sin, cos) = theta.sin_cos();
    let odd = freedom % 2 == 1;
    // Odd ν: cos θ + 2/3 cos³ θ + (2·4)/(3·5) cos⁵ θ + …; even ν: 1 + 1/2 cos² θ + (1·3)/(2·4) cos⁴ θ + …; up to cos^(ν−2).
    let (mut term, first) = if odd { (cos, 3) } else { (1.0, 2) };
    let mut sum = if freedom == 1 { 0.0 } else { term };
    for denominator in (first..freedom).step_by(2) {
        term *= f64::from(denominator - 1) / f64::from(denominator) * cos * cos;
        sum += term;
    }
    if odd { FRAC_2_PI * (theta + sin * sum) } else { sin * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.x: `for df in (…): print(df, scipy.stats.t.ppf(0.975, df))`.
    #[test]
    fn quantiles_are_those_of_scipy() {
        let reference = [
            (1, 12.706204736174694),
            (2, 4.302652729749462),
            (3, 3.1824463052837078),
            (4, 2.7764451051977934),
            (5, 2.5705818356363146),
            (9, 2.262157162798205),
            (10, 2.228138851986274),
            (29, 2.045229642132703),
            (30, 2.0422724563012378),
            (99, 1.9842169515864174),
        ];
        for (freedom, expected) in reference {
            let found = t_critical(freedom);
            assert!((found - expected).abs() < 1e-11 * expected, "{freedom}: {found} instead of {expected}");
        }
    }

    /// `scipy.stats.t.interval(0.95, 3, loc=mean, scale=scipy.stats.sem(x))` for x = [0.91, 0.87, 0.95, 0.90].
    #[test]
    fn the_interval_is_that_of_scipy() {
        let estimate = Estimate::new(vec![0.91, 0.87, 0.95, 0.90]);
        assert!((estimate.mean - 0.9075).abs() < 1e-12);
        assert!((estimate.half_width.unwrap() - 0.052_574_616_571_509_97).abs() < 1e-14, "{estimate:?}");
    }

    #[test]
    fn pairing_takes_out_what_seeds_share() {
        let classic = Estimate::new(vec![0.80, 0.90, 0.70]);
        let arm = Estimate::new(vec![0.81, 0.91, 0.71]);
        let difference = arm.minus(&classic);
        assert!((difference.mean - 0.01).abs() < 1e-12);
        assert!(difference.half_width.unwrap() < 1e-12);
    }

    #[test]
    fn the_effect_is_the_difference_in_its_deviations() {
        let classic = Estimate::new(vec![0.5, 0.6, 0.7]);
        // Differences of 0.01, 0.02 and 0.03: mean 0.02, deviation 0.01.
        let paired = Paired::new(&Estimate::new(vec![0.51, 0.62, 0.73]), &classic);
        assert!((paired.effect_size.unwrap() - 2.0).abs() < 1e-9, "{paired:?}");
        assert_eq!(Paired::new(&classic, &classic).effect_size, None);
        assert_eq!(Paired::new(&Estimate::new(vec![0.5]), &Estimate::new(vec![0.4])).effect_size, None);
    }

    #[test]
    fn one_seed_has_no_interval() {
        let estimate = Estimate::new(vec![0.5]);
        assert_eq!(estimate.half_width, None);
        assert_eq!(format!("{estimate:+.2}"), "+50.00 ± –");
        assert_eq!(format!("{estimate:>12}"), "    50.0 ± –");
    }
}
