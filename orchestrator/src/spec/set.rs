//! `--set a.b=c`: one setting from the command line.

use serde::Deserialize;

use super::{SpecError, experiment::Experiment, scale};

/// The key of `a.b=c`.
pub fn key(text: &str) -> &str {
    text.split('=').next().unwrap_or(text).trim()
}

/// Checks `a.b=c` against the settings' keys and types and lays it over `own`. A value that is no TOML is a string.
pub fn apply(own: &mut toml::Table, text: &str) -> Result<(), SpecError> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(SpecError::set_form(text));
    };
    let (key, value) = (key.trim(), value.trim());
    let parsed = format!("{key} = {value}").parse::<toml::Table>();
    let table = match parsed {
        Ok(table) => table,
        Err(_) => format!("{key} = {value:?}")
            .parse()
            .map_err(|_| SpecError::set_form(text))?,
    };
    Experiment::deserialize(table.clone()).map_err(|error| SpecError::set(&[text.to_string()], &error))?;
    scale::lay_over(own, table);
    Ok(())
}

/// Whether `a.b=c` decides the dotted `key`, or a part of it.
pub fn concerns(text: &str, key: &str) -> bool {
    let set = text.split_once('=').map_or("", |(set, _)| set.trim());
    let below = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    !set.is_empty() && (below(key, set) || below(set, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_concerns_its_own_key_and_those_above_and_below() {
        assert!(concerns("restore.training.steps=0", "restore.training.steps"));
        assert!(concerns("train = []", "train.0.size"));
        assert!(concerns("prompts.words=[]", "prompts"));
        assert!(!concerns("restore.cfe=false", "restore.loss.contrastive"));
        assert!(!concerns("train=[]", "train_limit"));
        assert!(!concerns("train", "train"));
    }
}
