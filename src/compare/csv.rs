//! A comparison as comma-separated values.

use super::result::{ArmResult, Comparison};

impl Comparison {
    /// One row for each seed and arm (RFC 4180, but with a line feed alone): the learning rate, balanced accuracy, accuracy, macro F1,
    /// G-mean, and the recall of each class, in shares from 0 to 1; empty where a class has no held-out images.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let fixed = ["seed", "arm", "learning_rate", "balanced_accuracy", "accuracy", "macro_f1", "g_mean"];
        let recalls = self.classes.iter().map(|class| format!("recall {}", class.name));
        let mut text = line(fixed.into_iter().map(str::to_owned).chain(recalls));
        for (run, seed) in self.seeds.iter().enumerate() {
            for (place, arm) in self.arms.iter().enumerate() {
                text += &line(self.row(run, *seed, place, arm));
            }
        }
        text
    }

    fn row(&self, run: usize, seed: u64, place: usize, arm: &ArmResult) -> impl Iterator<Item = String> {
        let figures = &arm.figures;
        let figures = [&figures.balanced_accuracy, &figures.accuracy, &figures.macro_f1, &figures.g_mean];
        let recalls = self.classes.iter().map(move |class| {
            class.recall.as_ref().map_or_else(String::new, |recalls| recalls[place].values[run].to_string())
        });
        let fixed = [seed.to_string(), arm.arm.clone(), arm.learning_rate.to_string()];
        fixed.into_iter().chain(figures.map(|figure| figure.values[run].to_string())).chain(recalls)
    }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    cells.map(|cell| quoted(&cell)).collect::<Vec<_>>().join(",") + "\n"
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_need_it_are_quoted() {
        let cells = ["plain", "a, b", "say \"x\"", ""].map(str::to_owned);
        assert_eq!(line(cells.into_iter()), "plain,\"a, b\",\"say \"\"x\"\"\",\n");
    }
}
