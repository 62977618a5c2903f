//! The settings of cases: which differ between them, as columns of a table, and what towers they used.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use polars::prelude::*;
use serde_json::Value;

use super::columns::rows_of;
use super::read::Case;
use crate::database::experiments::flatten;

/// The settings of a case one by one: `restore.loss.clip_aware` = `0.05`.
pub type Settings = BTreeMap<String, String>;

/// What repeats a case or only talks about it.
const NOT_COMPARED: [&str; 2] = ["seed", "about"];

/// Of canonical JSON, as the record keeps it.
pub fn parse(json: &str) -> Settings {
    let mut flat = Vec::new();
    if let Ok(value) = serde_json::from_str::<Value>(json) {
        flatten("", &value, &mut flat);
    }
    flat.into_iter().collect()
}

/// The setting `towers`, or `none` where every part that looks through a tower is off.
pub fn towers(settings: &Settings) -> String {
    let text = |key: &str| settings.get(key).map(String::as_str);
    let is_zero = |key: &str| text(key).and_then(|value| value.parse::<f64>().ok()) == Some(0.0);
    let guided = text("restore.network").is_none_or(|network| network.starts_with("perceive-ir"))
        && text("restore.guidance") != Some("false");
    if !guided && is_zero("restore.loss.clip_aware") && is_zero("restore.loss.perceptual") {
        return "none".to_owned();
    }
    text("towers").unwrap_or("not recorded").to_owned()
}

/// The settings of an experiment's cases, held against each other.
#[derive(Debug, Default)]
pub struct Compared<'a> {
    /// Every setting of any case.
    pub all: BTreeSet<&'a str>,
    /// Those that are not the same in every case, [`NOT_COMPARED`] apart.
    pub differing: BTreeSet<&'a str>,
}

impl<'a> Compared<'a> {
    pub fn new(cases: impl IntoIterator<Item = &'a Case>) -> Self {
        let mut cases = cases.into_iter();
        let Some(first) = cases.next() else {
            return Self::default();
        };
        let mut differing = BTreeSet::new();
        for case in cases {
            differing.extend(unlike(&first.settings, &case.settings));
        }
        let all = first
            .settings
            .keys()
            .map(String::as_str)
            .chain(differing.iter().copied());
        let all = all.collect();
        differing.retain(|key| !NOT_COMPARED.contains(key));
        Self { all, differing }
    }
}

/// The keys that only one has, or that have two values. Both are sorted: they are walked once, side by side.
fn unlike<'a>(left: &'a Settings, right: &'a Settings) -> Vec<&'a str> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut keys = Vec::new();
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return keys,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((left, _)), Some((right, _))) => left.cmp(right),
        };
        let (of_left, of_right) = (left.next_if(|_| order.is_le()), right.next_if(|_| order.is_ge()));
        if of_left != of_right {
            keys.extend(of_left.or(of_right).map(|(key, _)| key.as_str()));
        }
    }
}

/// The cases whose seeds were not run with the same settings, each with the settings that differ: their means are of
/// unlike things.
pub fn unlike_seeds(cases: &[Case]) -> Vec<(String, Vec<&str>)> {
    let mut groups = BTreeMap::<[&str; 3], Vec<&Case>>::new();
    for case in cases {
        let group = [&case.name, &case.scale, &case.towers].map(String::as_str);
        groups.entry(group).or_default().push(case);
    }
    let unlike = groups.into_values().map(|group| (group[0], Compared::new(group)));
    unlike
        .filter(|(_, compared)| !compared.differing.is_empty())
        .map(|(case, compared)| (case.name.clone(), compared.differing.into_iter().collect()))
        .collect()
}

/// Adds a column for each of `keys`: numbers where every case has a number, true and false, or text.
pub fn add_columns(frame: &DataFrame, cases: &[Case], keys: &[&str]) -> PolarsResult<DataFrame> {
    let groups: BTreeMap<[&str; 3], &Settings> = cases
        .iter()
        .rev()
        .map(|case| {
            (
                [&case.name, &case.scale, &case.towers].map(String::as_str),
                &case.settings,
            )
        })
        .collect();
    let rows: Vec<Option<&&Settings>> = rows_of(frame)?.iter().map(|row| groups.get(&row.case)).collect();
    let mut wider = frame.clone();
    for key in keys {
        let values: Vec<Option<&str>> = rows
            .iter()
            .map(|settings| settings.and_then(|settings| settings.get(*key)).map(String::as_str))
            .collect();
        wider.with_column(typed(key, &values))?;
    }
    Ok(wider)
}

fn typed(name: &str, values: &[Option<&str>]) -> Column {
    fn all<T: FromStr>(values: &[Option<&str>]) -> Option<Vec<Option<T>>> {
        let read = |value: Option<&str>| value.map(str::parse).transpose().ok();
        values.iter().copied().map(read).collect()
    }
    if let Some(numbers) = all::<f64>(values) {
        Column::new(name.into(), numbers)
    } else if let Some(flags) = all::<bool>(values) {
        Column::new(name.into(), flags)
    } else {
        Column::new(name.into(), values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, seed: i64, settings: &str) -> Case {
        let settings = parse(settings);
        Case {
            name: name.into(),
            scale: "tiny".into(),
            towers: towers(&settings),
            seed,
            settings,
        }
    }

    #[test]
    fn towers_are_named_only_where_something_looks_through_one() {
        let of = |json: &str| towers(&parse(json));
        assert_eq!(of(r#"{"seed": 1, "towers": "stand-in"}"#), "stand-in");
        assert_eq!(of("{}"), "not recorded");
        let plain = r#"{"towers":"real","restore":{"network":"restormer","loss":{"clip_aware":0.0,"perceptual":0}}}"#;
        assert_eq!(of(plain), "none");
        assert_eq!(of(&plain.replace("\"perceptual\":0", "\"perceptual\":0.1")), "real");
        let guided = plain.replace("restormer", "perceive-ir");
        assert_eq!(of(&guided), "real");
        assert_eq!(of(&guided.replace("\"loss\"", "\"guidance\":false,\"loss\"")), "none");
    }

    #[test]
    fn what_differs_is_typed_and_seeds_are_no_difference() {
        let cases = [
            case(
                "a",
                1,
                r#"{"seed":1,"same":3,"loss":{"clip":0.05},"network":"restormer","cfe":true}"#,
            ),
            case(
                "b",
                2,
                r#"{"seed":2,"same":3,"loss":{"clip":0},"network":"nafnet","cfe":false}"#,
            ),
        ];
        let compared = Compared::new(&cases);
        let keys: Vec<&str> = compared.differing.into_iter().collect();
        assert_eq!(keys, ["cfe", "loss.clip", "network"]);
        assert_eq!(compared.all.len(), 5);
        let frame = df!("case" => ["b", "a"], "scale" => ["tiny"; 2], "towers" => ["not recorded"; 2],
            "test" => ["t"; 2], "degradation" => ["rain"; 2])
        .unwrap();
        let frame = add_columns(&frame, &cases, &keys).unwrap();
        let types: Vec<&DataType> = keys.iter().map(|key| frame.column(key).unwrap().dtype()).collect();
        assert_eq!(types, [&DataType::Boolean, &DataType::Float64, &DataType::String]);
        let clip: Vec<Option<f64>> = frame.column("loss.clip").unwrap().f64().unwrap().iter().collect();
        assert_eq!(clip, [Some(0.0), Some(0.05)]);
    }

    #[test]
    fn a_setting_that_one_case_lacks_is_a_difference() {
        let keys = |left: &str, right: &str| -> Vec<String> {
            let (left, right) = (parse(left), parse(right));
            unlike(&left, &right).into_iter().map(str::to_owned).collect()
        };
        assert_eq!(keys(r#"{"a":1,"c":3}"#, r#"{"b":2,"c":3}"#), ["a", "b"]);
        assert_eq!(keys(r#"{"a":1,"b":2,"c":3}"#, r#"{"a":1,"b":3}"#), ["b", "c"]);
        assert!(keys("{}", "{}").is_empty());
    }

    #[test]
    fn seeds_that_were_run_with_other_settings_are_found() {
        let like = [
            case("a", 1, r#"{"seed":1,"steps":3}"#),
            case("a", 2, r#"{"seed":2,"steps":3}"#),
        ];
        assert!(unlike_seeds(&like).is_empty());
        let unlike = [
            case("a", 1, r#"{"seed":1,"steps":3}"#),
            case("a", 2, r#"{"seed":2,"steps":4}"#),
        ];
        assert_eq!(unlike_seeds(&unlike), [("a".to_owned(), vec!["steps"])]);
    }
}
