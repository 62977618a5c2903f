//! A table whose cases differ in more than the experiment's grid: some were run with another `--set`, or before an edit.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::read::Case;
use super::settings::Compared;
use crate::database::experiments::flatten;

/// What has a column of its own, in which the difference is seen.
const SHOWN: [&str; 2] = ["scale", "towers"];

/// The settings that differ between cases of one scale although the grid of `entry` does not vary them. `entry` is the
/// experiment's TOML as recorded; one without a grid of its own that extends others says nothing: theirs is not in it.
pub fn beyond_grid<'a>(cases: &'a [Case], entry: &str) -> Vec<&'a str> {
    let Some(grid) = grid(entry) else {
        return Vec::new();
    };
    let mut scales = BTreeMap::<&str, Vec<&Case>>::new();
    for case in cases {
        scales.entry(&case.scale).or_default().push(case);
    }
    let differing = scales.into_values().flat_map(|cases| Compared::new(cases).differing);
    let beyond: BTreeSet<&str> = differing
        .filter(|key| !SHOWN.contains(key) && !grid.iter().any(|varied| is_within(key, varied)))
        .collect();
    beyond.into_iter().collect()
}

/// The keys of settings that `cases`, `matrix` and `zip` name.
fn grid(entry: &str) -> Option<BTreeSet<String>> {
    let entry: Value = toml::from_str(entry).ok()?;
    let parts: Vec<&Value> = ["cases", "matrix", "zip"]
        .iter()
        .filter_map(|part| entry.get(part))
        .collect();
    if parts.is_empty() && (entry.get("extends").is_some() || entry.as_object().is_none_or(Map::is_empty)) {
        return None;
    }
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Value::Array(cases) => cases.iter().for_each(|case| flatten("", case, &mut flat)),
            axes => flatten("", axes, &mut flat),
        }
    }
    Some(flat.into_iter().map(|(key, _)| key).collect())
}

/// Whether one of the keys is the other or a part of it: a grid may vary a table as a whole.
fn is_within(key: &str, varied: &str) -> bool {
    let begins = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('.'));
    key == varied || begins(key, varied) || begins(varied, key)
}

#[cfg(test)]
mod tests {
    use super::super::settings;
    use super::*;

    fn case(name: &str, scale: &str, settings: &str) -> Case {
        Case {
            name: name.into(),
            scale: scale.into(),
            towers: "none".into(),
            seed: 1,
            settings: settings::parse(settings),
        }
    }

    fn cases() -> [Case; 3] {
        [
            case(
                "a",
                "tiny",
                r#"{"restore":{"loss":{"clip":0.1},"steps":20},"pgca":{"kind":"x"},"seed":1}"#,
            ),
            case(
                "b",
                "tiny",
                r#"{"restore":{"loss":{"clip":0.2},"steps":40},"pgca":{"kind":"y"},"seed":1}"#,
            ),
            case(
                "b",
                "small",
                r#"{"restore":{"loss":{"clip":0.2},"steps":99},"pgca":{"kind":"y"},"seed":1}"#,
            ),
        ]
    }

    #[test]
    fn what_no_grid_varies_is_named() {
        let matrix = "[matrix]\n\"restore.loss.clip\" = [0.1, 0.2]\n\"pgca\" = [\"x\", \"y\"]";
        assert_eq!(beyond_grid(&cases(), matrix), ["restore.steps"]);
        let explicit = "[restore]\nsteps = 40\n[[cases]]\nname = \"a\"\nrestore.loss.clip = 0.1\npgca.kind = \"x\"";
        assert_eq!(beyond_grid(&cases(), explicit), ["restore.steps"]);
        let zip = "[zip]\n\"restore.loss.clip\" = [0.1, 0.2]\n\"restore.steps\" = [20, 40]";
        assert_eq!(beyond_grid(&cases(), zip), ["pgca.kind"]);
        let one = "scale = \"tiny\"";
        assert_eq!(beyond_grid(&cases(), one).len(), 3);
    }

    #[test]
    fn another_scale_is_no_mixture_and_an_unknown_grid_is_not_guessed() {
        let matrix = "[matrix]\n\"pgca\" = [\"x\", \"y\"]";
        assert!(beyond_grid(&cases()[1..], matrix).is_empty());
        for entry in ["", "extends = \"five-tasks\"", "not toml"] {
            assert!(beyond_grid(&cases(), entry).is_empty(), "{entry}");
        }
    }
}
