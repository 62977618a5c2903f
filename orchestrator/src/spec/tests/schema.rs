//! The schema against files: a small reader of JSON Schema, of the words that ours uses.

use serde_json::{Value, json};

use super::*;
use crate::spec::schema::schema;

/// What in `value` the schema does not allow: the first place, with why.
fn refused(value: &Value, rule: &Value, root: &Value, at: &str) -> Option<String> {
    if let Some(allowed) = rule.as_bool() {
        return (!allowed).then(|| format!("{at}: nothing may be here"));
    }
    if let Some(reference) = rule.get("$ref").and_then(Value::as_str) {
        return refused(value, root.pointer(&reference[1..]).unwrap(), root, at);
    }
    for word in rule.as_object().unwrap().keys() {
        let known = [
            "$schema",
            "title",
            "description",
            "default",
            "definitions",
            "format",
            "type",
            "enum",
            "const",
            "minimum",
            "maximum",
            "minItems",
            "maxItems",
            "minProperties",
            "anyOf",
            "oneOf",
            "allOf",
            "items",
            "properties",
            "required",
            "additionalProperties",
        ];
        assert!(
            known.contains(&word.as_str()),
            "{at}: the schema says {word:?}, which this reader does not know"
        );
    }
    let any_type = |types: &Value| {
        let is = |name: &str| match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "null" => value.is_null(),
            other => panic!("{other} is no type"),
        };
        match types {
            Value::Array(types) => types.iter().any(|name| is(name.as_str().unwrap())),
            name => is(name.as_str().unwrap()),
        }
    };
    if let Some(types) = rule.get("type")
        && !any_type(types)
    {
        return Some(format!("{at}: {value} is no {types}"));
    }
    if let Some(values) = rule.get("enum").and_then(Value::as_array)
        && !values.contains(value)
    {
        return Some(format!("{at}: {value} is none of {values:?}"));
    }
    if rule.get("const").is_some_and(|only| only != value) {
        return Some(format!("{at}: {value} is not {}", rule["const"]));
    }
    if let (Some(least), Some(number)) = (rule.get("minimum").and_then(Value::as_f64), value.as_f64())
        && number < least
    {
        return Some(format!("{at}: {number} is below {least}"));
    }
    for word in ["anyOf", "oneOf"] {
        if let Some(rules) = rule.get(word).and_then(Value::as_array) {
            let why: Vec<String> = rules.iter().map_while(|rule| refused(value, rule, root, at)).collect();
            if why.len() == rules.len() {
                return Some(why.join("; "));
            }
        }
    }
    for rule in rule.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        if let Some(why) = refused(value, rule, root, at) {
            return Some(why);
        }
    }
    if let Value::Array(items) = value {
        if (items.len() as u64) < rule.get("minItems").and_then(Value::as_u64).unwrap_or(0) {
            return Some(format!("{at}: too few"));
        }
        let rule = rule.get("items").unwrap_or(&Value::Bool(true));
        return (items.iter().enumerate()).find_map(|(i, item)| refused(item, rule, root, &format!("{at}.{i}")));
    }
    let members = value.as_object()?;
    if (members.len() as u64) < rule.get("minProperties").and_then(Value::as_u64).unwrap_or(0) {
        return Some(format!("{at}: empty"));
    }
    for name in rule.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            return Some(format!("{at}: {name} is missing"));
        }
    }
    members.iter().find_map(|(name, value)| {
        let own = rule.get("properties").and_then(|all| all.get(name));
        let rule = own
            .or_else(|| rule.get("additionalProperties"))
            .unwrap_or(&Value::Bool(true));
        refused(value, rule, root, &format!("{at}.{name}"))
    })
}

/// What the schema refuses of a TOML text.
fn of_toml(text: &str) -> Option<String> {
    let value: toml::Table = text.parse().unwrap();
    let schema = schema();
    refused(&serde_json::to_value(value).unwrap(), &schema, &schema, "file")
}

#[test]
fn the_shipped_experiments_follow_the_schema_key_by_key() {
    assert_eq!(of_toml(files::SHIPPED), None);
}

#[test]
fn all_words_of_the_language_follow_the_schema() {
    let text = r#"
        include = ["shipped"]
        [base]
        seeds = 3
        prompts.tokens = 4
        [experiment.a]
        abstract = true
        train = [{ dataset = "BSD400", degradations = [{ kind = "noise", sigma = 15, protocol = "float" }, { kind = "haze", beta = [1, 2] }] }]
        [experiment.b]
        extends = ["a"]
        cases = [{ name = "x", about = "y", restore = { loss = { clip_aware = 0 } } }]
        exclude = [{ case = "x", "restore.loss.perceptual" = 0.1 }]
        [experiment.b.matrix]
        "restore.loss.perceptual" = [0.1, { name = "half", value = 0.05 }]
        restore.pgca = ["off"]
        train = [[{ dataset = "WED" }], { name = "two", value = [{ dataset = "WED" }] }]
        [experiment.b.zip]
        prompts.tokens = [1, 2]
    "#;
    assert_eq!(of_toml(text), None);
}

#[test]
fn the_examples_of_the_documentation_follow_the_schema() {
    let page = include_str!("../../../../docs/experiments.md");
    let examples: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(examples.len() > 5);
    for example in examples {
        assert_eq!(of_toml(example), None, "{example}");
    }
}

#[test]
fn slips_do_not_follow_the_schema() {
    for text in [
        "includ = []",
        "[experiment.a]\nstpes = 3",
        "[experiment.a.restore.training]\nstpes = 3",
        "[experiment.a.restore.training]\nsteps = \"many\"",
        "[experiment.a]\ntowers = \"reel\"",
        "[experiment.a]\nseeds = 0",
        "[base]\nextends = \"a\"",
        "[[experiment.a.train]]\nlimit = 3",
        "[[experiment.a.train]]\ndataset = \"x\"\ndegradations = [{ kind = \"noise\", sigmas = 3 }]",
        "[[experiment.a.cases]]\nrestore.cfe = true",
        "[experiment.a.matrix]\n\"restore.loss.clip_awre\" = [1]",
        "[experiment.a.matrix]\n\"restore.loss.clip_aware\" = []",
        "[experiment.a.matrix]\nrestore.loss.clip_aware = 0.1",
    ] {
        assert!(of_toml(text).is_some(), "{text}");
    }
}

#[test]
fn every_setting_of_the_schema_says_what_it_is() {
    fn silent(schema: &Value, at: &str, found: &mut Vec<String>) {
        for (name, rule) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            // The tag of a degradation explains itself.
            if rule.get("description").is_none() && name != "kind" {
                found.push(format!("{at}.{name}"));
            }
        }
        for rule in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
            silent(rule, at, found);
        }
    }
    let schema = schema();
    let mut found = Vec::new();
    for (name, rule) in schema["definitions"].as_object().unwrap() {
        if !["Grid", "Exclude"].contains(&name.as_str()) {
            silent(rule, name, &mut found);
        }
    }
    assert_eq!(json!(found), json!([]));
}
