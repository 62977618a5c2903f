//! Every layout is recognised in its own tree, and pairs as its rule says.

use super::*;

fn assert_found(files: &[&str], expected: &[&str]) {
    let folder = plant(files);
    let report = look(folder.path()).unwrap();
    assert_eq!(lines(&report), expected, "{files:?}");
    assert_eq!(report.unknown, Vec::<PathBuf>::new(), "{files:?}");
}

#[test]
fn clean_sets_are_recognised_in_every_layout() {
    assert_found(
        &[
            "BSDS500/data/images/train/100075.jpg",
            "BSDS500/data/images/train/Thumbs.db",
            "BSDS500/data/images/test/2018.jpg",
            "BSDS500/data/images/val/101085.jpg",
            "BSDS500/data/images/val/3096.jpg",
            "BSDS500/data/groundTruth/train/100075.mat",
        ],
        &["bsd400/train bsds500: 2; decoy"],
    );
    assert_found(&["BSD400/2018.jpg"], &["bsd400/train bsd-flat: 1"]);
    assert_found(
        &[
            "Denoise/a247012.jpg",
            "Denoise/2018.jpg",
            "Denoise/00001.bmp",
            "Denoise/04744.BMP",
            "Denoise/x.jpg",
        ],
        &["bsd400/train bsd-flat: 2; stray", "wed/train wed-flat: 2"],
    );
    assert_found(&["pristine_images/00081.bmp"], &["wed/train wed-flat: 1"]);
    assert_found(
        &["CBSD68/101085.png", "CBSD68/3096.png"],
        &["cbsd68/test bsd68-flat: 2"],
    );
    assert_found(&["denoise/bsd68/3096.jpg"], &["cbsd68/test bsd68-flat: 1"]);
    assert_found(
        &["original_png/0000.png", "original_png/0067.png", "noisy25/0000.png"],
        &["cbsd68/test bsd68-numbered: 2; decoy"],
    );
    assert_found(
        &[
            "Urban100/image_SRF_4/img_001_SRF_4_HR.png",
            "Urban100/image_SRF_4/img_001_SRF_4_LR.png",
            "Urban100/image_SRF_2/img_001_SRF_2_HR.png",
        ],
        &["urban100/test selfexsr: 1; decoy decoy"],
    );
    assert_found(
        &["urban100/img_001.png", "urban100/img_100.png"],
        &["urban100/test urban-flat: 2"],
    );
    assert_found(&["any/kodim01.png", "any/kodim24.png"], &["kodak24/full kodak-flat: 2"]);
}

#[test]
fn the_crops_of_kodak_and_the_whole_photographs_are_two_splits() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("kodim01.png"), 500, 500);
    write(&folder.path().join("kodim02.png"), 768, 512);
    let report = look(folder.path()).unwrap();
    assert_eq!(
        lines(&report),
        ["kodak24/test kodak-flat: 1", "kodak24/full kodak-flat: 1"]
    );
}

#[test]
fn hazy_sets_are_recognised_and_paired_by_the_number_before_the_first_dash() {
    let ots = [
        "OTS/haze/part1/0025_0.8_0.04.jpg",
        "OTS/haze/part1/0025_1_0.06.jpg",
        "OTS/haze/part2/0039_0.8_0.04.jpg",
        "OTS/clear/clear/0025.jpg",
        "OTS/clear/clear/0039.jpg",
    ];
    assert_found(&ots, &["reside/train reside-ots: 3"]);
    let promptir = [
        "Dehaze/synthetic/part1/0025_0.8_0.04.jpg",
        "Dehaze/synthetic/part1/0025_0.8_0.06.jpg",
        "Dehaze/original/0025.png",
    ];
    assert_found(&promptir, &["reside/train promptir-dehaze: 2"]);
    let its = [
        "ITS/hazy/1_1_0.90179.png",
        "ITS/hazy/1_10_0.97842.png",
        "ITS/clear/1.png",
    ];
    assert_found(&its, &["reside/indoor reside-its: 2"]);
    let sots = ["SOTS/outdoor/hazy/0001_0.8_0.2.jpg", "SOTS/outdoor/gt/0001.png"];
    assert_found(&sots, &["sots/test sots-outdoor: 1"]);
    let trainers = ["dehaze/input/0001_0.8_0.2.jpg", "dehaze/target/0001.png"];
    assert_found(&trainers, &["sots/test promptir-dehaze-test: 1"]);
    let folder = plant(&promptir);
    assert_eq!(
        pairs(&look(folder.path()).unwrap().found[0], folder.path()),
        [
            "0025_0.8_0.04 = Dehaze/original/0025.png < Dehaze/synthetic/part1/0025_0.8_0.04.jpg",
            "0025_0.8_0.06 = Dehaze/original/0025.png < Dehaze/synthetic/part1/0025_0.8_0.06.jpg",
        ]
    );
}

#[test]
fn the_indoor_test_set_pairs_with_its_border_and_with_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join("indoor").join(name);
    write(&at("hazy/1400_1.png"), 20, 10);
    write(&at("hazy/1400_2.png"), 21, 10);
    write(&at("gt/1400.png"), 40, 30);
    let report = look(folder.path()).unwrap();
    assert_eq!(lines(&report), ["sots/indoor sots-indoor: 1; odd-size"]);
    assert_eq!(report.found[0].pairs[0].border, 10);
}

#[test]
fn rain100l_is_recognised_in_every_layout_and_its_pictures_have_one_name() {
    assert_found(
        &["Rain100L/rain-001.png", "Rain100L/norain-001.png"],
        &["rain100l/test rain-flat: 1"],
    );
    assert_found(
        &["RainTrainL/rain-1.png", "RainTrainL/norain-1.png"],
        &["rain100l/train rain-flat: 1"],
    );
    assert_found(
        &["Derain/rainy/rain-1.png", "Derain/gt/norain-1.png"],
        &["rain100l/train rain-folders: 1"],
    );
    assert_found(
        &["rain/norain-056.png", "norain/norain-056.png"],
        &["rain100l/test rain-folders: 1"],
    );
    assert_found(
        &["rain/X2/norain-001x2.png", "norain/norain-001.png"],
        &["rain100l/test rain-folders: 1"],
    );
    assert_found(
        &["derain/input/1.png", "derain/target/1.png"],
        &["rain100l/test rain13k: 1"],
    );
    let folder = plant(&[
        "a/Rain100L/rain-001.png",
        "a/Rain100L/norain-001.png",
        "b/Rain100L/input/1.png",
        "b/Rain100L/target/1.png",
        "b/Rain100L/input/2.png",
        "b/Rain100L/target/2.png",
    ]);
    let report = look(folder.path()).unwrap();
    assert_eq!(
        lines(&report),
        ["rain100l/test rain13k: 2", "rain100l/test rain-flat: 1"]
    );
    assert_eq!(
        report.found[1].repeats,
        ["001"],
        "the less complete copy names what the other has"
    );
    assert_eq!(report.found[1].own_pairs().count(), 0);
}

#[test]
fn the_three_forms_of_gopro_names_are_one_name() {
    let archive = [
        "GOPRO_Large/train/GOPR0372_07_00/blur/000047.png",
        "GOPRO_Large/train/GOPR0372_07_00/sharp/000047.png",
        "GOPRO_Large/train/GOPR0372_07_00/blur_gamma/000047.png",
        "GOPRO_Large/test/GOPR0384_11_00/blur/000001.png",
        "GOPRO_Large/test/GOPR0384_11_00/sharp/000001.png",
    ];
    assert_found(
        &archive,
        &["gopro/train gopro-archive: 1; decoy", "gopro/test gopro-archive: 1"],
    );
    let restormer = ["input/GOPR0384_11_00-000001.png", "target/GOPR0384_11_00-000001.png"];
    assert_found(&restormer, &["gopro/test gopro-flat: 1"]);
    let adair = [
        "Deblur/blur/GOPR0372_07_00_000047.png",
        "Deblur/sharp/GOPR0372_07_00_000047.png",
    ];
    assert_found(&adair, &["gopro/train gopro-flat: 1"]);
    let unnamed = ["GoPro-unnamed/blur/blur_01.png", "GoPro-unnamed/sharp/sharp_01.png"];
    assert_found(&unnamed, &["gopro/test gopro-unnamed: 1"]);
    let names = [
        &archive[3..],
        &restormer,
        &["input/GOPR0384_11_00_000001.png", "target/GOPR0384_11_00_000001.png"],
    ]
    .map(|files| {
        let folder = plant(files);
        look(folder.path()).unwrap().found[0].pairs[0].name.clone()
    });
    assert_eq!(names, ["GOPR0384_11_00-000001"; 3]);
}

#[test]
fn low_light_and_underwater_sets_are_recognised() {
    let archive = [
        "our485/low/2.png",
        "our485/high/2.png",
        "eval15/low/1.png",
        "eval15/high/1.png",
    ];
    assert_found(&archive, &["lol/train lol-archive: 1", "lol/test lol-archive: 1"]);
    assert_found(&["Enhance/low/2.png", "Enhance/gt/2.png"], &["lol/train lol-pairs: 1"]);
    assert_found(&["lol/input/1.png", "lol/target/1.png"], &["lol/test lol-pairs: 1"]);
    assert_found(
        &[
            "UIEB/raw-890/1_img_.png",
            "UIEB/reference-890/1_img_.png",
            "UIEB/challenging-60/58.png",
        ],
        &["uieb/test uieb-archive: 1", "c60/test challenging-60: 0"],
    );
    assert_found(
        &["raw/1_img_.png", "reference/1_img_.png"],
        &["uieb/test uieb-archive: 1"],
    );
    let folder = plant(&["challenging-60/58.png"]);
    let report = look(folder.path()).unwrap();
    assert_eq!((report.found[0].count(), report.found[0].official), (1, Some(60)));
}

#[test]
fn a_part_of_a_dataset_may_be_given_alone() {
    let folder = plant(&[
        "BSDS500/data/images/train/100075.jpg",
        "SOTS/outdoor/hazy/0001_0.8_0.2.jpg",
        "SOTS/outdoor/gt/0001.png",
        "LOLdataset/eval15/low/1.png",
        "LOLdataset/eval15/high/1.png",
    ]);
    let at = |inner: &str| lines(&look(&folder.path().join(inner)).unwrap());
    assert_eq!(at("BSDS500/data/images/train"), ["bsd400/train bsds500: 1"]);
    assert_eq!(at("SOTS/outdoor"), ["sots/test sots-outdoor: 1"]);
    assert_eq!(at("SOTS/outdoor/hazy"), ["sots/test sots-outdoor: 0; widow"]);
    assert_eq!(at("LOLdataset/eval15"), ["lol/test lol-archive: 1"]);
    let sides = ["SOTS/outdoor/gt", "SOTS/outdoor/hazy"].map(|side| folder.path().join(side));
    let both = scan(&sides, &ScanOptions::default(), &|_| None).unwrap();
    assert_eq!(
        lines(&both),
        ["sots/test sots-outdoor: 1"],
        "two folders given side by side are partners"
    );
}
