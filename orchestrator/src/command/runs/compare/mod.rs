//! `perceive-ir runs compare A B…`: the settings that differ, the last metrics and the evaluation side by side, and the same
//! pictures as each side restored them.

mod sheets;
mod side;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::command::runs::named::{Named, runs_begun};
use crate::database::Database;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::show::{Cell, Format, Table, Talk, decimals, out};
use side::Side;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Runs by id (or its beginning), or cases as experiment/case[#seed][@scale].
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    names: Vec<String>,
    /// Write sheets of the same test pictures side by side into this folder.
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
    /// At most so many pictures a sheet: those whose PSNR differs most.
    #[arg(long, value_name = "N", default_value_t = 8)]
    rows: usize,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One thing that is compared, with a value (or none) of every side.
struct Line {
    name: String,
    values: Vec<Cell>,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let database = Database::open_read_only(home)?;
    let named = args
        .names
        .iter()
        .map(|name| Named::find(&database, name))
        .collect::<Result<Vec<_>, _>>()?;
    for named in &named {
        if let Named::Case(case) = named {
            runs_begun(&database, case)?;
        }
    }
    let sides = Side::of_all(&database, named)?;
    let distinct: BTreeSet<&str> = sides.iter().map(|side| side.name.as_str()).collect();
    if distinct.len() < sides.len() {
        return Err(Failure::new(Exit::Usage, "the same run is named twice").help("name two that differ"));
    }
    let comparison = Comparison::of(&sides);
    match args.format {
        Format::Table => comparison.print(talk)?,
        Format::Json => out(&format!("{:#}\n", comparison.json()))?,
        Format::Csv => comparison.flat().print(Format::Csv)?,
    }
    if comparison.unequal_sets {
        Talk::warn("the sides did not measure the same number of pictures: their means are not of the same pictures");
    }
    match &args.pictures {
        Some(folder) => sheets::write(&database, home, &sides, folder, args.rows, talk),
        None => Ok(()),
    }
}

struct Comparison {
    sides: Vec<String>,
    settings: Vec<Line>,
    metrics: Vec<Line>,
    evaluation: Vec<Line>,
    unequal_sets: bool,
}

impl Comparison {
    fn of(sides: &[Side]) -> Self {
        let keys: BTreeSet<&String> = sides.iter().flat_map(|side| side.settings.keys()).collect();
        let settings = keys.into_iter().map(|key| Line {
            name: key.clone(),
            values: sides.iter().map(|side| Cell::maybe(side.settings.get(key))).collect(),
        });
        let settings = settings.filter(|line| line.values.windows(2).any(|pair| pair[0] != pair[1]));
        let keys: BTreeSet<&String> = sides.iter().flat_map(|side| side.metrics.keys()).collect();
        let metrics = keys.into_iter().map(|key| Line {
            name: key.clone(),
            values: number_cells(sides.iter().map(|side| side.metrics.get(key).copied())),
        });
        let keys: BTreeSet<&String> = sides.iter().flat_map(|side| side.means.keys()).collect();
        let evaluation = keys.iter().map(|key| Line {
            name: (*key).clone(),
            values: number_cells(sides.iter().map(|side| side.means.get(*key).map(|mean| mean.0))),
        });
        let pictures = |key: &String| -> BTreeSet<i64> {
            let means = sides.iter().filter_map(|side| side.means.get(key));
            means.map(|mean| mean.1).collect()
        };
        Self {
            sides: sides.iter().map(|side| side.name.clone()).collect(),
            settings: settings.collect(),
            metrics: metrics.collect(),
            evaluation: evaluation.collect(),
            unequal_sets: keys.iter().any(|key| pictures(key).len() > 1),
        }
    }

    /// The names of the columns of differences, each to the first side.
    fn differences(&self) -> Vec<String> {
        match self.sides.len() {
            2 => vec!["difference".into()],
            more => (2..=more).map(|side| format!("{side} - 1")).collect(),
        }
    }

    fn print(&self, talk: Talk) -> Result<(), Failure> {
        let names = || self.sides.iter().cloned();
        let mut sections = Vec::new();
        if self.settings.is_empty() {
            talk.say("no setting differs");
        } else {
            let mut table = Table::new(std::iter::once("setting".to_string()).chain(names()));
            for line in &self.settings {
                table.push(std::iter::once(Cell::text(&line.name)).chain(line.values.iter().cloned()));
            }
            sections.push(table.render(Format::Table));
        }
        for (title, lines) in [("metric", &self.metrics), ("evaluation", &self.evaluation)] {
            if lines.is_empty() {
                continue;
            }
            let head = std::iter::once(title.to_string())
                .chain(names())
                .chain(self.differences());
            let mut table = Table::new(head);
            for line in lines {
                let cells = std::iter::once(Cell::text(&line.name)).chain(line.values.iter().cloned());
                table.push(cells.chain(line.differences()));
            }
            sections.push(table.render(Format::Table));
        }
        out(&sections.join("\n"))
    }

    fn sections(&self) -> [(&'static str, &[Line]); 3] {
        [
            ("setting", &self.settings),
            ("metric", &self.metrics),
            ("evaluation", &self.evaluation),
        ]
    }

    /// Everything in one table.
    fn flat(&self) -> Table {
        let head = ["kind", "name"]
            .map(String::from)
            .into_iter()
            .chain(self.sides.iter().cloned());
        let mut table = Table::new(head.chain(self.differences()));
        for (kind, lines) in self.sections() {
            for line in lines {
                let cells = [Cell::text(kind), Cell::text(&line.name)]
                    .into_iter()
                    .chain(line.values.iter().cloned());
                table.push(cells.chain(line.differences()));
            }
        }
        table
    }

    fn json(&self) -> Value {
        let list = |lines: &[Line]| -> Vec<Value> {
            let objects = lines.iter().map(|line| {
                let values: Vec<Value> = line.values.iter().map(Cell::json).collect();
                let differences: Vec<Value> = line.differences().iter().map(Cell::json).collect();
                json!({"name": line.name, "values": values, "differences": differences})
            });
            objects.collect()
        };
        let [settings, metrics, evaluation] = self.sections().map(|(_, lines)| list(lines));
        json!({"sides": self.sides, "settings": settings, "metrics": metrics, "evaluation": evaluation})
    }
}

impl Line {
    /// How far each side but the first is from the first; nothing where there is no number.
    fn differences(&self) -> Vec<Cell> {
        let rest = self.values.iter().skip(1);
        rest.map(|value| match (&self.values[0], value) {
            (Cell::Number(first, decimals), Cell::Number(number, _)) => Cell::Number(number - first, *decimals),
            _ => Cell::None,
        })
        .collect()
    }
}

/// Numbers of one line with enough decimals for the smallest of them.
fn number_cells(numbers: impl Iterator<Item = Option<f64>> + Clone) -> Vec<Cell> {
    let decimals = decimals(numbers.clone().flatten());
    numbers
        .map(|number| number.map_or(Cell::None, |number| Cell::Number(number, decimals)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(name: &str, rate: &str, loss: f64, psnr: f64) -> Side {
        Side {
            name: name.into(),
            settings: [("seed", "0"), ("rate", rate)]
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .into(),
            metrics: [("restore loss".to_string(), loss)].into(),
            means: [("CBSD68 noise25 restored psnr_rgb".to_string(), (psnr, 68))].into(),
            evaluations: Vec::new(),
        }
    }

    #[test]
    fn only_settings_that_differ_are_shown_and_numbers_are_subtracted_from_the_first() {
        let sides = [
            side("a", "0.1", 0.5, 30.0),
            side("b", "0.2", 0.25, 31.5),
            side("c", "0.1", 1.0, 29.0),
        ];
        let told = Comparison::of(&sides).json();
        assert_eq!(told["settings"].as_array().unwrap().len(), 1);
        assert_eq!(told["settings"][0]["values"], json!(["0.1", "0.2", "0.1"]));
        assert_eq!(told["metrics"][0]["differences"], json!([-0.25, 0.5]));
        assert_eq!(told["evaluation"][0]["differences"], json!([1.5, -1.0]));
        let flat = Comparison::of(&sides[..2]).flat().render(Format::Csv);
        assert!(
            flat.starts_with("kind,name,a,b,difference\nsetting,rate,0.1,0.2,\n"),
            "{flat}"
        );
    }

    #[test]
    fn what_one_side_lacks_has_no_difference_and_other_counts_of_pictures_are_noticed() {
        let (first, mut second) = (side("a", "0.1", 0.5, 30.0), side("b", "0.1", 0.5, 30.0));
        second.metrics.clear();
        second.means.values_mut().for_each(|mean| mean.1 = 10);
        let comparison = Comparison::of(&[first, second]);
        assert!(comparison.settings.is_empty() && comparison.unequal_sets);
        assert_eq!(comparison.metrics[0].differences(), [Cell::None]);
    }
}
