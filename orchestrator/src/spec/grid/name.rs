//! What cases are called: the shortest keys that tell the axes of a grid apart, and their values.

use crate::spec::tree::{Node, Value};

/// For each dotted key, as few of its last words as no other key of the grid ends with: `restore.loss.clip_aware` is
/// `clip_aware`, unless another axis is called so too.
pub fn shortest_suffixes(keys: &[&str]) -> Vec<String> {
    let ends_with = |key: &str, suffix: &str| {
        key.strip_suffix(suffix)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    keys.iter()
        .enumerate()
        .map(|(index, key)| {
            let starts = key.match_indices('.').map(|(at, _)| at + 1).rev().chain([0]);
            let mut suffixes = starts.map(|at| &key[at..]);
            let alone = |suffix: &&str| {
                let mut others = keys.iter().enumerate().filter(|(other, _)| *other != index);
                !others.any(|(_, other)| ends_with(other, suffix))
            };
            suffixes.find(alone).unwrap_or(key).to_string()
        })
        .collect()
}

/// A value as a name says it: itself, where it is a single word or number; otherwise its number in the list, from 1.
pub fn of_value(node: &Node, position: usize) -> String {
    match &node.value {
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => text.to_string(),
        Value::List(_) | Value::Table(_) => (position + 1).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_as_short_as_the_grid_allows() {
        let short = shortest_suffixes(&["restore.loss.clip_aware", "seed"]);
        assert_eq!(short, ["clip_aware", "seed"]);
        let short = shortest_suffixes(&["restore.training.batch", "medium.training.batch", "prompts.batch"]);
        assert_eq!(
            short,
            ["restore.training.batch", "medium.training.batch", "prompts.batch"]
        );
        let short = shortest_suffixes(&["a.size", "size"]);
        assert_eq!(short, ["a.size", "size"]);
    }
}
