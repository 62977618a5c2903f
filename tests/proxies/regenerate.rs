//! `negatives regenerate`: what is stale is remade, and nothing else.

use std::fs;

use crate::support::Desk;
use crate::support::equal::artefacts;
use crate::{PICTURES, lab, listed, run};

const TOOL: &str = r#"{ name = "tool", command = "sh restore.sh {input} {output}" }"#;

/// A desk whose proxy notes each of its calls.
fn desk() -> Desk {
    let desk = lab(TOOL);
    fs::write(desk.path("restore.sh"), "echo \"$1\" >> calls; cp \"$1\" \"$2\"").unwrap();
    run(&desk).fine();
    desk
}

/// The calls since this was asked last.
fn calls(desk: &Desk) -> usize {
    let calls = fs::read_to_string(desk.path("calls")).map_or(0, |text| text.lines().count());
    let _ = fs::remove_file(desk.path("calls"));
    calls
}

fn regenerate(desk: &Desk, more: &[&str]) -> String {
    desk.run(&[&["negatives", "regenerate"], more].concat()).fine().stderr
}

#[test]
fn only_pictures_that_are_damaged_or_missing_are_made_again() {
    let desk = desk();
    assert_eq!(calls(&desk), PICTURES);
    let before = artefacts(&desk);
    let told = regenerate(&desk, &[]);
    assert!(told.contains("nothing is stale"), "{told}");
    assert_eq!(calls(&desk), 0);

    let made = desk.artefacts("negatives").remove(0);
    let pictures = [
        "restored/scenes_noise25/train-00000.png",
        "restored/scenes_haze/train-00002.png",
    ];
    fs::remove_file(made.join(pictures[0])).unwrap();
    fs::write(made.join(pictures[1]), "damaged").unwrap();
    assert_eq!(listed(&desk)[0]["state"], "damaged");
    let told = regenerate(&desk, &["--dry-run"]);
    assert!(told.contains("2 files stale") && told.contains("train-0000"), "{told}");
    assert_eq!((calls(&desk), made.join(pictures[0]).exists()), (0, false));
    regenerate(&desk, &[]);
    assert_eq!(calls(&desk), 2);
    assert!(artefacts(&desk) == before, "what was made again differs");
    assert_eq!(listed(&desk)[0]["state"], "whole");

    let told = regenerate(&desk, &["--force", "--dry-run"]);
    assert!(told.contains("made anew"), "{told}");
    regenerate(&desk, &["--force"]);
    assert_eq!(calls(&desk), PICTURES);
    assert!(artefacts(&desk) == before, "what was made again differs");
    fs::remove_dir_all(&made).unwrap();
    assert_eq!(listed(&desk)[0]["state"], "gone");
    regenerate(&desk, &[]);
    assert!(artefacts(&desk) == before, "what was made again differs");
    desk.is_tidy();
}

#[test]
fn a_proxy_that_has_changed_is_asked_again_beside_what_it_made() {
    let desk = desk();
    calls(&desk);
    fs::write(desk.path("restore.sh"), "echo \"$1\" >> calls; cat \"$1\" > \"$2\"").unwrap();
    assert_eq!(listed(&desk)[0]["state"], "source changed");
    let told = regenerate(&desk, &["--dry-run"]);
    assert!(told.contains("its command has changed since"), "{told}");
    assert_eq!(calls(&desk), 0);
    regenerate(&desk, &["--proxy", "tool"]);
    assert_eq!((calls(&desk), listed(&desk).len()), (PICTURES, 2));
    // What the experiment plans now is there.
    let told = regenerate(&desk, &[]);
    assert!(told.contains("is of what that is now"), "{told}");
    run(&desk).fine();
    assert_eq!(calls(&desk), 0);
    desk.is_tidy();
}
