//! The sheet of one case: a row for each test set (or picture); degraded, medium, restored and gain of each metric.
//!
//! No column says the same in every row: the caption says it once.

use polars::prelude::*;

use super::beside;
use super::columns::{AVERAGE, KEYS, std_of};
use super::sheet::{Cell, Column, Mark, Sheet, decimals, number};

pub fn sheet(frame: &DataFrame) -> PolarsResult<Sheet> {
    let names: Vec<&str> = frame.get_column_names().into_iter().map(PlSmallStr::as_str).collect();
    let mut columns = Vec::new();
    for name in &names {
        let column = frame.column(name)?;
        let is_key = KEYS.contains(name);
        let silent = match *name {
            "scale" | "towers" | beside::TABLE => column.n_unique()? <= 1,
            "seeds" => column.u32()?.iter().flatten().all(|seeds| seeds == 1),
            _ if is_key => false,
            // Deviations stand in the cells of their means.
            name => {
                name.ends_with("_std") && names.contains(&name.trim_end_matches("_std"))
                    || column.null_count() == column.len()
            }
        };
        if silent {
            continue;
        }
        columns.push(match column.dtype() {
            DataType::Float64 => {
                let head = head_of(name);
                Column::of_numbers([&head[0], &head[1]], number_cells(frame, name)?)
            }
            DataType::String => Column::of_text(name, texts(column)?),
            _ => Column {
                right: true,
                ..Column::of_text(name, texts(column)?)
            },
        });
    }
    strengthen(&mut columns, frame)?;
    Ok(Sheet { title: None, columns })
}

fn texts(column: &polars::prelude::Column) -> PolarsResult<Vec<String>> {
    let texts = column.cast(&DataType::String)?;
    Ok(texts.str()?.iter().map(|text| text.unwrap_or("-").to_owned()).collect())
}

/// `psnr_rgb_restored` is headed by its metric and its tier; `psnr_rgb_paper`, not of our protocol, by the paper alone.
fn head_of(name: &str) -> [String; 2] {
    match name.rsplit_once('_') {
        Some((metric, "paper")) => {
            let metric = crate::paper::counterpart(metric).unwrap_or(metric);
            ["paper".to_owned(), metric.to_owned()]
        }
        Some((metric, tier)) => [metric.to_owned(), tier.to_owned()],
        None => [name.to_owned(), String::new()],
    }
}

fn number_cells(frame: &DataFrame, name: &str) -> PolarsResult<Vec<Cell>> {
    let tier = name.rsplit_once('_').map_or("", |(_, tier)| tier);
    let decimals = decimals(name, ["paper", "difference"].contains(&tier));
    let is_signed = ["gain", "difference"].contains(&tier);
    let means = frame.column(name)?.f64()?;
    let deviations = frame
        .column(&std_of(name))
        .ok()
        .map(|column| column.f64())
        .transpose()?;
    let cells = means.iter().enumerate().map(|(row, mean)| match mean {
        Some(mean) => {
            let deviation = deviations.and_then(|deviations| deviations.get(row));
            Cell::plain(number(mean, deviation, decimals, is_signed))
        }
        None => Cell::empty(),
    });
    Ok(cells.collect())
}

/// Marks the rows of averages.
fn strengthen(columns: &mut [Column], frame: &DataFrame) -> PolarsResult<()> {
    for (row, test) in frame.column("test")?.str()?.iter().enumerate() {
        for column in columns.iter_mut().filter(|_| test == Some(AVERAGE)) {
            column.cells[row].mark = Mark::Strong;
        }
    }
    Ok(())
}
