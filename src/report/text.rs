//! Text in bitmap fonts, character by character, so that one line may hold several scripts.

use embedded_graphics::mono_font::mapping::{self, StrGlyphMapping};
use embedded_graphics::mono_font::{
    MonoFont, MonoTextStyle, iso_8859_1, iso_8859_2, iso_8859_4, iso_8859_5, iso_8859_7, iso_8859_9, iso_8859_13,
    iso_8859_16,
};
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Baseline, Text};

use super::canvas::{Canvas, Color, rgb};

/// A size of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Font {
    /// 6 × 13 pixels a character: captions.
    Small,
    /// 7 × 13: labels.
    Medium,
    /// 9 × 18, bold: titles.
    Title,
}

/// A part of Unicode with its three fonts.
struct Script {
    characters: &'static StrGlyphMapping<'static>,
    fonts: [&'static MonoFont<'static>; 3],
}

macro_rules! script {
    ($characters:ident, $module:ident) => {
        Script {
            characters: &mapping::$characters,
            fonts: [&$module::FONT_6X13, &$module::FONT_7X13, &$module::FONT_9X18_BOLD],
        }
    };
}

/// Latin of western, central, northern, southern Europe and Turkey; Cyrillic; Greek. The first that has a character draws it.
static SCRIPTS: [Script; 8] = [
    script!(ISO_8859_1, iso_8859_1),
    script!(ISO_8859_2, iso_8859_2),
    script!(ISO_8859_4, iso_8859_4),
    script!(ISO_8859_5, iso_8859_5),
    script!(ISO_8859_7, iso_8859_7),
    script!(ISO_8859_9, iso_8859_9),
    script!(ISO_8859_13, iso_8859_13),
    script!(ISO_8859_16, iso_8859_16),
];

const ELLIPSIS: char = '…';
const NO_BREAK: char = '\u{a0}';

impl Font {
    /// Width of one character in pixels.
    #[must_use]
    pub fn advance(self) -> u32 {
        self.of(&SCRIPTS[0]).character_size.width
    }

    /// Height of a line in pixels.
    #[must_use]
    pub fn height(self) -> u32 {
        self.of(&SCRIPTS[0]).character_size.height
    }

    /// Width of `text` in pixels.
    #[must_use]
    pub fn width(self, text: &str) -> u32 {
        text.chars().count() as u32 * self.advance()
    }

    /// `text`, cut with an ellipsis where it is wider than `width` pixels.
    #[must_use]
    pub fn fit(self, text: &str, width: u32) -> String {
        let room = (width / self.advance()) as usize;
        if text.chars().count() <= room {
            return text.to_owned();
        }
        let mut cut: String = text.chars().take(room.saturating_sub(1)).collect();
        if room > 0 {
            cut.truncate(cut.trim_end().len());
            cut.push(ELLIPSIS);
        }
        cut
    }

    /// `text` in lines of up to `width` pixels, parted at spaces, at no-break spaces only where it must; a longer word is cut.
    #[must_use]
    pub fn wrap(self, text: &str, width: u32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            match lines.last_mut() {
                Some(line) if self.width(line) + self.advance() + self.width(word) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ if self.width(word) > width && word.contains(NO_BREAK) => {
                    lines.extend(self.wrap(&word.replace(NO_BREAK, " "), width));
                }
                _ => lines.push(self.fit(word, width)),
            }
        }
        lines
    }

    fn of(self, script: &Script) -> &'static MonoFont<'static> {
        script.fonts[self as usize]
    }
}

/// Whether the fonts have most of `text`: otherwise a number tells more than a row of boxes.
pub(super) fn is_drawable(text: &str) -> bool {
    let missing = text.chars().filter(|&character| script_of(character).is_none() && character != ELLIPSIS).count();
    2 * missing < text.chars().count().max(1)
}

/// Draws `text` with its upper left corner at (x, y).
pub(super) fn draw(canvas: &mut Canvas, text: &str, x: i32, y: i32, font: Font, color: Color) {
    let advance = font.advance() as i32;
    for (place, character) in text.chars().enumerate() {
        let left = x + place as i32 * advance;
        match script_of(character) {
            Some(script) => draw_glyph(canvas, character, left, y, font.of(script), color),
            None if character == ELLIPSIS => draw_ellipsis(canvas, left, y, font, color),
            None => draw_missing(canvas, left, y, font, color),
        }
    }
}

fn script_of(character: char) -> Option<&'static Script> {
    SCRIPTS.iter().find(|script| script.characters.contains(character))
}

fn draw_glyph(canvas: &mut Canvas, character: char, x: i32, y: i32, font: &MonoFont<'_>, color: Color) {
    let style = MonoTextStyle::new(font, rgb(color));
    let mut buffer = [0; 4];
    let glyph = Text::with_baseline(character.encode_utf8(&mut buffer), Point::new(x, y), style, Baseline::Top);
    match glyph.draw(canvas) {
        Ok(_) => {}
        Err(never) => match never {},
    }
}

/// The fonts have no ellipsis of their own.
fn draw_ellipsis(canvas: &mut Canvas, x: i32, y: i32, font: Font, color: Color) {
    let step = font.advance() as i32 / 3;
    let baseline = font.of(&SCRIPTS[0]).baseline as i32;
    for dot in 0..3 {
        canvas.fill(x + dot * step, y + baseline - 1, 1, 2, color);
    }
}

/// A box for a character that no font has.
fn draw_missing(canvas: &mut Canvas, x: i32, y: i32, font: Font, color: Color) {
    let height = font.of(&SCRIPTS[0]).baseline;
    canvas.frame(x + 1, y + 2, font.advance() - 2, height - 2, 1, color);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_to_its_width() {
        assert_eq!(Font::Medium.fit("trousers", 56), "trousers");
        assert_eq!(Font::Medium.fit("trousers", 55), "trouse…");
        assert_eq!(Font::Medium.fit("two words", 35), "two…");
        assert_eq!(Font::Medium.fit("trousers", 0), "");
    }

    #[test]
    fn lines_are_parted_between_words() {
        assert_eq!(Font::Medium.wrap("rotate by +12.5°", 70), ["rotate by", "+12.5°"]);
        assert_eq!(Font::Medium.wrap("rotate by +12.5°", 69), ["rotate by", "+12.5°"]);
        assert_eq!(Font::Medium.wrap("rotate by +12.5°", 60), ["rotate", "by", "+12.5°"]);
        assert_eq!(Font::Medium.wrap("a trousersuit", 56), ["a", "trouser…"]);
        assert_eq!(Font::Medium.wrap("rotate\u{a0}by +12.5°", 70), ["rotate\u{a0}by", "+12.5°"]);
        assert_eq!(Font::Medium.wrap("shift +1\u{a0}px  down", 70), ["shift", "+1\u{a0}px down"]);
        assert_eq!(Font::Medium.wrap("a\u{a0}shift +1\u{a0}px\u{a0}down", 56), ["a\u{a0}shift", "+1 px", "down"]);
        assert!(Font::Medium.wrap(" ", 56).is_empty());
    }

    #[test]
    fn scripts_without_glyphs_are_known() {
        for text in ["shoe", "été", "Żółw", "обувь", "παπούτσι", "ayakkabı", ""] {
            assert!(is_drawable(text), "{text}");
        }
        assert!(!is_drawable("鞋子"));
    }
}
