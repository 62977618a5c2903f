//! `perceive-ir weights`: what is imported fits, what does not fit is told in full and leaves nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use perceive_model::weights::{Array, Checkpoint};
use tempfile::TempDir;

#[path = "weights/fetch.rs"]
mod fetch;
#[path = "weights/formats.rs"]
mod formats;
#[path = "weights/harm.rs"]
mod harm;
#[path = "weights/kinds.rs"]
mod kinds;
#[path = "weights/server.rs"]
mod server;

/// A home and a folder with files to import.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perceive-ir"));
        command.env_remove("PERCEIVE_HOME").arg("--home").arg(self.home());
        command.args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn import(&self, kind: &str, file: &Path, name: Option<&str>) -> Output {
        let mut arguments = vec!["weights", "import", kind, file.to_str().unwrap()];
        arguments.extend(name.iter().flat_map(|name| ["--name", name]));
        self.run(&arguments)
    }

    fn write(&self, file: &str, checkpoint: &Checkpoint) -> PathBuf {
        let path = self.folder.path().join(file);
        checkpoint.write(&path).unwrap();
        path
    }

    /// The names of what lies in the store.
    fn stored(&self) -> Vec<String> {
        let Ok(listing) = fs::read_dir(self.home().join("weights")) else {
            return Vec::new();
        };
        let mut names: Vec<String> = listing
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// The weights of a golden file, without its inputs and outputs.
fn golden(name: &str) -> Checkpoint {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/golden")
        .join(format!("{name}.safetensors"));
    let mut checkpoint = Checkpoint::read(path).unwrap();
    checkpoint.tensors.retain(|key, _| !key.starts_with("__"));
    checkpoint
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[track_caller]
fn expect(output: &Output, code: i32, words: &[&str]) {
    let text = said(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "'{word}' is not in: {text}");
    }
}

#[test]
fn weights_that_fit_are_installed_listed_shown_and_removed() {
    let place = Place::new();
    let file = place.write("tiny.safetensors", &golden("clip_tiny"));
    expect(
        &place.import("clip-vit-b32", &file, Some("tiny-clip")),
        0,
        &["tiny-clip", "62 tensors", "265729 parameters"],
    );
    assert_eq!(place.stored(), ["tiny-clip.json", "tiny-clip.safetensors"]);
    let stored = Checkpoint::read(place.home().join("weights/tiny-clip.safetensors")).unwrap();
    assert_eq!(stored.tensors, golden("clip_tiny").tensors);

    expect(
        &place.run(&["weights", "ls"]),
        0,
        &["tiny-clip", "installed", "clip-vit-b32", "missing"],
    );
    expect(
        &place.run(&["weights", "show", "tiny-clip"]),
        0,
        &["vision_width", "64", "sha256"],
    );
    expect(&place.run(&["doctor"]), 0, &["weights tiny-clip"]);
    expect(&place.import("clip-vit-b32", &file, Some("tiny-clip")), 0, &["already"]);
    expect(&place.run(&["weights", "rm", "tiny-clip"]), 0, &[]);
    assert!(place.stored().is_empty());
    expect(&place.run(&["weights", "rm", "tiny-clip"]), 4, &["tiny-clip"]);
}

#[test]
fn what_published_files_carry_besides_is_left_out() {
    let place = Place::new();
    let mut clip = golden("clip_tiny");
    for key in ["input_resolution", "context_length", "vocab_size"] {
        let number = Array {
            shape: vec![],
            data: vec![224.0],
        };
        clip.tensors.insert(key.to_owned(), number);
    }
    let file = place.write("clip.safetensors", &clip);
    expect(&place.import("clip-vit-b32", &file, Some("tiny")), 0, &["62 tensors"]);
}

#[test]
fn a_trained_restorer_is_found_by_its_kind_or_a_name_and_its_sizes_are_inferred() {
    let place = Place::new();
    let file = place.write("net.safetensors", &golden("restormer_biasfree"));
    expect(
        &place.import("restormer", &file, None),
        0,
        &["installed restormer", "dim 8"],
    );
    expect(&place.import("restormer", &file, Some("derain")), 0, &["derain"]);
    expect(&place.run(&["weights", "show", "derain"]), 0, &["dim", "bias-free"]);
    for name in ["../derain", "vgg16", "nafnet", "medium-a", ""] {
        expect(&place.import("restormer", &file, Some(name)), 2, &[name]);
    }
}

#[test]
fn every_missing_extra_and_misshapen_tensor_is_listed_and_nothing_is_stored() {
    let place = Place::new();
    let mut clip = golden("clip_tiny");
    clip.tensors.remove("logit_scale");
    clip.tensors.remove("visual.ln_post.bias");
    let stray = clip.tensors["ln_final.bias"].clone();
    clip.tensors.insert("ema.decay".to_owned(), stray);
    let proj = clip.tensors.get_mut("visual.proj").unwrap();
    proj.shape.reverse();
    let file = place.write("wrong.safetensors", &clip);
    let keys = ["logit_scale", "visual.ln_post.bias", "ema.decay", "visual.proj"];
    expect(&place.import("clip-vit-b32", &file, Some("tiny")), 6, &keys);
    assert!(place.stored().is_empty());
}

#[test]
fn weights_that_are_not_numbers_are_refused_by_key() {
    let place = Place::new();
    let mut clip = golden("clip_tiny");
    clip.tensors.get_mut("visual.proj").unwrap().data[3] = f32::NAN;
    let file = place.write("nan.safetensors", &clip);
    expect(
        &place.import("clip-vit-b32", &file, Some("tiny")),
        6,
        &["visual.proj", "NaN"],
    );
    assert!(place.stored().is_empty());
}

#[test]
fn a_network_of_another_size_may_not_stand_for_the_tower() {
    let place = Place::new();
    let file = place.write("tiny.safetensors", &golden("clip_tiny"));
    expect(
        &place.import("clip-vit-b32", &file, None),
        6,
        &["265729", "151277313", "--name"],
    );
    assert!(place.stored().is_empty());
}

#[test]
fn broken_files_are_told_apart_and_leave_nothing() {
    let place = Place::new();
    let whole = fs::read(place.write("whole.safetensors", &golden("clip_tiny"))).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = place.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    for (path, words) in [
        (place.folder.path().join("nowhere.safetensors"), "nowhere.safetensors"),
        (place.folder.path().to_path_buf(), "cannot read"),
        (file("empty.safetensors", b""), "empty.safetensors"),
        (
            file("cut.safetensors", &whole[..whole.len() / 2]),
            "not a whole safetensors",
        ),
        (file("words.txt", b"these are not weights at all"), "words.txt"),
        (
            file("cut.pth", b"PK\x03\x04 an archive without an end"),
            "not a whole safetensors or PyTorch file",
        ),
    ] {
        expect(&place.import("clip-vit-b32", &path, Some("tiny")), 6, &[words]);
    }
    assert!(place.stored().is_empty());
}

#[test]
fn a_file_of_the_published_name_must_be_the_published_file() {
    let place = Place::new();
    for (kind, name, hash) in [
        (
            "clip-vit-b32",
            "ViT-B-32.pt",
            "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
        ),
        ("vgg16", "vgg16-397923af.pth", "397923af"),
    ] {
        let path = place.folder.path().join(name);
        fs::write(&path, b"PK\x03\x04 half a download").unwrap();
        expect(
            &place.import(kind, &path, None),
            6,
            &["not the published file", hash, "fetch https://"],
        );
    }
    assert!(place.stored().is_empty());
}

#[test]
fn later_imports_are_held_to_the_first() {
    let place = Place::new();
    let first = place.write("first.safetensors", &golden("dinov2_tiny"));
    let mut other = golden("dinov2_tiny");
    other.tensors.get_mut("norm.bias").unwrap().data[0] += 1.0;
    let other = place.write("other.safetensors", &other);
    expect(&place.import("dinov2-vitb14", &first, Some("tiny")), 0, &[]);
    expect(
        &place.import("dinov2-vitb14", &other, Some("tiny")),
        6,
        &["another file", "weights rm tiny"],
    );
    let stored = Checkpoint::read(place.home().join("weights/tiny.safetensors")).unwrap();
    assert_eq!(stored.tensors, golden("dinov2_tiny").tensors);
}

#[test]
fn stored_weights_that_were_changed_are_noticed_and_mended_by_importing_again() {
    let place = Place::new();
    let file = place.write("net.safetensors", &golden("restormer_withbias"));
    expect(&place.import("restormer", &file, Some("net")), 0, &[]);
    let stored = place.home().join("weights/net.safetensors");
    let mut bytes = fs::read(&stored).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&stored, bytes).unwrap();
    expect(&place.import("restormer", &file, Some("net")), 0, &["installed net"]);
    let mended = Checkpoint::read(&stored).unwrap();
    assert_eq!(mended.tensors, golden("restormer_withbias").tensors);
}

#[test]
fn unknown_names_get_the_nearest_and_missing_towers_their_address() {
    let place = Place::new();
    let file = place.write("net.safetensors", &golden("clip_tiny"));
    expect(&place.import("clip-vitb32", &file, None), 4, &["clip-vit-b32"]);
    expect(&place.run(&["weights", "show", "dinov2"]), 4, &["dinov2"]);
    expect(
        &place.run(&["weights", "show", "dinov2-vitb14"]),
        0,
        &[
            "`perceive-ir weights fetch dinov2-vitb14`",
            "https://dl.fbaipublicfiles.com/",
            "weights import dinov2-vitb14",
            "stand-in",
        ],
    );
    expect(
        &place.run(&["weights", "show", "clip-vit-b32"]),
        0,
        &["weights import clip-vit-b32 ViT-B-32.pt", "40d36571"],
    );
}

#[test]
fn a_store_that_cannot_be_written_is_a_matter_of_the_disk() {
    let place = Place::new();
    let file = place.write("net.safetensors", &golden("restormer_withbias"));
    fs::create_dir_all(place.home()).unwrap();
    fs::write(place.home().join("weights"), "a file in the folder's place").unwrap();
    let output = place.import("restormer", &file, Some("net"));
    expect(&output, 8, &["weights"]);
}
