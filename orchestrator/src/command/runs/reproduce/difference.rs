//! What differs between a recorded artefact and its reproduction: files by blake3, numbers bit by bit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use crate::database::evaluations::Evaluation;
use crate::database::runs::Run;
use crate::database::{Database, DatabaseError};
use crate::failure::Failure;
use crate::hashes;
use crate::show::{Cell, Table, count};
use crate::stage::train::shares;

/// Metrics of the machine, not of the result.
const OF_THE_MACHINE: [&str; 2] = [shares::WAITING, shares::UPKEEP];

/// Files that tell of the making, not of the result.
const OF_THE_MAKING: [&str; 1] = ["manifest.json"];

/// One thing that was compared.
#[derive(Clone, Debug, Default, PartialEq)]
struct Compared {
    /// How many of its values (or files) are not equal, of how many.
    differing: usize,
    of: usize,
    /// The first that differs: a step or a picture.
    first: Option<String>,
    /// The largest distance of two numbers; `None` where one of the sides has no number.
    largest: Option<f64>,
}

/// Everything that was compared, by kind and name.
#[derive(Debug, Default)]
pub struct Differences {
    compared: BTreeMap<(&'static str, String), Compared>,
}

impl Differences {
    pub fn of_files(&mut self, then: &Path, now: &Path) -> Result<(), Failure> {
        let (then, now) = (sums(then)?, sums(now)?);
        for name in union(&then, &now) {
            let compared = self.entry("file", name);
            compared.of += 1;
            compared.differing += usize::from(then.get(name) != now.get(name));
        }
        Ok(())
    }

    /// The metrics of all attempts at the artefact, later ones over earlier ones: an attempt that was stopped and the one
    /// that went on are one training.
    pub fn of_metrics(&mut self, then: (&Database, &[Run]), now: (&Database, &[Run])) -> Result<(), DatabaseError> {
        let (then, now) = (metrics(then)?, metrics(now)?);
        for key @ (name, step) in union(&then, &now) {
            if OF_THE_MACHINE.contains(&name.as_str()) {
                continue;
            }
            self.number(
                "metric",
                name,
                &format!("step {step}"),
                then.get(key).copied(),
                now.get(key).copied(),
            );
        }
        Ok(())
    }

    pub fn of_evaluations(&mut self, then: &[Evaluation], now: &[Evaluation]) {
        let by_picture = |rows: &[Evaluation]| -> BTreeMap<(String, String), f64> {
            let key = |row: &Evaluation| (format!("{} {} {}", row.test, row.tier, row.metric), row.picture.clone());
            rows.iter().map(|row| (key(row), row.value)).collect()
        };
        let (then, now) = (by_picture(then), by_picture(now));
        for key @ (name, picture) in union(&then, &now) {
            self.number(
                "evaluation",
                name,
                picture,
                then.get(key).copied(),
                now.get(key).copied(),
            );
        }
    }

    fn entry(&mut self, kind: &'static str, name: &str) -> &mut Compared {
        self.compared.entry((kind, name.to_string())).or_default()
    }

    fn number(&mut self, kind: &'static str, name: &str, at: &str, then: Option<f64>, now: Option<f64>) {
        let compared = self.entry(kind, name);
        compared.of += 1;
        if then.map(f64::to_bits) == now.map(f64::to_bits) {
            return;
        }
        compared.differing += 1;
        compared.first.get_or_insert_with(|| at.to_string());
        if let (Some(then), Some(now)) = (then, now) {
            compared.largest = Some(compared.largest.unwrap_or(0.0).max((now - then).abs()));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.compared.values().all(|compared| compared.differing == 0)
    }

    /// In one line.
    pub fn verdict(&self) -> String {
        let sum = |kind: &str, of: fn(&Compared) -> usize| -> usize {
            let all = self.compared.iter().filter(|((other, _), _)| *other == kind);
            all.map(|(_, compared)| of(compared)).sum()
        };
        let kinds = [
            ("file", "file"),
            ("metric", "metric value"),
            ("evaluation", "evaluation"),
        ];
        if self.is_empty() {
            let all = kinds.map(|(kind, noun)| count(sum(kind, |compared| compared.of), noun));
            return format!("equal: {}", all.join(", "));
        }
        let parts = kinds.map(|(kind, noun)| {
            let differing = sum(kind, |compared| compared.differing);
            format!("{differing} of {}", count(sum(kind, |compared| compared.of), noun))
        });
        format!("different: {}", parts.join(", "))
    }

    /// What differs, one line a file, a metric, or a metric of a test set.
    pub fn table(&self) -> Table {
        let mut table = Table::new(["kind", "name", "differing", "of", "first", "largest"]);
        for ((kind, name), compared) in self.compared.iter().filter(|(_, compared)| compared.differing > 0) {
            table.push([
                Cell::text(*kind),
                Cell::text(name),
                Cell::from(compared.differing),
                Cell::from(compared.of),
                Cell::maybe(compared.first.as_deref()),
                compared.largest.map_or(Cell::None, |largest| Cell::Number(largest, 9)),
            ]);
        }
        table
    }
}

fn union<'a, K: Ord, V>(then: &'a BTreeMap<K, V>, now: &'a BTreeMap<K, V>) -> BTreeSet<&'a K> {
    then.keys().chain(now.keys()).collect()
}

fn metrics((database, runs): (&Database, &[Run])) -> Result<BTreeMap<(String, i64), f64>, DatabaseError> {
    let mut values = BTreeMap::new();
    for run in runs {
        for metric in database.metric_summaries(&run.id)? {
            let points = database.metric(&run.id, &metric.name)?;
            values.extend(
                points
                    .into_iter()
                    .map(|(step, value)| ((metric.name.clone(), step), value)),
            );
        }
    }
    Ok(values)
}

/// blake3 of every file below a folder, by its name in there.
fn sums(folder: &Path) -> Result<BTreeMap<String, String>, Failure> {
    fn walk(folder: &Path, prefix: &str, sums: &mut BTreeMap<String, String>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                walk(&entry.path(), &format!("{name}/"), sums)?;
            } else if !OF_THE_MAKING.contains(&name.as_str()) {
                sums.insert(name, hashes::of_file(&entry.path())?);
            }
        }
        Ok(())
    }
    let mut found = BTreeMap::new();
    walk(folder, "", &mut found).map_err(|error| Failure::io(format!("cannot read {}", folder.display()), &error))?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(picture: &str, value: f64) -> Evaluation {
        Evaluation {
            case_id: 0,
            test: "CBSD68 noise25".into(),
            degradation: "noise25".into(),
            picture: picture.into(),
            tier: "restored".into(),
            metric: "psnr_rgb".into(),
            value,
        }
    }

    #[test]
    fn the_last_bit_and_a_missing_picture_are_differences() {
        let mut same = Differences::default();
        same.of_evaluations(&[evaluation("a", 30.0)], &[evaluation("a", 30.0)]);
        assert!(
            same.is_empty() && same.verdict().starts_with("equal: 0 files"),
            "{}",
            same.verdict()
        );

        let mut other = Differences::default();
        let next = f64::from_bits(30.0_f64.to_bits() + 1);
        other.of_evaluations(&[evaluation("a", 30.0), evaluation("b", 1.0)], &[evaluation("a", next)]);
        let compared = &other.compared[&("evaluation", "CBSD68 noise25 restored psnr_rgb".to_string())];
        assert_eq!(
            (compared.differing, compared.of, compared.first.as_deref()),
            (2, 2, Some("a"))
        );
        assert_eq!(compared.largest, Some(next - 30.0));
        assert!(other.verdict().ends_with("2 of 2 evaluations"), "{}", other.verdict());
    }

    #[test]
    fn files_are_compared_by_what_they_hold() {
        let folder = tempfile::tempdir().unwrap();
        let (then, now) = (folder.path().join("then"), folder.path().join("now"));
        for (place, text) in [(&then, "one"), (&now, "two")] {
            fs::create_dir_all(place.join("restored")).unwrap();
            fs::write(place.join("model"), "same").unwrap();
            fs::write(place.join("restored/a.png"), text).unwrap();
            fs::write(place.join("manifest.json"), text).unwrap();
        }
        let mut differences = Differences::default();
        differences.of_files(&then, &now).unwrap();
        assert_eq!(
            differences.verdict(),
            "different: 1 of 2 files, 0 of 0 metric values, 0 of 0 evaluations"
        );
        assert!(
            differences
                .table()
                .render(crate::show::Format::Csv)
                .contains("file,restored/a.png,1,1,,")
        );
    }
}
