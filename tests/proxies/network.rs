//! Restorers in ONNX files; `onnx/make.py` writes them.

use std::fs;
use std::path::PathBuf;

use image::RgbImage;

use crate::support::{Desk, cut};
use crate::{PICTURES, hire, listed, notes, run};

fn file(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/proxies/onnx");
    PathBuf::from(folder).join(name).with_extension("onnx")
}

/// A proxy from one of the files, which lies in the desk's folder.
fn proxy(desk: &Desk, name: &str, more: &str) -> String {
    fs::copy(file(name), desk.path(name).with_extension("onnx")).unwrap();
    format!(r#"{{ name = "{name}", onnx = "{name}.onnx"{more} }}"#)
}

fn made(desk: &Desk, picture: &str) -> RgbImage {
    let folder = desk.artefacts("negatives").pop().unwrap();
    image::open(folder.join("restored").join(picture)).unwrap().into_rgb8()
}

/// The mean of each pixel's neighbours, with black around the picture.
fn box_filter(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([0, 1, 2].map(|channel| {
            let rows = y.saturating_sub(1)..(y + 2).min(height);
            let sum: u32 = rows
                .flat_map(|y| (x.saturating_sub(1)..(x + 2).min(width)).map(move |x| (x, y)))
                .map(|(x, y)| u32::from(picture.get_pixel(x, y)[channel]))
                .sum();
            (f64::from(sum) / 9.0).round() as u8
        }))
    })
}

#[test]
fn an_onnx_file_of_any_size_does_what_it_says() {
    let desk = Desk::new();
    let free = proxy(&desk, "free", "");
    hire(&desk, &free);
    run(&desk).fine();
    let rows = listed(&desk);
    assert_eq!(
        (&rows[0]["made by"], &rows[0]["pictures"], &rows[0]["odd"]),
        (&"onnx".into(), &PICTURES.into(), &0.into())
    );
    let degraded = desk
        .artefacts("degrade")
        .into_iter()
        .map(|folder| folder.join("degraded/train-00001.png"));
    let filtered = degraded
        .filter(|path| path.exists())
        .map(|path| box_filter(&image::open(path).unwrap().into_rgb8()));
    let restored = made(&desk, "scenes_noise25/train-00001.png");
    let furthest = |other: &RgbImage| other.iter().zip(restored.iter()).map(|(a, b)| a.abs_diff(*b)).max();
    // Half a level may be rounded either way.
    assert!(filtered.map(|filtered| furthest(&filtered)).any(|most| most <= Some(1)));

    // The same file elsewhere is the same proxy; threads change nothing.
    let states = desk.states();
    fs::create_dir(desk.path("lab")).unwrap();
    fs::rename(desk.path("free.onnx"), desk.path("lab/free.onnx")).unwrap();
    hire(&desk, &free.replace("free.onnx", "lab/free.onnx"));
    run(&desk).fine();
    assert_eq!(desk.states(), states);
    desk.is_tidy();
}

#[test]
fn fixed_sizes_are_tiled_and_odd_ones_padded() {
    let desk = Desk::new();
    let fixed = proxy(&desk, "fixed", "");
    hire(&desk, &fixed);
    run(&desk).fine();
    // Far from the seams of tiles of 32x24, the whole picture is what the tiles are.
    let tiled = made(&desk, "scenes_noise25/train-00000.png");
    assert_eq!(tiled.dimensions(), (41, 41));
    let free = proxy(&desk, "free", "");
    hire(&desk, &free);
    run(&desk).fine();
    let keys = desk.ask("SELECT key FROM artefacts WHERE stage = 'negatives' AND label = 'free'");
    let whole = desk
        .path("home/artefacts")
        .join(&keys[0])
        .join("restored/scenes_noise25/train-00000.png");
    let whole = image::open(whole).unwrap().into_rgb8();
    for (x, y) in [(4, 4), (38, 4), (4, 38), (38, 38)] {
        assert_eq!(tiled.get_pixel(x, y), whole.get_pixel(x, y), "{x} {y}");
    }

    let halving = proxy(&desk, "halving", "");
    hire(&desk, &halving);
    run(&desk).fails(6, &["halving.onnx", "a proxy keeps the size"]);
    let even = proxy(&desk, "halving", ", multiple_of = 2");
    hire(&desk, &even);
    run(&desk).fine();
    desk.is_tidy();
}

#[test]
fn values_that_are_no_numbers_are_noted() {
    let desk = Desk::new();
    let sunk = proxy(&desk, "not_finite", "");
    hire(&desk, &sunk);
    run(&desk).fine();
    assert_eq!(listed(&desk)[0]["odd"], PICTURES);
    let told = format!("{PICTURES} of {PICTURES} pictures are odd");
    assert!(
        notes(&desk).iter().any(|note| note.starts_with(&told)),
        "{:?}",
        notes(&desk)
    );
    let shown = desk.run(&["negatives", "show", "not_finite"]).fine().stdout;
    assert!(shown.contains("NaN or infinite values"), "{shown}");
}

#[test]
fn a_file_that_can_be_no_proxy_is_refused_before_anything_runs() {
    let desk = Desk::new();
    for (name, says) in [
        ("grey", "takes [1, 1, height, width]: 1 channels, not 3"),
        ("channels_last", "channels last"),
        ("flat", "takes [pictures, numbers], not one picture"),
        ("bytes", "not floats"),
    ] {
        let proxy = proxy(&desk, name, "");
        hire(&desk, &proxy);
        run(&desk).fails(6, &[&format!("{name}.onnx"), says, "float32 [1, 3, H, W]"]);
    }
    let free = proxy(&desk, "free", "");
    hire(&desk, &free);
    cut(&desk.path("free.onnx"), 60);
    run(&desk).fails(6, &["free.onnx"]);
    fs::write(desk.path("free.onnx"), "not a network").unwrap();
    run(&desk).fails(6, &["free.onnx is no ONNX file"]);
    fs::remove_file(desk.path("free.onnx")).unwrap();
    run(&desk).fails(6, &["free.onnx cannot be read"]);
    assert!(!desk.path("home/perceive.sqlite").exists() || desk.states().is_empty());
}
