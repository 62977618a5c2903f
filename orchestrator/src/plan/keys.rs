//! What keys depend on: every setting that can change a result, and no other.

use std::{collections::BTreeSet, path::PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use super::{Node, pictures::Finder, plan, shipped::Towered};
use crate::{
    database::Database,
    home::Home,
    show::Talk,
    spec::{Experiment, Outside, SpecFile},
};

/// Settings that change no result, by the beginning of their names.
const HARMLESS: [&str; 8] = [
    "about",
    // The preset that it chose is in the other settings.
    "scale",
    "upkeep.",
    // What to do where pictures are missing; here they are not.
    "train.0.optional",
    "train.0.stand_in",
    "test.0.optional",
    "test.0.stand_in",
    // Only one set: its share is all.
    "test.0.weight",
];

/// Everything on, on scenes, with early stopping, so that every setting has something to say.
const ALL: &str = r#"
[experiment.all]
scale = "tiny"
towers = "stand-in"
train_limit = 18
test_limit = 4

[experiment.all.medium.training]
accumulate = 2
precision = "bf16"
checkpointing = "blocks"
validation = { every = 10, pictures = 2, patience = 3, min_delta = 0.01, use_best = true }

[experiment.all.restore.training]
accumulate = 2
precision = "bf16"
checkpointing = "blocks"
validation = { every = 10, pictures = 2, patience = 3, min_delta = 0.01, use_best = true }

[[experiment.all.train]]
dataset = "scenes"
count = 30
size = 96
limit = 20
weight = 2.0
degradations = [{ kind = "noise", sigma = 25 }, { kind = "haze" }, { kind = "rain" }, { kind = "blur" }]

[[experiment.all.test]]
dataset = "scenes"
count = 6
size = 96
limit = 5
degradations = [{ kind = "noise", sigma = 25 }]
"#;

struct Desk {
    _folder: tempfile::TempDir,
    home: Home,
    database: Database,
    file: PathBuf,
}

impl Desk {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("experiments.toml");
        std::fs::write(&file, text).unwrap();
        let home = Home::at(folder.path().join("home"));
        Self {
            database: Database::open(&home).unwrap(),
            _folder: folder,
            home,
            file,
        }
    }

    fn settings(&self) -> Experiment {
        let spec = SpecFile::open(std::slice::from_ref(&self.file)).unwrap();
        spec.cases("all", &Outside::default()).unwrap().remove(0).settings
    }

    /// The jobs of these settings; `None` where they are impossible.
    fn nodes(&self, experiment: &Experiment) -> Option<Vec<Node>> {
        if !experiment.check().is_empty() {
            return None;
        }
        let pictures = Finder::new(&self.home, &self.database, Talk::Quiet)
            .find(experiment)
            .ok()?;
        plan(experiment, &pictures, &Towered).ok()
    }

    fn keys(&self, experiment: &Experiment) -> Option<BTreeSet<String>> {
        Some(self.nodes(experiment)?.into_iter().map(|node| node.key).collect())
    }
}

/// Other values that a setting might have.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(flag) => vec![Value::Bool(!flag)],
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            let near = [number + 1.0, number + 8.0, number * 0.5, number * 2.0, number - 1.0];
            let whole = value.is_u64();
            near.iter()
                .map(|near| {
                    if whole {
                        Value::from(near.max(0.0) as u64)
                    } else {
                        Value::from(*near)
                    }
                })
                .filter(|other| other != value)
                .collect()
        }
        Value::String(_) => [
            "pictures",
            "constant",
            "random",
            "fixed",
            "restormer",
            "nafnet",
            "small",
            "eq8",
            "off",
            "level",
            "medium-a",
            "ssim_y",
            "mae_rgb",
            "another",
            "train",
            "noise",
            "f32",
        ]
        .into_iter()
        .map(Value::from)
        .filter(|other| other != value)
        .collect(),
        _ => Vec::new(),
    }
}

/// Every single setting as a JSON pointer.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                leaves(value, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, &format!("{pointer}/{index}"), found);
            }
        }
        _ => found.push(pointer.to_string()),
    }
}

#[test]
fn every_setting_that_can_change_a_result_changes_a_key_and_no_other_does() {
    let desk = Desk::new(ALL);
    let settings = desk.settings();
    let before = desk.keys(&settings).unwrap();
    let all = serde_json::to_value(&settings).unwrap();
    let mut pointers = Vec::new();
    leaves(&all, "", &mut pointers);
    let (mut tried, mut impossible, mut wrong) = (0, Vec::new(), Vec::new());
    for pointer in pointers {
        let name = pointer[1..].replace('/', ".");
        let others = others(all.pointer(&pointer).unwrap()).into_iter();
        let after: Vec<BTreeSet<String>> = others
            .filter_map(|other| {
                let mut changed = all.clone();
                *changed.pointer_mut(&pointer).unwrap() = other;
                desk.keys(&serde_json::from_value(changed).ok()?)
            })
            .collect();
        if after.is_empty() {
            impossible.push(name);
            continue;
        }
        tried += 1;
        // A limit above what there is changes nothing: one of the other values must.
        let changes = after.iter().any(|after| *after != before);
        if changes == HARMLESS.iter().any(|known| name.starts_with(known)) {
            wrong.push(name);
        }
    }
    assert!(
        wrong.is_empty(),
        "changed a key and should not, or the other way round: {wrong:?}"
    );
    println!("{tried} settings tried; no other value for {impossible:?}");
    assert!(
        tried >= 75,
        "only {tried} settings could be changed; not: {impossible:?}"
    );
}

#[test]
fn a_job_keeps_its_key_through_json_however_crooked_its_numbers() {
    let desk = Desk::new(&ALL.replace("weight = 2.0", "weight = 0.30000000000000004"));
    let mut settings = desk.settings();
    settings.restore.training.learning_rate = crate::number::plain(1.0 / 3000.0);
    for node in desk.nodes(&settings).unwrap() {
        for text in [serde_json::to_string(&node.job).unwrap(), node.job.settings()] {
            let job: crate::stage::Job = serde_json::from_str(&text).unwrap();
            assert_eq!(job.key(), node.key, "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Lines and tables of the file in any order: the same keys.
    #[test]
    fn the_order_of_a_file_changes_no_key(seed in any::<u64>()) {
        let mut blocks: Vec<String> = ALL.trim().split("\n\n").map(String::from).collect();
        let mut state = seed;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for at in (1..blocks.len()).rev() {
            blocks.swap(at, draw(at + 1));
        }
        for block in &mut blocks {
            let mut lines: Vec<&str> = block.lines().collect();
            for at in (2..lines.len()).rev() {
                lines.swap(at, 1 + draw(at));
            }
            *block = lines.join("\n");
        }
        let (calm, shuffled) = (Desk::new(ALL), Desk::new(&blocks.join("\n\n")));
        prop_assert_eq!(calm.keys(&calm.settings()), shuffled.keys(&shuffled.settings()));
    }
}
