//! The same test pictures as each side restored them: one sheet a test set, the pictures that differ most on top.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use perceive_datasets::picture::Picture;

use super::side::Side;
use crate::database::Database;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::sheet::{Cell, Row, contact_sheet};
use crate::show::Talk;
use crate::stage::context::create_folder;
use crate::stage::evaluate::{self, Evaluate};
use crate::stage::medium::RESTORED;
use crate::stage::pairs::{Pair, file_name, png_name};

/// Pictures are shown at most this wide and high.
const CELL: usize = 320;

/// One side's evaluation of one test set.
struct Evaluated<'a> {
    key: &'a str,
    job: &'a Evaluate,
    /// PSNR and SSIM of each restored picture.
    numbers: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Writes `FOLDER/TEST.png` for every test set that all sides have.
pub fn write(
    database: &Database,
    home: &Home,
    sides: &[Side],
    folder: &Path,
    rows: usize,
    talk: Talk,
) -> Result<(), Failure> {
    create_folder(folder)?;
    let mut written = 0;
    for (_, first) in &sides[0].evaluations {
        let label = &first.set.label;
        let same = sides
            .iter()
            .map(|side| side.evaluations.iter().find(|(_, job)| job.set.label == *label));
        let Some(same) = same.collect::<Option<Vec<_>>>() else {
            talk.say(format!(
                "{label}: not evaluated on every side, so there is no sheet of it"
            ));
            continue;
        };
        let evaluated = same
            .into_iter()
            .map(|(key, job)| evaluated(database, key, job))
            .collect::<Result<Vec<_>, Failure>>()?;
        let (rows, others) = self::rows(home, &evaluated, rows)?;
        if others {
            Talk::warn(format!(
                "{label}: not every side was tested on the same pictures (another seed?); only those with the same clean \
                 picture are shown, degraded as the first side had them"
            ));
        }
        if rows.is_empty() {
            talk.say(format!("{label}: no picture in common, so there is no sheet of it"));
            continue;
        }
        let mut columns = vec!["degraded"];
        columns.extend(sides.iter().map(|side| side.name.as_str()));
        columns.push("clean");
        let title = format!("{label}: {} sides, PSNR in dB and SSIM on RGB", sides.len());
        let path = folder.join(format!("{}.png", file_name(label)));
        contact_sheet(&rows, &columns, &title, CELL).save_png(&path)?;
        talk.say(format!("{label}: {}", path.display()));
        written += 1;
    }
    if written > 0 {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Pictures,
        "the sides have no evaluated picture in common, so there is no sheet",
    )
    .help("compare runs of the stages restore or evaluate, or cases that are evaluated on the same tests"))
}

fn evaluated<'a>(database: &Database, key: &'a str, job: &'a Evaluate) -> Result<Evaluated<'a>, Failure> {
    let mut numbers: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for row in database.evaluations_of_artefact(key)? {
        if row.tier == "restored" {
            numbers.entry(row.picture).or_default().insert(row.metric, row.value);
        }
    }
    Ok(Evaluated { key, job, numbers })
}

/// The pictures that every side has restored, those of the largest difference in PSNR first; and whether a side had others
/// of the same name.
fn rows(home: &Home, sides: &[Evaluated], limit: usize) -> Result<(Vec<Row>, bool), Failure> {
    let first = &sides[0].job.set.listing;
    let pairs = first.read_in(home)?;
    // Scenes and noise follow the seed: a name alone does not make two pictures the same.
    let mut elsewhere = Vec::new();
    for listing in sides
        .iter()
        .map(|side| &side.job.set.listing)
        .filter(|listing| *listing != first)
    {
        let clean = listing.read_in(home)?.into_iter().map(|pair| (pair.name, pair.clean));
        elsewhere.push(clean.collect::<BTreeMap<String, PathBuf>>());
    }
    let mut common: Vec<(f64, Pair)> = pairs
        .into_iter()
        .filter(|pair| {
            elsewhere
                .iter()
                .all(|clean| clean.get(&pair.name).is_some_and(|other| alike(other, &pair.clean)))
        })
        .filter_map(|pair| {
            let psnr = sides.iter().map(|side| side.psnr(&pair.name));
            Some((spread(&psnr.collect::<Option<Vec<_>>>()?), pair))
        })
        .collect();
    common.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
    common.truncate(limit);
    let shown = common.into_iter().map(|(_, pair)| {
        let (clean, degraded) = evaluate::open(&pair)?;
        let plain = |picture| Cell {
            caption: String::new(),
            picture,
        };
        let mut cells = vec![plain(degraded)];
        for side in sides {
            let restored = home.artefact(side.key).join(RESTORED).join(png_name(&pair.name));
            cells.push(Cell {
                caption: side.caption(&pair.name),
                picture: Picture::open(&restored)?,
            });
        }
        cells.push(plain(clean));
        Ok(Row {
            label: pair.name,
            cells,
        })
    });
    Ok((shown.collect::<Result<_, Failure>>()?, !elsewhere.is_empty()))
}

/// Whether two files hold the same bytes.
fn alike(one: &Path, other: &Path) -> bool {
    one == other || matches!((std::fs::read(one), std::fs::read(other)), (Ok(a), Ok(b)) if a == b)
}

impl Evaluated<'_> {
    fn psnr(&self, picture: &str) -> Option<f64> {
        self.numbers.get(picture)?.get("psnr_rgb").copied()
    }

    fn caption(&self, picture: &str) -> String {
        let psnr = self.psnr(picture).map(|psnr| format!("{psnr:.2} dB"));
        let ssim = self.numbers.get(picture).and_then(|numbers| numbers.get("ssim_rgb"));
        let ssim = ssim.map(|ssim| format!("{ssim:.4}"));
        psnr.into_iter().chain(ssim).collect::<Vec<_>>().join("  ")
    }
}

/// From the smallest to the largest.
fn spread(numbers: &[f64]) -> f64 {
    let smallest = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest - smallest
}
