//! `perceive-ir weights export`: what was trained here is the same network in another home, and in PyTorch.

mod support;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use burn::tensor::{Device, Tensor};
use perceive_model::network::{Guidance, Network, NetworkConfig};
use perceive_model::weights::{Array, Checkpoint, load, recipe};
use support::Desk;
use support::mini::MINI;

/// Short trainings of a small restorer of each kind that the PyTorch scripts know.
const THREE: &str = r#"
[experiment.plain]
scale = "tiny"
towers = "stand-in"

[experiment.plain.restore]
network = "restormer"
loss = { contrastive = 0.0, clip_aware = 0.0, perceptual = 0.0 }
training = { steps = 8, batch = 2, patch = 16 }

[[experiment.plain.train]]
dataset = "scenes"
count = 4
size = 32
degradations = [{ kind = "noise", sigma = 25 }]

[[experiment.plain.test]]
dataset = "scenes"
count = 1
size = 32
degradations = [{ kind = "noise", sigma = 25 }]

[experiment.nafnet]
extends = "plain"
restore = { network = "nafnet" }
"#;

/// A desk on which `plain`, `nafnet` and `mini` (a Perceive-IR) are trained.
fn trained() -> Desk {
    let desk = Desk::with(&format!("{THREE}\n{MINI}"));
    for experiment in ["plain", "nafnet", "mini"] {
        let fast = "restore.training.learning_rate=0.01";
        desk.run(&["run", experiment, "--set", fast]).fine();
    }
    desk
}

fn export(desk: &Desk, experiment: &str) -> Checkpoint {
    let file = desk.arg(&format!("{experiment}.safetensors"));
    let said = desk.run(&["weights", "export", experiment, &file]).fine();
    assert!(
        said.stdout.is_empty() && said.stderr.contains("wrote"),
        "{}",
        said.stderr
    );
    Checkpoint::read(&file).unwrap()
}

fn network(file: &Checkpoint) -> NetworkConfig {
    serde_json::from_str(&file.metadata["configuration"]).unwrap()
}

#[test]
fn an_exported_restorer_is_the_same_in_another_home() {
    let desk = trained();
    let other = Desk::new();
    desk.plant("holiday/one.png", 40, 24);
    for (experiment, kind) in [("plain", "restormer"), ("nafnet", "nafnet"), ("mini", "perceive-ir")] {
        let file = export(&desk, experiment);
        assert_eq!(file.metadata["format"], "pt");
        let restore = |desk: &Desk, from: &str, model: &str, to: &str| {
            desk.run(&["restore", from, "-o", to, "--model", model]).fine();
            fs::read(Path::new(to).join("one.png")).unwrap()
        };
        let here = restore(&desk, &desk.arg("holiday"), experiment, &desk.arg(experiment));
        let path = desk.arg(&format!("{experiment}.safetensors"));
        other.run(&["weights", "import", kind, &path]).fine();
        let shown = other.run(&["weights", "show", kind]).fine().stdout;
        assert_eq!(
            shown.contains("the stand-in of DINOv2"),
            kind == "perceive-ir",
            "{shown}"
        );
        let there = restore(&other, &desk.arg("holiday"), kind, &other.arg(experiment));
        assert_eq!(here, there, "{experiment}");
        // Imported weights leave again as they came.
        let again = other.arg(&format!("{kind}.safetensors"));
        other.run(&["weights", "export", kind, &again]).fine();
        let again = Checkpoint::read(&again).unwrap();
        assert_eq!(again.tensors, file.tensors);
        assert_eq!(again.metadata.get("guide"), file.metadata.get("guide"));
    }
}

#[test]
fn a_guided_restorer_that_does_not_say_by_what_is_good_for_a_start_only() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    let mut file = export(&desk, "mini");
    file.metadata.remove("guide");
    file.write(Path::new(&desk.arg("silent.safetensors"))).unwrap();
    let import = [
        "weights",
        "import",
        "perceive-ir",
        &desk.arg("silent.safetensors"),
        "--name",
        "silent",
    ];
    desk.run(&import).fine();
    desk.plant("holiday/one.png", 40, 24);
    let says = ["silent", "does not say by which weights", "restore.start_from"];
    let (holiday, to) = (desk.arg("holiday"), desk.arg("to"));
    desk.run(&["restore", &holiday, "-o", &to, "--model", "silent"])
        .fails(6, &says);
    let proxies = "negatives.proxies=[{ name = \"silent\", weights = \"silent\" }]";
    desk.run(&["run", "mini", "--set", proxies]).fails(6, &says);
    let measured = ["restore.start_from=silent", "restore.training.steps=0"];
    desk.run(&["run", "mini", "--set", measured[0], "--set", measured[1]])
        .fine();
}

#[test]
fn an_exported_restorer_restores_the_same_in_pytorch() {
    let Some(python) = env::var_os("PERCEIVE_TORCH") else {
        println!("skipped: PERCEIVE_TORCH names no Python that has torch and safetensors");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/torch/restore.py");
    let desk = trained();
    for experiment in ["plain", "nafnet", "mini"] {
        let file = export(&desk, experiment);
        let out = desk.arg("out.safetensors");
        let mut command = Command::new(&python);
        command.arg(&script).arg(desk.arg(&format!("{experiment}.safetensors")));
        let ran = command.arg(&out).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let theirs = Checkpoint::read(&out).unwrap().tensors;
        let (image, ours) = (picture(), restored(&file));
        let change = ours["image"]
            .data
            .iter()
            .zip(&image.data)
            .map(|(to, from)| (to - from).abs());
        let change = change.fold(0.0, f32::max);
        assert!(
            change > 0.05,
            "{experiment} has learned nothing: it changes pixels by at most {change}"
        );
        assert!(theirs.keys().eq(ours.keys()), "{experiment}");
        for (name, theirs) in &theirs {
            let ours = &ours[name];
            let apart = theirs.data.iter().zip(&ours.data).map(|(a, b)| (a - b).abs());
            let largest = theirs
                .data
                .iter()
                .fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let difference = apart.fold(0.0, f32::max) / largest;
            println!("{experiment}: {name} differs by {difference:.1e} of its largest value");
            assert_eq!(theirs.shape, ours.shape);
            assert!(difference <= 1e-5, "{experiment}: {name} differs by {difference:e}");
        }
    }
}

/// A tensor made of its name.
fn named(name: &str, shape: &[usize]) -> Array {
    let mut made = recipe(&[(name.to_owned(), shape.to_vec())]).tensors;
    made.remove(name).unwrap()
}

/// `[1, 3, 48, 48]`
fn picture() -> Array {
    let mut pixels = named("image", &[3 * 48 * 48]);
    pixels.data.iter_mut().for_each(|value| *value = 0.5 + 5.0 * *value);
    pixels.shape = vec![1, 3, 48, 48];
    pixels
}

/// What this program makes of the picture and the tokens that `tests/torch/restore.py` takes.
fn restored(file: &Checkpoint) -> BTreeMap<String, Array> {
    let device = Device::flex();
    let config = network(file);
    let network = load(Network::new(&config, &device), file, "export").unwrap();
    let image: Tensor<4> = picture().tensor(&device);
    let guidance: Option<Guidance> = match &config {
        NetworkConfig::PerceiveIr(config) => {
            Some([0, 1, 2, 3].map(|index| named(&format!("token.{index}"), &[1, config.feat_dim]).tensor(&device)))
        }
        _ => None,
    };
    let restored = network.forward(image, guidance);
    let z = restored.z.map(|z| ("z".to_owned(), Array::of(&z)));
    [("image".to_owned(), Array::of(&restored.image))]
        .into_iter()
        .chain(z)
        .collect()
}

#[test]
fn an_export_says_what_guides_the_network_and_leaves_other_files_alone() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    let file = desk.arg("mini.safetensors");
    let export = |more: &[&str]| desk.run(&[&["weights", "export", "mini", &file], more].concat());
    export(&["--dry-run"]).fine();
    assert!(!Path::new(&file).exists());
    export(&[]).fine();
    let written = Checkpoint::read(&file).unwrap();
    assert!(written.metadata["guide"].contains("stand-in"), "{:?}", written.metadata);
    assert!(matches!(network(&written), NetworkConfig::PerceiveIr(_)));
    export(&[]).fails(2, &["is there already", "--force"]);
    export(&["--force"]).fine();
    let pth = desk.arg("mini.pth");
    desk.run(&["weights", "export", "mini", &pth])
        .fails(2, &[".safetensors"]);
    let run = desk.ask("SELECT id FROM runs WHERE stage = 'evaluate'").remove(0);
    let other = desk.arg("other.safetensors");
    desk.run(&["weights", "export", &run, &other])
        .fails(4, &["has no restorer"]);
    desk.run(&["weights", "export", "minni", &other]).fails(4, &["minni"]);
    let mut left: Vec<String> = fs::read_dir(desk.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["experiments.toml", "home", "mini.safetensors"]);
}
