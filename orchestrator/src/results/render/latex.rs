//! A `tabular` with the rules of booktabs: the best in bold, the second best underlined.

use crate::results::sheet::{Cell, Column, Mark, Sheet};

pub fn sheet(sheet: &Sheet) -> String {
    let columns = &sheet.columns;
    let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
    let mut text = String::new();
    if let Some(title) = &sheet.title {
        text += &format!("% {title}\n");
    }
    let places: String = columns
        .iter()
        .map(|column| if column.right { 'r' } else { 'l' })
        .collect();
    text += &format!("\\begin{{tabular}}{{{places}}}\n\\toprule\n");
    let groups = groups(columns);
    if groups.iter().any(|group| !group.words.is_empty()) {
        text += &line(groups.iter().map(Group::cell).collect());
        let rules: Vec<String> = groups.iter().filter_map(Group::rule).collect();
        text += &(rules.join(" ") + "\n");
    }
    text += &line(columns.iter().map(|column| escaped(own_word(column))).collect());
    text += "\\midrule\n";
    for row in 0..sheet.height() {
        text += &line(columns.iter().map(|column| marked(&column.cells[row])).collect());
    }
    text + "\\bottomrule\n\\end{tabular}\n"
}

/// Neighbouring columns under one word.
struct Group<'a> {
    words: &'a str,
    first: usize,
    count: usize,
}

impl Group<'_> {
    fn cell(&self) -> String {
        if self.words.is_empty() {
            String::new()
        } else {
            format!("\\multicolumn{{{}}}{{c}}{{{}}}", self.count, escaped(self.words))
        }
    }

    fn rule(&self) -> Option<String> {
        let (first, last) = (self.first + 1, self.first + self.count);
        (!self.words.is_empty()).then(|| format!("\\cmidrule(lr){{{first}-{last}}}"))
    }
}

fn groups(columns: &[Column]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        let words = if column.head[1].is_empty() {
            ""
        } else {
            column.head[0].as_str()
        };
        match groups.last_mut() {
            Some(group) if group.words == words && !words.is_empty() => group.count += 1,
            _ => groups.push(Group {
                words,
                first: place,
                count: 1,
            }),
        }
    }
    groups
}

/// What heads this column alone.
fn own_word(column: &Column) -> &str {
    if column.head[1].is_empty() {
        &column.head[0]
    } else {
        &column.head[1]
    }
}

fn marked(cell: &Cell) -> String {
    let text = escaped(&cell.text);
    match cell.mark {
        _ if text.is_empty() => text,
        Mark::None => text,
        Mark::Best | Mark::Strong => format!("\\textbf{{{text}}}"),
        Mark::Second => format!("\\underline{{{text}}}"),
    }
}

/// LaTeX's own characters as text; signs of numbers in mathematics, where they are as long as they should be.
fn escaped(text: &str) -> String {
    let is_number = text.starts_with(['-', '+']) && text[1..].starts_with(|c: char| c.is_ascii_digit());
    let (sign, rest) = if is_number { text.split_at(1) } else { ("", text) };
    let mut escaped = if sign.is_empty() {
        String::new()
    } else {
        format!("${sign}$")
    };
    for letter in rest.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            '~' => escaped += "\\textasciitilde{}",
            '^' => escaped += "\\textasciicircum{}",
            '\\' => escaped += "\\textbackslash{}",
            '±' => escaped += "$\\pm$",
            other => escaped.push(other),
        }
    }
    escaped
}
