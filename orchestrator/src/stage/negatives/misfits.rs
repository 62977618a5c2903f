//! Whether the files that were found for some pictures are all there, each its own, whole and of the right size.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use perceive_datasets::picture::probe;
use rayon::prelude::*;

use crate::{
    failure::{Exit, Failure},
    stage::pairs::{Pair, Set},
};

/// The files of all pictures that were asked for.
#[derive(Debug)]
pub struct Fit {
    /// In the order in which they were asked for.
    pub files: Vec<PathBuf>,
    /// What nobody asked for, from the folder.
    pub extra: Vec<PathBuf>,
}

/// Everything that is wrong, counted and line by line.
#[derive(Default)]
struct Misfits {
    counts: Vec<String>,
    lines: Vec<String>,
}

impl Misfits {
    fn add(&mut self, what: &str, word: &str, told: Vec<String>) {
        if !told.is_empty() {
            self.counts.push(format!("{} {what}", told.len()));
            self.lines.extend(told.iter().map(|told| format!("  {word:9} {told}")));
        }
    }
}

/// Looks at what was found. `found`: for each wanted picture the place of its file among the `files` of `folder`.
///
/// # Errors
/// [`Exit::Pictures`] with everything that is wrong at once, and with what nobody asked for.
pub fn fit(
    folder: &Path,
    files: &[PathBuf],
    wanted: &[(&Set, &Pair)],
    found: &[Option<usize>],
) -> Result<Fit, Failure> {
    let mut misfits = Misfits::default();
    let name = |place: usize| format!("{}/{}", wanted[place].0.folder(), wanted[place].1.name);
    let missing = (0..wanted.len()).filter(|place| found[*place].is_none());
    misfits.add("missing", "missing", missing.map(name).collect());

    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    let mut shared = Vec::new();
    for (place, file) in found.iter().enumerate() {
        if let Some(file) = file
            && let Some(other) = taken.insert(*file, place)
        {
            let file = files[*file].display();
            shared.push(format!("{file} for {} and {}", name(other), name(place)));
        }
    }
    misfits.add("wanted for two", "shared", shared);

    let odd: Vec<Result<String, String>> = found
        .par_iter()
        .zip(wanted)
        .filter_map(|(file, (_, pair))| {
            let file = &files[(*file)?];
            let told = odd(&folder.join(file), &pair.degraded)?;
            let with_name = |what: String| format!("{} {what}", file.display());
            Some(told.map(with_name).map_err(with_name))
        })
        .collect();
    let of_size = odd.iter().filter_map(|told| told.clone().ok());
    misfits.add("of another size", "size", of_size.collect());
    misfits.add("broken", "broken", odd.into_iter().filter_map(Result::err).collect());

    let used: BTreeSet<usize> = taken.into_keys().collect();
    let extra = (0..files.len()).filter(|file| !used.contains(file));
    let extra: Vec<PathBuf> = extra.map(|file| files[file].clone()).collect();
    if misfits.counts.is_empty() {
        let files = found.iter().flatten().map(|file| folder.join(&files[*file]));
        return Ok(Fit {
            files: files.collect(),
            extra,
        });
    }
    let told = extra.iter().map(|file| file.display().to_string());
    misfits.add("extra", "extra", told.collect());
    Err(failure(folder, wanted, &misfits))
}

/// What is odd about a restored picture: `Ok` its size, `Err` that it cannot be read.
fn odd(restored: &Path, degraded: &Path) -> Option<Result<String, String>> {
    let (width, height) = match probe(restored) {
        Ok(size) => size,
        Err(error) => return Some(Err(format!("is broken: {}", error.reason()))),
    };
    // A degraded picture that cannot be read is told when it is measured.
    let (right_width, right_height) = probe(degraded).ok()?;
    let is_right = (width, height) == (right_width, right_height);
    (!is_right).then(|| Ok(format!("is {width}x{height}, not {right_width}x{right_height}")))
}

fn failure(folder: &Path, wanted: &[(&Set, &Pair)], misfits: &Misfits) -> Failure {
    let (counts, lines) = (misfits.counts.join(", "), misfits.lines.join("\n"));
    let text = format!("the pictures in {} do not fit: {counts}\n{lines}", folder.display());
    let of_sets: BTreeMap<String, &Path> = wanted
        .iter()
        .map(|(set, pair)| (set.folder(), pair.degraded.parent().unwrap_or(Path::new(""))))
        .collect();
    let places = of_sets.into_iter().map(|(set, degraded)| {
        let place = folder.join(set);
        format!("\n{}: those of {}", place.display(), degraded.display())
    });
    let rule =
        "restored pictures keep the names and sizes of the degraded ones (a single set needs no subfolder of its name)";
    Failure::new(Exit::Pictures, text).help(rule.to_string() + &places.collect::<String>())
}
