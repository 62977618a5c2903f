//! Datasets that the user names.

use super::*;

#[test]
fn a_folder_of_photographs_under_a_new_name_is_a_clean_training_set() {
    let folder = plant(&["input/a.jpg", "input/2019/B.JPG", "input/2020/b.jpg"]);
    let report = look_for(&folder.path().join("input"), "my-photos").unwrap();
    assert_eq!(lines(&report), ["my-photos/train custom: 3"]);
    assert_eq!(
        pairs(&report.found[0], &folder.path().join("input")),
        ["2019-B = 2019/B.JPG", "2020-b = 2020/b.jpg", "a = a.jpg"]
    );
    assert_eq!(report.found[0].official, None);
}

#[test]
fn two_folders_side_by_side_pair_by_name_and_splits_are_kept() {
    let folder = plant(&[
        "train/lq/1.png",
        "train/lq/2.png",
        "train/gt/1.jpg",
        "test/hazy/1.png",
        "test/clear/1.png",
        "extra/c.png",
    ]);
    let report = look_for(folder.path(), "fog").unwrap();
    assert_eq!(lines(&report), ["fog/test custom: 1", "fog/train custom: 2; widow"]);
    assert_eq!(
        pairs(&report.found[1], folder.path()),
        ["1 = train/gt/1.jpg < train/lq/1.png", "extra-c = extra/c.png"]
    );
}

#[test]
fn degraded_pictures_without_clean_ones_are_widows_not_clean_pictures() {
    let folder = plant(&["rainy/1.png", "other/2.png"]);
    let report = look_for(folder.path(), "wet").unwrap();
    assert_eq!(lines(&report), ["wet/train custom: 1; widow"]);
}

#[test]
fn a_known_name_settles_what_names_leave_open() {
    let folder = plant(&["some/input/1.png", "some/target/1.png", "some/input/x.png"]);
    let report = look_for(folder.path(), "Rain100L").unwrap();
    assert_eq!(lines(&report), ["rain100l/test rain13k: 1; stray"]);
    let folder = plant(&["some/img_001.png", "some/img_002.png"]);
    assert_eq!(
        lines(&look_for(folder.path(), "urban100").unwrap()),
        ["urban100/test urban-flat: 2"]
    );
    let folder = plant(&["some/a.png"]);
    assert_eq!(
        lines(&look_for(folder.path(), "kodak24").unwrap()),
        ["kodak24/test custom: 1"]
    );
    let folder = plant(&["some/a.png"]);
    assert_eq!(look_for(folder.path(), "c60").unwrap().found[0].count(), 1);
    let folder = plant(&["some/dark/a.png", "some/original/a.png"]);
    assert_eq!(lines(&look_for(folder.path(), "lol").unwrap()), ["lol/train custom: 1"]);
}

#[test]
fn a_known_name_on_pictures_that_cannot_be_it_says_what_was_expected() {
    let folder = plant(&["some/a.png"]);
    let error = look_for(folder.path(), "gopro").unwrap_err();
    assert!(matches!(error, ScanError::NotThisDataset { .. }));
    assert!(error.to_string().contains("GOPR0384_11_00/{blur,sharp}"), "{error}");
}

#[test]
fn of_other_datasets_nothing_is_taken_under_a_known_name() {
    let folder = plant(&["Kodak24/kodim01.png", "CBSD68/3096.png"]);
    let report = look_for(folder.path(), "cbsd68").unwrap();
    assert_eq!(lines(&report), ["cbsd68/test bsd68-flat: 1"]);
    assert_eq!(report.unknown, [folder.path().join("Kodak24")]);
}

#[test]
fn a_name_that_could_not_be_typed_or_stored_is_refused() {
    let folder = plant(&["a.png"]);
    for name in ["", "a/b", "../a", "-x", "two words"] {
        assert!(
            matches!(look_for(folder.path(), name), Err(ScanError::BadName { .. })),
            "{name:?}"
        );
    }
}
