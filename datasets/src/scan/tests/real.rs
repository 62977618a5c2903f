//! Genuine files in the layouts that people have them in, with the flaws of real downloads.

use super::*;

#[test]
fn every_dataset_is_found_with_its_counts_and_flaws_on_real_pictures() {
    let Some(folder) = std::env::var_os("PERCEIVE_PICTURES").map(PathBuf::from) else {
        println!("skipped: PERCEIVE_PICTURES is not set");
        return;
    };
    let report = look(&folder).unwrap();
    let counted: Vec<String> = report
        .found
        .iter()
        .map(|found| {
            let root = found.root.strip_prefix(&folder).unwrap().display();
            let mut kinds: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
            for problem in &found.problems {
                *kinds.entry(problem.word()).or_default() += 1;
            }
            format!("{root} {}/{} {} {kinds:?}", found.dataset, found.split, found.count())
        })
        .collect();
    let expected = [
        "BSDS500/data/images bsd400/train 400 {}",
        "BSD400 bsd400/train 1 {}",
        "exploration_database_and_code/pristine_images wed/train 6 {}",
        "ITS_v2 reside/indoor 4 {}",
        "RainTrainL rain100l/train 1 {}",
        "test/Rain100L rain100l/test 3 {}",
        "Rain100L rain100l/test 2 {\"widow\": 1}",
        "GoPro-unnamed gopro/test 3 {}",
        "GOPRO_Large/test/GOPR0384_11_00 gopro/test 1 {\"widow\": 4}",
        "LOLdataset/our485/low lol/train 0 {\"widow\": 10}",
        "LOLdataset/eval15/low lol/test 0 {\"widow\": 7}",
        "CBSD68 cbsd68/test 68 {}",
        "Urban100/image_SRF_4 urban100/test 3 {\"decoy\": 1}",
        "Kodak24 kodak24/test 24 {}",
        "Kodak24-full kodak24/full 2 {}",
        "SOTS/outdoor sots/test 2 {\"widow\": 5}",
        "SOTS/indoor sots/indoor 4 {}",
        "UIEB/raw-890 uieb/test 0 {\"widow\": 4}",
    ];
    assert_eq!(counted, expected);
    let unknown: Vec<&Path> = report
        .unknown
        .iter()
        .map(|path| path.strip_prefix(&folder).unwrap())
        .collect();
    assert_eq!(unknown, ["LSUI", "Water-Net/test_real", "test/Rain100H"].map(Path::new));
    assert!(report.skipped.is_empty());
}

#[test]
fn every_picture_decodes_whole_on_real_pictures() {
    let Some(folder) = std::env::var_os("PERCEIVE_PICTURES").map(PathBuf::from) else {
        println!("skipped: PERCEIVE_PICTURES is not set");
        return;
    };
    let report = look(&folder).unwrap();
    // The large ones take minutes on a small machine; one set of each format stands for all.
    let chosen = [
        "CBSD68",
        "BSDS500/data/images/test",
        "exploration_database_and_code",
        "SOTS/outdoor",
    ];
    let pictures = report.found.iter().flat_map(|found| &found.pictures);
    let pictures: Vec<&PictureFile> = pictures
        .filter(|picture| chosen.iter().any(|part| picture.path.starts_with(folder.join(part))))
        .collect();
    assert!(pictures.len() >= 68 + 200 + 6 + 9);
    let paths: Vec<PathBuf> = pictures.iter().map(|picture| picture.path.clone()).collect();
    for verified in verify(&paths, &|_| {}) {
        assert!(verified.result.is_ok(), "{verified:?}");
    }
    for picture in &pictures[..40] {
        let read = crate::picture::Picture::open(&picture.path).unwrap();
        assert_eq!((read.width as u32, read.height as u32), (picture.width, picture.height));
    }
}

#[test]
fn the_published_lists_name_pictures_that_pair_on_real_pictures() {
    let Some(folder) = std::env::var_os("PERCEIVE_PICTURES").map(PathBuf::from) else {
        println!("skipped: PERCEIVE_PICTURES is not set");
        return;
    };
    let list = |name: &str| std::fs::read_to_string(folder.join("lists").join(name)).unwrap();
    let root = PathBuf::from("/data/Train");
    let mut files: Vec<PathBuf> = list("denoise.txt")
        .lines()
        .map(|line| root.join("Denoise").join(line))
        .collect();
    let rain = list("rainTrain.txt");
    files.extend(rain.lines().map(|line| root.join("Derain").join(line)));
    files.extend(
        rain.lines()
            .map(|line| root.join("Derain").join(line.replace("rainy/rain-", "gt/norain-"))),
    );
    let haze = list("hazy_outside.txt");
    let clear: HashSet<&str> = haze
        .lines()
        .filter_map(|line| line.rsplit('/').next()?.split('_').next())
        .collect();
    files.extend(haze.lines().map(|line| root.join("Dehaze").join(line)));
    files.extend(
        clear
            .iter()
            .map(|number| root.join(format!("Dehaze/original/{number}.jpg"))),
    );
    let tree = Tree::new(&[root], files);
    let claims = recognise::recognise(&tree, None).unwrap();
    let all = Known {
        size: 1,
        mtime_ns: 1,
        width: 9,
        height: 9,
    };
    let headers = tree
        .ids()
        .flat_map(|folder| tree.pictures(folder))
        .map(|(file, _)| (file, Ok(all)))
        .collect();
    let leftovers = Leftovers::new(&tree, &claims);
    assert_eq!(leftovers.unknown, Vec::<PathBuf>::new());
    assert_eq!(leftovers.strays.concat(), Vec::<Problem>::new());
    let found = in_order(
        claims
            .into_iter()
            .flat_map(|claimed| pairing::found(&tree, claimed, &headers))
            .collect(),
    );
    for found in &found {
        assert_eq!(found.official, Some(found.count()), "{}", found.dataset);
        assert!(found.problems.is_empty(), "{}", found.dataset);
    }
    let report = Report {
        found,
        ..Report::default()
    };
    assert_eq!(
        lines(&report),
        [
            "bsd400/train bsd-flat: 400",
            "wed/train wed-flat: 4744",
            "reside/train promptir-dehaze: 72135",
            "rain100l/train rain-folders: 200",
        ]
    );
}
