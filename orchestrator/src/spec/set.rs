//! `--set a.b=c`: one setting from the command line.

use serde::Deserialize;

use super::{SpecError, experiment::Experiment, scale};

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
