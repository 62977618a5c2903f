//! `--set a.b=c`: one setting from the command line.

use super::fault::Fault;
use super::files::WORDS;
use super::tree::{Node, Origin};

/// The settings that the `--set` of this number writes. A value that is no TOML is a string.
pub fn parse(text: &str, index: usize) -> Result<Node, Fault> {
    let origin = Origin::Set(index as u32);
    let form = || {
        Fault::new("not of the form key=value")
            .at(origin)
            .with_help("for example --set restore.loss.clip_aware=0.1")
    };
    let (key, value) = text.split_once('=').ok_or_else(form)?;
    let (key, value) = (key.trim(), value.trim());
    if key == "seeds" {
        return Err(Fault::new("repetitions are not a setting")
            .at(origin)
            .with_help("--seeds N"));
    }
    if WORDS.contains(&key) {
        return Err(Fault::new(format!("`{key}` is written in the file, not from outside")).at(origin));
    }
    let places = |_: std::ops::Range<usize>| origin;
    Node::parse(&format!("{key} = {value}"), &places)
        .or_else(|_| Node::parse(&format!("{key} = {value:?}"), &places))
        .map_err(|_| form())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_no_toml_is_a_string() {
        let value = |text: &str| parse(text, 0).unwrap().get("a").unwrap().to_toml();
        assert_eq!(value("a=0.5"), toml::Value::Float(0.5));
        assert_eq!(value("a = true"), toml::Value::Boolean(true));
        assert_eq!(value("a=stand-in"), toml::Value::String("stand-in".into()));
        assert_eq!(value("a=x=y"), toml::Value::String("x=y".into()));
        assert!(value("a=[1, 2]").is_array());
    }

    #[test]
    fn what_is_no_assignment_is_refused() {
        for text in ["a", "=1", "a b=1", "seeds=3", "matrix=1"] {
            assert!(parse(text, 0).is_err(), "{text}");
        }
    }
}
