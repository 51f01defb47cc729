//! Means with error bars, a row each.

use super::canvas::{Canvas, Color};
use super::curves::{range, ticks};
use super::palette;
use super::stroke::{Bounds, polyline};
use super::text::Font;

const WIDTH: u32 = 960;
const LEFT: u32 = 230;
const RIGHT: u32 = 150;
const TOP: u32 = 52;
const BOTTOM: u32 = 56;
const ROW: u32 = 34;
/// How far below the bar the single values stand.
const BELOW: f32 = 9.0;
/// Half the height of the ends of an error bar.
const CAP: f32 = 5.0;

/// One row: a mean, its interval, and what it is the mean of.
#[derive(Clone, Debug)]
pub struct Dot {
    /// Its name, on the left.
    pub name: String,
    /// The mean. Where it is not finite nothing is drawn.
    pub value: f64,
    /// Half the length of the error bar, if there is one.
    pub half_width: Option<f64>,
    /// The single values, drawn small and light below the bar.
    pub points: Vec<f64>,
    /// Its colour.
    pub color: Color,
}

/// One plot of means with error bars.
///
/// ```
/// use candle_augment::report::{Dot, Dots, palette, render_dots};
///
/// let dot = |name: &str, value| Dot {
///     name: name.into(),
///     value,
///     half_width: Some(0.8),
///     points: vec![value - 0.4, value + 0.4],
///     color: palette::BLUE,
/// };
/// let dots = vec![dot("classic", 94.0), dot("GAN + classic", 95.2)];
/// let plot = Dots { title: "Digits".into(), label: "balanced accuracy, %".into(), line: None, dots };
/// assert!(render_dots(&[plot]).height() > 100);
/// ```
#[derive(Clone, Debug)]
pub struct Dots {
    /// The title, on top.
    pub title: String,
    /// What runs along.
    pub label: String,
    /// A value at which a line is drawn from top to bottom; the means then have their signs.
    pub line: Option<f64>,
    /// The rows, from top to bottom.
    pub dots: Vec<Dot>,
}

/// Draws plots one below the other.
#[must_use]
pub fn render_dots(plots: &[Dots]) -> Canvas {
    let pictures = plots.iter().map(Dots::render);
    pictures.reduce(|above, below| above.above(&below)).unwrap_or_else(|| Canvas::new(WIDTH, TOP + BOTTOM))
}

impl Dots {
    fn render(&self) -> Canvas {
        let bottom = TOP + ROW * self.dots.len() as u32;
        let plot = Bounds { left: LEFT, top: TOP, right: WIDTH - RIGHT, bottom };
        let mut canvas = Canvas::new(WIDTH, bottom + BOTTOM);
        canvas.text(&Font::Title.fit(&self.title, WIDTH - 40), 20, 18, Font::Title, palette::INK);
        let axis = Axis { range: self.range(), plot };
        axis.draw(&mut canvas, &self.label);
        if let Some(value) = self.line {
            canvas.fill(axis.place(value).round() as i32, TOP as i32, 1, bottom - TOP, palette::GRAY);
        }
        for (row, dot) in self.dots.iter().enumerate() {
            dot.draw(&mut canvas, &axis, TOP + ROW * row as u32 + ROW / 2, self.line.is_some());
        }
        canvas
    }

    /// All that is drawn, and some room on either side.
    fn range(&self) -> (f64, f64) {
        let ends = |dot: &Dot| {
            let half = dot.half_width.unwrap_or(0.0);
            [dot.value - half, dot.value + half].into_iter().chain(dot.points.iter().copied()).collect::<Vec<_>>()
        };
        let values = self.dots.iter().flat_map(ends).chain(self.line).filter(|value| value.is_finite());
        let (low, high) = range(values.collect(), 0.0);
        let room = 0.05 * (high - low);
        (low - room, high + room)
    }
}

/// Where values stand.
struct Axis {
    range: (f64, f64),
    plot: Bounds,
}

impl Axis {
    fn place(&self, value: f64) -> f32 {
        let across = (value - self.range.0) / (self.range.1 - self.range.0);
        (f64::from(self.plot.left) + across * f64::from(self.plot.right - self.plot.left)) as f32
    }

    fn draw(&self, canvas: &mut Canvas, label: &str) {
        let Bounds { left, top, right, bottom } = self.plot;
        let (ticks, decimals) = ticks(self.range, 8);
        for tick in ticks {
            let x = self.place(tick).round() as i32;
            let text = format!("{tick:.decimals$}");
            canvas.fill(x, top as i32, 1, bottom - top, palette::LIGHT);
            canvas.text(
                &text,
                x - Font::Medium.width(&text) as i32 / 2,
                bottom as i32 + 8,
                Font::Medium,
                palette::GRAY,
            );
        }
        canvas.fill(left as i32, bottom as i32, right - left, 1, palette::GRAY);
        let x = ((left + right) / 2) as i32 - Font::Medium.width(label) as i32 / 2;
        canvas.text(label, x, bottom as i32 + 28, Font::Medium, palette::GRAY);
    }
}

impl Dot {
    /// Draws the row whose middle is at `y`; the mean in figures with its sign, if it is `signed`.
    fn draw(&self, canvas: &mut Canvas, axis: &Axis, y: u32, signed: bool) {
        let name = Font::Medium.fit(&self.name, LEFT - 34);
        let x = LEFT as i32 - 14 - Font::Medium.width(&name) as i32;
        canvas.text(&name, x, y as i32 - 6, Font::Medium, palette::INK);
        if !self.value.is_finite() {
            return;
        }
        let row = y as f32 + 0.5;
        let mut line = |from: (f32, f32), to, width, opacity| {
            polyline(canvas, &[from, to], width, self.color, opacity, axis.plot);
        };
        for point in self.points.iter().filter(|point| point.is_finite()) {
            let place = (axis.place(*point), row + BELOW);
            line(place, place, 5.0, 0.5);
        }
        let place = (axis.place(self.value), row);
        let half_width = self.half_width.filter(|half| half.is_finite());
        if let Some(half) = half_width {
            let (low, high) = (axis.place(self.value - half), axis.place(self.value + half));
            line((low, row), (high, row), 1.6, 1.0);
            [low, high].into_iter().for_each(|end| line((end, row - CAP), (end, row + CAP), 1.6, 1.0));
        }
        line(place, place, 9.0, 1.0);
        let interval = half_width.map(|half| format!(" ± {half:.1}")).unwrap_or_default();
        let mean = if signed { format!("{:+.1}", self.value) } else { format!("{:.1}", self.value) };
        let text = mean + &interval;
        canvas.text(&text, axis.plot.right as i32 + 16, y as i32 - 6, Font::Medium, palette::INK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(dots: Vec<Dot>) -> Dots {
        Dots { title: "Arms".into(), label: "points".into(), line: Some(0.0), dots }
    }

    fn dot(value: f64, half_width: Option<f64>) -> Dot {
        Dot { name: "arm".into(), value, half_width, points: vec![], color: palette::BLUE }
    }

    /// The columns of the plot in which row `row` has full colour.
    fn colored(picture: &Canvas, row: u32) -> Vec<u32> {
        let y = TOP + ROW * row + ROW / 2;
        (LEFT..WIDTH - RIGHT).filter(|&x| picture.pixel(x, y) == palette::BLUE).collect()
    }

    #[test]
    fn bars_reach_from_end_to_end_of_their_intervals() {
        let picture = render_dots(&[plot(vec![dot(10.0, Some(10.0)), dot(15.0, Some(5.0)), dot(5.0, None)])]);
        let [whole, half, alone] = [0, 1, 2].map(|row| colored(&picture, row));
        let length = |row: &[u32]| row[row.len() - 1] - row[0];
        assert!(length(&whole).abs_diff(2 * length(&half)) <= 4, "{whole:?} {half:?}");
        assert!(half[half.len() - 1].abs_diff(whole[whole.len() - 1]) <= 1);
        assert!(length(&alone) < 12 && alone[0] > whole[0] && alone[0] < half[0], "{alone:?}");
    }

    #[test]
    fn odd_rows_are_drawn() {
        for value in [f64::NAN, f64::INFINITY, 0.0, 1e300] {
            let mut row = dot(value, Some(value));
            row.points = vec![f64::NAN, value, 1.0];
            let _ = render_dots(&[plot(vec![row, dot(1.0, None)])]);
        }
        assert_eq!(render_dots(&[plot(vec![])]).height(), TOP + BOTTOM);
        assert_eq!(render_dots(&[]).width(), WIDTH);
    }
}
