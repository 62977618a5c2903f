//! Every network of the registry from a file in its published layout, as PyTorch writes it; settings that no shape tells;
//! and networks taken for others.

use std::path::{Path, PathBuf};
use std::process::Command;

use burn::tensor::Device;
use perceive_model::network::instructir::LanguageHead;
use perceive_model::network::{MprNetConfig, Network, NetworkConfig, NetworkSettings, Size};
use perceive_model::weights::{Array, Checkpoint, recipe, shapes};

use super::{Place, expect, golden, said};

/// A Python with PyTorch: what `PERCEIVE_PYTHON` names, or `python3`. Without one the files are safetensors without
/// wrappers, and that is said.
fn python() -> Option<String> {
    let name = std::env::var("PERCEIVE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let torch = Command::new(&name).args(["-c", "import torch, numpy"]).output();
    if torch.is_ok_and(|output| output.status.success()) {
        return Some(name);
    }
    eprintln!(
        "SKIPPED: {name} has no PyTorch, so its formats are not written here; set PERCEIVE_PYTHON to one that has"
    );
    None
}

/// Weights of a network of this size, of which nothing is empty.
fn made(config: &NetworkConfig) -> Checkpoint {
    recipe(&shapes(&Network::new(config, &Device::flex())))
}

fn tiny(name: &str) -> Checkpoint {
    made(&NetworkConfig::sized(name, Size::Tiny).unwrap().with_guidance_width(12))
}

/// As the authors' code keeps it: the shared PReLU under the key of every block.
fn mprnet() -> Checkpoint {
    let config = MprNetConfig::sized(Size::Tiny);
    let mut weights = made(&NetworkConfig::MprNet(config));
    let shared = weights.tensors["shallow_feat1.1.body.1.weight"].clone();
    let blocks: Vec<String> = weights
        .tensors
        .keys()
        .filter_map(|key| Some(format!("{}.body.1.weight", key.strip_suffix(".CA.conv_du.0.weight")?)))
        .collect();
    assert!(blocks.len() > 10);
    for key in blocks {
        weights.tensors.insert(key, shared.clone());
    }
    weights
}

/// With what momentum contrast needs.
fn airnet() -> Checkpoint {
    let mut weights = golden("airnet");
    let keys: Vec<String> = weights.tensors.keys().cloned().collect();
    for key in keys {
        let array = weights.tensors[&key].clone();
        if let Some(rest) = key.strip_prefix("E.E.encoder_q.") {
            weights.tensors.insert(format!("E.E.encoder_k.{rest}"), array);
        }
    }
    let queue = Array {
        shape: vec![32, 160],
        data: vec![0.1; 32 * 160],
    };
    weights.tensors.insert("E.E.queue".into(), queue);
    weights
}

struct Case {
    kind: &'static str,
    /// Of `tests/torch/make.py`.
    layout: &'static str,
    published: Checkpoint,
    /// One of its settings, as `weights show` tells it.
    tells: (&'static str, &'static str),
}

fn cases() -> Vec<Case> {
    let case = |kind, layout, published, tells| Case {
        kind,
        layout,
        published,
        tells,
    };
    let head = recipe(&shapes(&LanguageHead::new(40, 24, 7, &Device::flex())));
    vec![
        case(
            "restormer",
            "params",
            golden("restormer_biasfree"),
            ("norm", "bias-free"),
        ),
        case("nafnet", "params+module", golden("nafnet"), ("width", "8")),
        case("mprnet", "trainer+module", mprnet(), ("features", "12")),
        case("airnet", "bare+counters", airnet(), ("encoder", "[16,24,32]")),
        case("promptir", "lightning+net", golden("promptir"), ("backbone.dim", "8")),
        case("instructir", "bare", golden("instructir"), ("text_dim", "24")),
        case("instructir-language", "bare+legacy", head, ("sentence_dim", "40")),
        case("fsnet", "model+counters+legacy", tiny("fsnet"), ("blocks", "4")),
        case("mambair", "ema", tiny("mambair"), ("squeeze", "6")),
        case("perceive-ir", "compiled", golden("perceive_ir"), ("feat_dim", "24")),
        case(
            "perceive-ir-nafnet",
            "params",
            tiny("perceive-ir-nafnet"),
            ("z_dim", "16"),
        ),
    ]
}

/// The checkpoints as files of PyTorch's, or of safetensors where there is no PyTorch.
fn written(place: &Place, cases: &[Case]) -> Vec<PathBuf> {
    let of = |case: &Case| place.write(&format!("{}.safetensors", case.kind), &case.published);
    let sources: Vec<PathBuf> = cases.iter().map(of).collect();
    let Some(python) = python() else { return sources };
    let outs: Vec<PathBuf> = sources.iter().map(|source| source.with_extension("pth")).collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/torch/make.py");
    let mut command = Command::new(python);
    command.arg(script).arg("files");
    for ((case, source), out) in cases.iter().zip(&sources).zip(&outs) {
        command.arg(source).arg(out).arg(case.layout);
    }
    let made = command.output().unwrap();
    assert!(made.status.success(), "{}", said(&made));
    outs
}

#[test]
fn every_network_is_imported_from_its_published_layout() {
    let place = Place::new();
    let cases = cases();
    for (case, file) in cases.iter().zip(written(&place, &cases)) {
        let name = format!("my-{}", case.kind);
        expect(&place.import(case.kind, &file, Some(&name)), 0, &["installed", &name]);
        let stored = Checkpoint::read(place.home().join(format!("weights/{name}.safetensors"))).unwrap();
        assert!(stored.tensors.len() > 3);
        for (key, array) in &stored.tensors {
            let published = &case.published.tensors[key];
            assert_eq!(published.data, array.data, "{}: {key}", case.kind);
        }
        let (setting, value) = case.tells;
        let shown = place.run(&["weights", "show", &name, "--format", "json"]);
        let rows: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        let row = rows.as_array().unwrap().iter().find(|row| row["property"] == setting);
        let found = row.unwrap_or_else(|| panic!("{}: {setting} is not in {rows}", case.kind))["value"].to_string();
        assert!(found.contains(value), "{}: {setting} is {found}", case.kind);
    }
    let listed = said(&place.run(&["weights", "ls", "--format", "csv"]));
    for case in &cases {
        assert!(
            listed.contains(&format!("my-{},{},installed,", case.kind, case.kind)),
            "{listed}"
        );
    }
    assert!(listed.contains("width 8"), "{listed}");
}

#[test]
fn a_network_taken_for_another_is_called_by_its_name() {
    let place = Place::new();
    for (file, asked, words) in [
        (
            "nafnet",
            "restormer",
            "this looks like NAFNet, width 8: `perceive-ir weights import nafnet a.safetensors`",
        ),
        (
            "restormer_withbias",
            "promptir",
            "this looks like Restormer, dim 8: `perceive-ir weights import restormer ",
        ),
        ("promptir", "restormer", "this looks like PromptIR, dim 8"),
        ("instructir", "nafnet", "this looks like InstructIR, width 8"),
        ("clip_tiny", "dinov2-vitb14", "this looks like CLIP ViT-B/32, width 64"),
        ("perceive_ir", "restormer", "this looks like Perceive-IR, dim 8"),
    ] {
        let path = place.write("a.safetensors", &golden(file));
        let counts = " missing, ";
        expect(&place.import(asked, &path, Some("other")), 6, &[counts, words]);
    }
    assert!(place.stored().is_empty());
}

#[test]
fn settings_that_no_shape_tells_are_said_at_the_import() {
    let place = Place::new();
    let file = place.write("net.safetensors", &golden("nafnet"));
    let path = file.to_str().unwrap();
    let import = |more: &[&str]| place.run(&[&["weights", "import", "nafnet", path][..], more].concat());
    expect(&import(&["--set", "locale=48"]), 2, &["locale", "local"]);
    expect(&import(&["--set", "width=0"]), 2, &["width"]);
    expect(&import(&["--set", "width=many"]), 2, &["width", "many"]);
    // A size that the file does not have is told tensor by tensor.
    expect(
        &import(&["--set", "width=16"]),
        6,
        &["of another shape", "intro.weight [8, 3, 3, 3], needed [16, 3, 3, 3]"],
    );
    assert!(place.stored().is_empty());
    expect(&import(&["--set", "local=48"]), 0, &["installed nafnet"]);
    expect(&place.run(&["weights", "show", "nafnet"]), 0, &["local", "48"]);
    expect(&import(&["--set", "local=48"]), 0, &["already"]);
    expect(&import(&[]), 0, &["already"]);
    expect(&import(&["--set", "local=64"]), 6, &["other settings", "--name"]);

    let config = place.folder.path().join("settings.toml");
    std::fs::write(&config, "local = 64\n").unwrap();
    let config = config.to_str().unwrap();
    expect(&import(&["--name", "windowed", "--config", config]), 0, &["windowed"]);
    expect(&place.run(&["weights", "show", "windowed"]), 0, &["64"]);
    expect(
        &import(&["--name", "x", "--config", "nowhere.toml"]),
        2,
        &["nowhere.toml"],
    );
}

#[test]
fn kinds_are_listed_with_where_they_are_published() {
    let place = Place::new();
    let listed = place.run(&["weights", "kinds", "--format", "csv"]);
    expect(
        &listed,
        0,
        &[
            "clip-vit-b32,CLIP ViT-B/32,tower,https://",
            "lpips-alex,LPIPS (AlexNet),metric,https://",
            "promptir,PromptIR,restorer,https://",
            "instructir-language,InstructIR's language head,part of a restorer,https://",
        ],
    );
    expect(
        &place.run(&["weights", "show", "restormer"]),
        0,
        &["not installed", "https://github.com/", "weights import restormer FILE"],
    );
}
