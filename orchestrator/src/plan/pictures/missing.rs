//! Datasets and splits that experiments ask for and that were not added, told all at once.

use perceive_datasets::catalogue;

use super::search::split_of;
use crate::{
    database::datasets::Split,
    failure::{Exit, Failure, nearest},
    plan::stand_in,
    spec::{
        Experiment,
        pictures::{PictureSet, SCENES},
    },
};

/// A split of a dataset that must be there and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    dataset: String,
    split: String,
}

impl Missing {
    /// The set that is asked for, to be trained on or tested on (`role`: `train` or `test`).
    pub fn of(asked: &PictureSet, role: &str) -> Self {
        Self {
            dataset: asked.dataset.clone(),
            split: asked.split.clone().unwrap_or_else(|| role.into()),
        }
    }
}

/// What an experiment must have and has not, of all that it trains on and is tested on.
pub fn of(experiment: &Experiment, splits: &[Split]) -> Vec<Missing> {
    let (train, test) = (experiment.train_sets(), experiment.test_sets());
    let sets = train.iter().map(|asked| (asked, "train"));
    let sets = sets.chain(test.iter().map(|asked| (asked, "test")));
    let missing = sets.filter(|(asked, role)| {
        asked.dataset != SCENES
            && !asked.optional
            && stand_in::of(asked, role, experiment, splits).is_none()
            && split_of(asked, role, splits).is_none()
    });
    missing.map(|(asked, role)| Missing::of(asked, role)).collect()
}

/// The refusal that names everything that is missing; `splits` are those that were added.
pub fn told(missing: &[Missing], splits: &[Split]) -> Failure {
    let mut added: Vec<&str> = splits.iter().map(|split| split.dataset.as_str()).collect();
    added.sort_unstable();
    added.dedup();
    let (mut texts, mut helps) = (Vec::new(), Vec::new());
    let mut unknown: Vec<&str> = Vec::new();
    for Missing { dataset, split } in missing {
        if let Some(there) = added.iter().find(|name| name.eq_ignore_ascii_case(dataset)) {
            texts.push(format!("{there} has no split {split:?}"));
            helps.push(format!(
                "`perceive-ir data show {there}` tells what there is; `perceive-ir data add FOLDER` adds to it"
            ));
        } else if !unknown.contains(&dataset.as_str()) {
            unknown.push(dataset);
        }
    }
    let quoted = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        names.join(", ")
    };
    match unknown[..] {
        [] => {}
        [name] => texts.push(format!("the dataset {name:?} was not added")),
        _ => texts.push(format!("the datasets {} were not added", quoted(&unknown))),
    }
    let near = |name: &str| meant(name, &added);
    let misspelt = unknown.iter().filter_map(|name| Some((name, near(name)?)));
    helps.extend(misspelt.map(|(name, near)| match unknown.len() {
        1 => format!("did you mean {near:?}?"),
        _ => format!("{name:?}: did you mean {near:?}?"),
    }));
    let absent = unknown.iter().copied().filter(|name| near(name).is_none());
    let (known, own): (Vec<&str>, Vec<&str>) = absent.partition(|name| catalogue::find(name).is_some());
    match known[..] {
        [] => {}
        [_] => helps.push("`perceive-ir data add FOLDER` adds it".into()),
        _ => helps.push("`perceive-ir data add FOLDER` adds what a folder holds of them".into()),
    }
    let named = |name: &&str| format!("`perceive-ir data add FOLDER --dataset {name}` adds it");
    helps.extend(own.iter().map(named));
    if !(known.is_empty() && own.is_empty()) {
        let there = match added[..] {
            [] => "none".into(),
            _ => added.join(", "),
        };
        helps.push(format!("added were: {there}"));
    }
    Failure::new(Exit::Unknown, texts.join("; ")).help(helps.join("; "))
}

/// The dataset that was probably meant by a name of none.
fn meant<'a>(name: &str, added: &[&'a str]) -> Option<&'a str> {
    match catalogue::find(name) {
        Some(_) => None,
        None => nearest(name, added.iter().copied().chain(catalogue::names())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(names: &[&str]) -> String {
        let missing = names.iter().map(|name| Missing {
            dataset: (*name).into(),
            split: "train".into(),
        });
        told(&missing.collect::<Vec<_>>(), &[]).with_help()
    }

    #[test]
    fn one_and_several_are_told_with_what_to_do_about_each() {
        let one = told_of(&["rain100l"]);
        assert!(one.starts_with("the dataset \"rain100l\" was not added"), "{one}");
        assert!(
            one.contains("`perceive-ir data add FOLDER` adds it; added were: none"),
            "{one}"
        );
        let several = told_of(&["rain100l", "wed", "rain100l", "kodka24", "holiday"]);
        let (message, help) = several.split_once('\n').unwrap();
        assert_eq!(
            message,
            "the datasets \"rain100l\", \"wed\", \"kodka24\", \"holiday\" were not added"
        );
        assert!(help.contains("\"kodka24\": did you mean \"kodak24\"?"), "{help}");
        assert!(
            help.contains("`perceive-ir data add FOLDER` adds what a folder holds of them"),
            "{help}"
        );
        assert!(
            help.contains("`perceive-ir data add FOLDER --dataset holiday` adds it"),
            "{help}"
        );
    }
}
