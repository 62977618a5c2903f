//! The tables, as markdown.

use std::fmt::Write;

use super::area::Area;
use super::row::Measure;
use super::side::Language;

/// Ours, and one side beside it.
pub struct Line {
    pub title: &'static str,
    pub measure: Measure,
    /// Seconds, or bytes.
    pub ours: f64,
    /// Who, what, and the ratio that is wanted.
    pub theirs: Option<(Language, f64, f64)>,
}

/// How far the times of all sizes may be off a line through nothing.
const LINEAR: f64 = 0.15;

pub fn comparisons(lines: &[Line]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut table = String::from(
        "| | ours | beside | theirs | ratio | target | |\n| --- | ---: | --- | ---: | ---: | ---: | --- |\n",
    );
    for line in lines {
        let ours = shown(line.measure, line.ours);
        let _ = match line.theirs {
            None => writeln!(table, "| {} | {ours} | | | | | |", line.title),
            Some((language, figure, target)) => writeln!(
                table,
                "| {} | {ours} | {} | {} | {} |",
                line.title,
                language.title(),
                shown(line.measure, figure),
                judged(line.measure, line.ours, figure, target),
            ),
        };
    }
    table
}

fn shown(measure: Measure, figure: f64) -> String {
    match measure {
        Measure::Time if figure < 1.0 => format!("{:.0} ms", figure * 1e3),
        Measure::Time => format!("{figure:.2} s"),
        Measure::Memory => format!("{:.2} GB", figure / 1e9),
    }
}

/// Ratio, target, and whether it is reached.
fn judged(measure: Measure, ours: f64, theirs: f64, target: f64) -> String {
    let (ratio, sign, reached) = match measure {
        Measure::Time => (theirs / ours, "≥", theirs / ours >= target),
        Measure::Memory => (ours / theirs, "≤", ours / theirs <= target),
    };
    format!("{ratio:.2} | {sign} {target} | {}", verdict(reached))
}

fn verdict(reached: bool) -> &'static str {
    if reached { "pass" } else { "miss" }
}

pub fn areas(areas: &[Area]) -> String {
    let mut table = String::new();
    for (index, Area { title, seconds, apart }) in areas.iter().enumerate() {
        if index == 0 {
            let sides = seconds.iter().map(|(side, _)| format!(" {side}x{side} |"));
            let sides = sides.collect::<String>();
            let _ = writeln!(
                table,
                "\n| time per pixel |{sides} off one line | | to another core and back |"
            );
            let _ = writeln!(table, "| --- |{} ---: | --- | ---: |", " ---: |".repeat(seconds.len()));
        }
        let per_pixel: Vec<f64> = seconds
            .iter()
            .map(|(side, taken)| taken / (side * side) as f64)
            .collect();
        let usual = per_pixel[1];
        let cells = per_pixel
            .iter()
            .map(|each| format!(" {:.2} µs ({:.2}) |", each * 1e6, each / usual));
        let cells = cells.collect::<String>();
        let off = off_one_line(&per_pixel);
        let [near, far] = apart.map(|seconds| seconds * 1e9);
        let _ = writeln!(
            table,
            "| {title} |{cells} ±{:.1}% | {} | {near:.0} to {far:.0} ns |",
            off * 100.0,
            verdict(off <= LINEAR)
        );
    }
    table
}

/// How far the farthest of these times is from a time per pixel that is as near to all as one can be; a part of it.
fn off_one_line(per_pixel: &[f64]) -> f64 {
    let least = per_pixel.iter().copied().fold(f64::INFINITY, f64::min);
    let most = per_pixel.iter().copied().fold(0.0, f64::max);
    (most - least) / (most + least)
}
