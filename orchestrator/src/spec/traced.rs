//! Resolved cases in words: every setting with where it comes from, as TOML with comments or as JSON.
//!
//! The TOML is a file of experiments itself, one experiment a case: run, it does the same.

use std::error::Error;

use serde::Serialize;
use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use super::error::Sources;
use super::tree::Node;
use super::{Experiment, Outside, Resolved, SpecError, SpecFile};

/// Where a setting comes from that nothing names.
const UNNAMED: &str = "default";

/// The cases of one experiment, with all that is needed to tell where their settings come from.
#[derive(Debug)]
pub struct Traced<'a> {
    experiment: &'a str,
    seeds: u32,
    cases: Vec<Resolved>,
    sources: Sources<'a>,
}

impl SpecFile {
    /// The chosen cases of an experiment, to be shown.
    pub fn traced<'a>(&'a self, name: &'a str, outside: &'a Outside) -> Result<Traced<'a>, SpecError> {
        let sources = self.sources(outside);
        let seeds = self.seeds(name, outside).map_err(|fault| sources.tell(&fault))?;
        Ok(Traced {
            experiment: name,
            seeds,
            cases: self.resolved(name, outside)?,
            sources,
        })
    }
}

/// The file that [`Traced::toml`] writes.
#[derive(Serialize)]
struct Document<'a> {
    experiment: std::collections::BTreeMap<&'a str, Entry>,
}

#[derive(Serialize)]
struct Entry {
    #[serde(skip_serializing_if = "is_one")]
    seeds: u32,
    #[serde(flatten)]
    settings: Value,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands the field over by reference"
)]
fn is_one(seeds: &u32) -> bool {
    *seeds == 1
}

impl Traced<'_> {
    /// A file of experiments with a comment behind every setting.
    pub fn toml(&self) -> Result<String, Box<dyn Error>> {
        let mut out = String::new();
        for case in &self.cases {
            let name = match case.name.as_str() {
                super::grid::BASE => self.experiment.to_string(),
                name => format!("{}/{name}", self.experiment),
            };
            let entry = Entry {
                seeds: self.seeds,
                settings: without_nulls(whole(&case.settings)?),
            };
            let document = Document {
                experiment: [(name.as_str(), entry)].into(),
            };
            let text = toml::to_string(&document)?;
            out.push_str(&format!("# {}, case {}\n", self.experiment, case.name));
            out.push_str(&self.comment(&text, &case.layers));
            out.push('\n');
        }
        Ok(out)
    }

    /// The text with, behind every line that ends a setting, where that comes from.
    fn comment(&self, text: &str, layers: &Node) -> String {
        let mut ends: Vec<(usize, String)> = Vec::new();
        if let Ok(table) = DeTable::parse(text) {
            // experiment.NAME holds the settings.
            let experiments = table
                .get_ref()
                .get("experiment")
                .and_then(|value| value.get_ref().as_table());
            for entry in experiments.into_iter().flat_map(|table| table.values()) {
                leaves(entry.get_ref(), entry.span().end, "", &mut ends);
            }
        }
        let mut comments: Vec<Option<String>> = vec![None; text.lines().count()];
        for (end, key) in ends {
            let line = text[..end].matches('\n').count();
            let seeds = key == "seeds";
            if let Some(comment) = comments.get_mut(line).filter(|_| !seeds) {
                *comment = Some(self.origin(layers, &key));
            }
        }
        let width = |line: &str| line.chars().count();
        let column = text.lines().map(width).filter(|width| *width <= 56).max().unwrap_or(0);
        let mut out = String::with_capacity(text.len() * 2);
        let mut sets = [("train", "test", 0), ("test", "train", 0)];
        for (line, comment) in text.lines().zip(comments) {
            match comment {
                Some(comment) => out.push_str(&format!("{line:column$}  # {comment}\n")),
                None => out.push_str(&format!("{line}\n")),
            }
            for (role, other, count) in &mut sets {
                if line.ends_with(&format!(".{role}]]")) {
                    let origin = self.origin(layers, &format!("{role}.{count}.split"));
                    if origin == UNNAMED {
                        // No value says it: which one it is depends on what is added.
                        let split = format!("# split: {role}, or else {other}");
                        out.push_str(&format!("{split:column$}  # {origin}\n"));
                    }
                    *count += 1;
                }
            }
        }
        out
    }

    /// Where the setting of a dotted key comes from: `default`, `scale tiny`, `experiments.toml:12`, `--set`.
    fn origin(&self, layers: &Node, key: &str) -> String {
        let parts = key.split('.').count();
        match layers.along(key).nth(parts - 1) {
            Some(node) => self.sources.place(node.origin, false),
            None => UNNAMED.into(),
        }
    }

    /// A list of `{ experiment, case, seeds, settings }`, each setting as `{ value, from }`.
    pub fn json(&self) -> Result<Value, serde_json::Error> {
        let mut cases = Vec::with_capacity(self.cases.len());
        for case in &self.cases {
            let first = case.settings.seed;
            let settings = whole(&case.settings)?;
            cases.push(json!({
                "experiment": self.experiment,
                "case": case.name,
                "seeds": (first..).take(self.seeds as usize).collect::<Vec<_>>(),
                "settings": self.with_origins(settings, &case.layers, ""),
            }));
        }
        Ok(Value::Array(cases))
    }

    fn with_origins(&self, value: Value, layers: &Node, key: &str) -> Value {
        match value {
            Value::Object(members) => {
                let members = members.into_iter();
                let told = members.map(|(name, value)| {
                    let told = self.with_origins(value, layers, &join(key, &name));
                    (name, told)
                });
                Value::Object(told.collect::<Map<_, _>>())
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let items = items.into_iter().enumerate();
                let told = items.map(|(index, item)| self.with_origins(item, layers, &join(key, &index.to_string())));
                Value::Array(told.collect())
            }
            leaf => json!({ "value": leaf, "from": self.origin(layers, key) }),
        }
    }
}

/// Every setting, with those that are no part of a job while they change nothing.
fn whole(settings: &Experiment) -> Result<Value, serde_json::Error> {
    let mut whole = serde_json::to_value(settings)?;
    whole["medium"]["training"] = settings.medium.training.whole()?;
    whole["restore"]["training"] = settings.restore.training.whole()?;
    Ok(whole)
}

/// TOML has no word for what is not set.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(members.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        leaf => leaf,
    }
}

/// The dotted key of every setting and the byte behind its value; lists of tables are gone into.
fn leaves(value: &DeValue, end: usize, key: &str, out: &mut Vec<(usize, String)>) {
    match value {
        DeValue::Table(table) => {
            for (name, value) in table {
                leaves(value.get_ref(), value.span().end, &join(key, name.get_ref()), out);
            }
        }
        DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item.get_ref(), item.span().end, &join(key, &index.to_string()), out);
            }
        }
        _ => out.push((end, key.to_string())),
    }
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() {
        name.into()
    } else {
        format!("{above}.{name}")
    }
}
