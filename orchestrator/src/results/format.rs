//! A table of results as text: aligned for people, Markdown for documents, CSV and JSON for programs.
//!
//! People see PSNR with two decimals and SSIM with four, `mean ± deviation` in one cell, and no column that says the
//! same in every row (the caption says it once). Programs get every column with every digit.

use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, TableStyle};
use polars::prelude::*;

use super::beside;
use super::table::{AVERAGE, KEYS, std_of};

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// A pipe table for documents.
    Markdown,
    /// Comma-separated values with a head.
    Csv,
    /// A list of objects.
    Json,
}

impl Format {
    /// Whether people read it: then the caption stands above the table, else it goes to stderr.
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Markdown)
    }
}

const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The table as text that ends with a newline.
pub fn render(frame: &DataFrame, format: Format) -> PolarsResult<String> {
    match format {
        Format::Table => Ok(aligned(&columns_for_people(frame)?)),
        Format::Markdown => Ok(markdown(&columns_for_people(frame)?)),
        Format::Csv => {
            let mut text = Vec::new();
            CsvWriter::new(&mut text).finish(&mut frame.clone())?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        Format::Json => {
            let mut text = Vec::new();
            JsonWriter::new(&mut text)
                .with_json_format(JsonFormat::Json)
                .finish(&mut frame.clone())?;
            Ok(String::from_utf8_lossy(&text).into_owned() + "\n")
        }
    }
}

/// A column as people see it.
struct Shown {
    /// Such as `["psnr_rgb", "restored"]`; the second word is empty for what is not a number of a tier.
    head: [String; 2],
    right: bool,
    cells: Vec<String>,
}

fn columns_for_people(frame: &DataFrame) -> PolarsResult<Vec<Shown>> {
    let names: Vec<&str> = frame.get_column_names().into_iter().map(PlSmallStr::as_str).collect();
    let mut shown = Vec::new();
    for name in &names {
        let column = frame.column(name)?;
        let is_key = KEYS.contains(name);
        // What is the same everywhere is in the caption.
        let silent = match *name {
            "scale" | "towers" => column.n_unique()? <= 1,
            "seeds" => column.u32()?.iter().all(|seeds| seeds == Some(1)),
            name if is_key || name == beside::COLUMNS[0] => false,
            // Deviations stand in the cells of their means.
            name => name.ends_with("_std") && names.contains(&name.trim_end_matches("_std")),
        };
        if silent {
            continue;
        }
        shown.push(match column.dtype() {
            DataType::String => Shown {
                head: head_of(name),
                right: false,
                cells: column
                    .str()?
                    .iter()
                    .map(|text| text.unwrap_or("-").to_owned())
                    .collect(),
            },
            DataType::Float64 => Shown {
                head: head_of(name),
                right: true,
                cells: number_cells(frame, name)?,
            },
            _ => Shown {
                head: head_of(name),
                right: true,
                cells: column
                    .cast(&DataType::String)?
                    .str()?
                    .iter()
                    .map(|text| text.unwrap_or("-").to_owned())
                    .collect(),
            },
        });
    }
    Ok(shown)
}

/// `psnr_rgb_restored` is headed by its metric and its tier.
fn head_of(name: &str) -> [String; 2] {
    if beside::COLUMNS.contains(&name) {
        let what = name.trim_start_matches("paper_");
        return ["paper".to_owned(), what.to_owned()];
    }
    match name.rsplit_once('_') {
        Some((metric, tier)) => [metric.to_owned(), tier.to_owned()],
        None => [name.to_owned(), String::new()],
    }
}

fn number_cells(frame: &DataFrame, name: &str) -> PolarsResult<Vec<String>> {
    // The paper prints its SSIM with three decimals.
    let decimals = match name {
        name if name.contains("psnr") => 2,
        name if beside::COLUMNS.contains(&name) => 3,
        _ => 4,
    };
    let means = frame.column(name)?.f64()?;
    let deviations = frame.column(&std_of(name)).ok().map(Column::f64).transpose()?;
    let cells = means.iter().enumerate().map(|(row, mean)| {
        let Some(mean) = mean else {
            return "-".to_owned();
        };
        let mean = if name.ends_with("_gain") {
            format!("{mean:+.decimals$}")
        } else {
            format!("{mean:.decimals$}")
        };
        match deviations.and_then(|deviations| deviations.get(row)) {
            Some(deviation) => format!("{mean} ± {deviation:.decimals$}"),
            None => mean,
        }
    });
    Ok(cells.collect())
}

fn aligned(columns: &[Shown]) -> String {
    let mut table = comfy_table::Table::new();
    // Wide tables scroll or wrap as the terminal does: a number must not be broken over lines.
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(
        columns
            .iter()
            .map(|column| column.head.join("\n").trim_end().to_owned()),
    );
    let mut case = "";
    for row in 0..height(columns) {
        let cells = columns.iter().enumerate().map(|(place, column)| {
            let cell = column.cells[row].as_str();
            // A case is named in its first row.
            if place == 0 && std::mem::replace(&mut case, cell) == cell {
                ""
            } else {
                cell
            }
        });
        table.add_row(cells.collect::<Vec<_>>());
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        let right = columns[place].right;
        column.set_cell_alignment(if right {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        });
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

fn markdown(columns: &[Shown]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(
        columns
            .iter()
            .map(|column| escaped(column.head.join(" ").trim_end()))
            .collect(),
    );
    text += &line(
        columns
            .iter()
            .map(|column| if column.right { "---:" } else { "---" }.to_owned())
            .collect(),
    );
    for row in 0..height(columns) {
        let average = columns.iter().any(|column| column.cells[row] == AVERAGE);
        let cell = |column: &Shown| match escaped(&column.cells[row]) {
            empty if empty.is_empty() => empty,
            cell if average => format!("**{cell}**"),
            cell => cell,
        };
        text += &line(columns.iter().map(cell).collect());
    }
    text
}

fn height(columns: &[Shown]) -> usize {
    columns.first().map_or(0, |column| column.cells.len())
}

fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::super::table::{Measurement, table};
    use super::*;

    fn frame(seeds: i64) -> DataFrame {
        let mut rows = Vec::new();
        for seed in 0..seeds {
            for (test, degradation) in [("CBSD68", "noise25"), ("LOL", "low-light")] {
                for (tier, psnr, ssim) in [("degraded", 20.0, 0.4), ("restored", 29.996 + seed as f64, 0.912_34)] {
                    for (metric, value) in [("psnr_rgb", psnr), ("ssim_rgb", ssim)] {
                        rows.push(Measurement {
                            case: "lambda2 0.05".into(),
                            scale: "small".into(),
                            towers: "stand-in".into(),
                            seed,
                            test: test.into(),
                            degradation: degradation.into(),
                            picture: "a.png".into(),
                            tier: tier.into(),
                            metric: metric.into(),
                            value,
                        });
                    }
                }
            }
        }
        table(&rows, &["psnr_rgb", "ssim_rgb"]).unwrap()
    }

    #[test]
    fn people_see_rounded_numbers_once_named_cases_and_no_silent_columns() {
        let text = render(&frame(1), Format::Table).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2 + 1 + 3, "{text}");
        assert!(lines[0].contains("psnr_rgb") && lines[1].contains("restored"), "{text}");
        assert!(
            !text.contains("seeds") && !text.contains("stand-in") && !text.contains('±'),
            "{text}"
        );
        assert!(
            lines[3].contains("lambda2 0.05") && !lines[4].contains("lambda2"),
            "{text}"
        );
        assert!(
            lines[3].contains("20.00") && lines[3].contains("30.00") && lines[3].contains("+10.00"),
            "{text}"
        );
        assert!(lines[3].contains("0.9123") && lines[3].contains("+0.5123"), "{text}");
        assert!(lines[5].contains(AVERAGE), "{text}");
    }

    #[test]
    fn several_seeds_show_mean_and_deviation() {
        let text = render(&frame(2), Format::Table).unwrap();
        assert!(text.contains("seeds") && text.contains("30.50 ± 0.71"), "{text}");
    }

    #[test]
    fn markdown_has_one_cell_a_column_and_bold_averages() {
        let text = render(&frame(1), Format::Markdown).unwrap();
        let bars: Vec<usize> = text.lines().map(|line| line.matches('|').count()).collect();
        assert!(bars.iter().all(|count| *count == bars[0]), "{text}");
        assert!(
            text.contains("| psnr_rgb restored |") && text.contains("---:"),
            "{text}"
        );
        assert!(text.lines().last().unwrap().contains("**30.00**"), "{text}");
    }

    #[test]
    fn programs_get_every_column_and_every_digit() {
        let csv = render(&frame(1), Format::Csv).unwrap();
        let head = csv.lines().next().unwrap();
        assert!(
            head.starts_with("case,scale,towers,test,degradation,pictures,seeds,psnr_rgb_degraded,"),
            "{csv}"
        );
        assert!(csv.contains("29.996") && csv.contains("stand-in"), "{csv}");

        let json: serde_json::Value = serde_json::from_str(&render(&frame(1), Format::Json).unwrap()).unwrap();
        assert_eq!(json.as_array().unwrap().len(), 3);
        assert_eq!(json[0]["psnr_rgb_restored"], 29.996);
        assert_eq!(json[0]["towers"], "stand-in");
        assert!(json[0]["psnr_rgb_restored_std"].is_null());
    }

    #[test]
    fn an_empty_table_is_empty_in_every_format() {
        let empty = table(&[], &["psnr_rgb"]).unwrap();
        assert_eq!(render(&empty, Format::Json).unwrap().trim(), "[]");
        assert_eq!(render(&empty, Format::Csv).unwrap().lines().count(), 1);
        assert_eq!(render(&empty, Format::Markdown).unwrap().lines().count(), 2);
    }

    #[test]
    fn a_perfect_picture_leaves_valid_json() {
        let rows = [Measurement {
            case: "c".into(),
            scale: "small".into(),
            towers: "stand-in".into(),
            seed: 0,
            test: "t".into(),
            degradation: "rain".into(),
            picture: "a.png".into(),
            tier: "restored".into(),
            metric: "psnr_rgb".into(),
            value: f64::INFINITY,
        }];
        let frame = table(&rows, &["psnr_rgb"]).unwrap();
        assert!(render(&frame, Format::Table).unwrap().contains("inf"));
        let json: serde_json::Value = serde_json::from_str(&render(&frame, Format::Json).unwrap()).unwrap();
        assert!(json[0]["psnr_rgb_restored"].is_null());
    }
}
