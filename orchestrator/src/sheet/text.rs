//! Words on a sheet, from the 8x8 bitmap font of `font8x8`: the same pixels on every machine, no font file.

use font8x8::{BASIC_FONTS, GREEK_FONTS, LATIN_FONTS, UnicodeFonts};
use perceive_datasets::picture::Picture;

use super::Colour;

/// Pixels of one character at size 1, in both directions.
pub const GLYPH: usize = 8;

/// The width of `text` in pixels; `size` is a whole enlargement (1, 2, ...).
pub fn width(text: &str, size: usize) -> usize {
    text.chars().count() * GLYPH * size
}

/// `text`, or its beginning and two dots where it is longer than `columns` characters.
pub fn fit(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(2)).collect();
    format!("{}..", kept.trim_end())
}

/// Draws `text` with its left upper corner at (`x`, `y`); what falls outside the picture is not drawn.
pub fn draw(on: &mut Picture, text: &str, x: usize, y: usize, size: usize, colour: Colour) {
    for (place, letter) in text.chars().enumerate() {
        let left = x + place * GLYPH * size;
        for (row, bits) in glyph(letter).into_iter().enumerate() {
            // The lowest bit of a row is its leftmost pixel.
            for column in (0..GLYPH).filter(|column| bits >> column & 1 == 1) {
                super::fill(on, left + column * size, y + row * size, size, size, colour);
            }
        }
    }
}

/// The rows of a letter; a letter that the font lacks is drawn as `?`.
fn glyph(letter: char) -> [u8; GLYPH] {
    BASIC_FONTS
        .get(letter)
        .or_else(|| LATIN_FONTS.get(letter))
        .or_else(|| GREEK_FONTS.get(letter))
        .or_else(|| BASIC_FONTS.get('?'))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_stays_inside_its_square() {
        let mut page = Picture::new(40, 24);
        draw(&mut page, "g", 8, 8, 1, [255; 3]);
        for (i, pixel) in page.rgb.chunks_exact(3).enumerate() {
            let (x, y) = (i % 40, i / 40);
            let inside = (8..16).contains(&x) && (8..16).contains(&y);
            assert!(pixel == [0; 3] || inside, "a pixel of the letter at {x}, {y}");
        }
        assert!(page.rgb.contains(&255));
    }

    #[test]
    fn size_two_has_four_times_the_pixels() {
        let ink = |size| {
            let mut page = Picture::new(64, 32);
            draw(&mut page, "dB", 0, 0, size, [255; 3]);
            page.rgb.iter().filter(|level| **level == 255).count()
        };
        assert_eq!(ink(2), 4 * ink(1));
    }

    #[test]
    fn an_unknown_letter_becomes_a_question_mark() {
        assert_eq!(glyph('魚'), glyph('?'));
        assert_ne!(glyph('σ'), glyph('?'));
    }

    #[test]
    fn long_text_is_cut_to_its_columns() {
        assert_eq!(fit("Rain100L", 8), "Rain100L");
        assert_eq!(fit("SOTS-Outdoor 0001_0.8_0.2.jpg", 15), "SOTS-Outdoor..");
        assert!(fit("a long name indeed", 9).chars().count() <= 9);
    }

    #[test]
    fn what_falls_outside_is_not_drawn() {
        let mut page = Picture::new(10, 10);
        draw(&mut page, "wide", 6, 6, 2, [255; 3]);
        assert_eq!(page.rgb.len(), 300);
    }
}
