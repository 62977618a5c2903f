//! `perceive-ir data show NAME`: one dataset, added or only known to the catalogue.

use std::collections::BTreeMap;

use perceive_datasets::catalogue::{self, Entry};
use serde_json::{Value, json};

use super::{found, stored_name, unknown_dataset};
use crate::database::datasets::{ProblemRow, Source, Split};
use crate::database::{Database, DatabaseError};
use crate::failure::Failure;
use crate::home::Home;
use crate::show::{Cell, Format, Table, Talk, out};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The dataset's name.
    name: String,
    /// List every picture that cannot be used, and why.
    #[arg(long)]
    problems: bool,
    /// How to print it; csv is every pair (with --problems: every problem).
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What is known of a dataset.
struct Facts {
    name: String,
    entry: Option<&'static Entry>,
    splits: Vec<Split>,
    sources: Vec<Source>,
    problems: Vec<ProblemRow>,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let database = match Database::open_read_only(home) {
        Ok(database) => Some(database),
        Err(DatabaseError::Missing { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let facts = Facts::gather(database.as_ref(), stored_name(&args.name))?;
    if facts.entry.is_none() && facts.splits.is_empty() {
        return Err(unknown_dataset(database.as_ref(), &args.name)?);
    }
    match (args.format, args.problems) {
        (Format::Json, _) => out(&format!("{:#}\n", facts.json())),
        (format, true) => facts.problem_table().list(format, talk),
        (Format::Csv, false) => facts.pair_table(database.as_ref())?.print(Format::Csv),
        (Format::Table, false) => facts.show(talk),
    }
}

impl Facts {
    fn gather(database: Option<&Database>, name: &str) -> Result<Self, Failure> {
        let mut facts = Self {
            name: name.to_string(),
            entry: catalogue::find(name),
            splits: Vec::new(),
            sources: Vec::new(),
            problems: Vec::new(),
        };
        if let Some(database) = database {
            facts.splits = database
                .splits()?
                .into_iter()
                .filter(|split| split.dataset == name)
                .collect();
            facts.sources = database.sources(name)?;
            facts.problems = database.problems(name)?;
        }
        Ok(facts)
    }

    fn show(&self, talk: Talk) -> Result<(), Failure> {
        let mut sections = Vec::new();
        if let Some(entry) = self.entry {
            let mut table = Table::new(["dataset", entry.title]);
            for (what, text) in [
                ("name", entry.name),
                ("degradation", entry.degradation.word()),
                ("pairing", entry.pairing),
                ("citation", entry.citation),
                ("licence", entry.licence),
                ("obtained", entry.obtained),
            ] {
                table.push([what.into(), text.into()]);
            }
            sections.push(table.render(Format::Table));
        }
        sections.push(self.split_table().render(Format::Table));
        if !self.sources.is_empty() {
            let mut table = Table::new(["split", "layout", "found", "scanned", "folder"]);
            for source in &self.sources {
                table.push([
                    Cell::text(&source.split),
                    Cell::text(&source.layout),
                    Cell::Whole(source.found),
                    Cell::Time(source.scanned_at),
                    Cell::text(&source.root),
                ]);
            }
            sections.push(table.render(Format::Table));
        }
        if !self.problems.is_empty() {
            let mut kinds: BTreeMap<(&str, &str), i64> = BTreeMap::new();
            for problem in &self.problems {
                *kinds.entry((&problem.split, &problem.kind)).or_default() += 1;
            }
            let mut table = Table::new(["split", "problem", "count"]);
            for ((split, kind), count) in kinds {
                table.push([split.into(), kind.into(), Cell::Whole(count)]);
            }
            sections.push(table.render(Format::Table));
        }
        out(&sections.join("\n"))?;
        if self.splits.is_empty() {
            talk.say("it has not been added yet: `perceive-ir data add FOLDER`");
        } else if !self.problems.is_empty() {
            talk.say(format!(
                "`perceive-ir data show {} --problems` names them all",
                self.name
            ));
        }
        Ok(())
    }

    /// The catalogue's splits and one's own, with what there is of each.
    fn split_table(&self) -> Table {
        let mut table = Table::new(["split", "found", "official", "pictures", "holds"]);
        let known = self.entry.map_or(&[][..], |entry| entry.splits);
        for split in known {
            let added = self.splits.iter().find(|added| added.split == split.name);
            table.push([
                split.name.into(),
                Cell::Whole(added.map_or(0, found)),
                split.official.into(),
                Cell::Whole(added.map_or(0, |added| added.pictures)),
                split.holds.into(),
            ]);
        }
        for split in self
            .splits
            .iter()
            .filter(|split| !known.iter().any(|known| known.name == split.split))
        {
            table.push([
                Cell::text(&split.split),
                Cell::Whole(found(split)),
                Cell::None,
                Cell::Whole(split.pictures),
                Cell::None,
            ]);
        }
        table
    }

    fn problem_table(&self) -> Table {
        let mut table = Table::new(["split", "problem", "what"]);
        for problem in &self.problems {
            table.push([
                Cell::text(&problem.split),
                Cell::text(&problem.kind),
                Cell::text(&problem.text),
            ]);
        }
        table
    }

    fn pair_table(&self, database: Option<&Database>) -> Result<Table, Failure> {
        let mut table = Table::new(["split", "name", "clean", "degraded", "width", "height"]);
        for split in &self.splits {
            let Some(database) = database else { break };
            for pair in database.pairs(&self.name, &split.split)? {
                let shape = pair.degraded.as_ref().unwrap_or(&pair.clean);
                table.push([
                    Cell::text(&split.split),
                    Cell::text(&pair.name),
                    Cell::text(pair.clean.path.to_string_lossy()),
                    Cell::maybe(pair.degraded.as_ref().map(|degraded| degraded.path.to_string_lossy())),
                    Cell::Whole(i64::from(shape.width)),
                    Cell::Whole(i64::from(shape.height)),
                ]);
            }
        }
        Ok(table)
    }

    fn json(&self) -> Value {
        let splits = self.splits.iter().map(|split| {
            json!({
                "split": split.split, "found": found(split), "official": split.official, "pairs": split.pairs,
                "pictures": split.pictures,
            })
        });
        let sources = self.sources.iter().map(|source| {
            json!({
                "split": source.split, "layout": source.layout, "folder": source.root, "found": source.found,
                "scanned": Cell::Time(source.scanned_at).json(),
            })
        });
        let problems = self
            .problems
            .iter()
            .map(|problem| json!({"split": problem.split, "kind": problem.kind, "text": problem.text}));
        json!({
            "name": self.name, "catalogue": self.entry, "splits": splits.collect::<Vec<_>>(),
            "sources": sources.collect::<Vec<_>>(), "problems": problems.collect::<Vec<_>>(),
        })
    }
}
