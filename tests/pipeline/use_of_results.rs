//! What a photographer does with a trained restorer: folders of pictures of any size, in tiles, never over what is there.

use std::fs;

use crate::support::Desk;
use crate::support::mini::MINI;

#[test]
fn a_folder_is_restored_in_tiles_under_its_own_names_and_nothing_is_overwritten() {
    let desk = Desk::with(MINI);
    desk.run(&["run", "mini"]).fine();
    desk.plant("in/wide.png", 100, 80);
    desk.plant("in/odd.bmp", 37, 51);
    fs::write(desk.path("in/notes.txt"), "no picture").unwrap();
    let (input, output) = (desk.arg("in"), desk.arg("out"));
    let restore = |more: &[&str]| {
        desk.run(
            &[
                &["restore", &input, "-o", &output, "--model", "mini", "--tile", "64"],
                more,
            ]
            .concat(),
        )
    };
    let dry = restore(&["--dry-run"]).fine();
    assert!(
        dry.stdout.contains("wide.png -> ") && !desk.path("out").exists(),
        "{}",
        dry.stdout
    );
    restore(&[]).fine();
    let mut names: Vec<_> = fs::read_dir(desk.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["odd.png", "wide.png"]);
    for (name, size) in [("wide.png", (100, 80)), ("odd.png", (37, 51))] {
        let restored = image::open(desk.path("out").join(name)).unwrap();
        assert_eq!((restored.width(), restored.height()), size);
    }

    let before = fs::read(desk.path("out/odd.png")).unwrap();
    fs::write(desk.path("out/wide.png"), "mine").unwrap();
    restore(&[]).fails(2, &["is there already", "--force"]);
    assert_eq!(fs::read(desk.path("out/wide.png")).unwrap(), b"mine");
    restore(&["--force"]).fine();
    assert_eq!(fs::read(desk.path("out/odd.png")).unwrap(), before);
    assert!(image::open(desk.path("out/wide.png")).is_ok());

    restore(&["--force", "--degradation", "haze"]).fails(2, &["mini follows no instructions"]);

    // By a run's id, or its beginning, as well as by the experiment's name.
    let run = desk.ask("SELECT id FROM runs WHERE stage = 'restore'").remove(0);
    desk.run(&[
        "restore",
        &input,
        "-o",
        &desk.arg("again"),
        "--model",
        &run,
        "--tile",
        "64",
    ])
    .fine();
    assert_eq!(fs::read(desk.path("again/odd.png")).unwrap(), before);
    desk.run(&[
        "restore",
        &input,
        "-o",
        &desk.arg("small"),
        "--model",
        "mini",
        "--tile",
        "8",
    ])
    .fails(2, &["--tile", "64"]);
    assert!(!desk.path("small").exists());
}
