//! Text tables with aligned columns.

use std::fmt;

/// A table: a heading and rows of the same length.
pub struct Table {
    align: Vec<Align>,
    rows: Vec<Vec<String>>,
}

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

impl Table {
    /// A table with a heading for each column.
    pub fn new<const N: usize>(columns: [(&str, Align); N]) -> Self {
        let align = columns.iter().map(|column| column.1).collect();
        Self { align, rows: vec![columns.iter().map(|column| column.0.to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.align.len()).map(width).collect();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).zip(&self.align).map(|((text, &width), align)| match align {
                Align::Left => format!("{text:<width$}"),
                Align::Right => format!("{text:>width$}"),
            });
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new([("class", Align::Left), ("images", Align::Right)]);
        table.push(["été".into(), "7".into()]);
        assert_eq!(table.to_string(), "class  images\nété         7\n");
    }
}
