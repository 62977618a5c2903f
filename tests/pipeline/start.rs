//! Trainings that start from weights: imported ones, or those of a run; and imported networks as they are, in each of
//! their roles.

use std::path::{Path, PathBuf};

use perceive_model::network::{Network, NetworkConfig, Size};
use perceive_model::weights::{Checkpoint, recipe, shapes};

use crate::support::Desk;
use crate::support::mini::files;

/// A plain restorer that learns a little, and networks that may start from it.
const START: &str = r#"
[experiment.backbone]
scale = "tiny"
towers = "stand-in"

[experiment.backbone.restore]
network = "restormer"
loss = { contrastive = 0.0, clip_aware = 0.0, perceptual = 0.0 }
training = { steps = 3, batch = 2, patch = 16 }

[[experiment.backbone.train]]
dataset = "scenes"
count = 4
size = 40
degradations = [{ kind = "noise", sigma = 25 }]

[[experiment.backbone.test]]
dataset = "scenes"
count = 2
size = 40
degradations = [{ kind = "noise", sigma = 25 }]

[experiment.guided]
extends = "backbone"
restore = { network = "perceive-ir", start_from = "backbone", training = { steps = 0 } }

[experiment.weighed]
extends = "backbone"
medium = { training = { steps = 2, batch = 2, patch = 16 } }

[experiment.weighed.restore]
loss = { perceptual = 0.1, slice = 2 }
"#;

/// The restored pictures of an experiment's tests, in order.
fn restored(desk: &Desk, experiment: &str) -> Vec<image::RgbImage> {
    let key = desk.ask(&format!(
        "SELECT artefacts.key FROM artefacts
         JOIN case_artefacts ON case_artefacts.artefact_key = artefacts.key
         JOIN cases ON cases.id = case_artefacts.case_id
         JOIN experiments ON experiments.id = cases.experiment_id
         WHERE experiments.name = '{experiment}' AND artefacts.stage = 'evaluate'
         ORDER BY artefacts.created_at DESC"
    ));
    let folder = desk.home().join("artefacts").join(&key[0]).join("restored");
    files(&folder)
        .iter()
        .map(|file| image::open(file).unwrap().to_rgb8())
        .collect()
}

/// Equal but for what rounding to 8 bits makes of the last bits of a number.
#[track_caller]
fn alike(one: &[image::RgbImage], other: &[image::RgbImage]) {
    assert!(!one.is_empty() && one.len() == other.len());
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one.dimensions(), other.dimensions());
        let widest = one.iter().zip(other.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(widest <= Some(1), "{widest:?}");
    }
}

/// What the first restore run of a network learned.
fn model(desk: &Desk, network: &str) -> PathBuf {
    let sql = "SELECT key FROM artefacts WHERE stage = 'restore' AND label LIKE '{}: %' ORDER BY created_at LIMIT 1";
    let key = desk.ask(&sql.replace("{}", network)).remove(0);
    desk.home().join("artefacts").join(key).join("model.safetensors")
}

fn import(desk: &Desk, kind: &str, file: &Path, name: &str) {
    let file = file.display().to_string();
    desk.run(&["weights", "import", kind, &file, "--name", name]).fine();
}

#[test]
fn a_perceive_ir_of_0_steps_restores_as_the_restormer_that_it_started_from() {
    let desk = Desk::with(START);
    desk.run(&["run", "backbone"]).fine();
    desk.run(&["run", "guided"]).fine();
    alike(&restored(&desk, "backbone"), &restored(&desk, "guided"));

    // The same by imported weights; these are part of the job's key.
    import(&desk, "restormer", &model(&desk, "restormer"), "mine");
    let before = desk.states().len();
    desk.run(&["run", "guided", "--set", "restore.start_from=mine"]).fine();
    assert_eq!(
        desk.states().len(),
        before + 2,
        "restore and evaluate, of other weights"
    );
    alike(&restored(&desk, "backbone"), &restored(&desk, "guided"));
    let mut other = Checkpoint::read(model(&desk, "restormer")).unwrap();
    other.tensors.get_mut("output.weight").unwrap().data[0] += 0.5;
    let path = desk.path("other.safetensors");
    other.write(&path).unwrap();
    desk.run(&["weights", "rm", "mine"]).fine();
    import(&desk, "restormer", &path, "mine");
    desk.run(&["run", "guided", "--set", "restore.start_from=mine"]).fine();
    assert_eq!(
        desk.states().len(),
        before + 4,
        "the name is the same, the weights are not"
    );

    // And it learns from there.
    let learn = ["--set", "restore.start_from=mine", "--set", "restore.training.steps=2"];
    desk.run(&[&["run", "guided"][..], &learn].concat()).fine();
    desk.is_tidy();
}

#[test]
fn a_plain_restorer_goes_on_from_its_own_weights_at_their_sizes() {
    let desk = Desk::with(START);
    let config = NetworkConfig::sized("nafnet", Size::Small).unwrap();
    let weights = recipe(&shapes(&Network::new(&config, &burn::tensor::Device::flex())));
    let path = desk.path("small.safetensors");
    weights.write(&path).unwrap();
    import(&desk, "nafnet", &path, "small");
    let own = ["--set", "restore.network=nafnet", "--set", "restore.start_from=small"];
    desk.run(&[&["run", "backbone", "--set", "restore.training.steps=0"][..], &own].concat())
        .fine();
    let learned = Checkpoint::read(model(&desk, "nafnet")).unwrap();
    assert_eq!(learned.tensors, weights.tensors, "0 steps change nothing");
    desk.run(&[&["run", "backbone"][..], &own].concat()).fine();
    let models = desk.artefacts("restore").into_iter();
    let changed =
        models.filter(|folder| Checkpoint::read(folder.join("model.safetensors")).unwrap().tensors != weights.tensors);
    assert_eq!(changed.count(), 1, "3 steps change something");

    // A Perceive-IR on the same backbone.
    let on_it = [
        "--set",
        "restore.network=perceive-ir-nafnet",
        "--set",
        "restore.start_from=small",
    ];
    desk.run(&[&["run", "guided"][..], &on_it].concat()).fine();
    desk.is_tidy();
}

#[test]
fn imported_networks_are_proxies_medium_models_and_restorers_by_their_name() {
    let desk = Desk::with(START);
    let config = NetworkConfig::sized("promptir", Size::Tiny).unwrap();
    let weights = recipe(&shapes(&Network::new(&config, &burn::tensor::Device::flex())));
    let path = desk.path("promptir.safetensors");
    weights.write(&path).unwrap();
    import(&desk, "promptir", &path, "prompter");
    let proxies = "negatives.proxies=[{ name = \"prompter\", weights = \"prompter\" }]";
    desk.run(&["run", "weighed", "--set", proxies]).fine();
    assert!(desk.states().contains(&"negatives done".to_owned()));
    let medium = [
        "--set",
        "medium.network=promptir",
        "--set",
        "medium.start_from=prompter",
        "--set",
        "medium.training.steps=0",
    ];
    desk.run(&[&["run", "weighed"][..], &medium].concat()).fine();
    for folder in desk.artefacts("medium") {
        let used = Checkpoint::read(folder.join("model.safetensors")).unwrap();
        assert_eq!(used.tensors, weights.tensors);
    }
    assert_eq!(desk.artefacts("medium").len(), 2);
    let picture = desk.plant("in.png", 24, 16).display().to_string();
    desk.run(&["restore", &picture, "-o", &desk.arg("out"), "--model", "prompter"])
        .fine();
    assert!(desk.path("out/in.png").exists());
    desk.is_tidy();
}

#[test]
fn what_cannot_be_started_from_is_told_before_anything_runs() {
    let desk = Desk::with(START);
    let from = |more: &[&str]| desk.run(&[&["run", "guided"][..], more].concat());
    from(&[]).fails(4, &["restore.start_from", "\"backbone\"", "weights ls"]);
    from(&["--set", "restore.start_from="]).fails(3, &["restore.training.steps", "start_from"]);
    let config = NetworkConfig::sized("nafnet", Size::Tiny).unwrap();
    let weights = recipe(&shapes(&Network::new(&config, &burn::tensor::Device::flex())));
    let path = desk.path("naf.safetensors");
    weights.write(&path).unwrap();
    import(&desk, "nafnet", &path, "naf");
    let says = [
        "restore.start_from = \"naf\"",
        "a perceive-ir cannot start from the weights of a nafnet",
    ];
    from(&["--set", "restore.start_from=naf"]).fails(3, &says);
    let guided = NetworkConfig::sized("perceive-ir", Size::Tiny).unwrap();
    let weights = recipe(&shapes(&Network::new(&guided, &burn::tensor::Device::flex())));
    weights.write(&path).unwrap();
    import(&desk, "perceive-ir", &path, "guided-one");
    let proxies = "negatives.proxies=[{ name = \"p\", weights = \"guided-one\" }]";
    desk.run(&["run", "weighed", "--set", proxies])
        .fails(6, &["negatives.proxies", "guided-one", "does not say by which"]);
    let picture = desk.plant("in.png", 24, 16).display().to_string();
    desk.run(&["restore", &picture, "-o", &desk.arg("out"), "--model", "guided-one"])
        .fails(6, &["guided-one", "restore.start_from"]);
    assert!(desk.states().is_empty());
}
