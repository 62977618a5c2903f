//! What can be said of an experiment's pictures before anything runs: crops that do not fit, kinds that nobody trains on,
//! datasets that are not whole.

use std::collections::BTreeSet;

use perceive_datasets::catalogue;

use super::pictures::{Found, Pictures};
use crate::{
    failure::{Exit, Failure},
    show::Talk,
    spec::{Experiment, Size},
};

/// Refuses crops that are larger than a picture which they are to be cut from.
///
/// # Errors
/// [`Exit::Pictures`], with both sizes and the setting.
pub fn crops_fit(experiment: &Experiment, train: &[Found]) -> Result<(), Failure> {
    for found in train {
        let (what, width, height) = match found {
            Found::Scenes { size, .. } => ("a scene".to_string(), *size, *size),
            Found::Indexed { smallest, .. } => (smallest.0.display().to_string(), smallest.1, smallest.2),
        };
        let side = width.min(height);
        if let Some((key, patch)) = experiment.crops().into_iter().find(|(_, patch)| *patch > side) {
            let text = format!("{what} is {width}x{height}, smaller than the {patch}x{patch} crops of {key}");
            let possible = side / 8 * 8;
            let help = if possible >= 16 {
                format!("choose a smaller patch (--set {key}={possible}), or take the picture out")
            } else {
                "take the picture out: no crop is so small".into()
            };
            return Err(Failure::new(Exit::Pictures, text).help(help));
        }
    }
    Ok(())
}

/// Says which kinds are tested and not trained because the sets that were to train them are not there.
pub fn tell_untrained(experiment: &Experiment, pictures: &Pictures, talk: Talk) {
    let kinds = |sets: &[Found]| -> BTreeSet<&str> { sets.iter().flat_map(|found| found.asked().kinds()).collect() };
    let (trained, tested) = (kinds(&pictures.train), kinds(&pictures.test));
    let meant = experiment.train_sets();
    for kind in tested.difference(&trained) {
        let meant: Vec<&str> = meant
            .iter()
            .filter(|asked| asked.kinds().contains(kind))
            .map(|asked| asked.dataset.as_str())
            .collect();
        if !meant.is_empty() {
            let meant = meant.join(", ");
            talk.say(format!(
                "{kind} is tested but not trained: there are no pictures of {meant} to train on"
            ));
        }
    }
}

/// Says at the paper's scale of which datasets fewer pictures are here than the paper had.
pub fn tell_incomplete(experiment: &Experiment, pictures: &Pictures, talk: Talk) {
    if experiment.scale != Size::Paper {
        return;
    }
    for found in pictures.train.iter().chain(&pictures.test) {
        let Found::Indexed { dataset, split, .. } = found else {
            continue;
        };
        let official = catalogue::find(dataset).and_then(|entry| entry.split(split));
        if let Some(official) = official.filter(|official| found.pictures() < official.official) {
            talk.say(format!(
                "{dataset} {split}: {} of {} pictures are used",
                found.pictures(),
                official.official
            ));
        }
    }
}
