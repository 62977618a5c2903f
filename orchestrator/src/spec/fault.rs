//! What is wrong with settings, and with which word of them: made where it is found, told by [`super::error`].

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::tree::{Node, Origin, Value};
use crate::failure::nearest;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub message: String,
    pub at: Option<Origin>,
    help: Option<String>,
    /// What to look for in a table where the place is not known better.
    clue: Clue,
    /// What would have been right in the place of an unknown name.
    candidates: Vec<String>,
    /// Whether a name was asked for that nothing has, rather than something being wrong in a file.
    pub unknown_name: bool,
}

/// Part of a table that was read as a whole (a degradation, whose keys depend on its kind).
#[derive(Clone, Debug, PartialEq)]
enum Clue {
    None,
    Key(String),
    Text(String),
    /// As [`Unexpected`] writes it.
    Leaf(String),
}

impl Fault {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            at: None,
            help: None,
            clue: Clue::None,
            candidates: Vec::new(),
            unknown_name: false,
        }
    }

    pub fn at(mut self, origin: impl Into<Option<Origin>>) -> Self {
        self.at = origin.into();
        self
    }

    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Something is called `name` that should be called one of `candidates`.
    pub fn naming<'a>(mut self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        self.clue = Clue::Key(name.into());
        self.candidates = candidates.into_iter().map(String::from).collect();
        self
    }

    /// More names that would have been right in the place of an unknown one.
    pub fn or_one_of(mut self, more: &[&str]) -> Self {
        if !self.candidates.is_empty() {
            self.candidates.extend(more.iter().copied().map(String::from));
        }
        self
    }

    /// Something that was asked for does not exist; nothing is wrong in a file.
    pub fn unknown(mut self) -> Self {
        self.unknown_name = true;
        self
    }

    /// Whether a key or a type is wrong, which its place tells well enough, rather than a value being impossible.
    pub fn is_of_form(&self) -> bool {
        self.clue != Clue::None
    }

    /// Somewhere in `node`, unless the place is known already.
    pub fn within(mut self, node: &Node) -> Self {
        if self.at.is_none() {
            self.at = Some(self.clue.find(node).unwrap_or(node.origin));
        }
        self
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        if self.help.is_some() {
            return self.help.clone();
        }
        let (Clue::Key(name) | Clue::Text(name)) = &self.clue else {
            return None;
        };
        let near = nearest(name, self.candidates.iter().map(String::as_str));
        let mark = if self.unknown_name { "\"" } else { "`" };
        let all = self.candidates.join(", ");
        match near {
            Some(near) if self.unknown_name => Some(format!("did you mean {mark}{near}{mark}? There are: {all}")),
            Some(near) => Some(format!("did you mean {mark}{near}{mark}?")),
            None if self.candidates.is_empty() => None,
            None => Some(format!("there are: {all}")),
        }
    }
}

impl Clue {
    fn find(&self, node: &Node) -> Option<Origin> {
        let here = match (self, &node.value) {
            (Self::Key(name), Value::Table(table)) => return table.get(name.as_str()).map(|entry| entry.key),
            (Self::Text(text), Value::Text(own)) => **own == **text,
            (Self::Leaf(leaf), _) => unexpected(node).is_some_and(|own| own.to_string() == *leaf),
            _ => false,
        };
        if here {
            return Some(node.origin);
        }
        match &node.value {
            Value::Table(table) => table.values().find_map(|entry| self.find(&entry.node)),
            Value::List(list) => list.iter().find_map(|node| self.find(node)),
            _ => None,
        }
    }
}

/// A leaf as serde speaks of it.
fn unexpected(node: &Node) -> Option<Unexpected<'_>> {
    Some(match &node.value {
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Integer(value) => Unexpected::Signed(*value),
        Value::Float(value) => Unexpected::Float(*value),
        Value::Text(value) => Unexpected::Str(value),
        Value::List(_) => Unexpected::Seq,
        Value::Table(_) => return None,
    })
}

/// What serde expects, in the words of people who write TOML.
fn in_words(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    match expected.as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        words if words.starts_with("struct ") => "a table".into(),
        _ => expected,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected, expected: &dyn Expected) -> Self {
        let mut fault = Self::new(format!("invalid type: {unexpected}, expected {}", in_words(expected)));
        fault.clue = Clue::Leaf(unexpected.to_string());
        fault
    }

    fn invalid_value(unexpected: Unexpected, expected: &dyn Expected) -> Self {
        let mut fault = Self::new(format!("invalid value: {unexpected}, expected {}", in_words(expected)));
        fault.clue = Clue::Leaf(unexpected.to_string());
        fault
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("unknown field `{field}`")).naming(field, expected.iter().copied())
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut fault = Self::new(format!("unknown variant `{variant}`")).naming(variant, expected.iter().copied());
        fault.clue = Clue::Text(variant.into());
        fault
    }
}
