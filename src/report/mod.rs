//! Pictures of what happened: grids of images, curves of a training run, bars of what is compared, means with error bars; and event
//! files for TensorBoard.
//!
//! They are drawn without any font of the system, so that the same picture comes out on every machine: text is set in the public
//! domain bitmap fonts that `embedded-graphics` carries.

mod bars;
mod canvas;
mod curves;
mod dots;
mod grid;
mod stroke;
mod tensorboard;
mod text;

pub use crate::file::write_file;
pub use bars::{Bar, Bars};
pub use canvas::{Canvas, Color};
pub use curves::{Curves, Series, render_curves};
pub use dots::{Dot, Dots, render_dots};
pub use grid::{Cell, Grid, Row, drawable_name};
pub use tensorboard::EventFile;
pub use text::Font;

/// Colours that stay apart for colour-blind eyes (M. Okabe, K. Ito, "Color Universal Design", 2008).
pub mod palette {
    use super::Color;

    /// Blue.
    pub const BLUE: Color = [0, 114, 178];
    /// Vermilion.
    pub const VERMILION: Color = [213, 94, 0];
    /// Bluish green.
    pub const GREEN: Color = [0, 158, 115];
    /// Reddish purple.
    pub const PURPLE: Color = [204, 121, 167];
    /// Orange.
    pub const ORANGE: Color = [230, 159, 0];
    /// Text.
    pub const INK: Color = [32, 33, 36];
    /// Text of less weight, axes.
    pub const GRAY: Color = [110, 113, 120];
    /// Grid lines, thin frames.
    pub const LIGHT: Color = [222, 224, 228];
    /// The ground.
    pub const PAPER: Color = [255, 255, 255];
}
