//! What a reader must know before believing a number: what was measured, with what, and whose numbers stand beside.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::beside;
use super::columns::{AVERAGE, rows_of};
use super::measurement::Per;
use super::read::Case;
use crate::paper::{self, TABLES};

/// How the numbers are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub per: Per,
    /// A row a case, as [`super::pivot`] makes it.
    pub is_pivot: bool,
    /// Whether the paper was asked for.
    pub with_paper: bool,
}

/// A few lines; the first begins with the experiment's name.
pub fn caption(experiment: &str, cases: &[Case], frame: &DataFrame, layout: Layout) -> Vec<String> {
    let distinct = |of: fn(&Case) -> &str| -> String {
        let values: BTreeSet<&str> = cases.iter().map(of).collect();
        values.into_iter().collect::<Vec<_>>().join(", ")
    };
    let seeds = frame.column("seeds").and_then(|column| column.u32());
    let (fewest, seeds) = seeds.map_or((None, None), |seeds| (seeds.min(), seeds.max()));
    let spread = match seeds {
        Some(count) if count > 1 && layout.is_pivot => {
            let fewer = if fewest == seeds { "" } else { " where no n is given" };
            format!(", ± sample deviation over {count} seeds{fewer}")
        }
        Some(seeds) if seeds > 1 => ", ± sample deviation over seeds".to_owned(),
        _ => String::new(),
    };
    let what = match layout.per {
        Per::Test => "means over the pictures of each test set",
        Per::Picture => "one row a picture",
    };
    let reading = if layout.is_pivot {
        "restored pictures; * the best of its column"
    } else {
        "gain = restored - degraded"
    };
    let towers = distinct(|case| &case.towers);
    let stand_in = if towers.contains("stand-in") {
        " (stand-in: small seeded networks in place of CLIP, DINOv2 and VGG-16)"
    } else {
        ""
    };
    let mut lines = vec![
        format!("{experiment}: {what}{spread}; {reading}; PSNR in dB"),
        format!("scale: {}; towers: {towers}{stand_in}", distinct(|case| &case.scale)),
    ];
    lines.extend(instructions(cases));
    if layout.with_paper {
        lines.push(of_paper(experiment, frame));
    }
    lines
}

/// Which instructions the cases' networks follow, where these are no sentences that the experiment names.
fn instructions(cases: &[Case]) -> Vec<String> {
    let told = |case: &Case, key: &str| case.settings.get(key).cloned().unwrap_or_default();
    let mut of: BTreeMap<bool, BTreeSet<&str>> = BTreeMap::new();
    for case in cases {
        if told(case, "restore.network") == "instructir" && told(case, "restore.instructions").is_empty() {
            let started = !told(case, "restore.start_from").is_empty();
            of.entry(started).or_default().insert(&case.name);
        }
    }
    let line = |(started, names): (bool, BTreeSet<&str>)| {
        let what = if started {
            "those of the weights that were started from"
        } else {
            "stand-ins (seeded vectors in place of a sentence encoder's)"
        };
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        format!("instructions of {names}: {what}")
    };
    of.into_iter().map(line).collect()
}

fn of_paper(experiment: &str, frame: &DataFrame) -> String {
    let names: BTreeSet<&str> = match frame.column(beside::TABLE).and_then(|column| column.str()) {
        Ok(column) => column.iter().flatten().collect(),
        Err(_) => BTreeSet::new(),
    };
    let tables: Vec<_> = TABLES.iter().filter(|table| names.contains(table.name)).collect();
    let notes = paper::find(experiment).into_iter().chain(tables.iter().copied());
    let note = notes.map(|table| table.note).find(|note| !note.is_empty());
    let note = note.map_or(String::new(), |note| format!("; {note}"));
    if tables.is_empty() {
        return format!("paper: none of its test sets and degradations is among these{note}");
    }
    let tables: Vec<String> = tables
        .iter()
        .map(|table| format!("{} ({})", table.name, table.title))
        .collect();
    let has_average = rows_of(frame).is_ok_and(|rows| rows.iter().any(|row| row.test == AVERAGE));
    let averages = if has_average {
        "; averages over the test sets shown"
    } else {
        ""
    };
    let whose = if paper::find(experiment).is_some() {
        "as"
    } else {
        "Perceive-IR as"
    };
    format!(
        "paper: {whose} printed in {}; full size and data, RGB, SSIM window not stated{averages}{note}",
        tables.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_stand_ins_only_where_no_weights_bring_their_own() {
        let case = |name: &str, network: &str, instructions: &str, start_from: Option<&str>| {
            let told = [
                ("network", Some(network)),
                ("instructions", Some(instructions)),
                ("start_from", start_from),
            ];
            let told = told
                .into_iter()
                .filter_map(|(key, value)| Some((format!("restore.{key}"), value?.to_owned())));
            Case {
                name: name.into(),
                scale: "tiny".into(),
                towers: "none".into(),
                seed: 1,
                settings: told.collect(),
            }
        };
        let cases = [
            case("drawn", "instructir", "", Some("")),
            // Recorded before there was `start_from`.
            case("old", "instructir", "", None),
            case("spoken", "instructir", "mine", Some("")),
            case("started", "instructir", "", Some("published")),
            case("other", "nafnet", "", Some("")),
        ];
        assert_eq!(
            instructions(&cases),
            [
                "instructions of drawn, old: stand-ins (seeded vectors in place of a sentence encoder's)",
                "instructions of started: those of the weights that were started from",
            ]
        );
    }
}
