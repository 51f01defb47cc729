//! Rows of images, with titles, captions and frames.

use super::canvas::{Canvas, Color};
use super::palette;
use super::text::{self, Font};
use crate::image::Image;

const MARGIN: u32 = 20;
const GAP: u32 = 8;
const FRAME: u32 = 3;
const ROW_TITLE_WIDTH: u32 = 176;
/// What the images of a row share.
const ROW_WIDTH: u32 = 1120;
const SMALLEST_CELL: u32 = 40;
const LARGEST_CELL: u32 = 128;

/// One image of a [`Row`].
#[derive(Clone, Debug)]
pub struct Cell {
    /// The image.
    pub image: Image,
    /// Lines of text below it; a long one is parted between words.
    pub caption: Vec<String>,
    /// The colour of a frame around it.
    pub frame: Option<Color>,
}

impl Cell {
    /// An image without caption and frame.
    #[must_use]
    pub fn new(image: Image) -> Self {
        Self { image, caption: Vec::new(), frame: None }
    }

    /// Adds a line of text below the image.
    #[must_use]
    pub fn with_line(mut self, line: impl Into<String>) -> Self {
        self.caption.push(line.into());
        self
    }

    /// Draws a frame around the image.
    #[must_use]
    pub fn with_frame(mut self, color: Color) -> Self {
        self.frame = Some(color);
        self
    }
}

/// Images side by side.
#[derive(Clone, Debug)]
pub struct Row {
    /// The text on the left; empty for none. A long one is cut with an ellipsis.
    pub title: String,
    /// A smaller text below it; empty for none.
    pub subtitle: String,
    /// The images.
    pub cells: Vec<Cell>,
}

impl Row {
    /// A row with a title.
    #[must_use]
    pub fn new(title: impl Into<String>, cells: Vec<Cell>) -> Self {
        Self { title: title.into(), subtitle: String::new(), cells }
    }

    /// Adds a smaller text below the title.
    #[must_use]
    pub fn with_subtitle(mut self, subtitle: impl Into<String>) -> Self {
        self.subtitle = subtitle.into();
        self
    }
}

/// A picture of rows of images. Small images are scaled up by a whole number, repeating pixels; large ones are scaled down.
///
/// ```
/// use candle_augment::Image;
/// use candle_augment::report::{Cell, Grid, Row, palette};
///
/// let cell = Cell::new(Image::filled(8, 8, &[90])?).with_line("synthetic").with_frame(palette::VERMILION);
/// let picture = Grid::new("One row").with_legend("synthetic", palette::VERMILION).with_row(Row::new("zero", vec![cell])).render();
/// assert!(picture.width() > 128);
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Grid {
    title: String,
    notes: Vec<String>,
    legend: Vec<(String, Color)>,
    rows: Vec<Row>,
}

impl Grid {
    /// An empty picture with a title.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), notes: Vec::new(), legend: Vec::new(), rows: Vec::new() }
    }

    /// Adds a line below the title.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what a frame's colour means.
    #[must_use]
    pub fn with_legend(mut self, meaning: impl Into<String>, color: Color) -> Self {
        self.legend.push((meaning.into(), color));
        self
    }

    /// Adds a row.
    #[must_use]
    pub fn with_row(mut self, row: Row) -> Self {
        self.rows.push(row);
        self
    }

    /// Adds rows.
    #[must_use]
    pub fn with_rows(mut self, rows: impl IntoIterator<Item = Row>) -> Self {
        self.rows.extend(rows);
        self
    }

    /// Draws the picture.
    #[must_use]
    pub fn render(&self) -> Canvas {
        let layout = Layout::of(self);
        let mut canvas = Canvas::new(layout.width, layout.height);
        self.draw_header(&mut canvas);
        let mut top = layout.header;
        for row in &self.rows {
            layout.draw_row(&mut canvas, row, top);
            top += layout.row_height(row);
        }
        canvas
    }

    fn draw_header(&self, canvas: &mut Canvas) {
        let (x, mut y) = (MARGIN as i32, MARGIN as i32);
        let room = canvas.width() - 2 * MARGIN;
        canvas.text(&Font::Title.fit(&self.title, room), x, y, Font::Title, palette::INK);
        y += line_height(Font::Title) as i32;
        for note in &self.notes {
            canvas.text(&Font::Medium.fit(note, room), x, y, Font::Medium, palette::GRAY);
            y += line_height(Font::Medium) as i32;
        }
        let mut left = x;
        for (meaning, color) in &self.legend {
            canvas.frame(left, y, 13, 13, FRAME, *color);
            canvas.text(meaning, left + 20, y, Font::Medium, palette::INK);
            left += 20 + Font::Medium.width(meaning) as i32 + 24;
        }
    }

    fn header_height(&self) -> u32 {
        let legend = if self.legend.is_empty() { 0 } else { line_height(Font::Medium) + 2 };
        MARGIN + line_height(Font::Title) + self.notes.len() as u32 * line_height(Font::Medium) + legend + GAP
    }

    fn header_width(&self) -> u32 {
        let notes = self.notes.iter().map(|note| Font::Medium.width(note));
        let legend: u32 = self.legend.iter().map(|(meaning, _)| 44 + Font::Medium.width(meaning)).sum();
        notes.chain([Font::Title.width(&self.title), legend]).max().unwrap_or(0)
    }
}

fn line_height(font: Font) -> u32 {
    font.height() + 5
}

/// Where everything stands.
struct Layout {
    width: u32,
    height: u32,
    header: u32,
    row_title: u32,
    /// The longest side that an image may have.
    room: u32,
    /// Width and height of a cell, without frame and caption.
    cell: (u32, u32),
}

impl Layout {
    fn of(grid: &Grid) -> Self {
        let columns = grid.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0) as u32;
        let longest = |text: &dyn Fn(&Row) -> u32| grid.rows.iter().map(text).max().unwrap_or(0);
        let titles = longest(&|row| Font::Medium.width(&row.title).max(Font::Small.width(&row.subtitle)));
        let row_title = if titles == 0 { 0 } else { titles.min(ROW_TITLE_WIDTH) + 2 * GAP };
        let room = (ROW_WIDTH / columns.max(1)).saturating_sub(GAP + 2 * FRAME).clamp(SMALLEST_CELL, LARGEST_CELL);
        let images = || grid.rows.iter().flat_map(|row| &row.cells).map(|cell| scaled_size(&cell.image, room));
        let image = (images().map(|size| size.0).max().unwrap_or(0), images().map(|size| size.1).max().unwrap_or(0));
        let captions = grid.rows.iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.caption);
        let caption = captions.map(|line| Font::Small.width(line)).max().unwrap_or(0).min(LARGEST_CELL);
        let cell = (image.0.max(caption), image.1);
        let mut layout = Self { width: 0, height: 0, header: grid.header_height(), row_title, room, cell };
        let row_width = row_title + columns * layout.step();
        // A header wider than the images makes room for itself, within reason.
        layout.width = 2 * MARGIN + row_width.saturating_sub(GAP).max(grid.header_width().min(ROW_WIDTH));
        layout.height = layout.header + grid.rows.iter().map(|row| layout.row_height(row)).sum::<u32>() + MARGIN - GAP;
        layout
    }

    /// From one column to the next.
    fn step(&self) -> u32 {
        self.cell.0 + 2 * FRAME + GAP
    }

    /// The lines of a cell's caption.
    fn lines<'a>(&'a self, cell: &'a Cell) -> impl Iterator<Item = String> + 'a {
        cell.caption.iter().flat_map(|line| Font::Small.wrap(line, self.cell.0 + 2 * FRAME))
    }

    fn row_height(&self, row: &Row) -> u32 {
        let lines = row.cells.iter().map(|cell| self.lines(cell).count()).max().unwrap_or(0) as u32;
        let caption = if lines == 0 { 0 } else { 3 + lines * Font::Small.height() };
        self.cell.1 + 2 * FRAME + caption + GAP
    }

    fn draw_row(&self, canvas: &mut Canvas, row: &Row, top: u32) {
        let lines = if row.subtitle.is_empty() { 13 } else { 28 };
        let y = (top + FRAME + self.cell.1.saturating_sub(lines) / 2) as i32;
        let room = self.row_title.saturating_sub(2 * GAP);
        canvas.text(&Font::Medium.fit(&row.title, room), MARGIN as i32, y, Font::Medium, palette::INK);
        canvas.text(&Font::Small.fit(&row.subtitle, room), MARGIN as i32, y + 16, Font::Small, palette::GRAY);
        for (column, cell) in row.cells.iter().enumerate() {
            let left = MARGIN + self.row_title + column as u32 * self.step();
            self.draw_cell(canvas, cell, left, top);
        }
    }

    fn draw_cell(&self, canvas: &mut Canvas, cell: &Cell, left: u32, top: u32) {
        let (width, height) = scaled_size(&cell.image, self.room);
        let x = (left + FRAME + (self.cell.0 - width) / 2) as i32;
        let y = (top + FRAME + (self.cell.1 - height) / 2) as i32;
        canvas.image(&cell.image, x, y, width, height);
        let (thickness, color) = cell.frame.map_or((1, palette::LIGHT), |color| (FRAME, color));
        let out = thickness as i32;
        canvas.frame(x - out, y - out, width + 2 * thickness, height + 2 * thickness, thickness, color);
        let mut below = (top + 2 * FRAME + self.cell.1 + 3) as i32;
        for text in self.lines(cell) {
            let centre = (left + FRAME + self.cell.0 / 2) as i32;
            canvas.text(&text, centre - Font::Small.width(&text) as i32 / 2, below, Font::Small, palette::GRAY);
            below += Font::Small.height() as i32;
        }
    }
}

/// Width and height of `image` in a cell with sides of `room`: a whole multiple where it fits, else scaled down.
fn scaled_size(image: &Image, room: u32) -> (u32, u32) {
    let (width, height) = (image.width() as u32, image.height() as u32);
    let longest = width.max(height);
    if longest <= room {
        let times = room / longest;
        return (width * times, height * times);
    }
    let shrink = |side: u32| ((u64::from(side) * u64::from(room) / u64::from(longest)) as u32).max(1);
    (shrink(width), shrink(height))
}

/// The name of class `label` as it can be drawn: "class 3" for a name in a script without glyphs.
#[must_use]
pub fn drawable_name(name: &str, label: usize) -> String {
    if text::is_drawable(name) { name.to_owned() } else { format!("class {label}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(height: usize, width: usize) -> Cell {
        Cell::new(Image::filled(height, width, &[90]).unwrap())
    }

    fn count(canvas: &Canvas, color: Color) -> usize {
        (0..canvas.height())
            .flat_map(|y| (0..canvas.width()).map(move |x| (x, y)))
            .filter(|&(x, y)| canvas.pixel(x, y) == color)
            .count()
    }

    #[test]
    fn small_images_grow_by_whole_numbers_and_large_ones_shrink() {
        assert_eq!(scaled_size(&gray(8, 8).image, 100), (96, 96));
        assert_eq!(scaled_size(&gray(20, 60).image, 128), (120, 40));
        assert_eq!(scaled_size(&gray(400, 200).image, 100), (50, 100));
        assert_eq!(scaled_size(&gray(1, 5000).image, 100), (100, 1));
    }

    #[test]
    fn every_image_and_frame_is_drawn_whole() {
        let framed = gray(8, 8).with_frame(palette::VERMILION);
        let rows = (0..3)
            .map(|row| Row::new(format!("row {row}"), vec![framed.clone(), gray(8, 8).with_line("a longer caption")]));
        let picture = Grid::new("Title").with_note("note").with_rows(rows).render();
        let side = LARGEST_CELL as usize;
        assert_eq!(count(&picture, [90; 3]), 6 * side * side);
        let outside = side + 2 * FRAME as usize;
        assert_eq!(count(&picture, palette::VERMILION), 3 * (outside * outside - side * side));
    }

    #[test]
    fn many_columns_share_the_width() {
        let picture = Grid::new("").with_row(Row::new("r", vec![gray(300, 300); 16])).render();
        assert!(picture.width() <= ROW_WIDTH + 2 * MARGIN + ROW_TITLE_WIDTH + 2 * GAP, "{}", picture.width());
    }

    #[test]
    fn long_titles_do_not_widen_the_picture_without_end() {
        let long = "name".repeat(500);
        let grid = Grid::new(long.clone())
            .with_note(long.clone())
            .with_row(Row::new(long.clone(), vec![gray(4, 4).with_line(long)]));
        assert!(grid.render().width() < 1400);
    }

    #[test]
    fn names_without_glyphs_become_numbers() {
        assert_eq!(drawable_name("обувь", 3), "обувь");
        assert_eq!(drawable_name("鞋子", 3), "class 3");
    }
}
