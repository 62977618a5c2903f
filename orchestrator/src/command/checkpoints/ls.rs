//! `perceive-ir checkpoints ls RUN|KEY`: what there is to go on from.

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

use perceive_model::weights::Checkpoint;

use super::artefact_key;
use crate::{
    database::Database,
    failure::Failure,
    home::Home,
    show::{Cell, Format, Table, Talk},
    stage::train::{course::Course, folder::Folder},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A run's id, or the key of what it makes, or the beginning of one; or a case as experiment/case[#seed][@scale].
    #[arg(value_name = "RUN|CASE|KEY")]
    name: String,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(args: &Args, home: &Home, talk: Talk) -> Result<(), Failure> {
    let database = Database::open_read_only(home)?;
    let key = artefact_key(home, &database, &args.name)?;
    let folder = Folder::of(&home.work_of(&key));
    let steps = folder.steps()?;
    if steps.is_empty() {
        let why = if home.artefact(&key).exists() {
            "is whole: its training left no state behind"
        } else {
            "has no checkpoints"
        };
        talk.say(format!("{key} {why}"));
    }
    let mut table = Table::new(["step", "state", "validation_psnr", "saved", "bytes", "path"]);
    for step in steps {
        let path = folder.file(step);
        let state = match folder.read(step) {
            Ok(_) => "whole".to_string(),
            Err(error) => error.to_string(),
        };
        let scores = Checkpoint::remarks(&path).map(|remarks| Course::scores_of(&remarks));
        let score = scores.unwrap_or_default().into_iter().find(|score| score.step == step);
        let about = std::fs::metadata(&path).ok();
        table.push([
            Cell::Whole(step as i64),
            Cell::text(state),
            score.map_or(Cell::None, |score| Cell::Number(score.psnr, 3)),
            about.as_ref().and_then(saved_at).map_or(Cell::None, Cell::Time),
            about.map_or(Cell::None, |about| Cell::Whole(about.len() as i64)),
            Cell::text(path.display().to_string()),
        ]);
    }
    table.print(args.format)
}

/// Milliseconds since the Unix epoch.
fn saved_at(about: &Metadata) -> Option<i64> {
    let since = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_millis() as i64)
}
