//! Weights that an experiment needs and does not have, and a trained restorer that was changed behind its back.
//! (What `weights import` refuses stands in `tests/weights.rs`.)

use perceive_model::weights::Checkpoint;

use crate::support::mini::{LONG, MINI};
use crate::support::{Desk, cut};

#[test]
fn real_towers_that_are_not_installed_name_the_file_its_hash_and_the_command() {
    let desk = Desk::with(&MINI.replace("stand-in", "real"));
    let says = [
        "weights of CLIP ViT-B/32, DINOv2 ViT-B/14, VGG-16 are not installed",
        "weights fetch clip-vit-b32 dinov2-vitb14 vgg16",
        "vgg16-397923af.pth",
        "ViT-B-32.pt",
        "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
        "weights import clip-vit-b32",
        "towers = \"stand-in\"",
    ];
    desk.run(&["run", "mini"]).fails(6, &says);
    desk.run(&["run", "mini", "--set", "restore.loss.clip_aware=0.0"])
        .fails(6, &["VGG-16", "vgg16-397923af.pth", "weights import vgg16"]);
    let no_losses = [
        "--set",
        "restore.loss.clip_aware=0.0",
        "--set",
        "restore.loss.perceptual=0.0",
    ];
    desk.run(&[&["run", "mini"][..], &no_losses].concat())
        .fails(6, &["DINOv2", "weights import dinov2-vitb14"]);
    assert!(desk.states().is_empty());
    desk.is_tidy();
}

#[test]
fn a_proxy_whose_weights_are_not_installed_is_named() {
    let desk = Desk::with(MINI);
    let proxies = "negatives.proxies=[{ name = \"derain\", weights = \"derainer\" }]";
    desk.run(&["run", "mini", "--set", proxies]).fails(
        4,
        &[
            "negatives.proxies",
            "\"derainer\"",
            "weights import KIND FILE --name derainer",
        ],
    );
    assert!(desk.states().is_empty());
}

#[test]
fn a_restorer_with_missing_extra_and_misshapen_tensors_lists_them_all() {
    let desk = Desk::with(LONG);
    desk.run(&["run", "long", "--set", "restore.training.steps=1"]).fine();
    let path = desk.artefacts("restore").remove(0).join("model.safetensors");
    let picture = desk.plant("in.png", 24, 16).display().to_string();
    let restore = || desk.run(&["restore", &picture, "-o", &desk.arg("out"), "--model", "long"]);

    let mut weights = Checkpoint::read(&path).unwrap();
    let keys: Vec<String> = weights.tensors.keys().cloned().collect();
    let (gone, bent) = (&keys[0], &keys[1]);
    let stray = weights.tensors.remove(gone).unwrap();
    weights.tensors.insert("ema.decay".into(), stray);
    weights.tensors.get_mut(bent).unwrap().shape.push(1);
    weights.write(&path).unwrap();
    let missing = format!("missing   {gone}");
    let misshapen = format!("shape     {bent}");
    restore().fails(
        6,
        &[
            "model.safetensors",
            "1 missing, 1 unknown, 1 of another shape",
            &missing,
            "unknown   ema.decay",
            &misshapen,
        ],
    );
    cut(&path, 100);
    restore().fails(6, &["model.safetensors is not a whole safetensors"]);
    assert!(!desk.path("out").exists());
}
