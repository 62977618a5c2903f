//! Pictures that were restored elsewhere: matched by name, held against sizes, and found again wherever they lie.

use std::fs;
use std::path::PathBuf;

use crate::support::Desk;
use crate::support::mini::files;
use crate::{PICTURES, hire, lab, listed, notes, run};

const FOLDER: &str = r#"{ name = "elsewhere", folder = "restored" }"#;

/// Where the hint says that degraded pictures lie, and where it wants the restored ones.
fn told_places(stderr: &str) -> Vec<(PathBuf, PathBuf)> {
    let lines = stderr.lines().filter_map(|line| line.split_once(": those of "));
    lines.map(|(to, from)| (from.into(), to.into())).collect()
}

/// "Restores" the degraded pictures elsewhere, into files whose names go on with `suffix`.
fn restore_elsewhere(desk: &Desk, suffix: &str) {
    desk.plant("restored/extra.png", 9, 9);
    let refused = run(desk).fails(
        5,
        &[
            "6 missing, 1 extra",
            "missing   scenes_noise25/train-00000",
            "extra     extra.png",
        ],
    );
    let places = told_places(&refused.stderr);
    assert_eq!(places.len(), 2, "{}", refused.stderr);
    for (from, to) in places {
        fs::create_dir_all(&to).unwrap();
        let from = if from.is_absolute() {
            from
        } else {
            desk.path("").join(from)
        };
        for picture in files(&from) {
            let name = picture.file_stem().unwrap().to_string_lossy().into_owned();
            fs::copy(&picture, to.join(format!("{name}{suffix}.png"))).unwrap();
        }
    }
}

#[test]
fn pictures_from_elsewhere_become_negatives_and_moving_them_changes_nothing() {
    let desk = lab(FOLDER);
    restore_elsewhere(&desk, "_restored");
    // Nothing was trained before the folder was looked at.
    assert!(
        desk.states().iter().all(|state| !state.starts_with("medium")),
        "{:?}",
        desk.states()
    );
    run(&desk).fine();
    let rows = listed(&desk);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["made by"], &rows[0]["pictures"]),
        (&"folder".into(), &PICTURES.into())
    );
    assert!(rows[0]["source"].as_str().unwrap().ends_with("restored"));
    assert!(
        notes(&desk)
            .iter()
            .any(|note| note.ends_with("not asked for: extra.png")),
        "{:?}",
        notes(&desk)
    );
    // The pictures are the degraded ones, noise of sigma 25 among them.
    let made = desk.artefacts("negatives").remove(0);
    let degraded = desk
        .artefacts("degrade")
        .into_iter()
        .map(|folder| folder.join("degraded/train-00000.png"));
    let degraded: Vec<_> = degraded
        .filter(|path| path.exists())
        .map(|path| image::open(path).unwrap())
        .collect();
    let restored = image::open(made.join("restored/scenes_noise25/train-00000.png")).unwrap();
    assert!(degraded.contains(&restored));

    let states = desk.states();
    fs::rename(desk.path("restored"), desk.path("moved")).unwrap();
    hire(&desk, &FOLDER.replace("restored", "moved"));
    let again = run(&desk).fine();
    assert!(again.stderr.contains("jobs are done already"), "{}", again.stderr);
    assert_eq!(desk.states(), states);

    desk.plant("moved/scenes_haze/train-00001_restored.png", 41, 41);
    run(&desk).fine();
    assert_eq!(listed(&desk).len(), 2);
    desk.is_tidy();
}

#[test]
fn everything_that_does_not_fit_is_listed() {
    let desk = lab(FOLDER);
    restore_elsewhere(&desk, "");
    desk.plant("restored/scenes_noise25/train-00001.png", 40, 41);
    fs::remove_file(desk.path("restored/scenes_noise25/train-00002.png")).unwrap();
    fs::write(desk.path("restored/scenes_haze/train-00000.png"), "no picture").unwrap();
    run(&desk).fails(
        5,
        &[
            "1 missing, 1 of another size, 1 broken, 1 extra",
            "missing   scenes_noise25/train-00002",
            "size      scenes_noise25/train-00001.png is 40x41, not 41x41",
            "broken    scenes_haze/train-00000.png",
            "extra     extra.png",
        ],
    );
    assert_eq!(desk.states().last().map(String::as_str), Some("negatives failed"));
    assert!(desk.artefacts("negatives").is_empty());
    desk.is_tidy();
}

#[test]
fn a_folder_that_is_not_there_or_empty_is_refused_before_anything_runs() {
    let desk = lab(FOLDER);
    run(&desk).fails(5, &["proxy \"elsewhere\"", "restored is not there"]);
    fs::create_dir(desk.path("restored")).unwrap();
    run(&desk).fails(5, &["holds no pictures"]);
    assert!(desk.states().is_empty());
    // A path starts from the folder of its file.
    fs::create_dir(desk.path("files")).unwrap();
    fs::rename(desk.path("experiments.toml"), desk.path("files/mine.toml")).unwrap();
    desk.run(&["plan", "lab", "--experiments-file", "files/mine.toml"])
        .fails(5, &["files/restored is not there"]);
}

#[test]
fn settings_that_make_no_proxy_are_told_with_their_place() {
    for (proxies, says) in [
        (r#"{ name = "p" }"#, "experiments.toml:24:12"),
        (
            r#"{ name = "p", folder = "a", onnx = "b" }"#,
            "comes from several places",
        ),
        (
            r#"{ name = "p", floder = "a" }"#,
            "experiments.toml:24:26: unknown field `floder`",
        ),
        (
            r#"{ name = "p", command = "cp {inptu} {output}" }"#,
            "did you mean {input}?",
        ),
        (
            r#"{ name = "p", command = "cp '{input} {output}" }"#,
            "experiments.toml:24:36",
        ),
        (
            r#"{ name = "p", command = "cp {input} {output}", time_limit = "soon" }"#,
            "experiments.toml:24:72: invalid value: string \"soon\", expected a time such as 90s",
        ),
        (
            r#"{ name = "p", onnx = "b", multiple_of = 0 }"#,
            "negatives.proxies.0.multiple_of",
        ),
        (r#""medium-a", "medium-a""#, "named twice"),
    ] {
        lab(proxies).run(&["plan", "lab"]).fails(3, &[says]);
    }
}
