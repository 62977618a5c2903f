//! Settings as they were written: a tree of values, each of which knows where it stands.
//!
//! Layers are laid over one another without copying what they share: a table is copied when something in it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::{fault::Fault, size::Size};
use crate::number::plain;

/// Where a key or a value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the preset of a scale.
    Preset(Size),
    /// Bytes `start..end` of a file, counted in the order in which they were read.
    File { file: u32, start: u32, end: u32 },
    /// In the `--set` of this number.
    Set(u32),
}

#[derive(Clone, Debug)]
pub struct Node {
    pub value: Value,
    pub origin: Origin,
}

#[derive(Clone, Debug)]
pub enum Value {
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Arc<str>),
    List(Arc<Vec<Node>>),
    Table(Arc<Table>),
}

pub type Table = BTreeMap<Arc<str>, Entry>;

/// A value of a table, with the place of its key.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: Origin,
    pub node: Node,
}

impl Node {
    /// Reads a TOML text; `origin` says where its bytes `start..end` stand.
    pub fn parse(text: &str, origin: &dyn Fn(std::ops::Range<usize>) -> Origin) -> Result<Self, Fault> {
        let table = DeTable::parse(text).map_err(|error| {
            let message = error.message().lines().next().unwrap_or("not valid TOML");
            Fault::new(message).at(error.span().map(origin))
        })?;
        let whole = origin(0..0);
        Ok(Self {
            value: table_of(table.get_ref(), origin)?,
            origin: whole,
        })
    }

    /// A table without entries.
    pub fn empty(origin: Origin) -> Self {
        Self {
            value: Value::Table(Arc::default()),
            origin,
        }
    }

    /// This value under the dotted key of these parts.
    pub fn under(self, parts: &[(Arc<str>, Origin)]) -> Self {
        parts.iter().rev().fold(self, |node, (part, key)| {
            let origin = node.origin;
            let entry = Entry { key: *key, node };
            Self {
                value: Value::Table(Arc::new(Table::from([(part.clone(), entry)]))),
                origin,
            }
        })
    }

    pub fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The same for changing; other kinds of values have none.
    pub fn table_mut(&mut self) -> Option<&mut Table> {
        match &mut self.value {
            Value::Table(table) => Some(Arc::make_mut(table)),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value at one key, or at one place of a list.
    pub fn get(&self, part: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(table) => table.get(part).map(|entry| &entry.node),
            Value::List(list) => list.get(part.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The values along a dotted key, as far as there are any.
    pub fn along<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Node> {
        let mut at = Some(self);
        key.split('.').map_while(move |part| {
            at = at?.get(part);
            at
        })
    }

    /// Takes what stands at a dotted key.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        match key.split_once('.') {
            None => self.table_mut()?.remove(key),
            Some((first, rest)) => {
                self.get(first)?.get(rest.split('.').next()?)?;
                self.table_mut()?.get_mut(first)?.node.remove(rest)
            }
        }
    }

    /// Lays `over` over this: tables are merged key by key; everything else is replaced.
    pub fn lay(&mut self, over: &Node) {
        let (Value::Table(under), Value::Table(above)) = (&mut self.value, &over.value) else {
            self.clone_from(over);
            return;
        };
        self.origin = over.origin;
        let under = Arc::make_mut(under);
        for (key, entry) in above.iter() {
            match under.get_mut(key) {
                Some(own) => {
                    own.key = entry.key;
                    own.node.lay(&entry.node);
                }
                None => {
                    under.insert(key.clone(), entry.clone());
                }
            }
        }
    }

    /// Whether two values are the same, wherever they were written; `1` is `1.0`.
    pub fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Integer(whole), Value::Float(number)) | (Value::Float(number), Value::Integer(whole)) => {
                *number == *whole as f64
            }
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.same(b)),
            (Value::Table(a), Value::Table(b)) => {
                let in_both =
                    |(key, entry): (&Arc<str>, &Entry)| b.get(key).is_some_and(|other| entry.node.same(&other.node));
                a.len() == b.len() && a.iter().all(in_both)
            }
            _ => false,
        }
    }

    /// The value without its place.
    pub fn to_toml(&self) -> toml::Value {
        match &self.value {
            Value::Bool(value) => toml::Value::Boolean(*value),
            Value::Integer(value) => toml::Value::Integer(*value),
            Value::Float(value) => toml::Value::Float(*value),
            Value::Text(value) => toml::Value::String(value.to_string()),
            Value::List(list) => toml::Value::Array(list.iter().map(Self::to_toml).collect()),
            Value::Table(table) => toml::Value::Table(
                table
                    .iter()
                    .map(|(key, entry)| (key.to_string(), entry.node.to_toml()))
                    .collect(),
            ),
        }
    }
}

fn table_of(table: &DeTable, origin: &dyn Fn(std::ops::Range<usize>) -> Origin) -> Result<Value, Fault> {
    let mut entries = Table::new();
    for (key, value) in table {
        let entry = Entry {
            key: origin(key.span()),
            node: Node {
                value: value_of(value.get_ref(), origin(value.span()), origin)?,
                origin: origin(value.span()),
            },
        };
        entries.insert(key.get_ref().as_ref().into(), entry);
    }
    Ok(Value::Table(Arc::new(entries)))
}

fn value_of(value: &DeValue, here: Origin, origin: &dyn Fn(std::ops::Range<usize>) -> Origin) -> Result<Value, Fault> {
    let impossible = |what: String| Fault::new(what).at(Some(here));
    Ok(match value {
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(digits) => Value::Integer(
            i64::from_str_radix(digits.as_str(), digits.radix())
                .map_err(|_| impossible(format!("{digits} has more digits than a number of 64 bits holds")))?,
        ),
        DeValue::Float(digits) => Value::Float(
            digits
                .as_str()
                .parse()
                .map(plain)
                .map_err(|_| impossible(format!("{digits} is no number")))?,
        ),
        DeValue::String(text) => Value::Text(text.as_ref().into()),
        DeValue::Datetime(date) => return Err(impossible(format!("no setting is a date: {date}"))),
        DeValue::Array(values) => {
            let mut list = Vec::with_capacity(values.len());
            for value in values {
                let here = origin(value.span());
                list.push(Node {
                    value: value_of(value.get_ref(), here, origin)?,
                    origin: here,
                });
            }
            Value::List(Arc::new(list))
        }
        DeValue::Table(table) => table_of(table, origin)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        Node::parse(text, &|span| Origin::File {
            file: 0,
            start: span.start as u32,
            end: span.end as u32,
        })
        .unwrap()
    }

    #[test]
    fn tables_are_merged_and_everything_else_is_replaced() {
        let mut under = node("a = { x = 1, y = [1, 2] }\nb = 2");
        under.lay(&node("a = { y = [3], z = 4 }"));
        assert!(under.same(&node("a = { x = 1, y = [3], z = 4 }\nb = 2")));
    }

    #[test]
    fn laying_over_leaves_what_shares_the_table_alone() {
        let under = node("a = { x = 1 }");
        let mut copy = under.clone();
        copy.lay(&node("a = { x = 2 }"));
        copy.remove("a.x");
        assert!(under.same(&node("a = { x = 1 }")));
    }

    #[test]
    fn whole_numbers_equal_the_same_numbers_with_a_point() {
        assert!(node("a = 1").same(&node("a = 1.0")));
        assert!(!node("a = 1").same(&node("a = true")));
        assert!(!node("a = [1]").same(&node("a = [1, 2]")));
    }

    #[test]
    fn numbers_of_any_base_and_form_are_read() {
        let read = node("a = 0xff\nb = 1_000\nc = -3\nd = 1e-3\ne = inf\nf = +7");
        let want = [255.0, 1000.0, -3.0, 1e-3, f64::INFINITY, 7.0];
        for (part, want) in ["a", "b", "c", "d", "e", "f"].iter().zip(want) {
            let found = match read.get(part).unwrap().value {
                Value::Integer(value) => value as f64,
                Value::Float(value) => value,
                _ => f64::NAN,
            };
            assert_eq!(found, want, "{part}");
        }
    }
}
