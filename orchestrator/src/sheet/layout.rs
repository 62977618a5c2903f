//! Where everything stands on a contact sheet, in pixels; drawing is the parent module's.

use perceive_datasets::picture::Picture;

use super::Row;
use super::text::{self, GLYPH};

/// Empty paper around the sheet.
pub const MARGIN: usize = 16;
/// Between two columns.
const GUTTER: usize = 12;
/// Between a text and what belongs to it.
const NEAR: usize = 6;
/// Between things that do not belong together.
const FAR: usize = 12;
/// Captions are cut where they would make a column wider than this, in characters.
const CAPTION: usize = 28;

/// The places of one row.
pub struct Place {
    /// The thin line above the row.
    pub rule: usize,
    pub label: usize,
    /// The top of the pictures' band and its height; lower pictures are centred in it.
    pub pictures: usize,
    pub height: usize,
    pub caption: usize,
}

/// The places of a whole sheet.
pub struct Layout {
    pub width: usize,
    pub height: usize,
    /// The line of the columns' names.
    pub header: usize,
    /// The left edge of each column, all `cell_width` wide.
    pub columns: Vec<usize>,
    pub cell_width: usize,
    pub rows: Vec<Place>,
}

impl Layout {
    /// Measures a sheet; `shown` are the pictures of `rows` at the size in which they will be drawn.
    pub fn of(rows: &[Row], shown: &[Vec<Picture>], columns: &[&str], title: &str) -> Self {
        let words = rows
            .iter()
            .flat_map(|row| row.cells.iter().map(|cell| cell.caption.as_str()));
        let text_width = words
            .chain(columns.iter().copied())
            .map(|text| text::width(&text::fit(text, CAPTION), 1))
            .max()
            .unwrap_or(0);
        // One pixel of frame on each side.
        let picture_width = shown
            .iter()
            .flatten()
            .map(|picture| picture.width + 2)
            .max()
            .unwrap_or(0);
        let cell_width = text_width.max(picture_width).max(GLYPH);

        let count = rows
            .iter()
            .map(|row| row.cells.len())
            .max()
            .unwrap_or(0)
            .max(columns.len())
            .max(1);
        let grid = count * cell_width + (count - 1) * GUTTER;
        // A long title widens the page, but not beyond twice the pictures.
        let inner = grid.max(text::width(title, 2).min(grid * 2));
        let columns = (0..count).map(|i| MARGIN + i * (cell_width + GUTTER)).collect();

        let header = MARGIN + 2 * GLYPH + FAR;
        let mut y = header + GLYPH + NEAR;
        let rows = shown
            .iter()
            .map(|pictures| {
                let height = pictures.iter().map(|picture| picture.height).max().unwrap_or(0);
                let label = y + NEAR + 1;
                let top = label + GLYPH + NEAR + 1;
                let caption = top + height + 1 + NEAR;
                let place = Place {
                    rule: y,
                    label,
                    pictures: top,
                    height,
                    caption,
                };
                y = caption + GLYPH + FAR;
                place
            })
            .collect::<Vec<_>>();
        let height = rows.last().map_or(header + GLYPH, |last| last.caption + GLYPH) + MARGIN;
        Self {
            width: inner + 2 * MARGIN,
            height,
            header,
            columns,
            cell_width,
            rows,
        }
    }

    /// The width between the margins.
    pub fn inner_width(&self) -> usize {
        self.width - 2 * MARGIN
    }
}
