//! A side head that tells real images from generated ones: logistic regression on a classifier's features.

use super::features::Features;

/// The weight of the penalty on squared weights: that of a standard normal prior, as the features are standardised.
const RIDGE: f64 = 1.0;
/// Keeps the two weights of the calibration finite.
const SMALL_RIDGE: f64 = 1e-6;
const NEWTON_STEPS: usize = 50;
/// The fewest images, real and generated each, to learn from and to calibrate by.
const FEWEST: usize = 4;

/// Gives the log-odds that an image is real rather than generated, where as many of either kind are expected.
///
/// The regression is fitted to one half of the images and calibrated on the other, which it has not seen, by a line
/// through its log-odds (J. Platt, "Probabilistic Outputs for Support Vector Machines", 1999, with his targets of (n +
/// 1)/(n + 2) and 1/(n + 2), which keep few images from giving certainty).
pub(super) struct Realism {
    means: Vec<f64>,
    scales: Vec<f64>,
    weights: Vec<f64>,
    slope: f64,
    offset: f64,
}

impl Realism {
    /// Learns from as many real and generated images of each class, in the order of the classes: every second teaches,
    /// the others calibrate. None if there are too few to learn anything.
    pub fn fit(real: &Features, generated: &Features) -> Option<Self> {
        if real.len().min(generated.len()) < 2 * FEWEST {
            return None;
        }
        let half = |features: &Features, first: usize| {
            features.select(&(first..features.len()).step_by(2).collect::<Vec<_>>())
        };
        let [learnt_real, learnt_generated] = [real, generated].map(|features| half(features, 0));
        let (means, scales) = moments(&learnt_real, &learnt_generated);
        let mut head = Self { means, scales, weights: Vec::new(), slope: 1.0, offset: 0.0 };
        let (rows, targets) = labelled(&learnt_real, &learnt_generated, |row| head.standardised(row));
        head.weights = logistic(&rows, &targets, RIDGE)?;
        let [other_real, other_generated] = [real, generated].map(|features| half(features, 1));
        let (rows, targets) = labelled(&other_real, &other_generated, |row| vec![head.raw(row), 1.0]);
        let line = logistic(&rows, &targets, SMALL_RIDGE)?;
        // A head that is worse than chance on images that it has not seen knows nothing.
        (head.slope, head.offset) = if line[0] > 0.0 { (line[0], line[1]) } else { (0.0, 0.0) };
        Some(head)
    }

    /// The calibrated log-odds that the image of these features is real.
    pub fn log_odds(&self, row: &[f64]) -> f64 {
        self.slope * self.raw(row) + self.offset
    }

    fn raw(&self, row: &[f64]) -> f64 {
        self.standardised(row).iter().zip(&self.weights).map(|(x, w)| x * w).sum()
    }

    /// With a 1 behind, for the intercept.
    fn standardised(&self, row: &[f64]) -> Vec<f64> {
        let scaled = row.iter().zip(&self.means).zip(&self.scales).map(|((x, mean), scale)| (x - mean) / scale);
        scaled.chain([1.0]).collect()
    }
}

/// The mean and the deviation of each feature over both sets.
fn moments(a: &Features, b: &Features) -> (Vec<f64>, Vec<f64>) {
    let count = (a.len() + b.len()) as f64;
    let rows = || (0..a.len()).map(|i| a.row(i)).chain((0..b.len()).map(|i| b.row(i)));
    let mut means = vec![0.0; a.dimensions()];
    rows().for_each(|row| means.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / count));
    let mut scales = vec![0.0; a.dimensions()];
    for row in rows() {
        scales.iter_mut().zip(row).zip(&means).for_each(|((scale, x), mean)| *scale += (x - mean).powi(2) / count);
    }
    // A feature that never changes is 0 once its mean is taken off, whatever it is divided by.
    scales.iter_mut().for_each(|scale| *scale = if *scale > 0.0 { scale.sqrt() } else { 1.0 });
    (means, scales)
}

/// Rows of both kinds, and Platt's targets: near 1 for real ones, near 0 for generated ones.
fn labelled(real: &Features, generated: &Features, row: impl Fn(&[f64]) -> Vec<f64>) -> (Vec<Vec<f64>>, Vec<f64>) {
    let [high, low] = [real, generated].map(|features| 1.0 / (features.len() as f64 + 2.0));
    let of_real = (0..real.len()).map(|i| (row(real.row(i)), 1.0 - high));
    let of_generated = (0..generated.len()).map(|i| (row(generated.row(i)), low));
    of_real.chain(of_generated).unzip()
}

/// The weights w with the least Σ cross-entropy(target, σ(w·x)) + ridge/2 · |w|², by Newton's steps, each halved until
/// the sum falls. None if the numbers are beyond reason.
fn logistic(rows: &[Vec<f64>], targets: &[f64], ridge: f64) -> Option<Vec<f64>> {
    let width = rows.first()?.len();
    let mut weights = vec![0.0; width];
    let mut loss = penalised(rows, targets, ridge, &weights);
    for _ in 0..NEWTON_STEPS {
        let mut gradient: Vec<f64> = weights.iter().map(|w| ridge * w).collect();
        let mut hessian = vec![vec![0.0; width]; width];
        (0..width).for_each(|i| hessian[i][i] = ridge);
        for (row, target) in rows.iter().zip(targets) {
            let p = sigmoid(dot(row, &weights));
            for (i, x) in row.iter().enumerate() {
                gradient[i] += (p - target) * x;
                let factor = p * (1.0 - p) * x;
                hessian[i][..=i].iter_mut().zip(row).for_each(|(sum, other)| *sum += factor * other);
            }
        }
        let step = solve(hessian, gradient)?;
        let halved = |times: i32| -> Vec<f64> {
            weights.iter().zip(&step).map(|(w, step)| w - step * 0.5f64.powi(times)).collect()
        };
        let tried = (0..20).map(halved).map(|weights| (penalised(rows, targets, ridge, &weights), weights));
        let Some((lower, better)) = tried.into_iter().find(|(tried, _)| *tried < loss) else { break };
        let gained = loss - lower;
        (loss, weights) = (lower, better);
        if gained < 1e-9 * rows.len() as f64 {
            break;
        }
    }
    weights.iter().all(|w| w.is_finite()).then_some(weights)
}

fn penalised(rows: &[Vec<f64>], targets: &[f64], ridge: f64, weights: &[f64]) -> f64 {
    let entropy = |(row, target): (&Vec<f64>, &f64)| {
        let z = dot(row, weights);
        // softplus(z) − target · z, without overflow.
        z.max(0.0) + (-z.abs()).exp().ln_1p() - target * z
    };
    rows.iter().zip(targets).map(entropy).sum::<f64>() + 0.5 * ridge * dot(weights, weights)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// x with A·x = b, where the lower half of A, which is symmetric and positive definite, is given: by Cholesky's factor.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    for i in 0..b.len() {
        for j in 0..=i {
            let rest = a[i][j] - dot(&a[i][..j], &a[j][..j]);
            a[i][j] = if i > j { rest / a[j][j] } else { Some(rest.sqrt()).filter(|root| *root > 0.0)? };
        }
        b[i] = (b[i] - dot(&a[i][..i], &b[..i])) / a[i][i];
    }
    for i in (0..b.len()).rev() {
        let above: f64 = (i + 1..b.len()).map(|j| a[j][i] * b[j]).sum();
        b[i] = (b[i] - above) / a[i][i];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, SampleKey};

    fn normal(count: usize, shift: f64, stream: u64) -> Features {
        let mut rng = SampleKey { seed: 1, epoch: stream, position: 0, purpose: Purpose::Resampling }.rng();
        let values = (0..count).flat_map(|_| [rng.normal() + shift, rng.normal(), 7.0]).collect();
        Features::new(values, 3, vec![0; count]).unwrap()
    }

    /// Of two normal distributions that are 2 apart the log-odds are 2x.
    #[test]
    fn the_log_odds_of_two_normal_distributions_are_found() {
        let head = Realism::fit(&normal(4000, 1.0, 0), &normal(4000, -1.0, 1)).unwrap();
        for (x, y) in [(-1.0, 0.3), (0.0, -2.0), (0.5, 0.0), (1.5, 1.0)] {
            let odds = head.log_odds(&[x, y, 7.0]);
            assert!((odds - 2.0 * x).abs() < 0.3, "{odds} at {x}, {y}");
        }
    }

    #[test]
    fn what_is_alike_is_not_told_apart() {
        let head = Realism::fit(&normal(500, 0.0, 0), &normal(500, 0.0, 1)).unwrap();
        for x in [-2.0, 0.0, 2.0] {
            assert!(head.log_odds(&[x, x, 7.0]).abs() < 0.7, "{}", head.log_odds(&[x, x, 7.0]));
        }
        assert!(Realism::fit(&normal(7, 0.0, 0), &normal(90, 5.0, 1)).is_none());
    }

    /// However far apart, a few images give no certainty, and no number that is none.
    #[test]
    fn few_images_that_are_told_apart_give_finite_odds() {
        let head = Realism::fit(&normal(8, 1e6, 0), &normal(8, -1e6, 1)).unwrap();
        let [real, generated] = [1e6, -1e6].map(|x| head.log_odds(&[x, 0.0, 7.0]));
        assert!((0.5..4.0).contains(&real) && (-4.0..-0.5).contains(&generated), "{real}, {generated}");
    }

    #[test]
    fn equations_are_solved() {
        let a = vec![vec![4.0, 0.0], vec![2.0, 3.0]];
        let x = solve(a, vec![2.0, 5.0]).unwrap();
        // 4x + 2y = 2, 2x + 3y = 5.
        assert!((x[0] + 0.5).abs() < 1e-12 && (x[1] - 2.0).abs() < 1e-12, "{x:?}");
        assert!(solve(vec![vec![-1.0]], vec![1.0]).is_none());
    }
}
