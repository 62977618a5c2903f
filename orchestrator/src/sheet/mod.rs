//! Contact sheets: degraded, medium, restored and clean pictures side by side on one page.
//!
//! An evaluation leaves one as PNG beside its numbers, so that a reader sees what a PSNR looks like. A sheet is a
//! pure function of its rows: the same bytes on every machine.

mod layout;
mod scale;
mod text;

use perceive_datasets::picture::Picture;

use layout::Layout;

/// R, G, B levels.
type Colour = [u8; 3];

const PAPER: Colour = [252, 252, 250];
const INK: Colour = [28, 32, 38];
const GREY: Colour = [98, 106, 116];
const LINE: Colour = [214, 217, 222];
const FRAME: Colour = [158, 164, 172];

/// One line of the sheet: the same scene in several states.
#[derive(Clone, Debug)]
pub struct Row {
    /// What the scene is, such as `CBSD68 noise25  0001.png`; stands above its pictures.
    pub label: String,
    /// One cell a column, from the left; a row may be shorter than the sheet.
    pub cells: Vec<Cell>,
}

/// One picture and the words under it.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Such as `20.31 dB  0.4218`; empty for none.
    pub caption: String,
    pub picture: Picture,
}

/// Draws a sheet: `title` on top, the names of the `columns` under it, then every row.
///
/// A picture is shown at most `max_cell` pixels wide and high: a larger one is reduced by averaging, a smaller one is
/// enlarged by a whole factor without smoothing, so that its pixels stay what they are.
pub fn contact_sheet(rows: &[Row], columns: &[&str], title: &str, max_cell: usize) -> Picture {
    let shown: Vec<Vec<Picture>> = rows
        .iter()
        .map(|row| {
            row.cells
                .iter()
                .map(|cell| scale::to_fit(&cell.picture, max_cell))
                .collect()
        })
        .collect();
    let layout = Layout::of(rows, &shown, columns, title);

    let mut page = Picture::new(layout.width, layout.height);
    fill(&mut page, 0, 0, layout.width, layout.height, PAPER);
    let columns_of_text = layout.inner_width() / text::GLYPH;
    text::draw(
        &mut page,
        &text::fit(title, columns_of_text / 2),
        layout::MARGIN,
        layout::MARGIN,
        2,
        INK,
    );
    for (name, left) in columns.iter().zip(&layout.columns) {
        let name = text::fit(name, layout.cell_width / text::GLYPH);
        let centred = left + (layout.cell_width - text::width(&name, 1)) / 2;
        text::draw(&mut page, &name, centred, layout.header, 1, INK);
    }
    for ((row, pictures), place) in rows.iter().zip(&shown).zip(&layout.rows) {
        fill(&mut page, layout::MARGIN, place.rule, layout.inner_width(), 1, LINE);
        text::draw(
            &mut page,
            &text::fit(&row.label, columns_of_text),
            layout::MARGIN,
            place.label,
            1,
            GREY,
        );
        for ((cell, picture), left) in row.cells.iter().zip(pictures).zip(&layout.columns) {
            let x = left + (layout.cell_width - picture.width) / 2;
            let y = place.pictures + (place.height - picture.height) / 2;
            fill(&mut page, x - 1, y - 1, picture.width + 2, picture.height + 2, FRAME);
            paste(&mut page, picture, x, y);
            let caption = text::fit(&cell.caption, layout.cell_width / text::GLYPH);
            let centred = left + (layout.cell_width - text::width(&caption, 1)) / 2;
            text::draw(&mut page, &caption, centred, place.caption, 1, INK);
        }
    }
    page
}

/// Fills a rectangle; the part outside the picture is left out.
fn fill(on: &mut Picture, x: usize, y: usize, width: usize, height: usize, colour: Colour) {
    for row in y..(y + height).min(on.height) {
        for column in x..(x + width).min(on.width) {
            let at = (row * on.width + column) * 3;
            on.rgb[at..at + 3].copy_from_slice(&colour);
        }
    }
}

/// Copies a picture onto the page; it must lie inside.
fn paste(on: &mut Picture, picture: &Picture, x: usize, y: usize) {
    for (row, line) in picture.rgb.chunks_exact(picture.width * 3).enumerate() {
        let at = ((y + row) * on.width + x) * 3;
        on.rgb[at..at + line.len()].copy_from_slice(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(width: usize, height: usize, level: u8) -> Picture {
        Picture {
            width,
            height,
            rgb: vec![level; width * height * 3],
        }
    }

    fn row(label: &str, pictures: &[Picture]) -> Row {
        Row {
            label: label.into(),
            cells: pictures
                .iter()
                .map(|picture| Cell {
                    caption: "20.31 dB".into(),
                    picture: picture.clone(),
                })
                .collect(),
        }
    }

    fn count(sheet: &Picture, colour: Colour) -> usize {
        sheet.rgb.chunks_exact(3).filter(|pixel| *pixel == colour).count()
    }

    #[test]
    fn small_pictures_are_enlarged_by_a_whole_factor() {
        // 48x32 in cells of 100: twice as large, 96x64.
        let sheet = contact_sheet(
            &[row("scene", &[plain(48, 32, 7), plain(48, 32, 9)])],
            &["degraded", "clean"],
            "t",
            100,
        );
        assert_eq!(count(&sheet, [7; 3]), 96 * 64);
        assert_eq!(count(&sheet, [9; 3]), 96 * 64);
    }

    #[test]
    fn large_pictures_are_reduced_to_the_cell() {
        let sheet = contact_sheet(&[row("scene", &[plain(400, 200, 7)])], &["clean"], "t", 100);
        assert_eq!(count(&sheet, [7; 3]), 100 * 50);
    }

    #[test]
    fn every_picture_has_a_frame_of_one_pixel() {
        let sheet = contact_sheet(
            &[row("scene", &[plain(40, 40, 7), plain(40, 40, 9)])],
            &["a", "b"],
            "t",
            40,
        );
        assert_eq!(count(&sheet, FRAME), 2 * (4 * 40 + 4));
    }

    #[test]
    fn a_margin_stays_empty_on_all_sides() {
        let sheet = contact_sheet(
            &[row("a label", &[plain(30, 40, 7)])],
            &["degraded"],
            "a title longer than the sheet",
            64,
        );
        for (i, pixel) in sheet.rgb.chunks_exact(3).enumerate() {
            let (x, y) = (i % sheet.width, i / sheet.width);
            let margin = x.min(y).min(sheet.width - 1 - x).min(sheet.height - 1 - y) < layout::MARGIN;
            assert!(!margin || pixel == PAPER, "ink in the margin at {x}, {y}");
        }
    }

    #[test]
    fn pictures_of_a_column_stand_in_one_line() {
        let rows = [
            row("wide", &[plain(60, 20, 1), plain(60, 20, 2)]),
            row("high", &[plain(20, 60, 3), plain(20, 60, 4)]),
        ];
        let sheet = contact_sheet(&rows, &["a", "b"], "t", 60);
        let centre = |level: u8| {
            let xs: Vec<usize> = (0..sheet.width * sheet.height)
                .filter(|i| sheet.rgb[i * 3..i * 3 + 3] == [level; 3])
                .map(|i| i % sheet.width)
                .collect();
            xs.iter().min().unwrap() + xs.iter().max().unwrap()
        };
        assert_eq!(centre(1), centre(3));
        assert_eq!(centre(2), centre(4));
    }

    #[test]
    fn no_rows_still_make_a_sheet() {
        let sheet = contact_sheet(&[], &["degraded", "restored"], "nothing yet", 64);
        assert!(sheet.width > 0 && sheet.rgb.len() == sheet.width * sheet.height * 3);
    }

    #[test]
    fn the_same_rows_make_the_same_bytes() {
        let rows = [row("scene", &[plain(200, 120, 90), plain(31, 17, 40)])];
        let make = || contact_sheet(&rows, &["a", "b"], "t", 64).rgb;
        assert_eq!(make(), make());
    }
}
