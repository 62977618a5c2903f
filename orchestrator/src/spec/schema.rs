//! The JSON Schema of a file of experiments, for editors to complete and check it by.
//!
//! The settings' part comes from the types and their comments; the words of the language are added here.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Experiment;

/// Where the schemas of the settings' types stand in the document.
const DEFINITIONS: &str = "definitions";

/// The schema of a whole file.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut root = Value::from(generator.into_root_schema_for::<Experiment>());
    let definitions = root[DEFINITIONS].take();
    let settings = match root["properties"].take() {
        Value::Object(settings) => settings,
        _ => Map::new(),
    };
    let seeds = json!({
        "type": "integer", "minimum": 1, "default": 1,
        "description": "Repetitions of each case, with the seeds that follow each other; results show mean and deviation.",
    });
    let experiment = object(
        &settings,
        json!({
            "seeds": seeds,
            "extends": {
                "description": "The experiment that this one is laid over, or several: a later one lies over an earlier.",
                "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
            },
            "abstract": {
                "type": "boolean", "default": false,
                "description": "Only to be extended; it is not run itself.",
            },
            "cases": {
                "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/Case" },
                "description": "Cases that are written out, each with a name and the settings in which it differs.",
            },
            "matrix": {
                "allOf": [{ "$ref": "#/definitions/Grid" }],
                "description": "Keys of settings, each with a list of values: every combination is a case.",
            },
            "zip": {
                "allOf": [{ "$ref": "#/definitions/Grid" }],
                "description": "Keys of settings with lists of one length, walked together.",
            },
            "exclude": {
                "type": "array", "items": { "$ref": "#/definitions/Exclude" },
                "description": "Points of the grid that are left out; all keys of an entry must match.",
            },
        }),
        &[],
    );
    let case = object(
        &settings,
        json!({ "name": { "type": "string", "description": "What the case is called in results and after --only." } }),
        &["name"],
    );
    let mut grid = nested_axes(&settings, &definitions);
    let mut points = Map::new();
    dotted(&settings, &definitions, "", &mut |key, schema| {
        if key.contains('.') {
            grid.insert(key.clone(), axis(schema, &definitions));
        }
        points.insert(key, json!({ "anyOf": [schema, { "type": "string" }] }));
    });
    points.insert(
        "case".into(),
        json!({ "type": "string", "description": "The name of one of the cases that are written out." }),
    );
    let mut all = match definitions {
        Value::Object(all) => all,
        _ => Map::new(),
    };
    all.extend([
        ("Base".to_string(), object(&settings, json!({ "seeds": seeds }), &[])),
        ("Declared".to_string(), experiment),
        ("Case".to_string(), case),
        (
            "Grid".to_string(),
            json!({ "type": "object", "minProperties": 1, "properties": grid, "additionalProperties": false }),
        ),
        (
            "Exclude".to_string(),
            json!({ "type": "object", "minProperties": 1, "properties": points }),
        ),
    ]);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Experiments of perceive-ir",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "include": {
                "description": "Files whose experiments belong to these, by their path from this file's folder; \"shipped\": the program's own.",
                "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
            },
            "base": {
                "allOf": [{ "$ref": "#/definitions/Base" }],
                "description": "Settings under every experiment of this file.",
            },
            "experiment": {
                "type": "object", "additionalProperties": { "$ref": "#/definitions/Declared" },
                "description": "The experiments, by name.",
            },
        },
        DEFINITIONS: all,
    })
}

/// A closed table of settings with some words beside them.
fn object(settings: &Map<String, Value>, words: Value, required: &[&str]) -> Value {
    let mut properties = settings.clone();
    if let Value::Object(words) = words {
        properties.extend(words);
    }
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// The keys of a grid without quotes: tables in tables, with lists at their ends.
fn nested_axes(settings: &Map<String, Value>, definitions: &Value) -> Map<String, Value> {
    let axes = settings.iter().map(|(name, schema)| {
        let axis = match members(schema, definitions) {
            Some(inner) => {
                let inner = nested_axes(inner, definitions);
                let table = json!({ "type": "object", "properties": inner, "additionalProperties": false });
                json!({ "anyOf": [axis(schema, definitions), table] })
            }
            None => axis(schema, definitions),
        };
        (name.clone(), axis)
    });
    axes.collect()
}

/// Calls `each` with every dotted key of the settings and its schema.
fn dotted(settings: &Map<String, Value>, definitions: &Value, above: &str, each: &mut dyn FnMut(String, &Value)) {
    for (name, schema) in settings {
        let key = format!("{above}{name}");
        if let Some(inner) = members(schema, definitions) {
            dotted(inner, definitions, &format!("{key}."), each);
        }
        each(key, schema);
    }
}

/// The members of a setting that is a table.
fn members<'a>(schema: &'a Value, definitions: &'a Value) -> Option<&'a Map<String, Value>> {
    let reference = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref"));
    match reference.and_then(Value::as_str) {
        Some(path) => members(definitions.get(path.rsplit('/').next()?)?, definitions),
        None => schema.get("properties")?.as_object(),
    }
}

/// A list of values of one setting, each bare or with a name.
fn axis(schema: &Value, definitions: &Value) -> Value {
    let text = json!({ "type": "string", "description": "What names of cases call the value." });
    let words = json!({ "name": text, "label": text, "value": schema });
    let mut forms = vec![schema.clone(), object(&Map::new(), words, &["value"])];
    if let Some(members) = members(schema, definitions) {
        forms.push(object(members, json!({ "name": text, "label": text }), &[]));
    }
    let mut axis = json!({ "type": "array", "minItems": 1, "items": { "anyOf": forms } });
    if let Some(description) = schema.get("description") {
        axis["description"] = description.clone();
    }
    axis
}
