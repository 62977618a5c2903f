//! Where a dotted key stands in a TOML text.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// The span of the value at `key` (array entries by number), or of its nearest enclosing value that is in the text.
pub fn key(text: &str, key: &str) -> Option<Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    let mut found = None;
    let mut parts = key.split('.');
    let mut at: &DeValue = {
        let first = parts.next()?;
        let value = root.get_ref().get(first)?;
        value.get_ref()
    };
    for part in parts {
        let next = match at {
            DeValue::Table(table) => table.get(part),
            DeValue::Array(array) => part.parse::<usize>().ok().and_then(|index| array.get(index)),
            _ => None,
        };
        let Some(next) = next else { break };
        found = Some(next.span());
        at = next.get_ref();
    }
    found
}
