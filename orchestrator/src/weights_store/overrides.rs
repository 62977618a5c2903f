//! What is said at an import about settings that no shape tells: `--set heads=[1,2,4,8]`, `--config FILE`.

use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::failure::{Exit, Failure};

/// No setting of a restorer is a larger number, or a longer list.
const LARGEST: usize = 10_000;

/// Settings by their dotted names, later ones over earlier ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides(Vec<(String, Value)>);

impl Overrides {
    /// Of a file (JSON, or TOML by its ending) and of `KEY=VALUE`s.
    ///
    /// # Errors
    /// [`Exit::Usage`] for what cannot be read as such.
    pub fn read(file: Option<&Path>, sets: &[String]) -> Result<Self, Failure> {
        let mut all = Vec::new();
        if let Some(path) = file {
            let table = table(path)?;
            let Value::Object(members) = table else {
                let text = format!("--config: {} is no table of settings", path.display());
                return Err(Failure::new(Exit::Usage, text));
            };
            members.iter().for_each(|(name, value)| leaves(name, value, &mut all));
        }
        for set in sets {
            let Some((key, value)) = set.split_once('=') else {
                let text = format!("--set {set}: settings are given as KEY=VALUE");
                return Err(Failure::new(Exit::Usage, text).help("--set heads=[1,2,4,8]"));
            };
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            all.push((key.trim().to_owned(), value));
        }
        Ok(Self(all))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These over `settings`.
    ///
    /// # Errors
    /// [`Exit::Usage`] for a setting that the network does not have, with the nearest, or for a number out of all reason.
    pub fn over(&self, settings: &mut Value) -> Result<(), Failure> {
        for (key, value) in &self.0 {
            let pointer = format!("/{}", key.replace('.', "/"));
            let Some(place) = settings.pointer_mut(&pointer).filter(|_| key != "network") else {
                let mut known = Vec::new();
                names("", settings, &mut known);
                let mut failure = Failure::unknown("setting", key, known.iter().map(String::as_str));
                failure.exit = Exit::Usage;
                return Err(failure);
            };
            if !is_plausible(value) {
                let text = format!("{key} = {value} is no size of a network");
                return Err(Failure::new(Exit::Usage, text).help(format!("numbers up to {LARGEST} are possible")));
            }
            *place = value.clone();
        }
        Ok(())
    }
}

impl fmt::Display for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<String> = self.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        f.write_str(&each.join(", "))
    }
}

fn table(path: &Path) -> Result<Value, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        let mut failure = Failure::io(format!("--config: cannot read {}", path.display()), &error);
        failure.exit = Exit::Usage;
        failure
    })?;
    let wrong = |error: String| Failure::new(Exit::Usage, format!("--config: {}: {error}", path.display()));
    if path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
    {
        return toml::from_str(&text).map_err(|error| wrong(error.to_string()));
    }
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}

/// Tables are entered, so that what they do not name stays as it is.
fn leaves(name: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        // Which network it is, the kind says.
        _ if name == "network" => {}
        Value::Object(members) => members
            .iter()
            .for_each(|(inner, value)| leaves(&format!("{name}.{inner}"), value, found)),
        _ => found.push((name.to_owned(), value.clone())),
    }
}

fn names(prefix: &str, settings: &Value, found: &mut Vec<String>) {
    let Value::Object(members) = settings else { return };
    for (name, value) in members.iter().filter(|(name, _)| *name != "network") {
        let name = format!("{prefix}{name}");
        names(&format!("{name}."), value, found);
        if !value.is_object() {
            found.push(name);
        }
    }
}

/// Whether a network of such settings can be thought of at all: one of a million blocks would fill the memory.
pub fn is_plausible(settings: &Value) -> bool {
    match settings {
        Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() <= LARGEST as f64),
        Value::Array(items) => items.len() <= LARGEST && items.iter().all(is_plausible),
        Value::Object(members) => members.values().all(is_plausible),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> Value {
        json!({"network": "nafnet", "width": 32, "backbone": {"heads": [1, 2], "norm": "with-bias"}})
    }

    fn over(sets: &[&str]) -> Result<Value, Failure> {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let mut value = settings();
        Overrides::read(None, &sets)?.over(&mut value)?;
        Ok(value)
    }

    #[test]
    fn settings_are_laid_over_by_their_dotted_names() {
        let value = over(&["width=8", "backbone.heads=[2, 4]", "backbone.norm=bias-free"]).unwrap();
        assert_eq!(
            value,
            json!({"network": "nafnet", "width": 8, "backbone": {"heads": [2, 4], "norm": "bias-free"}})
        );
        assert_eq!(over(&[]).unwrap(), settings());
    }

    #[test]
    fn a_file_of_settings_names_only_what_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("a.json", r#"{"network": "other", "backbone": {"norm": "bias-free"}}"#),
            ("a.toml", "[backbone]\nnorm = \"bias-free\"\n"),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            let mut value = settings();
            let sets = ["width=9".to_owned()];
            Overrides::read(Some(&path), &sets).unwrap().over(&mut value).unwrap();
            assert_eq!(
                value,
                json!({"network": "nafnet", "width": 9, "backbone": {"heads": [1, 2], "norm": "bias-free"}})
            );
        }
    }

    #[test]
    fn what_is_no_setting_is_refused_with_the_nearest() {
        let failure = over(&["widht=8"]).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.with_help().contains("width"), "{}", failure.with_help());
        assert!(over(&["network=restormer"]).is_err());
        assert!(over(&["width"]).is_err());
        assert!(over(&["width=99999999999"]).is_err());
    }
}
