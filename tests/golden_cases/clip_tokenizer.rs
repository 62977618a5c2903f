//! CLIP's token ids.

use perceive_model::tower::clip::{END, START, tokens};
use serde_json::Value;

use super::{case::Case, outcome::Outcome};

pub fn run(case: &Case) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.value("start", f64::from(START), case.number("/sot"), 0.0);
    outcome.value("end", f64::from(END), case.number("/eot"), 0.0);
    for one in case.json["cases"].as_array().expect("a list of cases") {
        let text = one["text"].as_str().expect("a text");
        let ids = one["ids"].as_array().expect("ids").iter().filter_map(Value::as_u64);
        outcome.equal(&format!("{text:?}"), tokens(text), ids.map(|id| id as u32).collect());
    }
    outcome
}
