//! Proxies from anywhere: pictures that were restored elsewhere, external commands and ONNX files as negatives of a real,
//! small pipeline.

mod support;

#[path = "proxies/command.rs"]
mod command;
#[path = "proxies/folder.rs"]
mod folder;
#[path = "proxies/network.rs"]
mod network;
#[path = "proxies/regenerate.rs"]
mod regenerate;

use support::{Desk, Outcome};

/// A plain restorer with the perceptual loss alone: its proxies are all that stands before it.
const LAB: &str = r#"
[experiment.lab]
scale = "tiny"
towers = "stand-in"

[experiment.lab.restore]
network = "restormer"
loss = { contrastive = 0.0, clip_aware = 0.0, slice = 2 }
training = { steps = 2, batch = 2, patch = 24 }

[[experiment.lab.train]]
dataset = "scenes"
count = 3
size = 41
degradations = [{ kind = "noise", sigma = 25 }, { kind = "haze" }]

[[experiment.lab.test]]
dataset = "scenes"
count = 1
size = 41
degradations = [{ kind = "noise", sigma = 25 }]

[experiment.lab.negatives]
proxies = [PROXIES]
"#;

/// The pictures of a proxy: three scenes, each in two degradations.
const PICTURES: usize = 6;

fn lab(proxies: &str) -> Desk {
    let desk = Desk::new();
    hire(&desk, proxies);
    desk
}

/// Gives the experiment other proxies.
fn hire(desk: &Desk, proxies: &str) {
    desk.write_experiments(&LAB.replace("PROXIES", proxies));
}

fn run(desk: &Desk) -> Outcome {
    desk.run(&["run", "lab"])
}

/// The rows of `negatives ls` as JSON.
fn listed(desk: &Desk) -> Vec<serde_json::Value> {
    let text = desk.run(&["negatives", "ls", "--format", "json"]).fine().stdout;
    serde_json::from_str(&text).unwrap()
}

fn notes(desk: &Desk) -> Vec<String> {
    desk.ask("SELECT text FROM events WHERE kind = 'note' ORDER BY run_id, seq")
}
