//! One entry of `negatives.proxies`: a name, and where the proxy's pictures come from.
//!
//! An entry is a text (the name of weights) or a table with one of `weights`, `folder`, `command` and `onnx`; here that
//! choice becomes an [`Origin`].

use std::{
    borrow::Cow,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{stage::negatives::command::CommandLine, time};

/// A call of a command may take so long, unless the entry says otherwise.
pub const TIME_LIMIT: Duration = Duration::from_mins(10);

/// One frozen restorer.
#[derive(Clone, Debug, PartialEq)]
pub struct Proxy {
    /// Its name in tables and in `negatives regenerate --proxy NAME`.
    pub name: String,
    pub origin: Origin,
}

/// Where a proxy's pictures come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// `medium-a` or `medium-b`: the medium stage's model of that fold; anything else: the name of imported weights.
    Weights(String),
    /// Pictures that were restored elsewhere.
    Folder(PathBuf),
    Command {
        line: CommandLine,
        /// Of one call.
        time_limit: Duration,
        /// Where it is run; empty: in the current folder.
        folder: PathBuf,
    },
    Onnx {
        file: PathBuf,
        /// Heights and widths that it takes are multiples of this.
        multiple_of: usize,
    },
}

impl Proxy {
    /// The fold (0, 1) of the medium stage that this proxy is the model of.
    pub fn fold(&self) -> Option<usize> {
        match &self.origin {
            Origin::Weights(name) if name == "medium-a" => Some(0),
            Origin::Weights(name) if name == "medium-b" => Some(1),
            _ => None,
        }
    }

    /// Reads relative paths as paths from `folder`.
    pub fn start_from(&mut self, folder: &Path) {
        let path = match &mut self.origin {
            Origin::Weights(_) => return,
            Origin::Folder(path) => path,
            Origin::Command { folder, .. } => folder,
            Origin::Onnx { file, .. } => file,
        };
        *path = folder.join(&*path);
    }

    /// What is impossible in this entry: (key, what is wrong).
    pub fn check(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if self.name.trim().is_empty() {
            wrong.push(("name", "a proxy needs a name".into()));
        }
        match &self.origin {
            Origin::Command { line, time_limit, .. } => {
                wrong.extend(line.check().map(|what| ("command", what)));
                if time_limit.is_zero() {
                    wrong.push((
                        "time_limit",
                        "no command ends in no time; write 90s, 15m or 2h 30m".into(),
                    ));
                }
            }
            Origin::Onnx { multiple_of, .. } if !(1..=1024).contains(multiple_of) => {
                wrong.push((
                    "multiple_of",
                    format!("{multiple_of} is no size to pad to; 1 to 1024 are possible"),
                ));
            }
            _ => {}
        }
        wrong
    }
}

/// An entry as it is written.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["weights"] }, { "required": ["folder"] }, { "required": ["command"] }, { "required": ["onnx"] },
]))]
struct Entry {
    /// Its name in tables and in `negatives regenerate --proxy NAME`.
    name: String,
    /// `medium-a` or `medium-b`: the medium stage's model of that fold; anything else: the name of imported weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<String>,
    /// A folder of pictures that were restored elsewhere, matched by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
    /// A command that restores one picture ({input}, {output}) or a folder of them ({input_dir}, {output_dir}).
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    /// Whether the command is handed to `sh -c`; otherwise it is split into words and no shell is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    shell: Option<bool>,
    /// How long one call of the command may take, such as 90s, 10m or 2h.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    time_limit: Option<TimeLimit>,
    /// An ONNX file with one input `[1, 3, H, W]` in [0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    onnx: Option<PathBuf>,
    /// Pictures are padded to heights and widths that are multiples of this before the ONNX network sees them.
    #[serde(skip_serializing_if = "Option::is_none")]
    multiple_of: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct TimeLimit(Duration);

impl Serialize for TimeLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        time::write(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TimeLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = |_| de::Error::invalid_value(de::Unexpected::Str(&text), &"a time such as 90s, 10m or 2h");
        time::read(&text).map(Self).map_err(wrong)
    }
}

impl TryFrom<Entry> for Proxy {
    type Error = String;

    fn try_from(entry: Entry) -> Result<Self, String> {
        let name = entry.name;
        let misplaced = |key: &str, of: &str, there: bool| {
            let what = || format!("proxy {name:?}: {key} belongs to a proxy with `{of}`");
            if there { Err(what()) } else { Ok(()) }
        };
        if entry.command.is_none() {
            misplaced("shell", "command", entry.shell.is_some())?;
            misplaced("time_limit", "command", entry.time_limit.is_some())?;
        }
        if entry.onnx.is_none() {
            misplaced("multiple_of", "onnx", entry.multiple_of.is_some())?;
        }
        let origin = match (entry.weights, entry.folder, entry.command, entry.onnx) {
            (Some(weights), None, None, None) => Origin::Weights(weights),
            (None, Some(folder), None, None) => Origin::Folder(folder),
            (None, None, Some(text), None) => Origin::Command {
                line: CommandLine {
                    text,
                    shell: entry.shell.unwrap_or(false),
                },
                time_limit: entry.time_limit.map_or(TIME_LIMIT, |limit| limit.0),
                folder: PathBuf::new(),
            },
            (None, None, None, Some(file)) => Origin::Onnx {
                file,
                multiple_of: entry.multiple_of.unwrap_or(1),
            },
            (None, None, None, None) => {
                return Err(format!(
                    "proxy {name:?} comes from nowhere: name its `weights`, a `folder`, a `command` or an `onnx` file"
                ));
            }
            _ => {
                return Err(format!(
                    "proxy {name:?} comes from several places: keep one of `weights`, `folder`, `command` and `onnx`"
                ));
            }
        };
        Ok(Self { name, origin })
    }
}

impl Serialize for Proxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = Entry {
            name: self.name.clone(),
            ..Entry::default()
        };
        match &self.origin {
            Origin::Weights(name) => entry.weights = Some(name.clone()),
            Origin::Folder(path) => entry.folder = Some(path.clone()),
            Origin::Command { line, time_limit, .. } => {
                entry.command = Some(line.text.clone());
                entry.shell = line.shell.then_some(true);
                entry.time_limit = Some(TimeLimit(*time_limit));
            }
            Origin::Onnx { file, multiple_of } => {
                entry.onnx = Some(file.clone());
                entry.multiple_of = Some(*multiple_of);
            }
        }
        entry.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrTable;

        impl<'de> Visitor<'de> for TextOrTable {
            type Value = Proxy;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of weights, or a table such as { name = \"…\", folder = \"…\" }")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Proxy, E> {
                Ok(Proxy {
                    name: name.into(),
                    origin: Origin::Weights(name.into()),
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Proxy, A::Error> {
                Entry::deserialize(MapAccessDeserializer::new(map))?
                    .try_into()
                    .map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(TextOrTable)
    }
}

impl JsonSchema for Proxy {
    fn schema_name() -> Cow<'static, str> {
        "Proxy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = Entry::json_schema(generator);
        json_schema!({
            "description": "One frozen restorer: the name of weights, or a table that says where its pictures come from.",
            "anyOf": [{ "type": "string" }, table],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<Proxy, String> {
        #[derive(Debug, Deserialize)]
        struct File {
            proxy: Proxy,
        }
        let file: Result<File, _> = toml::from_str(&format!("proxy = {toml}"));
        file.map(|file| file.proxy).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_comes_back_as_it_was_written() {
        for toml in [
            r#""medium-a""#,
            r#"{ name = "p", weights = "restormer" }"#,
            r#"{ name = "p", folder = "restored/p" }"#,
            r#"{ name = "p", command = "cp {input} {output}", time_limit = "90s" }"#,
            r#"{ name = "p", command = "cp {input} {output}", shell = true }"#,
            r#"{ name = "p", onnx = "p.onnx", multiple_of = 8 }"#,
        ] {
            let proxy = read(toml).unwrap();
            assert_eq!(proxy.check(), [], "{toml}");
            let text = serde_json::to_string(&proxy).unwrap();
            assert_eq!(serde_json::from_str::<Proxy>(&text).unwrap(), proxy, "{toml}");
        }
        let weights = serde_json::to_string(&read(r#"{ name = "p", weights = "medium-b" }"#).unwrap()).unwrap();
        assert_eq!(weights, r#"{"name":"p","weights":"medium-b"}"#);
    }

    #[test]
    fn an_entry_that_is_nothing_or_several_things_is_refused() {
        for (toml, says) in [
            (r#"{ name = "p" }"#, "comes from nowhere"),
            (r#"{ name = "p", folder = "a", onnx = "b" }"#, "several places"),
            (
                r#"{ name = "p", folder = "a", time_limit = "1s" }"#,
                "belongs to a proxy with `command`",
            ),
            (
                r#"{ name = "p", folder = "a", multiple_of = 8 }"#,
                "belongs to a proxy with `onnx`",
            ),
            (
                r#"{ name = "p", command = "a", time_limit = "soon" }"#,
                "a time such as 90s",
            ),
            (r#"{ name = "p", floder = "a" }"#, "unknown field `floder`"),
            ("7", "the name of weights, or a table"),
        ] {
            let error = read(toml).unwrap_err();
            assert!(error.contains(says), "{toml}: {error}");
        }
    }

    #[test]
    fn paths_start_from_the_folder_of_their_file() {
        let from = |toml: &str| {
            let mut proxy = read(toml).unwrap();
            proxy.start_from(Path::new("lab"));
            proxy.origin
        };
        assert_eq!(from(r#"{ name = "p", folder = "p" }"#), Origin::Folder("lab/p".into()));
        assert_eq!(from(r#"{ name = "p", folder = "/p" }"#), Origin::Folder("/p".into()));
        let Origin::Command { folder, .. } = from(r#"{ name = "p", command = "x" }"#) else {
            panic!("a command is a command")
        };
        assert_eq!(folder, PathBuf::from("lab/"));
    }
}
