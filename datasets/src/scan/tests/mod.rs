//! Scans of planted trees: every layout, every trap of the data, the user's own pictures, and the real pictures.

mod layouts;
mod own;
mod real;
mod traps;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::*;

/// A folder with these files, each a whole picture of 8x6 pixels (the ending is the name's, the content a PNG).
fn plant(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        write(&folder.path().join(file), 8, 6);
    }
    folder
}

fn write(path: &Path, width: usize, height: usize) {
    static SMALL: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = |width, height| {
        let mut bytes = Vec::new();
        let picture = image::RgbImage::new(width as u32, height as u32);
        picture
            .write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png)
            .unwrap();
        bytes
    };
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    if (width, height) == (8, 6) {
        std::fs::write(path, SMALL.get_or_init(|| bytes(8, 6))).unwrap();
    } else {
        std::fs::write(path, bytes(width, height)).unwrap();
    }
}

fn look(path: &Path) -> Result<Report, ScanError> {
    scan(&[path.to_path_buf()], &ScanOptions::default(), &|_| None)
}

fn look_for(path: &Path, dataset: &str) -> Result<Report, ScanError> {
    let options = ScanOptions {
        dataset: Some(dataset.to_owned()),
    };
    scan(&[path.to_path_buf()], &options, &|_| None)
}

/// `dataset/split layout: pairs; problems in words, ascending`.
fn lines(report: &Report) -> Vec<String> {
    let line = |found: &Found| {
        let mut words: Vec<&str> = found.problems.iter().map(Problem::word).collect();
        words.sort_unstable();
        let head = format!(
            "{}/{} {}: {}",
            found.dataset,
            found.split,
            found.layout,
            found.pairs.len()
        );
        if words.is_empty() {
            head
        } else {
            format!("{head}; {}", words.join(" "))
        }
    };
    report.found.iter().map(line).collect()
}

/// `name = clean < degraded` of each pair, paths relative to the folder.
fn pairs(found: &Found, folder: &Path) -> Vec<String> {
    let short = |path: &PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
    let line = |pair: &PairFile| {
        let degraded = pair.degraded.as_ref().map(|path| format!(" < {}", short(path)));
        format!("{} = {}{}", pair.name, short(&pair.clean), degraded.unwrap_or_default())
    };
    found.pairs.iter().map(line).collect()
}
