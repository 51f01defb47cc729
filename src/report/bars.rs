//! Bars side by side: a row for each class, a bar for each of what is compared.

use super::canvas::{Canvas, Color};
use super::curves::{range, ticks};
use super::palette;
use super::text::Font;

const WIDTH: u32 = 960;
const MARGIN: u32 = 20;
const RIGHT: u32 = 40;
const TOP: u32 = 74;
const BOTTOM: u32 = 40;
const NAME_WIDTH: u32 = 190;
const THICKNESS: u32 = 9;
const GAP: u32 = 10;

/// A value and, where it has one, its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Where the bar ends; it starts at 0.
    pub value: f64,
    /// From where to where a thin line is drawn.
    pub interval: Option<(f64, f64)>,
}

/// A plot of horizontal bars. Values that are not finite are left out.
///
/// ```
/// use candle_augment::report::{Bar, Bars, palette};
///
/// let bar = |value| Some(Bar { value, interval: Some((value - 0.1, value + 0.1)) });
/// let rows = vec![("cat".to_owned(), vec![bar(0.7), bar(0.9)]), ("dog".to_owned(), vec![bar(0.5), None])];
/// let series = vec![("samples".to_owned(), palette::VERMILION), ("real images".to_owned(), palette::BLUE)];
/// let plot = Bars { title: "Coverage".into(), series, rows };
/// assert!(plot.render().height() > 100);
/// ```
#[derive(Clone, Debug)]
pub struct Bars {
    /// The title, on top.
    pub title: String,
    /// What is compared, and the colour of its bars.
    pub series: Vec<(String, Color)>,
    /// The name of each row, and a bar for each series, or none.
    pub rows: Vec<(String, Vec<Option<Bar>>)>,
}

impl Bars {
    /// Draws the plot.
    #[must_use]
    pub fn render(&self) -> Canvas {
        let height = TOP + self.rows.len() as u32 * self.row_height() + BOTTOM;
        let mut canvas = Canvas::new(WIDTH, height);
        canvas.text(&Font::Title.fit(&self.title, WIDTH - 2 * MARGIN), 20, 18, Font::Title, palette::INK);
        self.draw_legend(&mut canvas);
        let scale = self.scale();
        draw_axis(&mut canvas, scale, height - BOTTOM);
        for (number, (name, bars)) in self.rows.iter().enumerate() {
            let top = TOP + number as u32 * self.row_height();
            let middle = top as i32 + (self.series.len() as u32 * THICKNESS) as i32 / 2 - 6;
            canvas.text(&Font::Medium.fit(name, NAME_WIDTH - GAP), MARGIN as i32, middle, Font::Medium, palette::INK);
            for (place, (bar, (_, color))) in bars.iter().zip(&self.series).enumerate() {
                if let Some(bar) = bar.filter(|bar| bar.value.is_finite()) {
                    draw_bar(&mut canvas, bar, *color, scale, top + place as u32 * THICKNESS);
                }
            }
        }
        canvas
    }

    fn row_height(&self) -> u32 {
        self.series.len().max(1) as u32 * THICKNESS + GAP
    }

    fn draw_legend(&self, canvas: &mut Canvas) {
        let (mut x, y) = (MARGIN as i32, 46);
        for (name, color) in &self.series {
            canvas.fill(x, y + 3, 22, 8, *color);
            canvas.text(name, x + 28, y, Font::Medium, palette::INK);
            x += 28 + Font::Medium.width(name) as i32 + 24;
        }
    }

    /// The lowest and the highest value, with 0 among them.
    fn scale(&self) -> (f64, f64) {
        let bars = self.rows.iter().flat_map(|(_, bars)| bars).flatten();
        let ends = bars.flat_map(|bar| {
            let (low, high) = bar.interval.unwrap_or((bar.value, bar.value));
            [bar.value, low, high]
        });
        range(ends.filter(|value| value.is_finite()).chain([0.0]).collect(), 0.0)
    }
}

fn place(value: f64, (low, high): (f64, f64)) -> i32 {
    let (left, right) = (MARGIN + NAME_WIDTH, WIDTH - RIGHT);
    let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
    (f64::from(left) + share * f64::from(right - left)).round() as i32
}

fn draw_axis(canvas: &mut Canvas, scale: (f64, f64), bottom: u32) {
    let (ticks, decimals) = ticks(scale, 6);
    for tick in ticks {
        let x = place(tick, scale);
        let text = format!("{tick:.decimals$}");
        canvas.fill(x, TOP as i32 - 4, 1, bottom - TOP + 4, palette::LIGHT);
        let left = x - Font::Medium.width(&text) as i32 / 2;
        canvas.text(&text, left, bottom as i32 + 6, Font::Medium, palette::GRAY);
    }
    canvas.fill(place(0.0, scale), TOP as i32 - 4, 1, bottom - TOP + 4, palette::GRAY);
}

fn draw_bar(canvas: &mut Canvas, bar: Bar, color: Color, scale: (f64, f64), top: u32) {
    let (zero, end) = (place(0.0, scale), place(bar.value, scale));
    canvas.fill(zero.min(end), top as i32, zero.abs_diff(end).max(1), THICKNESS - 1, color);
    if let Some((low, high)) = bar.interval.filter(|(low, high)| low.is_finite() && high.is_finite()) {
        let (low, high) = (place(low, scale), place(high, scale));
        let middle = (top + THICKNESS / 2) as i32;
        canvas.fill(low.min(high), middle, low.abs_diff(high).max(1), 1, palette::INK);
        for end in [low, high] {
            canvas.fill(end, middle - 2, 1, 5, palette::INK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(rows: &[&[f64]]) -> Bars {
        let bar = |value: &f64| Some(Bar { value: *value, interval: None });
        Bars {
            title: "Bars".into(),
            series: vec![("a".into(), palette::BLUE), ("b".into(), palette::VERMILION)],
            rows: rows.iter().map(|row| ("class".into(), row.iter().map(bar).collect())).collect(),
        }
    }

    fn width(canvas: &Canvas, color: Color, row: u32) -> usize {
        let y = TOP + row * (2 * THICKNESS + GAP) + if color == palette::BLUE { 2 } else { THICKNESS + 2 };
        (0..canvas.width()).filter(|&x| canvas.pixel(x, y) == color).count()
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let canvas = plot(&[&[1.0, 0.5], &[0.25, 1.0]]).render();
        let whole = (WIDTH - RIGHT - MARGIN - NAME_WIDTH) as f64;
        for (color, row, share) in [
            (palette::BLUE, 0, 1.0),
            (palette::VERMILION, 0, 0.5),
            (palette::BLUE, 1, 0.25),
            (palette::VERMILION, 1, 1.0),
        ] {
            let found = width(&canvas, color, row) as f64;
            assert!((found - share * whole).abs() <= 2.0, "{found} of {whole}");
        }
    }

    #[test]
    fn bars_below_zero_go_to_the_left() {
        let canvas = plot(&[&[-1.0, 1.0]]).render();
        let middle = place(0.0, (-1.0, 1.0)) as u32;
        assert_eq!(canvas.pixel(middle - 5, TOP + 2), palette::BLUE);
        assert_eq!(canvas.pixel(middle + 5, TOP + 2), palette::PAPER);
        assert_eq!(canvas.pixel(middle + 5, TOP + THICKNESS + 2), palette::VERMILION);
    }

    #[test]
    fn odd_plots_are_drawn() {
        let _ = plot(&[]).render();
        let _ = plot(&[&[f64::NAN, 0.0], &[]]).render();
        let mut odd = plot(&[&[1.0]]);
        odd.rows[0].1 = vec![None, Some(Bar { value: 0.5, interval: Some((f64::NEG_INFINITY, 0.7)) })];
        let _ = odd.render();
    }
}
