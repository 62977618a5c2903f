//! `perceive-ir data` from outside: what it finds, what it says of bad pictures, and what it leaves behind.

mod support;

use serde_json::Value;
use support::{Desk, cut};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_known_layout_is_added_listed_and_shown_against_its_official_count() {
    let desk = Desk::new();
    desk.plant_pairs("test/Rain100L", 3);
    let added = desk.run(&["data", "add", &desk.arg("test")]).fine();
    assert!(added.stdout.contains("rain100l"), "{}", added.stdout);
    assert!(added.stderr.contains("perceive.sqlite"), "{}", added.stderr);

    let listed = json(&desk.run(&["data", "ls", "--format", "json"]).fine().stdout);
    assert_eq!(listed[0]["dataset"], "rain100l");
    assert_eq!(listed[0]["split"], "test");
    assert_eq!((&listed[0]["found"], &listed[0]["official"]), (&3.into(), &100.into()));
    assert_eq!(listed.as_array().map(Vec::len), Some(1));

    // Any of its names will do.
    let shown = desk.run(&["data", "show", "Rain100L"]).fine().stdout;
    for words in ["CVPR 2017", "test", "100", "rain13k"] {
        assert!(shown.contains(words), "no '{words}' in: {shown}");
    }
    let pairs = desk.run(&["data", "show", "rain100l", "--format", "csv"]).fine().stdout;
    assert_eq!(pairs.lines().count(), 4, "{pairs}");
}

#[test]
fn adding_again_changes_nothing_and_a_new_pair_is_one_more() {
    let desk = Desk::new();
    desk.plant_pairs("test/Rain100L", 2);
    let add = ["data", "add", &desk.arg("test"), "--format", "csv"];
    let first = desk.run(&add).fine().stdout;
    assert_eq!(desk.run(&add).fine().stdout, first);
    desk.plant_pairs("test/Rain100L", 3);
    desk.run(&add).fine();
    let listed = json(&desk.run(&["data", "ls", "--format", "json"]).fine().stdout);
    assert_eq!(listed[0]["found"], 3);
}

#[test]
fn a_dry_run_tells_and_leaves_nothing() {
    let desk = Desk::new();
    desk.plant_pairs("test/Rain100L", 2);
    let told = desk.run(&["data", "add", "--dry-run", &desk.arg("test")]).fine();
    assert!(told.stdout.contains("rain100l"), "{}", told.stdout);
    assert!(!desk.home().exists());
}

#[test]
fn widows_odd_sizes_and_broken_pictures_are_named() {
    let desk = Desk::new();
    desk.plant_pairs("test/Rain100L", 20);
    for number in 21..=34 {
        desk.plant(&format!("test/Rain100L/input/{number}.png"), 24, 16);
    }
    desk.plant("test/Rain100L/input/1.png", 20, 16);
    std::fs::write(desk.path("test/Rain100L/target/2.png"), "no picture").unwrap();
    let added = desk.run(&["data", "add", &desk.arg("test")]).fine().stderr;
    assert!(added.contains("widow: 14") && added.contains("and 4 more"), "{added}");
    assert!(added.contains("odd-size: 1") && added.contains("20x16"), "{added}");
    assert!(
        added.contains("unreadable: 1") && added.contains("target/2.png"),
        "{added}"
    );

    let all = desk
        .run(&["data", "show", "rain100l", "--problems", "--format", "json"])
        .fine();
    let all = json(&all.stdout);
    let named = |what: &str| {
        let problems = all["problems"].as_array().unwrap();
        problems
            .iter()
            .filter(|problem| problem["text"].as_str().unwrap().contains(what))
            .count()
    };
    for number in 21..=34 {
        assert_eq!(named(&format!("input/{number}.png")), 1);
    }
    let wordy = desk
        .run(&["data", "add", "-v", "--dry-run", &desk.arg("test")])
        .fine()
        .stderr;
    assert!(wordy.contains("input/34.png") && !wordy.contains("more;"), "{wordy}");
    let quiet = desk.run(&["data", "add", "-q", &desk.arg("test")]).fine().stderr;
    assert_eq!(quiet, "");
}

#[test]
fn folders_without_usable_pictures_are_refused_with_what_to_do() {
    let desk = Desk::new();
    desk.run(&["data", "add", &desk.arg("nowhere")])
        .fails(5, &["there is no", "nowhere"]);
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.run(&["data", "add", &desk.arg("empty")])
        .fails(5, &["no picture", "empty"]);
    desk.plant("holiday/beach.png", 24, 16);
    desk.run(&["data", "add", &desk.arg("holiday")])
        .fails(5, &["holiday", "no known dataset", "--dataset"]);
    desk.plant("test/Rain100L/input/1.png", 24, 16);
    desk.run(&["data", "add", &desk.arg("test")])
        .fails(5, &["widow: 1", "no whole pair", "hint:"]);
    let file = desk.plant("single.png", 24, 16).display().to_string();
    desk.run(&["data", "add", &file]).fails(5, &["single.png", "is a file"]);
    assert!(!desk.home().exists(), "nothing is left half-done");
}

#[test]
fn photographs_of_ones_own_get_the_name_they_are_given() {
    let desk = Desk::new();
    desk.plant("holiday/beach.png", 24, 16);
    desk.plant("holiday/dunes.png", 24, 16);
    desk.run(&["data", "add", "--dataset", "holiday", &desk.arg("holiday")])
        .fine();
    let shown = json(&desk.run(&["data", "show", "holiday", "--format", "json"]).fine().stdout);
    assert_eq!(
        (&shown["splits"][0]["found"], &shown["catalogue"]),
        (&2.into(), &Value::Null)
    );
    let slip = desk
        .run(&["data", "add", "--dataset", "kodak42", &desk.arg("holiday")])
        .fine();
    assert!(slip.stderr.contains("kodak24"), "{}", slip.stderr);
    desk.run(&["data", "add", "--dataset", "../up", &desk.arg("holiday")])
        .fails(2, &["../up"]);
}

#[test]
fn an_unknown_dataset_is_answered_with_the_nearest_name() {
    let desk = Desk::new();
    desk.run(&["data", "show", "rian100l"])
        .fails(4, &["'rian100l'", "did you mean 'rain100l'?"]);
    let known = desk.run(&["data", "show", "kodak24"]).fine();
    assert!(known.stderr.contains("has not been added yet"), "{}", known.stderr);
    desk.plant_pairs("test/Rain100L", 1);
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    desk.run(&["data", "verify", "rain10l"])
        .fails(4, &["did you mean 'rain100l'?"]);
}

#[test]
fn before_anything_was_added_there_is_an_empty_list_and_a_hint() {
    let desk = Desk::new();
    let listed = desk.run(&["data", "ls", "--format", "json"]).fine();
    assert_eq!(listed.stdout, "[]\n");
    assert!(listed.stderr.contains("data add"), "{}", listed.stderr);
    let all = json(&desk.run(&["data", "ls", "--all", "--format", "json"]).fine().stdout);
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .any(|row| row["dataset"] == "gopro" && row["official"] == 2103)
    );
    desk.run(&["data", "verify"])
        .fails(7, &["nothing has been recorded yet"]);
    assert!(!desk.home().exists());
}

#[test]
fn verify_finds_the_truncated_picture_that_a_header_hides() {
    let desk = Desk::new();
    desk.plant_pairs("test/Rain100L", 3);
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    let whole = desk.run(&["data", "verify"]).fine();
    assert_eq!(whole.stdout, "");
    assert!(
        whole.stderr.contains("6 pictures read, 0 broken, 0 changed"),
        "{}",
        whole.stderr
    );

    cut(&desk.path("test/Rain100L/target/2.png"), 20);
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    let broken = desk
        .run(&["data", "verify", "rain100l", "--format", "json"])
        .fails(5, &["1 picture of 6"]);
    let listed = json(&broken.stdout);
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert!(listed[0]["picture"].as_str().unwrap().ends_with("target/2.png"));
    assert_eq!(listed[0]["state"], "broken");
}

#[test]
fn verify_tells_a_picture_that_is_no_longer_the_one_that_was_added() {
    let desk = Desk::new();
    desk.plant_pairs("test/Rain100L", 2);
    desk.run(&["data", "add", &desk.arg("test")]).fine();
    desk.run(&["data", "verify"]).fine();
    desk.plant("test/Rain100L/target/1.png", 30, 30);
    let changed = json(&desk.run(&["data", "verify", "--format", "json"]).fine().stdout);
    assert_eq!(
        (&changed[0]["state"], changed.as_array().map(Vec::len)),
        (&"changed".into(), Some(1))
    );

    // The same size and time, other bytes: a disk that rots. (BMP, where a level changes no length.)
    let bytes = |shade: u8| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let picture = image::RgbImage::from_pixel(24, 16, image::Rgb([shade; 3]));
        picture.write_to(&mut bytes, image::ImageFormat::Bmp).unwrap();
        bytes.into_inner()
    };
    std::fs::create_dir(desk.path("holiday")).unwrap();
    let path = desk.path("holiday/beach.bmp");
    std::fs::write(&path, bytes(10)).unwrap();
    desk.run(&["data", "add", "--dataset", "holiday", &desk.arg("holiday")])
        .fine();
    desk.run(&["data", "verify", "holiday"]).fine();
    let time = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::write(&path, bytes(11)).unwrap();
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(time)
        .unwrap();
    let rotten = json(
        &desk
            .run(&["data", "verify", "holiday", "--format", "json"])
            .fine()
            .stdout,
    );
    assert!(
        rotten[0]["why"]
            .as_str()
            .unwrap()
            .contains("size and time are the same"),
        "{rotten}"
    );
}

#[cfg(unix)]
#[test]
fn a_home_that_cannot_be_written_is_named() {
    let desk = Desk::new();
    desk.plant_pairs("test/Rain100L", 1);
    std::fs::write(desk.home(), "a file where the home should be").unwrap();
    desk.run(&["data", "add", &desk.arg("test")])
        .fails(8, &["home", "--home"]);
}

#[test]
fn the_real_pictures_are_found_with_their_flaws_on_real_pictures() {
    let Some(pictures) = std::env::var_os("PERCEIVE_PICTURES") else {
        println!("skipped: PERCEIVE_PICTURES is not set");
        return;
    };
    let desk = Desk::new();
    let pictures = pictures.to_string_lossy().into_owned();
    let added = desk.run(&["data", "add", &pictures]).fine();
    assert!(added.stderr.contains("widow"), "{}", added.stderr);
    let listed = json(&desk.run(&["data", "ls", "--format", "json"]).fine().stdout);
    let found = |dataset: &str, split: &str| {
        let mut rows = listed.as_array().unwrap().iter();
        rows.find(|row| row["dataset"] == dataset && row["split"] == split)
            .map(|row| row["found"].clone())
    };
    assert_eq!(found("bsd400", "train"), Some(400.into()));
    assert_eq!(found("cbsd68", "test"), Some(68.into()));
    assert_eq!(found("kodak24", "test"), Some(24.into()));
    assert_eq!(found("sots", "test"), Some(2.into()));
    let again = desk.run(&["data", "add", "--format", "csv", &pictures]).fine();
    let dry = desk
        .run(&["data", "add", "--dry-run", "--format", "csv", &pictures])
        .fine();
    assert_eq!(again.stdout, dry.stdout);
}

#[test]
fn a_dataset_is_forgotten_whole_or_by_folder_and_no_picture_is_touched() {
    let desk = Desk::new();
    desk.plant_pairs("a/Rain100L", 3);
    desk.plant_pairs("b/Rain100L", 2);
    for folder in ["a", "b"] {
        desk.run(&["data", "add", &desk.arg(folder)]).fine();
    }
    let folders = || {
        let listed = desk.run(&["data", "show", "rain100l"]);
        ["a/Rain100L", "b/Rain100L"].map(|folder| format!("{}{}", listed.stdout, listed.stderr).contains(folder))
    };
    assert_eq!(folders(), [true, true]);
    let rm = |more: &[&str]| desk.run(&[&["data", "rm", "Rain100L"], more].concat());
    rm(&["--dry-run"]).fine();
    assert_eq!(folders(), [true, true]);
    let gone = rm(&["--folder", &desk.arg("b"), "--format", "json"]).fine().stdout;
    assert_eq!(json(&gone).as_array().map(Vec::len), Some(1));
    assert_eq!(folders(), [true, false]);
    rm(&["--folder", &desk.arg("b")]).fails(4, &["holds nothing", "data show rain100l"]);
    rm(&[]).fine();
    assert_eq!(
        json(&desk.run(&["data", "ls", "--format", "json"]).fine().stdout),
        json("[]")
    );
    rm(&[]).fails(4, &["rain100l"]);
    let add = desk.run(&["data", "add", &desk.arg("a"), "--format", "json"]).fine();
    assert_eq!(json(&add.stdout)[0]["found"], 3);
}

#[test]
fn more_pictures_than_a_dataset_has_are_warned_of() {
    let desk = Desk::new();
    for number in 0..25 {
        desk.plant(&format!("mine/{number}.png"), 40, 40);
    }
    let said = desk
        .run(&["data", "add", &desk.arg("mine"), "--dataset", "kodak24"])
        .fine()
        .stderr;
    assert!(
        said.contains("officially 24") && said.contains("data rm kodak24"),
        "{said}"
    );
}
