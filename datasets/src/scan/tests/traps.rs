//! What breaks other tools: words in folders above, missing files, copies, odd sizes, and the order of a listing.

use super::*;
use crate::layout::Role;
use proptest::prelude::*;

#[test]
fn words_in_folders_above_the_given_path_or_above_the_layout_mean_nothing() {
    let files = [
        "Derain/rainy/rain-1.png",
        "Derain/gt/norain-1.png",
        "SOTS/outdoor/hazy/0001_0.8_0.2.jpg",
        "SOTS/outdoor/gt/0001.png",
        "Kodak24/kodim01.png",
        "LOLdataset/our485/low/2.png",
        "LOLdataset/our485/high/2.png",
    ];
    let plain = plant(&files);
    let expected = lines(&look(plain.path()).unwrap());
    assert_eq!(expected.len(), 4);
    for above in [
        "rainy",
        "synthetic/input",
        "hazy",
        "gt/noisy25",
        "rain/train",
        "Rain100H",
        "lol_v2/low",
    ] {
        let names: Vec<String> = files.iter().map(|file| format!("{above}/x/{file}")).collect();
        let folder = plant(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for given in ["", above, &format!("{above}/x")] {
            let report = look(&folder.path().join(given)).unwrap();
            assert_eq!(lines(&report), expected, "given {given:?}, with {above:?} above");
        }
    }
}

#[test]
fn a_missing_file_in_the_middle_shifts_no_pair() {
    let folder = plant(&[
        "Rain100L/input/1.png",
        "Rain100L/input/2.png",
        "Rain100L/input/3.png",
        "Rain100L/target/1.png",
        "Rain100L/target/3.png",
        "Rain100L/target/4.png",
    ]);
    let report = look(folder.path()).unwrap();
    assert_eq!(
        pairs(&report.found[0], folder.path()),
        [
            "001 = Rain100L/target/1.png < Rain100L/input/1.png",
            "003 = Rain100L/target/3.png < Rain100L/input/3.png"
        ]
    );
    let at = |name: &str| folder.path().join("Rain100L").join(name);
    let widow = |name: &str, missing, key: &str| Problem::Widow {
        path: at(name),
        missing,
        key: key.to_owned(),
    };
    let expected = [
        widow("input/2.png", Role::Clean, "002"),
        widow("target/4.png", Role::Degraded, "004"),
    ];
    assert_eq!(report.found[0].problems, expected);
    assert_eq!(report.found[0].official, Some(100));
}

#[test]
fn endings_in_capitals_and_padded_numbers_are_no_other_pictures() {
    let folder = plant(&["Rain100L/rain-001.PNG", "Rain100L/NORAIN-001.png"]);
    assert_eq!(lines(&look(folder.path()).unwrap()), ["rain100l/test rain-flat: 1"]);
    let folder = plant(&["our485/low/2.PNG", "our485/high/2.png"]);
    assert_eq!(lines(&look(folder.path()).unwrap()), ["lol/train lol-archive: 1"]);
}

#[test]
fn two_clean_pictures_for_one_key_pair_with_nothing() {
    let folder = plant(&[
        "outdoor/hazy/0001_0.8_0.2.jpg",
        "outdoor/gt/0001.png",
        "outdoor/gt/0001.bmp",
    ]);
    let report = look(folder.path()).unwrap();
    assert_eq!(lines(&report), ["sots/test sots-outdoor: 0; duplicate"]);
    assert!(report.found[0].problems[0].to_string().contains("none is used"));
}

#[test]
fn the_same_hazy_picture_in_two_parts_is_taken_once() {
    let folder = plant(&[
        "synthetic/part1/0025_0.8_0.04.jpg",
        "synthetic/part2/0025_0.8_0.04.jpg",
        "original/0025.jpg",
    ]);
    let report = look(folder.path()).unwrap();
    assert_eq!(lines(&report), ["reside/train promptir-dehaze: 1; duplicate"]);
    assert!(
        report.found[0].pairs[0]
            .degraded
            .as_ref()
            .unwrap()
            .ends_with("part1/0025_0.8_0.04.jpg")
    );
}

#[test]
fn names_with_and_without_an_a_are_one_picture() {
    let folder = plant(&["2018.jpg", "a2018.jpg", "a247012.jpg"]);
    assert_eq!(
        lines(&look(folder.path()).unwrap()),
        ["bsd400/train bsd-flat: 2; duplicate"]
    );
}

#[test]
fn a_padded_number_of_wed_is_not_the_same_number_of_bsd() {
    let folder = plant(&["02018.bmp", "03096.bmp", "a2018.jpg"]);
    let expected = ["bsd400/train bsd-flat: 1", "wed/train wed-flat: 2"];
    assert_eq!(lines(&look(folder.path()).unwrap()), expected);
}

#[test]
fn a_jpeg_among_lossless_pictures_and_an_unread_format_are_strays() {
    let folder = plant(&["kodim01.png", "kodim02.png", "kodim03.jpg", "kodim04.gif", "notes.txt"]);
    assert_eq!(
        lines(&look(folder.path()).unwrap()),
        ["kodak24/full kodak-flat: 2; stray stray"]
    );
}

#[test]
fn an_unreadable_picture_is_named_and_its_pair_left_out() {
    let folder = plant(&[
        "Rain100L/rain-001.png",
        "Rain100L/norain-001.png",
        "Rain100L/rain-002.png",
    ]);
    std::fs::write(folder.path().join("Rain100L/norain-002.png"), "").unwrap();
    let report = look(folder.path()).unwrap();
    assert_eq!(lines(&report), ["rain100l/test rain-flat: 1; unreadable"]);
    assert!(report.found[0].problems[0].to_string().contains("the file is empty"));
    assert_eq!(report.found[0].pictures.len(), 3);
}

#[test]
fn a_pair_of_different_sizes_is_named_and_left_out() {
    let folder = plant(&["our485/low/2.png", "our485/low/5.png", "our485/high/5.png"]);
    write(&folder.path().join("our485/high/2.png"), 9, 6);
    let report = look(folder.path()).unwrap();
    assert_eq!(lines(&report), ["lol/train lol-archive: 1; odd-size"]);
    let text = report.found[0].problems[0].to_string();
    assert!(text.contains("8x6") && text.contains("9x6"), "{text}");
}

#[test]
fn the_heavy_rain_and_other_strangers_are_not_taken_for_known_sets() {
    for files in [
        &["Rain100H/rain-001.png", "Rain100H/norain-001.png"][..],
        &["Rain100H/input/1.png", "Rain100H/target/1.png"],
        &["holiday/img_001.png", "holiday/img_002.png"],
        &["LSUI/input/100.jpg", "LSUI/GT/100.jpg"],
        &["Set5/image_SRF_4/img_001_SRF_4_HR.png"],
        &["CBSD68/noisy25/3096.png"],
    ] {
        let folder = plant(files);
        let error = look(folder.path()).unwrap_err();
        assert!(matches!(error, ScanError::Unknown { .. }), "{files:?}");
        let text = error.to_string();
        assert!(
            text.contains("--dataset") && text.contains("rain100l") && text.contains("kodak24"),
            "{text}"
        );
    }
}

#[test]
fn unknown_folders_beside_known_ones_are_listed_once() {
    let folder = plant(&[
        "Kodak24/kodim01.png",
        "LSUI/input/1.jpg",
        "LSUI/GT/1.jpg",
        "odd/a.png",
        "odd/b.png",
    ]);
    let report = look(folder.path()).unwrap();
    assert_eq!(report.unknown, [folder.path().join("LSUI"), folder.path().join("odd")]);
}

#[test]
fn a_folder_without_pictures_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.txt"), "rainy/rain-1.png").unwrap();
    let error = look(folder.path()).unwrap_err();
    assert!(matches!(error, ScanError::Empty { .. }));
    assert!(error.to_string().contains("no picture"));
}

#[test]
fn what_has_not_changed_is_not_opened_again() {
    let folder = plant(&["Kodak24/kodim01.png", "Kodak24/kodim02.png"]);
    let first = look(folder.path()).unwrap();
    let of = |path: &Path| {
        let picture = first.found[0].pictures.iter().find(|picture| picture.path == path)?;
        Some(Known {
            size: picture.size,
            mtime_ns: picture.mtime_ns,
            width: 500,
            height: 500,
        })
    };
    let again = scan(&[folder.path().to_path_buf()], &ScanOptions::default(), &of).unwrap();
    assert_eq!(
        lines(&again),
        ["kodak24/test kodak-flat: 2"],
        "the sizes are those that were told"
    );
    write(&folder.path().join("Kodak24/kodim02.png"), 20, 20);
    let changed = scan(&[folder.path().to_path_buf()], &ScanOptions::default(), &of).unwrap();
    assert_eq!(
        lines(&changed),
        ["kodak24/test kodak-flat: 1", "kodak24/full kodak-flat: 1"]
    );
}

#[test]
fn a_report_goes_through_json_unchanged() {
    let folder = plant(&[
        "outdoor/hazy/0001_0.8_0.2.jpg",
        "outdoor/hazy/0002_0.8_0.2.jpg",
        "outdoor/gt/0001.png",
        "x/y.png",
    ]);
    let report = look(folder.path()).unwrap();
    let json = serde_json::to_string(&report).unwrap();
    assert!(json.contains("\"kind\":\"widow\""));
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}

const MIXED: [&str; 14] = [
    "d/Denoise/a247012.jpg",
    "d/Denoise/2018.jpg",
    "d/Denoise/a2018.jpg",
    "d/Denoise/00001.bmp",
    "d/Dehaze/synthetic/part1/0025_0.8_0.04.jpg",
    "d/Dehaze/synthetic/part2/0025_0.8_0.04.jpg",
    "d/Dehaze/synthetic/part2/0039_0.8_0.04.jpg",
    "d/Dehaze/original/0025.jpg",
    "d/Dehaze/original/0040.jpg",
    "d/Derain/rainy/rain-1.png",
    "d/Derain/gt/norain-1.png",
    "d/Derain/gt/norain-1.bmp",
    "d/odd/a.png",
    "d/Kodak24/kodim01.png",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_a_listing_changes_nothing(shuffled in Just(MIXED.to_vec()).prop_shuffle()) {
        let folder = plant(&MIXED);
        let given = [folder.path().to_path_buf()];
        let expected = look(folder.path()).unwrap();
        let tree = Tree::new(&given, shuffled.iter().map(|file| folder.path().join(file)));
        let report = of_tree(&tree, &ScanOptions::default(), &|_| None).unwrap();
        prop_assert_eq!(report, expected);
    }
}
