//! Scales: presets of sizes, steps, batches and crops that lie under an experiment's own settings.

use serde::Deserialize;

use super::fault::Fault;
use super::pictures::SCENES;
use super::size::Size;
use super::tree::{Entry, Node, Origin, Value};

/// What a scale decides; `--scale` from outside takes these from the preset even where the experiment names them.
pub const SCALED: &[&str] = &[
    "train_limit",
    "test_limit",
    "medium.size",
    "medium.training",
    "prompts.steps",
    "prompts.batch",
    "prompts.patch",
    "prompts.pool",
    "prompts.learning_rate",
    "restore.size",
    "restore.training",
    "restore.loss.slice",
    "restore.loss.epoch",
];

/// The preset of a scale.
pub fn preset(scale: Size) -> Result<Node, Fault> {
    let text = match scale {
        Size::Tiny => include_str!("scales/tiny.toml"),
        Size::Small => include_str!("scales/small.toml"),
        Size::Paper => "",
    };
    Node::parse(text, &|_| Origin::Preset(scale))
}

/// The scale that a layer names.
pub fn named(layer: &Node) -> Result<Option<Size>, Fault> {
    layer.get("scale").map(Size::deserialize).transpose()
}

/// Takes from `layer` what a scale from outside decides in its place. Tiny and small are for trying out: they take the
/// stand-in towers.
pub fn yield_to(outside: Size, layer: &mut Node) {
    for key in SCALED {
        layer.remove(key);
    }
    layer.remove("scale");
    if outside != Size::Paper {
        layer.remove("towers");
    }
    take_what_there_is(outside, layer);
}

/// Tiny from outside makes do with whatever pictures there are: every dataset may be absent.
pub fn take_what_there_is(outside: Size, layer: &mut Node) {
    if outside == Size::Tiny {
        for role in ["train", "test"] {
            make_optional(layer, role);
        }
    }
}

/// What a scale from outside says beside its preset.
pub fn from_outside(scale: Size) -> Node {
    let at = Origin::Preset(scale);
    let mut says = vec![("scale", scale.to_string())];
    if scale != Size::Paper {
        says.push(("towers", "stand-in".into()));
    }
    let mut node = Node::empty(at);
    if let Some(table) = node.table_mut() {
        table.extend(says.into_iter().map(|(key, word)| {
            let value = Value::Text(word.into());
            (
                key.into(),
                Entry {
                    key: at,
                    node: Node { value, origin: at },
                },
            )
        }));
    }
    node
}

/// Every dataset of this role may be absent.
fn make_optional(layer: &mut Node, role: &str) {
    let at = Origin::Preset(Size::Tiny);
    let Some(sets) = layer.table_mut().and_then(|table| table.get_mut(role)) else {
        return;
    };
    let Value::List(sets) = &mut sets.node.value else {
        return;
    };
    for set in std::sync::Arc::make_mut(sets) {
        if set.get("dataset").and_then(Node::text) == Some(SCENES) {
            continue;
        }
        if let Some(table) = set.table_mut() {
            let node = Node {
                value: Value::Bool(true),
                origin: at,
            };
            table.insert("optional".into(), Entry { key: at, node });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_name_only_what_a_scale_decides() {
        for scale in [Size::Tiny, Size::Small, Size::Paper] {
            let mut preset = preset(scale).unwrap();
            assert!(crate::spec::Experiment::deserialize(&preset).is_ok());
            for key in SCALED {
                preset.remove(key);
            }
            let left = preset.to_toml().to_string();
            for stage in ["medium", "prompts", "restore"] {
                let inner = preset.get(stage).and_then(Node::table);
                let only_tables = inner.is_none_or(|table| {
                    table
                        .values()
                        .all(|entry| entry.node.table().is_some_and(std::collections::BTreeMap::is_empty))
                });
                assert!(only_tables, "{scale}: {left}");
            }
        }
    }
}
