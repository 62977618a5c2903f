//! Scales: presets of sizes, steps, batches and crops that lie under an experiment's own settings.

use super::{SpecError, size::Size};

/// What a scale decides; `--scale` from outside takes these from the preset even where the experiment names them.
const SCALED: &[&str] = &[
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

fn preset(scale: Size) -> Result<toml::Table, SpecError> {
    let text = match scale {
        Size::Tiny => include_str!("scales/tiny.toml"),
        Size::Small => include_str!("scales/small.toml"),
        Size::Paper => "",
    };
    text.parse()
        .map_err(|error: toml::de::Error| SpecError::preset(scale, &error))
}

/// Lays an experiment over its scale's preset. A scale from outside replaces the experiment's own.
pub fn merge(mut own: toml::Table, outside: Option<Size>) -> Result<toml::Table, SpecError> {
    let named = own
        .get("scale")
        .and_then(|value| value.clone().try_into::<Size>().ok())
        .unwrap_or(Size::Paper);
    let scale = outside.unwrap_or(named);
    if scale != named {
        for key in SCALED {
            remove(&mut own, key);
        }
        own.insert("scale".into(), toml::Value::String(scale.to_string()));
    }
    let mut merged = preset(scale)?;
    lay_over(&mut merged, own);
    Ok(merged)
}

fn remove(table: &mut toml::Table, key: &str) {
    match key.split_once('.') {
        None => {
            table.remove(key);
        }
        Some((first, rest)) => {
            if let Some(toml::Value::Table(inner)) = table.get_mut(first) {
                remove(inner, rest);
            }
        }
    }
}

/// Tables are merged key by key; everything else is replaced.
pub fn lay_over(under: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) => lay_over(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}
