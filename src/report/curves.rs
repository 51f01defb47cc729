//! Line plots of a run: each series raw in a light tone, and smoothed over it.

use super::canvas::{Canvas, Color};
use super::palette;
use super::stroke::{Bounds, polyline};
use super::text::Font;

const WIDTH: u32 = 960;
const HEIGHT: u32 = 400;
const LEFT: u32 = 84;
const RIGHT: u32 = 28;
const TOP: u32 = 76;
const BOTTOM: u32 = 60;
/// The share of a series that one smoothed point averages.
const SMOOTHING: f64 = 0.04;

/// One line of a plot.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its colour.
    pub color: Color,
    /// Its points (x, y), by rising x. Points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// One plot with axes and a legend.
///
/// ```
/// use candle_augment::report::{Curves, Series, palette, render_curves};
///
/// let points = (0..100).map(|step| (f64::from(step), 1.0 / f64::from(step + 1))).collect();
/// let series = vec![Series { name: "loss".into(), color: palette::BLUE, points }];
/// let plot = Curves { title: "Training".into(), x_label: "step".into(), y_label: "loss".into(), series };
/// assert!(render_curves(&[plot]).height() > 300);
/// ```
#[derive(Clone, Debug)]
pub struct Curves {
    /// The title, on top.
    pub title: String,
    /// What runs along.
    pub x_label: String,
    /// What runs up.
    pub y_label: String,
    /// The lines.
    pub series: Vec<Series>,
}

/// Draws plots one below the other.
#[must_use]
pub fn render_curves(plots: &[Curves]) -> Canvas {
    let pictures = plots.iter().map(Curves::render);
    pictures.reduce(|above, below| above.above(&below)).unwrap_or_else(|| Canvas::new(WIDTH, HEIGHT))
}

impl Curves {
    fn render(&self) -> Canvas {
        let mut canvas = Canvas::new(WIDTH, HEIGHT);
        canvas.text(&Font::Title.fit(&self.title, WIDTH - 2 * RIGHT), 20, 18, Font::Title, palette::INK);
        self.draw_legend(&mut canvas);
        let axes = Axes::of(&self.series);
        axes.draw(&mut canvas);
        self.draw_labels(&mut canvas);
        for series in &self.series {
            let raw: Vec<_> = finite(series).map(|point| axes.place(point)).collect();
            polyline(&mut canvas, &raw, 1.0, series.color, 0.28, PLOT);
        }
        for series in &self.series {
            let smooth: Vec<_> = smoothed(series).into_iter().map(|point| axes.place(point)).collect();
            polyline(&mut canvas, &smooth, 2.2, series.color, 1.0, PLOT);
        }
        canvas
    }

    fn draw_legend(&self, canvas: &mut Canvas) {
        let after_label = 20 + Font::Medium.width(&self.y_label) + 24;
        let (mut x, y) = (after_label.max(PLOT.left) as i32, 46);
        for series in &self.series {
            canvas.fill(x, y + 5, 22, 3, series.color);
            canvas.text(&series.name, x + 28, y, Font::Medium, palette::INK);
            x += 28 + Font::Medium.width(&series.name) as i32 + 24;
        }
        canvas.text("thin: single steps; thick: average", x, y, Font::Medium, palette::GRAY);
    }

    fn draw_labels(&self, canvas: &mut Canvas) {
        let middle = (PLOT.left + PLOT.right) / 2;
        let x = middle as i32 - Font::Medium.width(&self.x_label) as i32 / 2;
        canvas.text(&self.x_label, x, (HEIGHT - 26) as i32, Font::Medium, palette::GRAY);
        canvas.text(&self.y_label, 20, 46, Font::Medium, palette::GRAY);
    }
}

const PLOT: Bounds = Bounds { left: LEFT, top: TOP, right: WIDTH - RIGHT, bottom: HEIGHT - BOTTOM };

/// Ranges of the values, and where they stand.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn of(series: &[Series]) -> Self {
        let x = range(series.iter().flat_map(finite).map(|point| point.0).collect(), 0.0);
        let y = range(series.iter().flat_map(finite).map(|point| point.1).collect(), 0.005);
        let room = 0.06 * (y.1 - y.0);
        // A range that starts just above zero starts at zero: losses and shares read better so.
        let low = if y.0 >= 0.0 && y.0 < 0.4 * y.1 { 0.0 } else { y.0 - room };
        Self { x, y: (low, y.1 + room) }
    }

    fn place(&self, (x, y): (f64, f64)) -> (f32, f32) {
        let across = (x - self.x.0) / (self.x.1 - self.x.0) * f64::from(PLOT.right - PLOT.left);
        let up = (y - self.y.0) / (self.y.1 - self.y.0) * f64::from(PLOT.bottom - PLOT.top);
        ((f64::from(PLOT.left) + across) as f32, (f64::from(PLOT.bottom) - up) as f32)
    }

    fn draw(&self, canvas: &mut Canvas) {
        let (width, height) = (PLOT.right - PLOT.left, PLOT.bottom - PLOT.top);
        let (ticks, decimals) = ticks(self.y, 6);
        for tick in ticks {
            let y = self.place((self.x.0, tick)).1.round() as i32;
            let text = format!("{tick:.decimals$}");
            canvas.fill(PLOT.left as i32, y, width, 1, palette::LIGHT);
            let x = PLOT.left as i32 - 10 - Font::Medium.width(&text) as i32;
            canvas.text(&text, x, y - 6, Font::Medium, palette::GRAY);
        }
        let (ticks, decimals) = self::ticks(self.x, 8);
        for tick in ticks {
            let x = self.place((tick, self.y.0)).0.round() as i32;
            let text = format!("{tick:.decimals$}");
            canvas.fill(x, PLOT.bottom as i32, 1, 5, palette::GRAY);
            let left = x - Font::Medium.width(&text) as i32 / 2;
            canvas.text(&text, left, PLOT.bottom as i32 + 9, Font::Medium, palette::GRAY);
        }
        canvas.fill(PLOT.left as i32, PLOT.bottom as i32, width, 1, palette::GRAY);
        canvas.fill(PLOT.left as i32, PLOT.top as i32, 1, height, palette::GRAY);
    }
}

fn finite(series: &Series) -> impl Iterator<Item = (f64, f64)> {
    series.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite())
}

/// Lowest and highest value, without the share `outliers` on either side; never empty.
pub(super) fn range(mut values: Vec<f64>, outliers: f64) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let skipped = (values.len() as f64 * outliers) as usize;
    match (values.get(skipped), values.iter().nth_back(skipped)) {
        (Some(&low), Some(&high)) if low < high => (low, high),
        (Some(&only), _) => (only - 0.5, only + 0.5),
        _ => (0.0, 1.0),
    }
}

/// Round numbers within `range`, about `count` of them, and the decimals that tell them apart.
pub(super) fn ticks((low, high): (f64, f64), count: usize) -> (Vec<f64>, usize) {
    let rough = (high - low) / count as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let decimals = (-(step * 1.001).log10().floor()).max(0.0) as usize;
    // A tick at the very end of the range belongs to it, whatever the quotient rounds to.
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    ((first..=last).map(|tick| tick as f64 * step).collect(), decimals)
}

/// A centred moving average. Towards the ends it averages the places as well as the values, so that it does not lean.
fn smoothed(series: &Series) -> Vec<(f64, f64)> {
    let points: Vec<_> = finite(series).collect();
    let reach = (points.len() as f64 * SMOOTHING / 2.0).ceil() as usize;
    let mut sums = vec![(0.0, 0.0)];
    for point in &points {
        let last = sums[sums.len() - 1];
        sums.push((last.0 + point.0, last.1 + point.1));
    }
    let average = |i: usize| {
        let (from, to) = (i.saturating_sub(reach), (i + reach + 1).min(points.len()));
        let count = (to - from) as f64;
        ((sums[to].0 - sums[from].0) / count, (sums[to].1 - sums[from].1) / count)
    };
    (0..points.len()).map(average).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: Vec<(f64, f64)>) -> Series {
        Series { name: "loss".into(), color: palette::BLUE, points }
    }

    fn plot(series: Vec<Series>) -> Curves {
        Curves { title: "Training".into(), x_label: "step".into(), y_label: "loss".into(), series }
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let (values, decimals) = ticks((0.0, 1.2), 6);
        assert_eq!((values.len(), decimals), (7, 1));
        assert!((values[6] - 1.2).abs() < 1e-9);
        assert_eq!(ticks((3.0, 1000.0), 5), (vec![200.0, 400.0, 600.0, 800.0, 1000.0], 0));
    }

    #[test]
    fn smoothing_keeps_straight_lines() {
        let line = (0..200).map(|x| (f64::from(x), 2.0 * f64::from(x))).collect();
        let smooth = smoothed(&series(line));
        assert!(smooth.iter().all(|(x, y)| (y - 2.0 * x).abs() < 1e-9));
        assert!(smooth[0].0 < 4.0 && smooth[199].0 > 195.0);
    }

    #[test]
    fn the_line_is_drawn_from_edge_to_edge() {
        let points = (0..500).map(|x| (f64::from(x), (f64::from(x) * 0.05).sin())).collect();
        let picture = render_curves(&[plot(vec![series(points)])]);
        let colored = |x: u32| (PLOT.top..PLOT.bottom).any(|y| picture.pixel(x, y) == palette::BLUE);
        assert!(colored(PLOT.left + 20) && colored(WIDTH / 2) && colored(PLOT.right - 20));
        let outside = (0..PLOT.top - 20).chain(PLOT.bottom + 1..HEIGHT);
        assert!(outside.into_iter().all(|y| picture.pixel(WIDTH / 2, y) != palette::BLUE));
    }

    #[test]
    fn odd_series_are_drawn() {
        let odd = [vec![], vec![(0.0, f64::NAN)], vec![(1.0, 3.0)], vec![(0.0, 1.0), (1.0, f64::INFINITY), (2.0, 1.0)]];
        for points in odd {
            let _ = render_curves(&[plot(vec![series(points)])]);
        }
        assert_eq!(render_curves(&[plot(vec![]), plot(vec![])]).height(), 2 * HEIGHT);
    }
}
