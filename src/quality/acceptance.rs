//! How many samples a filter accepts, and why it rejects the others.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::columns::write_columns;

/// Why a sample is rejected: the first of these that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// It is nearer to a training image than these are to each other.
    Copy,
    /// Classifiers take it for another class than was asked for, or hardly for this one.
    Label,
    /// It is told from real images.
    Unreal,
    /// It is farther from all training images than these are from each other.
    Outlier,
    /// It is as near to a sample that was accepted before.
    Duplicate,
}

impl Rejection {
    const COUNT: usize = 5;
}

/// Under this rate the samples that get through are what the filter fails to see.
const LEAST_RATE: f64 = 0.05;

/// What became of the samples of one class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassAcceptance {
    /// The class.
    pub name: String,
    /// Samples that were made.
    pub made: usize,
    /// Of these accepted.
    pub accepted: usize,
    /// Rejected as [`Rejection::Label`].
    pub label: usize,
    /// Rejected as [`Rejection::Unreal`].
    pub unreal: usize,
    /// Rejected as [`Rejection::Copy`].
    pub copies: usize,
    /// Rejected as [`Rejection::Outlier`].
    pub outliers: usize,
    /// Rejected as [`Rejection::Duplicate`].
    pub duplicates: usize,
}

impl ClassAcceptance {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub(crate) fn count(&mut self, verdict: Option<Rejection>) {
        self.made += 1;
        *match verdict {
            None => &mut self.accepted,
            Some(Rejection::Label) => &mut self.label,
            Some(Rejection::Unreal) => &mut self.unreal,
            Some(Rejection::Copy) => &mut self.copies,
            Some(Rejection::Outlier) => &mut self.outliers,
            Some(Rejection::Duplicate) => &mut self.duplicates,
        } += 1;
    }

    /// The accepted share of what was made; 0 of nothing.
    #[must_use]
    pub fn rate(&self) -> f64 {
        if self.made == 0 { 0.0 } else { self.accepted as f64 / self.made as f64 }
    }

    /// Whether the rate is 5 % at least. Samples of other classes are not to be used.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.rate() >= LEAST_RATE
    }

    fn rejected(&self) -> [usize; Rejection::COUNT] {
        [self.label, self.unreal, self.copies, self.outliers, self.duplicates]
    }
}

/// How many samples of each class were accepted. Serialisable; its `Display` form is a table, and says in words which
/// classes get no samples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The classes, in the order of their labels.
    pub classes: Vec<ClassAcceptance>,
}

impl Acceptance {
    /// The names of the classes whose samples may be used.
    #[must_use]
    pub fn usable_classes(&self) -> Vec<String> {
        self.classes.iter().filter(|class| class.is_usable()).map(|class| class.name.clone()).collect()
    }
}

impl fmt::Display for Acceptance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading =
            ["class", "made", "accepted", "rate", "wrong class", "unreal", "copies", "outliers", "duplicates"];
        let row = |class: &ClassAcceptance| {
            let counts = [class.made, class.accepted].map(|count| count.to_string());
            let rejected = class.rejected().map(|count| count.to_string());
            let rate = format!("{:.1} %", 100.0 * class.rate());
            [class.name.clone()].into_iter().chain(counts).chain([rate]).chain(rejected).collect()
        };
        let heading: Vec<String> = heading.map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(heading).chain(self.classes.iter().map(row)).collect();
        write_columns(f, &rows, &[])?;
        let refused: Vec<&str> =
            self.classes.iter().filter(|class| !class.is_usable()).map(|class| class.name.as_str()).collect();
        match refused.as_slice() {
            [] => Ok(()),
            [one] => writeln!(f, "\nUnder 5 % of the samples of {one} are accepted: this class is to get none."),
            many => {
                let names = many.join(", ");
                writeln!(f, "\nUnder 5 % of the samples of these classes are accepted, which are to get none: {names}.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_count() {
        use Rejection::{Copy, Duplicate, Label, Outlier, Unreal};
        let mut class = ClassAcceptance::new("cat");
        let verdicts = [Some(Label), Some(Unreal), Some(Copy), Some(Outlier), Some(Duplicate), Some(Label), None];
        verdicts.into_iter().for_each(|verdict| class.count(verdict));
        assert_eq!((class.made, class.accepted, class.rejected()), (7, 1, [2, 1, 1, 1, 1]));
    }

    #[test]
    fn a_class_under_5_percent_is_named() {
        let class = |name: &str, accepted| ClassAcceptance { made: 100, accepted, ..ClassAcceptance::new(name) };
        let found = Acceptance { classes: vec![class("cat", 5), class("dog", 4), ClassAcceptance::new("cow")] };
        assert_eq!(found.usable_classes(), ["cat"]);
        let text = found.to_string();
        assert!(text.contains("5.0 %") && text.contains("to get none: dog, cow."), "{text}");
    }
}
