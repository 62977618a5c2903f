//! Levels beside those that Pillow gave (`tests/pillow`), crops beside the whole, and broken files.

use std::path::PathBuf;

use proptest::prelude::*;

use super::super::decode::tests::{jpeg, with_orientation};
use super::*;

/// The files of `tests/pillow` with this ending.
fn pillow(ending: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/pillow");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|other| other == ending))
        .collect();
    assert!(!files.is_empty());
    files
}

fn bytes(name: &str) -> Vec<u8> {
    let paths = pillow("jpg");
    let path = paths
        .iter()
        .find(|path| path.file_stem().is_some_and(|stem| stem == name))
        .unwrap();
    std::fs::read(path).unwrap()
}

/// Rectangles of all sizes at all places.
fn rectangles((width, height): (usize, usize), count: usize) -> impl Iterator<Item = Rectangle> {
    (0..count).map(move |i| {
        let (w, h) = (1 + (i * 31 + 6) % width, 1 + (i * 17 + 4) % height);
        let (x, y) = ((i * 101) % (width - w + 1), (i * 77) % (height - h + 1));
        Rectangle {
            x,
            y,
            width: w,
            height: h,
        }
    })
}

fn agree_with_the_whole(jpeg: &Jpeg, count: usize, name: &str) {
    let (whole, index) = (jpeg.decode().unwrap(), jpeg.index().unwrap());
    for part in rectangles(jpeg.size(), count) {
        let crop = jpeg.crop(part, &index).unwrap();
        assert_eq!(
            crop,
            whole.crop(part.x, part.y, part.width, part.height),
            "{name}: {part:?}"
        );
    }
}

#[test]
fn levels_are_those_of_pillow_for_every_kind_that_is_read() {
    for path in pillow("jpg") {
        let expected = Picture::open(&path.with_extension("png")).unwrap();
        let content = std::fs::read(&path).unwrap();
        let read = Jpeg::read(&content).unwrap().decode().unwrap();
        assert_eq!((read.width, read.height), (expected.width, expected.height));
        let apart = read.rgb.iter().zip(&expected.rgb).filter(|(a, b)| a != b).count();
        assert_eq!(
            apart,
            0,
            "{}: {apart} of {} levels differ",
            path.display(),
            read.rgb.len()
        );
    }
}

#[test]
fn every_instruction_set_gives_the_same_levels() {
    for path in pillow("jpg") {
        let content = std::fs::read(&path).unwrap();
        let jpeg = Jpeg::read(&content).unwrap();
        let ((width, height), (x, y)) = (jpeg.size(), (0, 0));
        let portable = jpeg.rectangle_here(Rectangle { x, y, width, height }, None);
        assert_eq!(portable, jpeg.decode(), "{}", path.display());
    }
}

#[test]
fn a_crop_is_that_part_of_the_whole() {
    for path in pillow("jpg") {
        let content = std::fs::read(&path).unwrap();
        agree_with_the_whole(&Jpeg::read(&content).unwrap(), 300, &path.display().to_string());
    }
}

#[test]
fn a_crop_is_that_part_of_the_whole_on_real_pictures() {
    let Some(folder) = std::env::var_os("PERCEIVE_PICTURES") else {
        println!("skipped: PERCEIVE_PICTURES is not set");
        return;
    };
    let mut seen = 0;
    for folder in
        ["BSDS500/data/images/test", "SOTS/outdoor/hazy", "LSUI/GT"].map(|part| PathBuf::from(&folder).join(part))
    {
        for entry in std::fs::read_dir(folder).unwrap().take(20) {
            let path = entry.unwrap().path();
            let content = std::fs::read(&path).unwrap();
            if path.extension().is_some_and(|ending| ending == "jpg") && is_whole(&content) {
                agree_with_the_whole(&Jpeg::read(&content).unwrap(), 10, &path.display().to_string());
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "only {seen} JPEGs");
}

#[test]
fn other_kinds_are_left_to_the_library() {
    for path in pillow("jpeg") {
        let content = std::fs::read(&path).unwrap();
        assert!(Jpeg::read(&content).is_none(), "{}", path.display());
        let by_library = Picture::decode(&content, &path).unwrap();
        let sequential = Jpeg::read(&bytes("full")).unwrap().decode().unwrap();
        assert_eq!(
            (by_library.width, by_library.height),
            (sequential.width, sequential.height)
        );
    }
}

#[test]
fn the_orientation_is_told_and_the_stored_picture_decoded() {
    let plain = jpeg(&image::RgbImage::from_fn(32, 16, |x, y| {
        image::Rgb([x as u8 * 7, y as u8 * 9, 30])
    }));
    let turned = with_orientation(&plain, 6);
    let (plain, turned) = (Jpeg::read(&plain).unwrap(), Jpeg::read(&turned).unwrap());
    assert_eq!(turned.orientation(), Orientation::Rotate90);
    assert_eq!(plain.decode().unwrap(), turned.decode().unwrap());
}

#[test]
fn data_that_end_early_are_no_picture_and_have_no_index() {
    for name in ["half", "full_restarts", "grey"] {
        let whole = bytes(name);
        let data = Jpeg::read(&whole).unwrap().header.data;
        for length in (data..whole.len() - 4).step_by(7) {
            let is_refused =
                Jpeg::read(&whole[..length]).is_none_or(|jpeg| jpeg.decode().is_none() && jpeg.index().is_none());
            assert!(is_refused, "{name} of {length} bytes");
        }
        for length in 0..data {
            assert!(Jpeg::read(&whole[..length]).is_none(), "{name} of {length} bytes");
        }
    }
}

#[test]
fn a_size_that_the_data_cannot_hold_is_not_believed() {
    let mut content = bytes("half");
    let frame = content.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    content[frame + 5..frame + 9].fill(0xff);
    assert!(Jpeg::read(&content).is_none());
}

proptest! {
    #[test]
    fn no_content_is_the_end_of_the_program(
        name in prop::sample::select(vec!["half", "half_restarts", "full", "half_width", "grey", "fine"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut content = bytes(name);
        let sound = Jpeg::read(&content).and_then(|jpeg| jpeg.index()).unwrap();
        for (at, byte) in changes {
            let at = at.index(content.len());
            content[at] = byte;
        }
        if let Some(jpeg) = Jpeg::read(&content) {
            let (width, height) = jpeg.size();
            // Only what a few megabytes hold.
            if width * height < 1 << 20 {
                let _ = (jpeg.decode(), jpeg.index());
                for part in rectangles((width, height), 3) {
                    let _ = jpeg.crop(part, &sound);
                }
            }
        }
    }
}
