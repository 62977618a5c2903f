//! A pipe table: the best in bold, the second best underlined.

use crate::results::sheet::{Cell, Column, Mark, Sheet};

pub fn sheet(sheet: &Sheet) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = String::new();
    if let Some(title) = &sheet.title {
        text += &format!("{}:\n\n", escaped(title));
    }
    let columns = || sheet.columns.iter();
    text += &line(columns().map(head).collect());
    text += &line(
        columns()
            .map(|column| if column.right { "---:" } else { "---" }.to_owned())
            .collect(),
    );
    for row in 0..sheet.height() {
        text += &line(columns().map(|column| marked(&column.cells[row])).collect());
    }
    text
}

fn head(column: &Column) -> String {
    escaped(column.head.join(" ").trim_end())
}

fn marked(cell: &Cell) -> String {
    let text = escaped(&cell.text);
    match cell.mark {
        _ if text.is_empty() => text,
        Mark::None => text,
        Mark::Best | Mark::Strong => format!("**{text}**"),
        Mark::Second => format!("<u>{text}</u>"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
