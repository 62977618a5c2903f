//! Aligned columns for a terminal or a pipe. On a terminal the best is bold and the second best underlined; the best has
//! a star everywhere.

use comfy_table::{Attribute, CellAlignment, ContentArrangement, LineStyle, TableStyle};

use crate::results::sheet::{Column, Mark, Sheet};

const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// `styled`: for a terminal, not for a file or a pipe.
pub fn sheet(sheet: &Sheet, styled: bool) -> String {
    let mut table = comfy_table::Table::new();
    // Wide tables scroll or wrap as the terminal does: a number must not be broken over lines.
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Disabled);
    if styled {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(sheet.columns.iter().map(head));
    let mut case = "";
    for row in 0..sheet.height() {
        let cells = sheet.columns.iter().enumerate().map(|(place, column)| {
            let cell = &column.cells[row];
            // A case is named in its first row.
            let is_repeated = place == 0 && std::mem::replace(&mut case, &cell.text) == cell.text;
            let text = if is_repeated { "" } else { &cell.text };
            marked(text, cell.mark, has_star(column))
        });
        table.add_row(cells.collect::<Vec<_>>());
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        column.set_cell_alignment(if sheet.columns[place].right {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        });
    }
    let title = sheet.title.iter().map(|title| format!("{title}\n"));
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    title.chain(lines).collect()
}

/// A head's words one below the other, so that columns stay as narrow as their numbers.
fn head(column: &Column) -> String {
    if column.right {
        let words: Vec<&str> = column.head.iter().flat_map(|words| words.split(' ')).collect();
        words.join("\n").trim_end().to_owned()
    } else {
        column.head.join("\n").trim_end().to_owned()
    }
}

fn has_star(column: &Column) -> bool {
    column.cells.iter().any(|cell| cell.mark == Mark::Best)
}

fn marked(text: &str, mark: Mark, among_stars: bool) -> comfy_table::Cell {
    // Digits stay below digits.
    let text = match mark {
        Mark::Best => format!("{text}*"),
        _ if among_stars => format!("{text} "),
        _ => text.to_owned(),
    };
    let cell = comfy_table::Cell::new(text);
    match mark {
        Mark::None => cell,
        Mark::Best | Mark::Strong => cell.add_attribute(Attribute::Bold),
        Mark::Second => cell.add_attribute(Attribute::Underlined),
    }
}
