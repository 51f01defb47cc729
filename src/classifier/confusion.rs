//! What a classifier took for what, and the figures that follow from it.

use serde::{Deserialize, Serialize};

/// A confusion matrix: how often images of one class were taken for another.
///
/// ```
/// use candle_augment::Confusion;
///
/// let mut confusion = Confusion::new(2);
/// for (actual, predicted) in [(0, 0), (0, 0), (0, 0), (0, 1), (1, 1), (1, 0)] {
///     confusion.add(actual, predicted);
/// }
/// assert_eq!(confusion.recall(0), Some(0.75));
/// assert_eq!(confusion.accuracy(), Some(4.0 / 6.0));
/// assert_eq!(confusion.balanced_accuracy(), Some((0.75 + 0.5) / 2.0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// An empty matrix for `classes` classes.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes] }
    }

    /// Counts one image of class `actual` that was taken for `predicted`.
    ///
    /// # Panics
    ///
    /// If a class lies outside the matrix.
    pub fn add(&mut self, actual: u32, predicted: u32) {
        self.counts[actual as usize][predicted as usize] += 1;
    }

    /// How many images of class `actual` were taken for `predicted`.
    ///
    /// # Panics
    ///
    /// If a class lies outside the matrix.
    #[must_use]
    pub fn count(&self, actual: u32, predicted: u32) -> u64 {
        self.counts[actual as usize][predicted as usize]
    }

    /// The number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// Whether it is of so many images of each class; what was read from a file may be anything, even no square.
    pub(crate) fn is_of(&self, images: &[usize]) -> bool {
        let is_row = |(row, &images): (&Vec<u64>, &usize)| {
            row.len() == self.counts.len()
                && row.iter().fold(0u64, |sum, count| sum.saturating_add(*count)) == images as u64
        };
        self.counts.len() == images.len() && self.counts.iter().zip(images).all(is_row)
    }

    /// The number of images.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// The share of class `class`'s images that were recognised; none where it had no image.
    ///
    /// # Panics
    ///
    /// If `class` lies outside the matrix.
    #[must_use]
    pub fn recall(&self, class: u32) -> Option<f64> {
        let row = &self.counts[class as usize];
        share(row[class as usize], row.iter().sum())
    }

    /// The share of all images that were recognised; none where there was no image.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        let right = self.counts.iter().enumerate().map(|(class, row)| row[class]).sum();
        share(right, self.total())
    }

    /// The mean recall of the classes that had images: what a class counts does not depend on how many images it has (Brodersen
    /// et al., "The balanced accuracy and its posterior distribution", 2010). None where there was no image.
    #[must_use]
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let recalls: Vec<f64> = (0..self.classes()).filter_map(|class| self.recall(class as u32)).collect();
        mean(&recalls)
    }

    /// Of a class the harmonic mean of precision and recall, `2 TP / (2 TP + FP + FN)`; none where it had no image.
    ///
    /// # Panics
    ///
    /// If `class` lies outside the matrix.
    #[must_use]
    pub fn f1(&self, class: u32) -> Option<f64> {
        let row = &self.counts[class as usize];
        let actual: u64 = row.iter().sum();
        let predicted: u64 = self.counts.iter().map(|row| row[class as usize]).sum();
        (actual > 0).then(|| 2.0 * row[class as usize] as f64 / (actual + predicted) as f64)
    }

    /// The mean of [`Confusion::f1`] over the classes that had images; none where there was no image.
    #[must_use]
    pub fn macro_f1(&self) -> Option<f64> {
        let scores: Vec<f64> = (0..self.classes()).filter_map(|class| self.f1(class as u32)).collect();
        mean(&scores)
    }

    /// The geometric mean of the recalls of the classes that had images: 0 if one class is never recognised (M. Kubat, S. Matwin,
    /// "Addressing the curse of imbalanced training sets", 1997). None where there was no image.
    #[must_use]
    pub fn g_mean(&self) -> Option<f64> {
        let logarithms: Vec<f64> =
            (0..self.classes()).filter_map(|class| self.recall(class as u32)).map(f64::ln).collect();
        mean(&logarithms).map(f64::exp)
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[&[u64]]) -> Confusion {
        Confusion { counts: rows.iter().map(|row| row.to_vec()).collect() }
    }

    /// scikit-learn: `balanced_accuracy_score(y, p)`, `accuracy_score(y, p)`, `recall_score(y, p, average=None)` with
    /// y = 10 zeros, 4 ones, 6 twos, and p as in the rows.
    #[test]
    fn figures_are_those_of_scikit_learn() {
        let confusion = matrix(&[&[8, 1, 1], &[1, 3, 0], &[4, 0, 2]]);
        assert_eq!(confusion.accuracy(), Some(0.65));
        assert!((confusion.balanced_accuracy().unwrap() - 0.627_777_777_777_777_8).abs() < 1e-15);
        assert_eq!([0, 1, 2].map(|class| confusion.recall(class).unwrap()), [0.8, 0.75, 1.0 / 3.0]);
    }

    #[test]
    fn means_over_classes_are_by_their_definitions() {
        let confusion = matrix(&[&[8, 1, 1], &[1, 3, 0], &[4, 0, 2]]);
        let f1 = (16.0 / 23.0 + 6.0 / 8.0 + 4.0 / 9.0) / 3.0;
        assert!((confusion.macro_f1().unwrap() - f1).abs() < 1e-15);
        assert!((confusion.g_mean().unwrap() - (0.8f64 * 0.75 / 3.0).cbrt()).abs() < 1e-15);
        assert_eq!(matrix(&[&[0, 4], &[0, 4]]).g_mean(), Some(0.0));
        assert_eq!(matrix(&[&[3, 1, 0], &[0, 0, 0], &[0, 0, 4]]).macro_f1(), Some((6.0 / 7.0 + 1.0) / 2.0));
    }

    #[test]
    fn a_class_without_images_counts_for_nothing() {
        let confusion = matrix(&[&[3, 1, 0], &[0, 0, 0], &[0, 0, 4]]);
        assert_eq!(confusion.recall(1), None);
        assert_eq!(confusion.balanced_accuracy(), Some(0.875));
    }

    #[test]
    fn nothing_measured_is_no_figure() {
        let confusion = Confusion::new(2);
        assert_eq!((confusion.accuracy(), confusion.balanced_accuracy()), (None, None));
        assert_eq!((confusion.macro_f1(), confusion.g_mean()), (None, None));
    }
}
